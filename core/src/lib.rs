//! The protocol machines of LightMail.
//!
//! Bytes, outcomes and the clock go in; actions come out; nothing in between touches the world. A *shell* (tokio, smol,
//! a test, a fuzzer) owns sockets, files, clocks and databases and drives a [`machine::Machine`].
//!
//! Invariant: this crate has no `async`, no thread, no clock, no file, no socket, no randomness of its own, and depends on
//! no crate that has.

pub mod admin;
pub mod announcement;
pub mod antivirus;
pub mod clamd;
pub mod config;
pub mod doors;
pub mod garbage;
pub mod greet;
pub mod imap;
pub mod lmtp;
pub mod login;
pub mod machine;
pub mod mime;
pub mod pair;
pub mod pop3;
pub mod sasl;
pub mod smtp;
pub mod store;
pub mod wire;
