//! SASL mechanisms (RFC 4422) as tiny machines: responses in, challenges or credentials out.
//!
//! A mechanism sees decoded octets; base64, `=` and `*` belong to the protocol that carries it. It checks no password: it
//! names whose credentials are to be checked.

mod login;
mod plain;

use std::fmt;

pub use login::Login;
pub use plain::Plain;

use crate::machine::Secret;

/// The most octets of a response, as it is written in base64 (RFC 4954, 4); a longer line is never read whole.
pub const RESPONSE_LEN_MAX: usize = 12_288;

/// The most octets of an identity or a password; RFC 4616, 2 asks for 255.
pub const FIELD_LEN_MAX: usize = 255;

/// The names that [`mechanism`] knows, in the order of preference.
pub const NAMES: [&str; 2] = ["PLAIN", "LOGIN"];

/// One exchange. Call [`Mechanism::begin`], then [`Mechanism::respond`] for each response until it ends.
pub trait Mechanism: fmt::Debug + Send {
    /// Begins, with the initial response if the client has sent one.
    fn begin(&mut self, initial: Option<&[u8]>) -> SaslStep;

    /// Takes the response to the last challenge.
    fn respond(&mut self, octets: &[u8]) -> SaslStep;
}

/// What comes next in an exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SaslStep {
    /// Send this and give the answer to [`Mechanism::respond`]; perhaps empty.
    Challenge(Vec<u8>),
    /// The end: check these.
    Credentials {
        /// Whose account.
        login: String,
        /// What proves it.
        password: Secret,
    },
    /// The end: nobody is logged in.
    Failed(SaslError),
}

/// What is wrong with a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaslError {
    /// It has not the form that the mechanism wants.
    Malformed,
    /// It holds an identity or a password of more than [`FIELD_LEN_MAX`] octets, or it is longer than [`RESPONSE_LEN_MAX`].
    TooLong,
    /// It asks to act as somebody else.
    OtherIdentity,
}

impl fmt::Display for SaslError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SaslError::Malformed => "the response has not the form that the mechanism wants",
            SaslError::TooLong => "the response is too long",
            SaslError::OtherIdentity => "to act as another user is not supported",
        })
    }
}

/// A fresh exchange of the named mechanism, whatever the case of its name; `None` if there is no such one.
pub fn mechanism(name: &str) -> Option<Box<dyn Mechanism>> {
    if name.eq_ignore_ascii_case("PLAIN") {
        Some(Box::new(Plain))
    } else if name.eq_ignore_ascii_case("LOGIN") {
        Some(Box::new(Login::default()))
    } else {
        None
    }
}

/// Of the mechanisms that there are, those that an operator wants, in the order of preference.
pub fn wanted(names: &[String]) -> Vec<String> {
    let is_wanted = |name: &&str| names.iter().any(|wanted| wanted.eq_ignore_ascii_case(name));
    NAMES.into_iter().filter(is_wanted).map(str::to_owned).collect()
}

/// An identity or a password: UTF-8 without NUL, of 1 to [`FIELD_LEN_MAX`] octets.
fn field(octets: &[u8]) -> Result<String, SaslError> {
    if octets.is_empty() || octets.contains(&0) {
        return Err(SaslError::Malformed);
    }
    if octets.len() > FIELD_LEN_MAX {
        return Err(SaslError::TooLong);
    }
    str::from_utf8(octets)
        .map(str::to_owned)
        .map_err(|_| SaslError::Malformed)
}
