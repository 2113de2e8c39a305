//! OAUTHBEARER (RFC 7628) and its forerunner XOAUTH2: a token of an authorization server in place of a password.
//!
//! Both put `key=value` pairs with 0x01 between them into one message. A refused token is told by a challenge in JSON, which the client
//! answers with a message of no meaning, and only then has the log-in failed (RFC 7628, 3.2.3).

use std::fmt;

use super::gs2::{Flag, Header};
use super::{Answer, Mechanism, RESPONSE_LEN_MAX, SaslError, SaslStep, field};
use crate::machine::Secret;

/// Between two pairs: `kvsep` (RFC 7628, 3.1).
const SEPARATOR: char = '\u{1}';

/// What a client is told of a token that is no good (RFC 7628, 3.2.2).
const REFUSAL: &[u8] = br#"{"status":"invalid_token","schemes":"bearer"}"#;

/// How the message begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// With a GS2 header.
    OAuthBearer,
    /// With `user=`.
    XOAuth2,
}

/// One exchange.
pub struct Bearer {
    dialect: Dialect,
    state: State,
}

/// What the exchange awaits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Message,
    Owner,
    /// The client's answer to [`REFUSAL`].
    Acknowledgement,
    Over,
}

/// What a message asks for.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    login: Option<String>,
    token: Secret,
}

impl Bearer {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            state: State::Message,
        }
    }
}

impl Mechanism for Bearer {
    fn begin(&mut self, initial: Option<&[u8]>) -> SaslStep {
        match initial {
            Some(response) => self.respond(response),
            None => SaslStep::Challenge(Vec::new()),
        }
    }

    fn respond(&mut self, octets: &[u8]) -> SaslStep {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Message => match read(self.dialect, octets) {
                Ok(Wanted { login, token }) => {
                    self.state = State::Owner;
                    SaslStep::VerifyToken { login, token }
                }
                Err(error) => SaslStep::Failed(error),
            },
            // 0x01 by the text, nothing by many clients; it says nothing in any case.
            State::Acknowledgement => SaslStep::Rejected,
            State::Owner | State::Over => SaslStep::Failed(SaslError::Malformed),
        }
    }

    fn answer(&mut self, answer: Answer) -> SaslStep {
        match (std::mem::replace(&mut self.state, State::Over), answer) {
            (State::Owner, Answer::Owner(Some(login))) => SaslStep::Proven { login },
            (State::Owner, Answer::Owner(None)) => {
                self.state = State::Acknowledgement;
                SaslStep::Challenge(REFUSAL.to_vec())
            }
            _ => SaslStep::Failed(SaslError::Malformed),
        }
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bearer({:?}, {:?})", self.dialect, self.state)
    }
}

fn read(dialect: Dialect, message: &[u8]) -> Result<Wanted, SaslError> {
    if message.len() > RESPONSE_LEN_MAX {
        return Err(SaslError::TooLong);
    }
    let message = str::from_utf8(message).map_err(|_| SaslError::Malformed)?;
    match dialect {
        Dialect::OAuthBearer => bearer(message),
        Dialect::XOAuth2 => xoauth2(message),
    }
}

/// `client-resp = gs2-header kvsep *kvpair kvsep` (RFC 7628, 3.1). `host` and `port` say where the client believes to be; the
/// certificate has told it better. Other pairs are passed over, as the text wants.
fn bearer(message: &str) -> Result<Wanted, SaslError> {
    let header = Header::read(message)?;
    if let Flag::Bound(_) = header.flag {
        return Err(SaslError::NoSuchBinding);
    }
    let pairs = header.rest.strip_prefix(SEPARATOR).ok_or(SaslError::Malformed)?;
    Ok(Wanted {
        login: header.authzid,
        token: token(pairs)?,
    })
}

/// `"user=" login kvsep "auth=Bearer " token kvsep kvsep`
fn xoauth2(message: &str) -> Result<Wanted, SaslError> {
    let rest = message.strip_prefix("user=").ok_or(SaslError::Malformed)?;
    let (login, pairs) = rest.split_once(SEPARATOR).ok_or(SaslError::Malformed)?;
    Ok(Wanted {
        login: Some(field(login.as_bytes())?),
        token: token(pairs)?,
    })
}

/// The token of `*kvpair kvsep`, each `kvpair = key "=" value kvsep`; there is one `auth` among them.
fn token(pairs: &str) -> Result<Secret, SaslError> {
    let pairs = pairs.strip_suffix(SEPARATOR).ok_or(SaslError::Malformed)?;
    let mut found = None;
    for pair in pairs.split_terminator(SEPARATOR) {
        let (key, value) = pair.split_once('=').ok_or(SaslError::Malformed)?;
        if key.is_empty() || !key.bytes().all(|octet| octet.is_ascii_alphabetic()) || !is_value(value) {
            return Err(SaslError::Malformed);
        }
        if key == "auth" && found.replace(credentials(value)?).is_some() {
            return Err(SaslError::Malformed);
        }
    }
    // The last pair has its own separator, in front of that of the message.
    let is_ended = pairs.ends_with(SEPARATOR);
    found.filter(|_| is_ended).ok_or(SaslError::Malformed)
}

/// `value = *(VCHAR / SP / HTAB / CR / LF)` (RFC 7628, 3.1)
fn is_value(value: &str) -> bool {
    value
        .bytes()
        .all(|octet| octet.is_ascii_graphic() || b" \t\r\n".contains(&octet))
}

