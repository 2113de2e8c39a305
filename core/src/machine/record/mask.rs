//! Masks of equal length: what is left of octets that hold a secret or somebody's mail.

use crate::machine::Form;
use crate::sasl::Kind;
use crate::wire::base64;

/// Leaves of `octets` what `form` allows.
pub fn mask(octets: &mut [u8], form: Form) {
    match form {
        Form::Plain => {}
        Form::Hidden => fill(octets),
        Form::Content => octets.iter_mut().for_each(content),
        Form::Frame => octets
            .split_inclusive_mut(|&octet| octet == b'\n')
            .for_each(frame),
        Form::Sasl(kind) => octets
            .split_inclusive_mut(|&octet| octet == b'\n')
            .for_each(|line| sasl(kind, line)),
    }
}

/// A secret, masked. Of a verifier of SCRAM the iterations and the salt stay, which the server tells whoever asks, and so does the
/// shape of its keys: the exchange can be replayed.
pub fn secret(text: &str) -> String {
    let shown = match text.starts_with("SCRAM-SHA-") {
        true => text.rfind('$').map_or(0, |at| at + 1),
        false => 0,
    };
    let (shown, hidden) = text.split_at(shown);
    if shown.is_empty() {
        return "x".repeat(hidden.len());
    }
    // Base64 of zeros is base64.
    let keys = hidden
        .chars()
        .map(|c| if matches!(c, ':' | '=') { c } else { 'A' });
    shown.chars().chain(keys).collect()
}

/// Control characters tell where lines end and are no secret. Octets that are no UTF-8 stay so.
fn fill(octets: &mut [u8]) {
    let is_text = std::str::from_utf8(octets).is_ok();
    for octet in octets.iter_mut() {
        *octet = match *octet {
            0..0x20 => *octet,
            0x80.. if !is_text => 0xff,
            _ => b'x',
        };
    }
}

fn content(octet: &mut u8) {
    *octet = match *octet {
        b'0'..=b'9' => b'0',
        b'a'..=b'z' | b'A'..=b'Z' | 0x80.. => b'x',
        other => other,
    };
}

/// A line: the announcement of a literal at its end stays, and so do spaces and the marks around quoted strings. Where the end
/// has not come, a password may go on behind what looks like an announcement.
fn frame(line: &mut [u8]) {
    let ended = line
        .iter()
        .rev()
        .take_while(|&&octet| octet == b'\n' || octet == b'\r')
        .count();
    let announced = match ended {
        0 => 0,
        _ => announcement(line.get(..line.len().saturating_sub(ended)).unwrap_or_default()),
    };
    let words = line.len().saturating_sub(ended + announced);
    let words = line.get_mut(..words).unwrap_or_default();
    let is_text = std::str::from_utf8(words).is_ok();
    let (mut quoted, mut escaped) = (false, false);
    for octet in words {
        let is_mark = *octet == b'"' && !escaped;
        let was_quoted = quoted;
        quoted ^= is_mark;
        escaped = quoted && *octet == b'\\' && !escaped;
        *octet = match *octet {
            0..0x20 => *octet,
            b'"' if is_mark => b'"',
            b' ' if !was_quoted => b' ',
            // No atom holds them; which one it was, nobody needs to know.
            b'(' | b')' | b'{' | b'}' | b'%' | b'*' | b'\\' if !was_quoted => b'*',
            0x80.. if !is_text => 0xff,
            _ => b'x',
        };
    }
}

/// How long an announcement of a literal (`{n}`, `{n+}`, `~{n}`) at the end of a line is; 0: there is none.
fn announcement(line: &[u8]) -> usize {
    let Some(inner) = line.strip_suffix(b"}") else {
        return 0;
    };
    let inner = inner.strip_suffix(b"+").unwrap_or(inner);
    let digits = inner
        .iter()
        .rev()
        .take_while(|octet| octet.is_ascii_digit())
        .count();
    let before = inner
        .get(..inner.len().saturating_sub(digits))
        .unwrap_or_default();
    match before.strip_suffix(b"{") {
        Some(before) if digits > 0 => line.len() - before.strip_suffix(b"~").unwrap_or(before).len(),
        _ => 0,
    }
}

