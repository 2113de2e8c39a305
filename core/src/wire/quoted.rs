//! Quoted strings (RFC 3501, 9, `quoted`; RFC 5321, 4.1.2, `Quoted-string`).

use bytes::BufMut;

/// Appends `text` in quotes, `"` and `\` behind a backslash. Whether the octets may stand in quotes is the caller's to know.
pub fn put(out: &mut impl BufMut, text: &[u8]) {
    out.put_u8(b'"');
    let mut rest = text;
    while let Some(at) = memchr::memchr2(b'"', b'\\', rest) {
        let (plain, special) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        out.put_slice(plain);
        let (octet, behind) = special.split_at_checked(1).unwrap_or((special, &[]));
        out.put_u8(b'\\');
        out.put_slice(octet);
        rest = behind;
    }
    out.put_slice(rest);
    out.put_u8(b'"');
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
