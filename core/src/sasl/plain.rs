//! PLAIN (RFC 4616): everything in one response.

use super::{Mechanism, RESPONSE_LEN_MAX, SaslError, SaslStep, field};
use crate::machine::Secret;

/// `message = [authzid] UTF8NUL authcid UTF8NUL passwd` (RFC 4616, 2). The authorization identity is empty or the
/// authentication identity itself.
#[derive(Clone, Copy, Debug)]
pub struct Plain;

impl Mechanism for Plain {
    fn begin(&mut self, initial: Option<&[u8]>) -> SaslStep {
        match initial {
            Some(response) => self.respond(response),
            None => SaslStep::Challenge(Vec::new()),
        }
    }

    fn respond(&mut self, octets: &[u8]) -> SaslStep {
        credentials(octets).unwrap_or_else(SaslStep::Failed)
    }
}

fn credentials(message: &[u8]) -> Result<SaslStep, SaslError> {
    if message.len() > RESPONSE_LEN_MAX {
        return Err(SaslError::TooLong);
    }
    let mut fields = message.split(|&octet| octet == 0);
    let (Some(authzid), Some(authcid), Some(password), None) =
        (fields.next(), fields.next(), fields.next(), fields.next())
    else {
        return Err(SaslError::Malformed);
    };
    let login = field(authcid)?;
    let password = Secret(field(password)?);
    if !authzid.is_empty() && authzid != authcid {
        return Err(SaslError::OtherIdentity);
    }
    Ok(SaslStep::Credentials { login, password })
}

/// What is wrong with a message.
pub(super) fn shape(message: &[u8]) -> Result<(), SaslError> {
    credentials(message).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ok(login: &str, password: &str) -> SaslStep {
        SaslStep::Credentials {
            login: login.into(),
            password: Secret(password.into()),
        }
    }

    #[test]
    fn messages() {
        use SaslError::{Malformed, OtherIdentity, TooLong};
        let long = "x".repeat(256);
        for (message, step) in [
            // RFC 4616, 4: both examples.
            ("\0tim\0tanstaaftanstaaf", ok("tim", "tanstaaftanstaaf")),
            ("Ursel\0Kurt\0xipj3plmq", SaslStep::Failed(OtherIdentity)),
            ("tim\0tim\0secret", ok("tim", "secret")),
            ("\0jürgen\0pässword", ok("jürgen", "pässword")),
            ("", SaslStep::Failed(Malformed)),
            ("tim", SaslStep::Failed(Malformed)),
            ("tim\0secret", SaslStep::Failed(Malformed)),
            ("\0\0secret", SaslStep::Failed(Malformed)),
            ("\0tim\0", SaslStep::Failed(Malformed)),
            ("\0tim\0sec\0ret", SaslStep::Failed(Malformed)),
            (&format!("\0tim\0{long}"), SaslStep::Failed(TooLong)),
            (&format!("\0{long}\0secret"), SaslStep::Failed(TooLong)),
            (&format!("\0tim\0{}", long.repeat(50)), SaslStep::Failed(TooLong)),
        ] {
            assert_eq!(Plain.begin(Some(message.as_bytes())), step, "{message:?}");
        }
    }

    #[test]
    fn fields_are_utf8() {
        assert_eq!(
            Plain.respond(b"\0tim\0\xff"),
            SaslStep::Failed(SaslError::Malformed)
        );
        assert_eq!(
            Plain.respond(b"\0t\xffm\0secret"),
            SaslStep::Failed(SaslError::Malformed)
        );
    }

    #[test]
    fn without_initial_response_the_challenge_is_empty() {
        assert_eq!(Plain.begin(None), SaslStep::Challenge(Vec::new()));
        assert_eq!(Plain.respond(b"\0tim\0secret"), ok("tim", "secret"));
    }
}