/// A line of base64: decoded, masked as its mechanism allows, encoded again. What is no base64 keeps its frame.
fn sasl(kind: Kind, octets: &mut [u8]) {
    let ended = octets
        .iter()
        .rev()
        .take_while(|&&octet| octet == b'\n' || octet == b'\r')
        .count();
    let text = octets
        .get(..octets.len().saturating_sub(ended))
        .unwrap_or_default();
    if text == b"*" || text == b"=" {
        return;
    }
    match base64::decode(text) {
        Ok(mut message) => {
            crate::sasl::mask(kind, &mut message);
            for (to, from) in octets.iter_mut().zip(base64::encode(&message).bytes()) {
                *to = from;
            }
        }
        Err(_) => mask(octets, Form::Frame),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(text: &[u8], form: Form) -> Vec<u8> {
        let mut octets = text.to_vec();
        mask(&mut octets, form);
        assert_eq!(octets.len(), text.len());
        octets
    }

    #[test]
    fn frames() {
        for (text, left) in [
            (&b"user hunter2\r\n"[..], &b"xxxx xxxxxxx\r\n"[..]),
            (b"\"us er\" \"a\\\"b c\"\r\n", b"\"xxxxx\" \"xxxxxx\"\r\n"),
            (b"user {7+}\r\n", b"xxxx {7+}\r\n"),
            (b" ~{12}\r\n", b" ~{12}\r\n"),
            (b"\"pa{77}", b"\"xxxxxx"),
            (b"pa{77}", b"xx*xx*"),
            (b"pa{7}ss\r\n", b"xx*x*xx\r\n"),
            (b"\"open\r\nnext word\r\n", b"\"xxxx\r\nxxxx xxxx\r\n"),
            (b"p\xe9\r\n", b"x\xff\r\n"),
            (b"", b""),
        ] {
            assert_eq!(
                masked(text, Form::Frame).escape_ascii().to_string(),
                left.escape_ascii().to_string()
            );
        }
    }

    #[test]
    fn a_verifier_can_be_read_masked_and_no_other_secret() {
        use crate::machine::Secret;
        use crate::sasl::scram::{Hash, SALT_LEN, Verifier};
        let made = Verifier::make(Hash::Sha256, &Secret("pencil".into()), [7; SALT_LEN]).unwrap();
        let left = Secret(secret(&made.to_secret().0));
        assert!(Verifier::read(Hash::Sha256, &left).is_some(), "{}", left.0);
        assert_ne!(Verifier::read(Hash::Sha256, &left), Some(made));
        assert_eq!(secret("$2b$12$abc"), "xxxxxxxxxx");
        assert_eq!(secret("SCRAM-SHA-"), "xxxxxxxxxx");
    }

    #[test]
    fn base64_still_is() {
        let text = format!("{}\r\n", base64::encode(b"\0tim\0tanstaaf"));
        let left = masked(text.as_bytes(), Form::Sasl(Kind::Plain));
        let decoded = base64::decode(left.strip_suffix(b"\r\n").unwrap()).unwrap();
        assert_eq!(decoded, b"\0xxx\0xxxxxxxx");
        assert_eq!(masked(b"*\r\n", Form::Sasl(Kind::Plain)), b"*\r\n");
        assert_eq!(masked(b"hunter2\r\n", Form::Sasl(Kind::Plain)), b"xxxxxxx\r\n");
    }

    #[test]
    fn mail_keeps_its_shape() {
        assert_eq!(
            masked(b"Subject: T 42\r\n\r\n..x\r\n", Form::Content),
            b"xxxxxxx: x 00\r\n\r\n..x\r\n"
        );
        assert_eq!(masked(b"a b\r\n\xff", Form::Hidden), b"xxx\r\n\xff");
    }
}
