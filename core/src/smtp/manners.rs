//! What one dialect of SMTP does otherwise than another, as a value: LMTP ([`crate::lmtp`]), mail from other servers
//! ([`super::mx`]), submission by users ([`super::submission`]).

use super::words::Reply;
use crate::wire::dot::Bare;

/// A dialect. The session asks this value and never which dialect it is.
#[derive(Debug)]
pub struct Manners {
    /// The name in the greeting.
    pub protocol: &'static str,
    /// The names in `Received … with`.
    pub with: With,
    /// The hellos that are understood.
    pub hellos: &'static [Hello],
    /// The reply to every other hello.
    pub wrong_hello: Reply,
    /// The extensions that a hello is answered with; SIZE, STARTTLS and AUTH are added from the settings.
    pub extensions: &'static [&'static str],
    /// The reply to DATA when no recipient was accepted.
    pub no_recipients: Reply,
    /// How a message is answered.
    pub answers: Answers,
    /// What becomes of a CR or LF that stands alone in a message.
    pub bare: Bare,
    /// Who sends here.
    pub senders: Senders,
}

/// The protocol's names in a trace field, without the `S` of TLS and the `A` of a log-in (RFC 3848; RFC 6531, 4.3).
#[derive(Debug)]
pub struct With {
    /// After HELO; nothing is added to it, since HELO knows no extension.
    pub plain: &'static str,
    /// After a hello with extensions.
    pub extended: &'static str,
    /// The same, of a message that was sent with SMTPUTF8.
    pub utf8: &'static str,
}

/// A way to say hello.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hello {
    /// `HELO`: a greeting without extensions.
    Helo,
    /// `EHLO` (RFC 5321, 4.1.1.1).
    Ehlo,
    /// `LHLO` (RFC 2033, 4.1).
    Lhlo,
}

/// How many replies there are behind a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// One for each recipient (RFC 2033, 4.2).
    EachRecipient,
    /// One for all (RFC 5321, 4.1.1.4).
    Once,
}

/// Whose mail a dialect takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Senders {
    /// Whoever comes: another server. AUTH is not offered.
    Anybody,
    /// Users of ours, who log in first (RFC 6409, 4.3).
    Users,
}
