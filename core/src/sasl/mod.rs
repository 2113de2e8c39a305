//! SASL mechanisms (RFC 4422) as tiny machines: responses in; challenges, questions and in the end a login name out.
//!
//! A mechanism sees decoded octets; base64, `=` and `*` belong to the protocol that carries it. It looks nothing up and computes
//! nothing dear: where it needs a verifier, a proof checked or a token, it asks ([`SaslStep`]), and the log-in makes effects of it.

pub mod auth;
mod external;
mod gs2;
mod kind;
mod login;
mod mask;
mod oauth;
mod plain;
pub mod scram;

use std::fmt;

pub use external::External;
pub use kind::{Kind, NAMES, offered};
pub use login::Login;
pub use mask::mask;
pub use oauth::Bearer;
pub use plain::Plain;
pub use scram::{Scram, ScramProof};

use crate::config::Config;
use crate::machine::{Secret, Seed, TlsInfo};
use scram::Hash;

/// The most octets of a response, as it is written in base64 (RFC 4954, 4); a longer line is never read whole.
pub const RESPONSE_LEN_MAX: usize = 12_288;

/// The most octets of an identity or a password; RFC 4616, 2 asks for 255.
pub const FIELD_LEN_MAX: usize = 255;

/// One exchange. Call [`Mechanism::begin`], then [`Mechanism::respond`] for each response and [`Mechanism::answer`] for each
/// question, until it ends.
pub trait Mechanism: fmt::Debug + Send {
    /// Begins, with the initial response if the client has sent one.
    fn begin(&mut self, initial: Option<&[u8]>) -> SaslStep;

    /// Takes the response to the last challenge.
    fn respond(&mut self, octets: &[u8]) -> SaslStep;

    /// Takes the answer to the last question. A mechanism that asks none ends.
    fn answer(&mut self, _: Answer) -> SaslStep {
        SaslStep::Failed(SaslError::Malformed)
    }
}

/// What comes next in an exchange: a challenge, a question, or the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SaslStep {
    /// Send this and give the response to [`Mechanism::respond`]; perhaps empty. The last message of a server (SCRAM's
    /// signature) is one too: the client answers it with nothing.
    Challenge(Vec<u8>),
    /// A question: what is stored of this account's password for SCRAM? Answered by [`Answer::Verifier`].
    ///
    /// Where there is none, since there is no such account, it may not log in here, or its password was set elsewhere, the answer
    /// is of [`crate::machine::Effect::InventVerifier`], so that nobody learns which.
    FindVerifier {
        /// Whose account: SASLprep has been applied, lower case not.
        login: String,
        /// Which of its verifiers.
        hash: scram::Hash,
    },
    /// A question: is this proof right ([`crate::machine::Effect::VerifyScram`])? Answered by [`Answer::Signature`].
    VerifyScram(ScramProof),
    /// A question: whose token is this ([`crate::machine::Effect::VerifyToken`])? Answered by [`Answer::Owner`].
    VerifyToken {
        /// Whose account the client wants; `None`: the token's.
        login: Option<String>,
        /// What the client was given by an authorization server.
        token: Secret,
    },
    /// The end: check these.
    Credentials {
        /// Whose account.
        login: String,
        /// What proves it.
        password: Secret,
    },
    /// The end: the peer has proven to be this account, by what was asked before or by its certificate. The account may still be
    /// one that there is not, or that may not log in here.
    Proven {
        /// Whose account.
        login: String,
    },
    /// The end: the proof or the token is wrong. A failed log-in, as a wrong password is.
    Rejected,
    /// The end: nobody is logged in, since a message breaks the rules.
    Failed(SaslError),
}

