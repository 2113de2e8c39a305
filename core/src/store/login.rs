//! What a log-in asks of the store, and what is stored to check it.

use std::fmt;

use crate::machine::Secret;

use super::{Access, AccountId, Scopes};

/// Of `FindLogin`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginFound {
    /// Whose name it is; `None` is an unknown user, which must look like a wrong password.
    pub account: Option<LoginAccount>,
    /// How long this name or this network has to wait, in milliseconds; 0: not at all.
    pub wait_ms: u64,
}

/// An account, as a log-in needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginAccount {
    /// Its id.
    pub id: AccountId,
    /// From where it may log in.
    pub access: Access,
    /// What is stored of its password.
    pub password: PasswordHashes,
    /// Its app passwords.
    pub app_passwords: Vec<LoginAppPassword>,
}

/// What is stored of a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordHashes {
    /// A bcrypt hash.
    pub bcrypt: Secret,
    /// What SCRAM checks with; `None`: only the hash is known, as of an account that was imported with it.
    pub scram: Option<ScramVerifiers>,
}

/// A verifier for each of SCRAM's hashes (RFC 5802, 3), as text: iterations, salt, stored key and server key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScramVerifiers {
    /// Of SCRAM-SHA-256.
    pub sha256: Secret,
    /// Of SCRAM-SHA-1.
    pub sha1: Secret,
}

impl From<Secret> for PasswordHashes {
    /// Of a bcrypt hash alone.
    fn from(bcrypt: Secret) -> Self {
        Self { bcrypt, scram: None }
    }
}

/// An app password, as a log-in needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginAppPassword {
    /// SHA-256 of it, in hexadecimal digits.
    pub hash: Secret,
    /// Where it may be used.
    pub scopes: Scopes,
    /// Until when, in milliseconds since 1970; `None`: until it is removed.
    pub until_ms: Option<u64>,
}

/// Why a log-in is refused: for the log alone, a peer is never told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// Nobody has that name.
    UnknownUser,
    /// The password is another, or what SCRAM proves it by is.
    WrongPassword,
    /// SCRAM has nothing to check with: only a bcrypt hash is known so far.
    NoVerifier,
    /// The app password is for another service, or has ended.
    Scope,
    /// The account may log in from the server's own machine only.
    LocalOnly,
    /// The account may log in from nowhere.
    Disabled,
}

impl fmt::Display for Ground {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Ground::UnknownUser => "unknown user",
            Ground::WrongPassword => "wrong password",
            Ground::NoVerifier => "no verifier",
            Ground::Scope => "scope",
            Ground::LocalOnly => "local only",
            Ground::Disabled => "disabled",
        })
    }
}
