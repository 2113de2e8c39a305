//! The session driver: one conversation from its first octet to its last.
//!
//! All sense is in the machine, all I/O is here: [`peer`] moves octets, [`world`] runs effects, [`drive`] is the loop between.
//! No protocol word stands in this folder.

mod clock;
mod drive;
mod observe;
mod peer;
mod world;

pub use clock::Clock;
pub use drive::drive;
pub use peer::{Peer, Socket};
pub use world::World;
