//! What the protocols share below their grammars: framing of lines, commands and messages, transfer encodings, mailbox
//! names on the wire, dates, compression, and the filters that change octets on their way out.
//!
//! Invariant: nothing here knows a command, an account or a store. Every decoder takes octets in any cut and gives the
//! same result, in memory that does not depend on what a peer announces.

pub mod alone;
pub mod base64;
pub mod command;
pub mod date;
pub mod decimal;
pub mod deflate;
pub mod dot;
pub mod filter;
pub mod http;
pub mod line;
pub mod mutf7;
pub mod quoted;
pub mod transfer;
