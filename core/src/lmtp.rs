//! LMTP (RFC 2033): the SMTP server with other manners. LHLO instead of EHLO, and one reply per recipient behind the message.

use std::sync::Arc;

use crate::machine::{Peer, Seed};
use crate::smtp::{Hello, Manners, Server, Settings, words};

/// The manners of LMTP (RFC 2033, 4).
pub static MANNERS: Manners = Manners {
    protocol: "LMTP",
    hellos: &[Hello::Lhlo],
    wrong_hello: words::SAY_LHLO,
    extensions: &[
        "PIPELINING",
        "8BITMIME",
        "SMTPUTF8",
        "CHUNKING",
        "ENHANCEDSTATUSCODES",
    ],
    no_recipients: words::NO_RECIPIENTS,
};

/// A new conversation: its first steps are the greeting.
pub fn session(peer: Peer, settings: Arc<Settings>, seed: Seed) -> Server {
    Server::new(&MANNERS, peer, settings, seed)
}
