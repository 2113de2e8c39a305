//! Submission (RFC 6409): mail of our users, who log in first.

use std::sync::Arc;

use super::manners::{Manners, Senders};
use super::{Server, Settings, mx};
use crate::machine::{Peer, Seed};

/// The manners of submission: those of SMTP between servers, but for who may send.
pub static MANNERS: Manners = Manners {
    senders: Senders::Users,
    ..mx::MX
};

/// A new conversation: its first steps are the greeting.
pub fn session(peer: Peer, settings: Arc<Settings>, seed: Seed) -> Server {
    Server::new(&MANNERS, peer, settings, seed)
}
