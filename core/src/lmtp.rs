//! LMTP (RFC 2033): the SMTP server with other manners. LHLO instead of EHLO, and one reply per recipient behind the message.

use std::sync::Arc;

use crate::machine::{Peer, Seed};
use crate::smtp::{Answers, Hello, Manners, Senders, Server, Settings, With, words};
use crate::wire::dot::Bare;

/// The manners of LMTP (RFC 2033, 4).
pub static MANNERS: Manners = Manners {
    protocol: "LMTP",
    with: With {
        plain: "LMTP",
        extended: "LMTP",
        utf8: "UTF8LMTP",
    },
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
    answers: Answers::EachRecipient,
    bare: Bare::Normalise,
    senders: Senders::Anybody,
};

/// A new conversation: its first steps are the greeting.
pub fn session(peer: Peer, settings: Arc<Settings>, seed: Seed) -> Server {
    Server::new(&MANNERS, peer, settings, seed)
}
