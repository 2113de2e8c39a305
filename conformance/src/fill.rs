//! What a client's line becomes before it is sent: `$name` is what was captured, `$64(text)` the text in base64. Within the latter
//! a backslash and two digits stand for an octet (`\\00`), and it may stand within itself.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::pattern::{Captures, until_closed, word_len};

/// `octets` with every captured `$name` and every `$64(…)` replaced; a name that was never captured is an error.
pub fn fill(octets: &[u8], captures: &Captures) -> Result<Vec<u8>, String> {
    let mut filled = Vec::with_capacity(octets.len());
    let mut rest = octets;
    while let Some((&octet, after)) = rest.split_first() {
        let text = match octet {
            b'$' => String::from_utf8_lossy(after),
            _ => "".into(),
        };
        if let Some((inner, _)) = text.strip_prefix("64(").and_then(until_closed) {
            let message = fill(&unescaped(inner), captures)?;
            filled.extend(STANDARD.encode(message).bytes());
            rest = &after[inner.len() + "64()".len()..];
        } else if let name_len @ 1.. = word_len(&text) {
            let name = &text[..name_len];
            let captured = captures.get(name);
            filled.extend_from_slice(captured.ok_or(format!("${name} was not captured before"))?);
            rest = &after[name_len..];
        } else {
            filled.push(octet);
            rest = after;
        }
    }
    Ok(filled)
}

/// `\00` is the octet of this value; a backslash before anything else stands for itself.
fn unescaped(text: &str) -> Vec<u8> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let hex = rest.strip_prefix('\\').and_then(|after| after.get(..2));
        let escaped = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match escaped {
            Some(octet) => octets.push(octet),
            None => octets.extend(c.to_string().bytes()),
        }
        rest = &rest[escaped.map_or(c.len_utf8(), |_| "\\00".len())..];
    }
    octets
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::Pattern;

    fn captures(pattern: &str, line: &str) -> Captures {
        let mut captures = Captures::new();
        assert!(Pattern::new(pattern).matches(line.as_bytes(), &mut captures));
        captures
    }

    #[test]
    fn captures_fill_what_is_sent() {
        let captures = captures("a OK [APPENDUID $v $uid] ...", "a OK [APPENDUID 7 42] done");
        let filled = |text: &str| fill(text.as_bytes(), &captures);
        assert_eq!(
            filled("b UID FETCH $uid FLAGS\r\n").unwrap(),
            b"b UID FETCH 42 FLAGS\r\n"
        );
        assert_eq!(filled("$nope").unwrap_err(), "$nope was not captured before");
        assert_eq!(filled("cost $5 $").unwrap(), b"cost $5 $");
    }

    #[test]
    fn base64_is_written_around_what_is_filled() {
        let captures = captures("$user $binding", "tim AB");
        let filled =
            |text: &str| fill(text.as_bytes(), &captures).map(|octets| String::from_utf8(octets).unwrap());
        assert_eq!(
            filled("a $64(\\00$user\\00secret) b").unwrap(),
            "a AHRpbQBzZWNyZXQ= b"
        );
        assert_eq!(
            filled("$64(c=$64(n,,$binding)(x))").unwrap(),
            STANDARD.encode("c=biwsQUI=(x)")
        );
        assert_eq!(filled("$64(\\x\\)").unwrap(), "XHhc");
        assert_eq!(filled("$64()").unwrap(), "");
        assert_eq!(filled("$64($nope)").unwrap_err(), "$nope was not captured before");
        assert_eq!(filled("$64(x").unwrap(), "$64(x");
    }
}
