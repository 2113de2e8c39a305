//! What a record keeps of a message: as long, with the same frame, and taken or refused as the message was; no name, no password, no
//! proof, no token.

use super::{Kind, SaslError, oauth, plain, scram};

/// Masks a decoded message of a client.
pub fn mask(kind: Kind, message: &mut [u8]) {
    let before = verdict(kind, message);
    let is_text = str::from_utf8(message).is_ok();
    match kind {
        Kind::Plain | Kind::Login | Kind::External => fields(message),
        _ => pairs(message),
    }
    // What was no text and what broke a rule that the frame does not show must not look right now.
    if !is_text || before != verdict(kind, message) {
        message.fill(0xff);
    }
}

/// What is wrong with a message by its form.
fn verdict(kind: Kind, message: &[u8]) -> Result<(), SaslError> {
    match kind {
        Kind::Plain => plain::shape(message),
        Kind::Login | Kind::External => Ok(()),
        Kind::OAuthBearer => oauth::shape(oauth::Dialect::OAuthBearer, message),
        Kind::XOAuth2 => oauth::shape(oauth::Dialect::XOAuth2, message),
        // Nothing is what a client says at the end.
        _ if message.is_empty() => Ok(()),
        _ => scram::shape(message),
    }
}

/// Fields with NULs between them.
fn fields(message: &mut [u8]) {
    message
        .iter_mut()
        .filter(|octet| **octet != 0)
        .for_each(|octet| *octet = b'x');
}

/// `key=value` with commas or 0x01 between them. Of a value the letters and digits go; `A` is base64 and a name, wherever it stands.
fn pairs(message: &mut [u8]) {
    let is_separator = |octet: &u8| *octet == b',' || *octet == 1;
    for (at, pair) in message.split_mut(is_separator).enumerate() {
        let key = if at == 0 { flag(pair) } else { key(pair) };
        let mut value = pair.get_mut(key..).unwrap_or_default();
        while let Some((octet, rest)) = value.split_first_mut() {
            value = match (*octet, rest) {
                // How a comma and an equals sign are written in a name.
                (b'=', [b'2', b'C', rest @ ..] | [b'3', b'D', rest @ ..]) => rest,
                (b'=' | b' ', rest) => rest,
                (_, rest) => {
                    *octet = b'A';
                    rest
                }
            };
        }
    }
}

/// How much of the first piece tells what kind of message it is.
fn flag(piece: &[u8]) -> usize {
    match piece {
        b"n" | b"y" => 1,
        [b'p', b'=', ..] => piece.len(),
        _ => key(piece),
    }
}

/// A key with its equals sign; that of a token with the scheme behind it. What is no key is masked.
fn key(pair: &[u8]) -> usize {
    let scheme = b"auth=bearer ";
    let begins = |word: &[u8]| {
        pair.get(..word.len())
            .is_some_and(|front| front.eq_ignore_ascii_case(word))
    };
    match pair {
        _ if begins(scheme) => scheme.len(),
        [_, b'=', ..] => 2,
        _ if [&b"user="[..], b"host=", b"port=", b"auth="]
            .into_iter()
            .any(begins) =>
        {
            5
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(kind: Kind, text: &str) -> String {
        let mut message = text.as_bytes().to_vec();
        mask(kind, &mut message);
        assert_eq!(message.len(), text.len());
        message.escape_ascii().to_string()
    }

    #[test]
    fn frames_stay() {
        for (kind, text, left) in [
            (Kind::Plain, "\0tim\0tanstaaf", "\\x00xxx\\x00xxxxxxxx"),
            (Kind::Login, "hunter2", "xxxxxxx"),
            (
                Kind::ScramSha256,
                "n,a=t=2Cm,n=t=2Cm,r=fyko+d2,x=1",
                "n,a=A=2CA,n=A=2CA,r=AAAAAAA,x=A",
            ),
            (
                Kind::ScramSha1Plus,
                "p=tls-exporter,,n=tim,r=fyko",
                "p=tls-exporter,,n=AAA,r=AAAA",
            ),
            (
                Kind::ScramSha1,
                "c=biws,r=fyko3rfc,p=v0X8v3A=",
                "c=AAAA,r=AAAAAAAA,p=AAAAAAA=",
            ),
            (Kind::ScramSha1, "", ""),
            (
                Kind::OAuthBearer,
                "n,a=tim,\x01host=x.org\x01auth=Bearer vF9dft4q==\x01\x01",
                "n,a=AAA,\\x01host=AAAAA\\x01auth=Bearer AAAAAAAA==\\x01\\x01",
            ),
            (
                Kind::XOAuth2,
                "user=tim@x.org\x01auth=Bearer vF9d\x01\x01",
                "user=AAAAAAAAA\\x01auth=Bearer AAAA\\x01\\x01",
            ),
        ] {
            assert_eq!(masked(kind, text), left);
        }
    }

    #[test]
    fn what_was_wrong_stays_wrong() {
        for (kind, text) in [
            (Kind::Plain, "tom\0tim\0secret"),
            (Kind::ScramSha256, "n,,n=t\u{7}m,r=fyko"),
            (Kind::ScramSha256, "n,a=tom,n=tim,r=fyko"),
            (Kind::OAuthBearer, "n,,\x01auth=Bearer a%b\x01\x01"),
        ] {
            let mut message = text.as_bytes().to_vec();
            let before = verdict(kind, &message);
            mask(kind, &mut message);
            assert!(before.is_err() && verdict(kind, &message).is_err(), "{text:?}");
            assert!(message.iter().all(|octet| *octet == 0xff), "{text:?}");
        }
    }
}
