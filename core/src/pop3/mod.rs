//! POP3 (RFC 1939) and its extensions.
//!
//! [`Session`] is the machine. It reads command lines, keeps the rules of the command table and answers; each command is a file of
//! its own. `maildrop` is INBOX as it stood when it was opened, `lease` what keeps other sessions out of it, `words` every answer
//! that does not count anything.
//!
//! A maildrop is a snapshot: numbers never move while a session lives, and what it marks as deleted goes at QUIT, in one
//! transaction, or not at all.

mod command;
mod context;
mod disclosing;
mod lease;
mod letter;
mod login;
mod maildrop;
mod outbox;
mod session;
mod settings;
#[cfg(test)]
mod tests;
pub mod words;

pub use command::{capability_tags, verbs};
pub use session::Session;
pub use settings::Settings;
