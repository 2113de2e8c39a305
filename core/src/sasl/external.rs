//! EXTERNAL (RFC 4422, A): the peer is who its TLS certificate says. Nothing secret is exchanged.

use super::{Channel, Mechanism, SaslError, SaslStep, field};

/// `extern-initial-resp = [ extern-authz ]`: whom to act as; empty: whom the certificate names first.
#[derive(Clone, Debug)]
pub struct External {
    /// The mail addresses of the certificate that the peer has shown, in lower case.
    identities: Vec<String>,
}

impl External {
    /// An exchange on this connection.
    pub fn new(channel: Channel<'_>) -> Self {
        Self {
            identities: channel.tls.map(|tls| tls.identities.clone()).unwrap_or_default(),
        }
    }

    /// Only who is named is let in: a certificate without a usable name is nobody's.
    fn login(&self, authzid: &[u8]) -> Result<String, SaslError> {
        let named = if authzid.is_empty() {
            self.identities.first()
        } else {
            let wanted = field(authzid)?.to_lowercase();
            self.identities.iter().find(|identity| **identity == wanted)
        };
        named.cloned().ok_or(SaslError::NoSuchIdentity)
    }
}

impl Mechanism for External {
    fn begin(&mut self, initial: Option<&[u8]>) -> SaslStep {
        match initial {
            Some(response) => self.respond(response),
            None => SaslStep::Challenge(Vec::new()),
        }
    }

    fn respond(&mut self, octets: &[u8]) -> SaslStep {
        match self.login(octets) {
            Ok(login) => SaslStep::Proven { login },
            Err(error) => SaslStep::Failed(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::{Seed, TlsInfo};

    fn external(identities: &[&str]) -> External {
        let tls = TlsInfo {
            identities: identities.iter().map(ToString::to_string).collect(),
            ..TlsInfo::default()
        };
        External::new(Channel {
            tls: Some(&tls),
            seed: &mut Seed::new([0; 32]),
            binds: false,
        })
    }

    #[test]
    fn a_named_identity_is_let_in() {
        let ok = |login: &str| SaslStep::Proven { login: login.into() };
        let mut two = external(&["tim@example.com", "tom@example.com"]);
        assert_eq!(two.begin(None), SaslStep::Challenge(Vec::new()));
        assert_eq!(two.respond(b""), ok("tim@example.com"));
        assert_eq!(two.begin(Some(b"")), ok("tim@example.com"));
        assert_eq!(two.begin(Some(b"Tom@Example.com")), ok("tom@example.com"));
    }

    #[test]
    fn nobody_else_is() {
        use SaslError::{Malformed, NoSuchIdentity, TooLong};
        for (identities, authzid, error) in [
            (&["tim@example.com"][..], &b"tom@example.com"[..], NoSuchIdentity),
            (&["tim@example.com"], b"tim", NoSuchIdentity),
            (&[], b"", NoSuchIdentity),
            (&[], b"tim@example.com", NoSuchIdentity),
            (&["tim@example.com"], b"tim@example.com\0", Malformed),
            (&["tim@example.com"], b"\xff", Malformed),
            (&["tim@example.com"], &[b'x'; 256], TooLong),
        ] {
            assert_eq!(
                external(identities).begin(Some(authzid)),
                SaslStep::Failed(error),
                "{authzid:?}"
            );
        }
    }
}
