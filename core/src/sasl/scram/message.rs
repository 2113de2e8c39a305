//! The two messages of a SCRAM client (RFC 5802, 7).

use super::prepared;
use crate::sasl::gs2::{Flag, Header, name};
use crate::sasl::{FIELD_LEN_MAX, SaslError};
use crate::wire::base64;

/// `client-first-message = gs2-header client-first-message-bare`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct First<'a> {
    pub(super) header: &'a str,
    pub(super) flag: Flag<'a>,
    pub(super) bare: &'a str,
    /// `n=`, prepared.
    pub(super) login: String,
    pub(super) nonce: &'a str,
}

impl<'a> First<'a> {
    /// `client-first-message-bare = [reserved-mext ","] username "," nonce ["," extensions]`; optional extensions are passed over.
    pub(super) fn read(message: &'a [u8]) -> Result<Self, SaslError> {
        let message = str::from_utf8(message).map_err(|_| SaslError::Malformed)?;
        let header = Header::read(message)?;
        let mut pieces = header.rest.split(',');
        let mut next = |key: &str| {
            let piece = pieces.next().ok_or(SaslError::Malformed)?;
            match piece.strip_prefix(key) {
                Some(value) => Ok(value),
                None if piece.starts_with("m=") => Err(SaslError::Extension),
                None => Err(SaslError::Malformed),
            }
        };
        let user = name(next("n=")?)?;
        let nonce = nonce(next("r=")?)?;
        pieces.try_for_each(extension)?;
        if header.authzid.is_some_and(|authzid| authzid != user) {
            return Err(SaslError::OtherIdentity);
        }
        Ok(Self {
            header: header.text,
            flag: header.flag,
            bare: header.rest,
            login: prepared(&user).ok_or(SaslError::Malformed)?,
            nonce,
        })
    }
}

/// `client-final-message = channel-binding "," nonce ["," extensions] "," proof`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Last<'a> {
    pub(super) without_proof: &'a str,
    pub(super) binding: Vec<u8>,
    pub(super) nonce: &'a str,
    pub(super) proof: Vec<u8>,
}

impl<'a> Last<'a> {
    pub(super) fn read(message: &'a [u8]) -> Result<Self, SaslError> {
        let message = str::from_utf8(message).map_err(|_| SaslError::Malformed)?;
        let (without_proof, proof) = message.rsplit_once(",p=").ok_or(SaslError::Malformed)?;
        let mut pieces = without_proof.split(',');
        let mut next = |key: &str| {
            let value = pieces.next().and_then(|piece| piece.strip_prefix(key));
            value.ok_or(SaslError::Malformed)
        };
        let binding = decoded(next("c=")?)?;
        let nonce = next("r=")?;
        pieces.try_for_each(extension)?;
        Ok(Self {
            without_proof,
            binding,
            nonce,
            proof: decoded(proof)?,
        })
    }
}

fn decoded(text: &str) -> Result<Vec<u8>, SaslError> {
    base64::decode(text.as_bytes()).map_err(|_| SaslError::Malformed)
}

/// `c-nonce = printable`: ASCII that can be seen, without commas.
fn nonce(text: &str) -> Result<&str, SaslError> {
    if text.is_empty() || !text.bytes().all(|octet| octet.is_ascii_graphic()) {
        return Err(SaslError::Malformed);
    }
    if text.len() > FIELD_LEN_MAX {
        return Err(SaslError::TooLong);
    }
    Ok(text)
}

/// `attr-val = ALPHA "=" value`, with a value that is not empty.
fn extension(piece: &str) -> Result<(), SaslError> {
    match piece.as_bytes() {
        [b'm', b'=', ..] => Err(SaslError::Extension),
        [letter, b'=', _, ..] if letter.is_ascii_alphabetic() && !piece.contains('\0') => Ok(()),
        _ => Err(SaslError::Malformed),
    }
}

/// What is wrong with a message of a client, the first or the last one.
pub(in crate::sasl) fn shape(message: &[u8]) -> Result<(), SaslError> {
    if message.starts_with(b"c=") {
        Last::read(message).map(drop)
    } else {
        First::read(message).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_messages() {
        let first = First::read(b"n,a=tim,n=tim,r=abc,x=1,Y=z").unwrap();
        assert_eq!((first.header, first.bare), ("n,a=tim,", "n=tim,r=abc,x=1,Y=z"));
        assert_eq!((&*first.login, first.nonce), ("tim", "abc"));
        assert_eq!(First::read("n,,n=t\u{ad}im,r=a".as_bytes()).unwrap().login, "tim");
        use SaslError::{Extension, Malformed, OtherIdentity, TooLong};
        let long = format!("n,,n=tim,r={}", "x".repeat(256));
        for (message, error) in [
            ("n,,n=tim", Malformed),
            ("n,,r=abc,n=tim", Malformed),
            ("n,,n=,r=abc", Malformed),
            ("n,,n=tim,r=", Malformed),
            ("n,,n=tim,r=a c", Malformed),
            ("n,,n=tim,r=\u{e9}", Malformed),
            ("n,,n=tim,r=abc,", Malformed),
            ("n,,n=tim,r=abc,x", Malformed),
            ("n,,n=tim,r=abc,xx=1", Malformed),
            ("n,,n=t\u{7}im,r=abc", Malformed),
            ("n,,n=\u{ad},r=abc", Malformed),
            ("n,,m=x,n=tim,r=abc", Extension),
            ("n,,n=tim,r=abc,m=x", Extension),
            ("n,a=tom,n=tim,r=abc", OtherIdentity),
            (&long, TooLong),
        ] {
            assert_eq!(First::read(message.as_bytes()).unwrap_err(), error, "{message}");
        }
        assert_eq!(First::read(b"n,,n=t\xffm,r=abc").unwrap_err(), Malformed);
    }

    #[test]
    fn last_messages() {
        let last = Last::read(b"c=biws,r=abc,x=1,p=AAAA").unwrap();
        assert_eq!((last.without_proof, last.nonce), ("c=biws,r=abc,x=1", "abc"));
        assert_eq!((&*last.binding, &*last.proof), (&b"n,,"[..], &[0; 3][..]));
        for bad in [
            "",
            "c=biws,r=abc",
            "r=abc,c=biws,p=AAAA",
            "c=biws,p=AAAA",
            "c=biw,r=abc,p=AAAA",
            "c=biws,r=abc,p=AAA",
            "c=biws,r=abc,x,p=AAAA",
            "c=biws,r=abc,p=AAAA,x=1",
        ] {
            assert_eq!(Last::read(bad.as_bytes()), Err(SaslError::Malformed), "{bad}");
        }
        assert_eq!(Last::read(b"c=biws,r=abc,m=1,p=AAAA"), Err(SaslError::Extension));
    }
}
