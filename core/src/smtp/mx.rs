//! Mail from other servers (RFC 5321): for the domains that are ours, from anybody.
//!
//! Nobody logs in here, and nothing is passed on: a recipient elsewhere is refused, whatever route, quotes or `%` it is wrapped in,
//! because what is looked up is the address behind them and no other. A stray CR or LF refuses the message at its true end: what
//! two servers take for two different messages is not passed on by this one.

use std::sync::Arc;

use super::manners::{Answers, Hello, Manners, Senders, With};
use super::{Server, Settings, words};
use crate::machine::{Peer, Seed};
use crate::wire::dot::Bare;

/// The manners of SMTP between servers.
pub static MANNERS: Manners = MX;

/// The same, to be built upon.
pub(super) const MX: Manners = Manners {
    protocol: "ESMTP",
    with: With {
        plain: "SMTP",
        extended: "ESMTP",
        utf8: "UTF8SMTP",
    },
    hellos: &[Hello::Ehlo, Hello::Helo],
    wrong_hello: words::SAY_EHLO,
    extensions: &[
        "PIPELINING",
        "8BITMIME",
        "SMTPUTF8",
        "CHUNKING",
        "ENHANCEDSTATUSCODES",
    ],
    no_recipients: words::NO_RECIPIENTS,
    answers: Answers::Once,
    bare: Bare::Report,
    senders: Senders::Anybody,
};

/// A new conversation: its first steps are the greeting.
pub fn session(peer: Peer, settings: Arc<Settings>, seed: Seed) -> Server {
    Server::new(&MANNERS, peer, settings, seed)
}
