//! What the protocols share on the wire.
//!
//! Invariant: `wire` knows no protocol's commands, and no message structure.

pub mod base64;
pub mod date;
pub mod dot;
pub mod filter;
pub mod line;
pub mod mutf7;
