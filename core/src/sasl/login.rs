//! LOGIN: the user name, then the password, each asked for. Obsolete, never a standard, and still what some clients of
//! submission and IMAP (Outlook among them) choose first.

use super::{Mechanism, SaslError, SaslStep, field};
use crate::machine::Secret;

/// Holds the user name while it awaits the password.
#[derive(Clone, Debug, Default)]
pub struct Login {
    user: Option<String>,
}

impl Mechanism for Login {
    /// An initial response is taken for the user name: clients of submission send it at once (System.Net.Mail does).
    fn begin(&mut self, initial: Option<&[u8]>) -> SaslStep {
        match initial {
            Some(response) => self.respond(response),
            None => SaslStep::Challenge(b"Username:".to_vec()),
        }
    }

    fn respond(&mut self, octets: &[u8]) -> SaslStep {
        self.take(octets).unwrap_or_else(SaslStep::Failed)
    }
}

impl Login {
    fn take(&mut self, octets: &[u8]) -> Result<SaslStep, SaslError> {
        let text = field(octets)?;
        Ok(match self.user.take() {
            Some(login) => SaslStep::Credentials {
                login,
                password: Secret(text),
            },
            None => {
                self.user = Some(text);
                SaslStep::Challenge(b"Password:".to_vec())
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ok() -> SaslStep {
        SaslStep::Credentials {
            login: "tim".into(),
            password: Secret("secret".into()),
        }
    }

    #[test]
    fn asks_for_both() {
        let mut login = Login::default();
        assert_eq!(login.begin(None), SaslStep::Challenge(b"Username:".to_vec()));
        assert_eq!(login.respond(b"tim"), SaslStep::Challenge(b"Password:".to_vec()));
        assert_eq!(login.respond(b"secret"), ok());
    }

    #[test]
    fn takes_the_user_name_at_once() {
        let mut login = Login::default();
        assert_eq!(
            login.begin(Some(b"tim")),
            SaslStep::Challenge(b"Password:".to_vec())
        );
        assert_eq!(login.respond(b"secret"), ok());
    }

    #[test]
    fn refuses_what_is_no_field() {
        let too_long = [b'x'; 256];
        for (octets, error) in [
            (&b""[..], SaslError::Malformed),
            (b"t\0m", SaslError::Malformed),
            (b"\xff", SaslError::Malformed),
            (&too_long, SaslError::TooLong),
        ] {
            assert_eq!(Login::default().begin(Some(octets)), SaslStep::Failed(error));
            let mut login = Login::default();
            login.begin(Some(b"tim"));
            assert_eq!(login.respond(octets), SaslStep::Failed(error));
        }
    }
}