/// `credentials = "Bearer" 1*SP b64token` (RFC 6750, 2.1)
fn credentials(value: &str) -> Result<Secret, SaslError> {
    let (scheme, token) = value.split_once(' ').ok_or(SaslError::Malformed)?;
    let token = token.trim_start_matches(' ');
    let body = token.trim_end_matches('=');
    let is_token = |octet: u8| octet.is_ascii_alphanumeric() || b"-._~+/".contains(&octet);
    if !scheme.eq_ignore_ascii_case("Bearer") || body.is_empty() || !body.bytes().all(is_token) {
        return Err(SaslError::Malformed);
    }
    Ok(Secret(token.to_owned()))
}

/// What is wrong with a message, if it is one of OAUTHBEARER or XOAUTH2.
pub(super) fn shape(dialect: Dialect, message: &[u8]) -> Result<(), SaslError> {
    read(dialect, message).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(login: Option<&str>, token: &str) -> Result<Wanted, SaslError> {
        Ok(Wanted {
            login: login.map(str::to_owned),
            token: Secret(token.into()),
        })
    }

    /// RFC 7628, 4.1: the first example.
    #[test]
    fn bearer_messages() {
        let example = "n,a=user@example.com,\x01host=server.example.com\x01port=143\x01auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01";
        assert_eq!(
            bearer(example),
            wanted(
                Some("user@example.com"),
                "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="
            )
        );
        assert_eq!(bearer("n,,\x01auth=bearer  x.y_z\x01\x01"), wanted(None, "x.y_z"));
        assert_eq!(bearer("y,,\x01x=1\x01auth=Bearer x\x01\x01"), wanted(None, "x"));
        for bad in [
            "",
            "n,,",
            "n,,\x01",
            "n,,\x01\x01",
            "n,,auth=Bearer x\x01\x01",
            "n,,\x01auth=Bearer x",
            "n,,\x01auth=Bearer x\x01",
            "n,,\x01auth=Bearer x\x01\x01\x01",
            "n,,\x01auth=Bearer \x01\x01",
            "n,,\x01auth=Bearer =\x01\x01",
            "n,,\x01auth=Bearer x y\x01\x01",
            "n,,\x01auth=Basic eA==\x01\x01",
            "n,,\x01auth=Bearer x\x01auth=Bearer y\x01\x01",
            "n,,\x01host=a\x01\x01",
            "n,,\x01=a\x01auth=Bearer x\x01\x01",
            "n,,\x01ho st=a\x01auth=Bearer x\x01\x01",
            "n,,\x01host=\u{e9}\x01auth=Bearer x\x01\x01",
            "n,,\x01host\x01auth=Bearer x\x01\x01",
        ] {
            assert_eq!(bearer(bad), Err(SaslError::Malformed), "{bad:?}");
        }
        let bound = bearer("p=tls-exporter,,\x01auth=Bearer x\x01\x01");
        assert_eq!(bound, Err(SaslError::NoSuchBinding));
    }

    #[test]
    fn xoauth2_messages() {
        assert_eq!(
            xoauth2("user=tim@example.com\x01auth=Bearer abc\x01\x01"),
            wanted(Some("tim@example.com"), "abc")
        );
        for bad in [
            "user=\x01auth=Bearer abc\x01\x01",
            "user=tim",
            "tim\x01auth=Bearer abc\x01\x01",
            "user=tim\x01auth=Bearer abc\x01",
            "user=tim\x01token=abc\x01\x01",
        ] {
            assert_eq!(xoauth2(bad), Err(SaslError::Malformed), "{bad:?}");
        }
    }

    #[test]
    fn a_token_is_refused_in_two_steps() {
        let mut exchange = Bearer::new(Dialect::OAuthBearer);
        assert_eq!(exchange.begin(None), SaslStep::Challenge(Vec::new()));
        let asked = exchange.respond(b"n,,\x01auth=Bearer x\x01\x01");
        let token = Secret("x".into());
        assert_eq!(asked, SaslStep::VerifyToken { login: None, token });
        assert_eq!(
            exchange.answer(Answer::Owner(None)),
            SaslStep::Challenge(REFUSAL.to_vec())
        );
        assert_eq!(exchange.respond(b"\x01"), SaslStep::Rejected);
        assert_eq!(exchange.respond(b"\x01"), SaslStep::Failed(SaslError::Malformed));
    }

    #[test]
    fn a_good_token_is_enough() {
        let mut exchange = Bearer::new(Dialect::XOAuth2);
        let asked = exchange.begin(Some(b"user=tim\x01auth=Bearer x\x01\x01"));
        assert!(matches!(asked, SaslStep::VerifyToken { login: Some(login), .. } if login == "tim"));
        let login = "tim@example.com".to_owned();
        assert_eq!(
            exchange.answer(Answer::Owner(Some(login.clone()))),
            SaslStep::Proven { login }
        );
        assert_eq!(
            exchange.answer(Answer::Signature(None)),
            SaslStep::Failed(SaslError::Malformed)
        );
    }

    #[test]
    fn messages_are_bounded() {
        let long = format!("n,,\x01auth=Bearer {}\x01\x01", "x".repeat(RESPONSE_LEN_MAX));
        assert_eq!(
            read(Dialect::OAuthBearer, long.as_bytes()),
            Err(SaslError::TooLong)
        );
        assert_eq!(read(Dialect::XOAuth2, b"\xff"), Err(SaslError::Malformed));
    }
}
