//! IMAP4rev1 (RFC 3501) and its extensions.
//!
//! [`Session`] is the machine. It frames commands, keeps the rules of the command table and answers; each command is a file of its own.
//! The `grammar` knows how things are written, [`ast`] what they mean, `selected` which number means which message, `words` how a
//! failure is told.

pub mod ast;
mod command;
mod context;
mod enabled;
pub mod fetch;
mod framing;
pub mod grammar;
mod object_name;
mod output;
pub mod search;
mod selected;
mod session;
mod settings;
#[cfg(test)]
mod tests;
mod tree;
mod words;

pub use command::names as commands;
pub use session::Session;
pub use settings::Settings;
pub use words::CODES;