/// The answer to a question of [`SaslStep`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Of [`SaslStep::FindVerifier`]: a stored or an invented verifier, as [`scram::Verifier`] writes it.
    Verifier(Secret),
    /// Of [`SaslStep::VerifyScram`]: the server's signature in base64; `None`: the proof is wrong.
    Signature(Option<Secret>),
    /// Of [`SaslStep::VerifyToken`]: the token's account; `None`: the token is no good, or its account may not log in here.
    Owner(Option<String>),
}

/// What is wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaslError {
    /// It has not the form that the mechanism wants.
    Malformed,
    /// It holds an identity or a password of more than [`FIELD_LEN_MAX`] octets, or it is longer than [`RESPONSE_LEN_MAX`].
    TooLong,
    /// It asks to act as somebody else.
    OtherIdentity,
    /// The client believes that we cannot bind to the channel, but we offer it: somebody has changed our list of mechanisms
    /// (RFC 5802, 6).
    Downgraded,
    /// It wants a channel binding that there is not here.
    NoSuchBinding,
    /// It wants an extension that we do not know (RFC 5802, 5.1: `m=`).
    Extension,
    /// The client's certificate names nobody, or somebody else.
    NoSuchIdentity,
}

impl fmt::Display for SaslError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SaslError::Malformed => "the response has not the form that the mechanism wants",
            SaslError::TooLong => "the response is too long",
            SaslError::OtherIdentity => "to act as another user is not supported",
            SaslError::Downgraded => {
                "channel binding is offered here, but the client was told that it is not"
            }
            SaslError::NoSuchBinding => "there is no such channel binding here",
            SaslError::Extension => "there is no such extension",
            SaslError::NoSuchIdentity => "the certificate does not name this user",
        })
    }
}

/// What a mechanism may know of its connection.
#[derive(Debug)]
pub struct Channel<'a> {
    /// What TLS has agreed on; `None`: there is no TLS.
    pub tls: Option<&'a TlsInfo>,
    /// Where nonces are drawn from.
    pub seed: &'a mut Seed,
    /// Whether a mechanism with channel binding is offered at this moment.
    pub binds: bool,
}

/// A fresh exchange of a mechanism.
pub fn mechanism(kind: Kind, channel: Channel<'_>) -> Box<dyn Mechanism> {
    match kind {
        Kind::ScramSha256Plus => Box::new(Scram::new(Hash::Sha256, true, channel)),
        Kind::ScramSha1Plus => Box::new(Scram::new(Hash::Sha1, true, channel)),
        Kind::ScramSha256 => Box::new(Scram::new(Hash::Sha256, false, channel)),
        Kind::ScramSha1 => Box::new(Scram::new(Hash::Sha1, false, channel)),
        Kind::External => Box::new(External::new(channel)),
        Kind::OAuthBearer => Box::new(Bearer::new(oauth::Dialect::OAuthBearer)),
        Kind::XOAuth2 => Box::new(Bearer::new(oauth::Dialect::XOAuth2)),
        Kind::Plain => Box::new(Plain),
        Kind::Login => Box::new(Login::default()),
    }
}

/// A fresh exchange of a mechanism on a connection with this TLS, where those of `wanted` are offered.
pub fn exchange(kind: Kind, wanted: &[String], tls: Option<&TlsInfo>, seed: &mut Seed) -> Box<dyn Mechanism> {
    let binds = offered(wanted, tls).any(Kind::binds);
    mechanism(kind, Channel { tls, seed, binds })
}

/// Of the mechanisms that there are, those that an operator wants and that can work, in the order of preference.
pub fn wanted(config: &Config) -> Vec<String> {
    let wanted = &config.auth.mechanisms.0;
    let is_wanted = |kind: &Kind| {
        wanted
            .iter()
            .any(|wanted| wanted.eq_ignore_ascii_case(kind.name()))
    };
    let can_work = |kind: &Kind| config.oauth.is_some() || !kind.takes_tokens();
    let kinds = Kind::ALL.into_iter().filter(is_wanted).filter(can_work);
    kinds.map(|kind| kind.name().to_owned()).collect()
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
