//! Who a message says it is from: the addresses of From (RFC 5322, 3.6.2), for whoever has to check them.
//!
//! Read off the finished ENVELOPE of the index, so that what is checked is what a client will be told.

use super::index::MessageIndex;

/// The most addresses of From that are looked at.
pub const AUTHORS_MAX: usize = 50;

/// The most octets of the field From. The index holds all addresses of a field of this length.
const FROM_OCTETS: u64 = 2000;

/// The addresses of From as local part, unquoted, and domain; groups are passed over. `None`: it cannot be told, because there is not
/// exactly one such field, or it is too long, or it holds no address or too many.
pub fn authors(index: &MessageIndex) -> Option<Vec<(String, String)>> {
    let root = index.parts.first()?;
    let mut from = root
        .fields()?
        .filter(|field| field.name.eq_ignore_ascii_case(b"From"));
    let field = from.next()?;
    let octets = field.range.end.saturating_sub(field.range.start);
    if from.next().is_some() || octets > FROM_OCTETS {
        return None;
    }
    let mut reader = Reader(root.root()?.envelope().strip_prefix(b"(")?);
    // Date and subject.
    reader.nstring()?;
    reader.nstring()?;
    let authors = reader.addresses()?;
    (1..=AUTHORS_MAX).contains(&authors.len()).then_some(authors)
}

/// Reads what [`super::quote`] writes.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    /// Whether this is next; it is taken if so.
    fn takes(&mut self, token: &[u8]) -> bool {
        let rest = self.0.strip_prefix(token);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn octet(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// A string or NIL, and the space behind it.
    fn nstring(&mut self) -> Option<Option<Vec<u8>>> {
        let value = if self.takes(b"NIL") {
            None
        } else if self.takes(b"\"") {
            Some(self.quoted()?)
        } else {
            Some(self.literal()?)
        };
        self.takes(b" ");
        Some(value)
    }

    fn quoted(&mut self) -> Option<Vec<u8>> {
        let mut value = Vec::new();
        loop {
            match self.octet()? {
                b'"' => return Some(value),
                b'\\' => value.push(self.octet()?),
                octet => value.push(octet),
            }
        }
    }

    fn literal(&mut self) -> Option<Vec<u8>> {
        let rest = self.0.strip_prefix(b"{")?;
        let end = rest.iter().position(|&octet| octet == b'}')?;
        let (digits, rest) = rest.split_at_checked(end)?;
        let octets = std::str::from_utf8(digits).ok()?.parse().ok()?;
        let (value, rest) = rest.strip_prefix(b"}\r\n")?.split_at_checked(octets)?;
        self.0 = rest;
        Some(value.to_vec())
    }

    /// `"(" 1*address ")" / nil` (RFC 3501, 9).
    fn addresses(&mut self) -> Option<Vec<(String, String)>> {
        let mut addresses = Vec::new();
        if !self.takes(b"(") {
            return Some(addresses);
        }
        while self.takes(b"(") {
            // Name and source route.
            self.nstring()?;
            self.nstring()?;
            let (mailbox, host) = (self.nstring()?, self.nstring()?);
            // Without a host a group begins or ends.
            if let Some((mailbox, host)) = mailbox.zip(host) {
                let text = |octets: Vec<u8>| String::from_utf8_lossy(&octets).into_owned();
                addresses.push((text(mailbox), text(host)));
            }
            self.takes(b")");
        }
        Some(addresses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mime::{Limits, Scanner};

    fn of(message: &str) -> Option<Vec<String>> {
        let mut scanner = Scanner::new(Limits::default());
        scanner.push(message.as_bytes());
        let authors = authors(&scanner.finish())?;
        let written = authors.iter().map(|(local, domain)| format!("{local}|{domain}"));
        Some(written.collect())
    }

    #[test]
    fn authors_are_the_addresses_of_from() {
        for (header, expected) in [
            ("From: a@b\r\n", vec!["a|b"]),
            (
                "Date: x\r\nSubject: \"q\" (\\\r\nFrom: Tim <Tim@Example.com>\r\nTo: x@y\r\n",
                vec!["Tim|Example.com"],
            ),
            (
                "Subject: =?utf-8?q?=C3=A4?= \u{e4}\r\nfrom: \u{e4} <t\u{e4}m@x>\r\n",
                vec!["t\u{e4}m|x"],
            ),
            ("From: \"a \\\"b\\\"\"@x (c), <d@e>\r\n", vec!["a \"b\"|x", "d|e"]),
            ("From: Us: a@b, c@d;, e@f\r\n", vec!["a|b", "c|d", "e|f"]),
            ("From: \"you@bank.example\" <me@x>\r\n", vec!["me|x"]),
            ("From: <@route:a@b>\r\n", vec!["a|b"]),
        ] {
            assert_eq!(
                of(&format!("{header}\r\nbody\r\n")),
                Some(expected.into_iter().map(str::to_owned).collect()),
                "{header}"
            );
        }
    }

    #[test]
    fn some_messages_do_not_say() {
        let many = format!("From: {}\r\n", "a@b, ".repeat(AUTHORS_MAX + 1));
        let long = format!("From: a@b, {} <c@d>\r\n", "x".repeat(3000));
        for header in [
            "",
            "To: a@b\r\n",
            "From:\r\n",
            "From: Us:;\r\n",
            "From: a@b\r\nFrom: c@d\r\n",
            "From: a@b\r\nFROM: a@b\r\n",
            "From : a@b\r\nFrom: c@d\r\n",
            &many,
            &long,
        ] {
            assert_eq!(of(&format!("{header}\r\nbody\r\n")), None, "{header}");
        }
    }
}
