//! Quoted strings (RFC 3501, 9, `quoted`; RFC 5321, 4.1.2, `Quoted-string`).

use bytes::BufMut;

/// Appends `text` in quotes, `"` and `\` behind a backslash. Whether the octets may stand in quotes is the caller's to know.
pub fn put(out: &mut impl BufMut, text: &[u8]) {
    pieces(text, |piece| out.put_slice(piece));
}

/// The pieces of a quoted text, as [`put`] appends them.
pub fn pieces(text: &[u8], mut put: impl FnMut(&[u8])) {
    put(b"\"");
    let mut rest = text;
    while let Some(at) = memchr::memchr2(b'"', b'\\', rest) {
        let (plain, special) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        put(plain);
        let (octet, behind) = special.split_at_checked(1).unwrap_or((special, &[]));
        put(b"\\");
        put(octet);
        rest = behind;
    }
    put(rest);
    put(b"\"");
}

#[cfg(test)]
mod tests {
    #[test]
    fn quotes_and_backslashes_are_escaped() {
        for (text, expected) in [
            ("", r#""""#),
            ("plain", r#""plain""#),
            (r#"a "b" \"#, r#""a \"b\" \\""#),
            (r#"""#, r#""\"""#),
        ] {
            let mut out = Vec::new();
            super::put(&mut out, text.as_bytes());
            assert_eq!(out, expected.as_bytes(), "{text}");
        }
    }
}
