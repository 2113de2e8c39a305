//! Strings as IMAP responses have them (RFC 3501, 4.3 and 9: `nstring`).

use super::packed::Sink;
use crate::wire::quoted;

/// Adds a quoted string, or a literal if it holds octets that a quoted string may not. NUL is left out: no form of string
/// may hold it.
pub(super) fn string(out: &mut impl Sink, value: &[u8]) {
    let plain = value
        .iter()
        .all(|&octet| matches!(octet, 1..=9 | 11 | 12 | 14..=127));
    if !plain {
        return literal(out, value);
    }
    quoted::pieces(value, |piece| out.put(piece));
}

/// Adds a string or NIL.
pub(super) fn nstring(out: &mut impl Sink, value: Option<&[u8]>) {
    match value {
        Some(value) => string(out, value),
        None => out.put(b"NIL"),
    }
}

fn literal(out: &mut impl Sink, value: &[u8]) {
    let kept = || value.split(|&octet| octet == 0);
    let octets: usize = kept().map(<[u8]>::len).sum();
    out.put(format!("{{{octets}}}\r\n").as_bytes());
    kept().for_each(|piece| out.put(piece));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_safest_form_is_chosen() {
        for (value, expected) in [
            (&b""[..], &b"\"\""[..]),
            (b"a \"b\" \\", b"\"a \\\"b\\\" \\\\\""),
            (b"gr\xc3\xbc\xc3\x9fe", b"{7}\r\ngr\xc3\xbc\xc3\x9fe"),
            (b"a\r\nb", b"{4}\r\na\r\nb"),
            (b"a\0b", b"{2}\r\nab"),
        ] {
            let mut out = Vec::new();
            nstring(&mut out, Some(value));
            assert_eq!(out, expected);
        }
        let mut out = Vec::new();
        nstring(&mut out, None);
        assert_eq!(out, b"NIL");
    }
}
