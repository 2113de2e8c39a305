//! The grammar of IMAP commands (RFC 3501, 9): octets of a whole command to values, and values to octets of a response.
//!
//! A [`Cursor`] walks the command; a parser takes it and ends with [`Cursor::end`]. What does not fit is a [`Syntax`], which
//! tells the place, what would have been right and what stands there. Strict where the grammar is: one space is one space.
//! Nothing here recurses on input, and nothing knows what a command does.

mod append;
mod chars;
mod cursor;
mod date;
mod fetch;
mod flags;
pub mod glob;
mod head;
mod list;
mod login;
mod mailbox;
mod modseq;
mod number;
mod object_id;
pub mod print;
mod search;
mod status;
mod string;
mod syntax;

#[cfg(test)]
mod tests;

pub use append::AppendMessage;
pub use cursor::Cursor;
pub use flags::{FlagList, StoreItem};
pub use head::{Head, head, tag};
pub use list::{ListArgs, ListReturn, ListSelect};
pub use login::AuthenticateArgs;
pub use modseq::ResyncExpected;
pub use string::Announced;
pub use syntax::{Expected, Found, Syntax};
