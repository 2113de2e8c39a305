//! App passwords: each for one program, for some services, with a label by which its owner knows it.

use std::fmt;

use crate::machine::Secret;

/// The most app passwords of one account.
pub const APP_PASSWORDS_MAX: usize = 32;
/// The most octets of a label.
pub const LABEL_LEN_MAX: usize = 100;

/// What one logs in to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// IMAP.
    Imap,
    /// POP3.
    Pop3,
    /// Submission of mail by SMTP.
    Smtp,
    /// Calendars by CalDAV.
    Dav,
}

impl Service {
    /// All of them.
    pub const ALL: [Service; 4] = [Service::Imap, Service::Pop3, Service::Smtp, Service::Dav];

    /// Its name, as an operator writes it.
    pub fn name(self) -> &'static str {
        match self {
            Service::Imap => "imap",
            Service::Pop3 => "pop3",
            Service::Smtp => "smtp",
            Service::Dav => "dav",
        }
    }

    fn bit(self) -> u8 {
        match self {
            Service::Imap => 1,
            Service::Pop3 => 2,
            Service::Smtp => 4,
            Service::Dav => 8,
        }
    }
}

/// A set of services, stored as bits: IMAP 1, POP3 2, SMTP 4, DAV 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scopes(pub u8);

impl Scopes {
    /// Every service there is, and those to come.
    pub const ALL: Scopes = Scopes(u8::MAX);

    /// Whether it may be used there.
    pub fn hold(self, service: Service) -> bool {
        self.0 & service.bit() != 0
    }

    /// Reads `imap,smtp` or `all`. Errors: the word that names no service.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("all") {
            return Ok(Self::ALL);
        }
        text.split(',')
            .map(str::trim)
            .try_fold(Scopes(0), |scopes, word| {
                let service = Service::ALL
                    .into_iter()
                    .find(|service| service.name().eq_ignore_ascii_case(word));
                let service = service.ok_or_else(|| word.to_owned())?;
                Ok(Scopes(scopes.0 | service.bit()))
            })
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ALL {
            return f.write_str("all");
        }
        let mut services = Service::ALL.into_iter().filter(|service| self.hold(*service));
        if let Some(first) = services.next() {
            f.write_str(first.name())?;
        }
        services.try_for_each(|service| write!(f, ",{}", service.name()))
    }
}

/// A new app password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAppPassword {
    /// The account's login name.
    pub login: String,
    /// Which of its app passwords; at most [`LABEL_LEN_MAX`] octets.
    pub label: String,
    /// SHA-256 of the password, in hexadecimal digits; the password is random, so that no dearer hash is needed.
    pub hash: Secret,
    /// Where it may be used.
    pub scopes: Scopes,
    /// Until when, in milliseconds since 1970; `None`: until it is removed.
    pub until_ms: Option<u64>,
    /// Now, in milliseconds since 1970.
    pub at_ms: u64,
}

/// An app password, as an operator lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppPasswordLine {
    /// Which of the account's.
    pub label: String,
    /// Where it may be used.
    pub scopes: Scopes,
    /// Until when, in milliseconds since 1970; `None`: until it is removed.
    pub until_ms: Option<u64>,
    /// When it was made, in milliseconds since 1970.
    pub created_at_ms: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_read_as_they_are_written() {
        for (given, written) in [
            ("all", "all"),
            ("ALL", "all"),
            ("smtp, imap", "imap,smtp"),
            ("Pop3", "pop3"),
        ] {
            assert_eq!(Scopes::parse(given).unwrap().to_string(), written);
        }
        assert_eq!(Scopes::parse("imap,ftp"), Err("ftp".to_owned()));
        assert_eq!(Scopes::parse(""), Err(String::new()));
        assert!(Scopes::ALL.hold(Service::Dav));
        assert!(!Scopes::parse("imap").unwrap().hold(Service::Smtp));
    }
}
