//! The SMTP server: one mail conversation as a machine (RFC 5321), whose [`Manners`] say which of SMTP's dialects it speaks.
//!
//! To follow a mail: [`session`] frames lines and content, `command/` holds a file for each command and the one table that
//! says when it is allowed, `transaction` is the envelope, `message` is what happens behind the final dot, `trace` writes what
//! stands in front of the message, [`words`] is every reply.
//!
//! Invariants: nothing of a body is held here: its octets go from one read into the upload. While an effect is in flight no octet
//! is asked for. Only `CRLF.CRLF` ends DATA, only the announced count ends a chunk. A message is answered 250 only after the store
//! has said `Delivered` of every recipient that the reply speaks of.

mod command;
mod context;
mod disclosing;
mod login;
mod manners;
mod message;
pub mod mx;
mod outbox;
mod ownership;
mod parameters;
mod path;
mod session;
mod settings;
pub mod submission;
mod trace;
mod transaction;
pub mod words;

#[cfg(test)]
mod tests;

pub use command::verbs;
pub use manners::{Answers, Hello, Manners, Senders, With};
pub use session::Server;
pub use settings::Settings;
