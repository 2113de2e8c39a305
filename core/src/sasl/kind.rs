//! Which mechanisms there are, in the order in which a client should prefer them, and when each can work.

use super::scram::Hash;
use crate::machine::TlsInfo;

/// A mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// SCRAM-SHA-256 with channel binding (RFC 7677).
    ScramSha256Plus,
    /// SCRAM-SHA-1 with channel binding (RFC 5802).
    ScramSha1Plus,
    /// SCRAM-SHA-256 (RFC 7677).
    ScramSha256,
    /// SCRAM-SHA-1 (RFC 5802).
    ScramSha1,
    /// EXTERNAL by the client's certificate (RFC 4422, A).
    External,
    /// OAUTHBEARER (RFC 7628).
    OAuthBearer,
    /// XOAUTH2, what OAUTHBEARER was before it was a standard.
    XOAuth2,
    /// PLAIN (RFC 4616).
    Plain,
    /// LOGIN, obsolete.
    Login,
}

/// The names of all, in the order of preference.
pub const NAMES: [&str; 9] = [
    "SCRAM-SHA-256-PLUS",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-256",
    "SCRAM-SHA-1",
    "EXTERNAL",
    "OAUTHBEARER",
    "XOAUTH2",
    "PLAIN",
    "LOGIN",
];

impl Kind {
    /// All, in the order of preference.
    pub const ALL: [Self; 9] = [
        Self::ScramSha256Plus,
        Self::ScramSha1Plus,
        Self::ScramSha256,
        Self::ScramSha1,
        Self::External,
        Self::OAuthBearer,
        Self::XOAuth2,
        Self::Plain,
        Self::Login,
    ];

    /// The one of this name, whatever its case.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name().eq_ignore_ascii_case(name))
    }

    /// As clients and operators write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ScramSha256Plus => "SCRAM-SHA-256-PLUS",
            Self::ScramSha1Plus => "SCRAM-SHA-1-PLUS",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha1 => "SCRAM-SHA-1",
            Self::External => "EXTERNAL",
            Self::OAuthBearer => "OAUTHBEARER",
            Self::XOAuth2 => "XOAUTH2",
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
        }
    }

    /// For SCRAM: its hash, and whether it binds to the channel.
    pub fn scram(self) -> Option<(Hash, bool)> {
        match self {
            Self::ScramSha256Plus => Some((Hash::Sha256, true)),
            Self::ScramSha1Plus => Some((Hash::Sha1, true)),
            Self::ScramSha256 => Some((Hash::Sha256, false)),
            Self::ScramSha1 => Some((Hash::Sha1, false)),
            _ => None,
        }
    }

    /// Whether it binds to the channel.
    pub fn binds(self) -> bool {
        matches!(self.scram(), Some((_, true)))
    }

    /// Whether it takes tokens, so that it works only where somebody can check them (`[oauth]`).
    pub fn takes_tokens(self) -> bool {
        matches!(self, Self::OAuthBearer | Self::XOAuth2)
    }

    /// Whether it can work on such a connection: channel binding needs TLS that gives one, EXTERNAL a client certificate with a
    /// name.
    pub fn works(self, tls: Option<&TlsInfo>) -> bool {
        match self {
            Self::External => tls.is_some_and(|tls| !tls.identities.is_empty()),
            kind if kind.binds() => tls.is_some_and(|tls| tls.exporter.is_some()),
            _ => true,
        }
    }
}

/// Of the mechanisms that an operator wants, those that work on such a connection, in the order of preference.
pub fn offered<'a>(wanted: &'a [String], tls: Option<&'a TlsInfo>) -> impl Iterator<Item = Kind> + 'a {
    Kind::ALL.into_iter().filter(move |kind| {
        kind.works(tls) && wanted.iter().any(|name| name.eq_ignore_ascii_case(kind.name()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Exporter;

    #[test]
    fn names_are_those_of_the_mechanisms() {
        assert_eq!(Kind::ALL.map(Kind::name), NAMES);
        assert!(Kind::ALL.is_sorted());
        assert_eq!(Kind::named("scram-sha-1"), Some(Kind::ScramSha1));
        assert_eq!(Kind::named("CRAM-MD5"), None);
    }

    #[test]
    fn what_is_offered_works() {
        let wanted = NAMES.map(str::to_owned);
        let names = |tls: Option<&TlsInfo>| offered(&wanted, tls).map(Kind::name).collect::<Vec<_>>();
        assert_eq!(
            names(None),
            [
                "SCRAM-SHA-256",
                "SCRAM-SHA-1",
                "OAUTHBEARER",
                "XOAUTH2",
                "PLAIN",
                "LOGIN"
            ]
        );
        let mut tls = TlsInfo {
            exporter: Some(Exporter([7; 32])),
            ..TlsInfo::default()
        };
        assert_eq!(names(Some(&tls)).first(), Some(&"SCRAM-SHA-256-PLUS"));
        assert!(!names(Some(&tls)).contains(&"EXTERNAL"));
        tls.identities = vec!["tim@example.com".into()];
        tls.exporter = None;
        assert_eq!(names(Some(&tls)).get(2), Some(&"EXTERNAL"));
        let few = ["login".to_owned(), "PLAIN".to_owned()];
        assert_eq!(
            offered(&few, None).collect::<Vec<_>>(),
            [Kind::Plain, Kind::Login]
        );
    }
}
