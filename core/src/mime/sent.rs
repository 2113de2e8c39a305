//! When a message was sent, by its own word.

use super::index::MessageIndex;
use crate::wire::date;

impl MessageIndex {
    /// The moment of the `Date` field, in seconds since 1970; `None` if there is none that can be read (RFC 5322, 3.6.1).
    ///
    /// Read from ENVELOPE, whose first string is the field's value.
    pub fn sent_s(&self) -> Option<i64> {
        let envelope = &self.parts.first()?.message.as_ref()?.envelope;
        date::rfc5322(&first_string(envelope.strip_prefix(b"(")?)?).map(|sent| sent.unix_s)
    }
}

/// The value of the `nstring` (RFC 3501, 9) that `text` begins with; `None` for NIL.
fn first_string(text: &[u8]) -> Option<Vec<u8>> {
    if let Some(quoted) = text.strip_prefix(b"\"") {
        let mut escaped = false;
        let inside = quoted.iter().take_while(|octet| {
            let ends = **octet == b'"' && !escaped;
            escaped = **octet == b'\\' && !escaped;
            !ends
        });
        return Some(inside.copied().collect());
    }
    let literal = text.strip_prefix(b"{")?;
    let digits = literal.iter().position(|octet| *octet == b'}')?;
    let length: usize = std::str::from_utf8(literal.get(..digits)?).ok()?.parse().ok()?;
    literal.get(digits + 3..)?.get(..length).map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use crate::mime::{Limits, Scanner};

    #[test]
    fn the_date_field_is_read() {
        for (header, want) in [
            (
                "Date: Tue, 3 Mar 2026 10:00:00 +0100\r\nSubject: x\r\n",
                Some(1_772_528_400),
            ),
            (
                "Subject: Date: 1 Jan 2026\r\ndate: 3 Mar 26 09:00 GMT (\"odd\\\")\r\n",
                Some(1_772_528_400),
            ),
            (
                "Date: 3 Mar 2026 09:00:00 +0000 (\u{e9})\r\n",
                Some(1_772_528_400),
            ),
            ("Date: soon\r\n", None),
            ("Subject: none\r\n", None),
            ("", None),
        ] {
            let mut scanner = Scanner::new(Limits::default());
            scanner.push(format!("{header}\r\nbody\r\n").as_bytes());
            assert_eq!(scanner.finish().sent_s(), want, "{header}");
        }
    }
}
