//! The session driver: one conversation from its first octet to its last.
//!
//! All sense is in the machine; [`drive`] is the loop, [`socket`] is what it needs of smol. No protocol word stands in this
//! folder.

mod drive;
mod socket;

pub use drive::drive;
pub use socket::Socket;
