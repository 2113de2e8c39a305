//! What the shells do alike: everything of a daemon that needs the world but no runtime.
//!
//! A shell has a loop, sockets, timers and tasks of its own; the rest is here. [`House`] opens the server and lets peers in,
//! [`World`] carries out the actions of one conversation, [`Peer`] moves its octets. A [`Worker`] is a conversation with
//! [`Nobody`].
//!
//! Invariants: no runtime is named here. No protocol word either: what is said is decided in the core.

mod accounts;
mod cli_error;
mod clock;
mod crowd;
mod descriptors;
mod drain;
mod flight;
mod hall;
mod house;
mod ids;
mod listen;
pub mod log;
mod news;
mod nobody;
mod observe;
mod peer;
mod settings;
mod signal;
mod tls;
mod unix_socket;
mod visit;
mod worker;
mod world;

use std::pin::Pin;

pub use accounts::{ask, first_account, hash, make_account, random_seed, words};
pub use cli_error::CliError;
pub use clock::Clock;
pub use house::House;
pub use listen::{Bound, is_drained};
pub use nobody::Nobody;
pub use peer::{Peer, Socket};
pub use settings::{Loaded, load};
pub use tls::Tls;
pub use unix_socket::SocketFile;
pub use visit::{Conversation, Guest, Visit};
pub use worker::Worker;
pub use world::World;

/// Runs a future as a task that nobody waits for and nothing cuts.
pub type Spawn = fn(Pin<Box<dyn Future<Output = ()> + Send>>);
