//! The test driver: machines, the reference store, objects in memory and a clock that stands still until it is told to move.
//!
//! A [`World`] drives any number of [`Conversation`]s as a shell would, one thing at a time: it owes them what
//! [`crate::machine`] says a shell owes, and panics when a machine breaks its side. Everything is plain code: no thread, no
//! socket, no time of its own, so a transcript of thirty minutes runs in a millisecond and every run is the same.
//!
//! ```text
//! let mut world = World::new();
//! let account = world.create_account("user@example.com", "secret");
//! let talk = world.join(machine);                      // runs until the machine waits; the greeting is there
//! world.feed(talk, b"a LOGIN user@example.com secret\r\n");
//! let answer = world.take(talk);
//! world.advance(30 * 60_000);                          // ticks fall due in order
//! ```
//!
//! Passwords are hashed as `plain:` and the password itself: this is for tests alone.

mod acting;
mod conversation;
#[cfg(test)]
pub(crate) mod dialogue;
mod fault;
mod record;
mod stage;
#[cfg(test)]
mod tests;
mod uploads;
mod world;

pub use acting::EXPORTER;
pub use conversation::Conversation;
pub use fault::{Fault, When};
pub use record::{Peaks, Summary};
pub use stage::{Effected, Stage};
pub use world::{Talk, World};
