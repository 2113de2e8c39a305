//! Whole conversations against the reference store.

mod auth;
mod budgets;
mod chunks;
mod content;
mod dialogue;
mod failures;
mod one_reply;
mod split;
mod strangers;
mod tls;
mod users;

use std::sync::Arc;

use super::{Server, Settings, mx, submission};
use crate::lmtp;
use crate::machine::{Effect, Peer, Seed};
use crate::pair::{Talk, World};
use crate::store::{MailboxName, Recipient, Request};

/// A world with three accounts and one conversation.
struct Post {
    world: World,
    talk: Talk,
}

const LHLO: &str = "LHLO client.example\r\n";
/// Envelope to one recipient.
const ENVELOPE: &str = "MAIL FROM:<s@x.org>\r\nRCPT TO:<pat@foo.edu>\r\n";
const MESSAGE: &str = "Subject: hi\r\n\r\nBlah blah blah...\r\n";

fn settings() -> Settings {
    Settings {
        hostname: "foo.edu".to_owned(),
        message_size_max: 10_000,
        recipients_max: 5,
        ..Settings::default()
    }
}

impl Post {
    /// The greeting has been read.
    fn new() -> Self {
        Self::with(settings())
    }

    fn with(settings: Settings) -> Self {
        let mut world = World::new();
        for login in ["pat@foo.edu", "green@foo.edu", "postmaster@foo.edu"] {
            world.create_account(login, "x");
        }
        let talk = join(&mut world, settings);
        Self { world, talk }
    }

    /// Another dialect, from an address of the network; the client has said EHLO.
    fn of(session: Session, settings: Settings) -> Self {
        let mut post = Self::new();
        post.talk = join_from("192.0.2.1", &mut post.world, session, settings);
        post.say("EHLO client.example\r\n");
        post
    }

    /// Another server's conversation.
    fn mx() -> Self {
        Self::of(mx::session, settings())
    }

    /// The client has said LHLO.
    fn greeted() -> Self {
        let mut post = Self::new();
        post.say(LHLO);
        post
    }

    /// What the server answers to this.
    fn say(&mut self, text: &str) -> String {
        self.world.feed(self.talk, text.as_bytes());
        String::from_utf8(self.world.take(self.talk)).unwrap()
    }

    /// The first word of each reply to this, and its enhanced code: `250 2.1.0`.
    fn codes(&mut self, text: &str) -> Vec<String> {
        codes(&self.say(text))
    }

    /// What the server has said of its own accord since the last time.
    fn codes_unasked(&mut self) -> Vec<String> {
        codes(&String::from_utf8(self.world.take(self.talk)).unwrap())
    }

    /// What reached each upload, in order.
    fn uploads(&self) -> Vec<Vec<u8>> {
        self.world
            .conversation(self.talk)
            .unwrap()
            .summary()
            .uploads
            .into_values()
            .collect()
    }

    fn is_over(&self) -> bool {
        self.world.is_over(self.talk)
    }

    /// The recipients of all deliveries that the store was asked for.
    fn asked(&self) -> Vec<Recipient> {
        let requests = self
            .world
            .log()
            .iter()
            .filter_map(|effected| match &effected.effect {
                Effect::Store(_, Request::Deliver { recipients, .. }) => Some(recipients.clone()),
                _ => None,
            });
        requests.flatten().collect()
    }

    /// Messages in the INBOX of each account, in the order of creation.
    fn mails(&mut self) -> Vec<u64> {
        ["pat@foo.edu", "green@foo.edu", "postmaster@foo.edu"]
            .map(|login| mails(&mut self.world, login))
            .to_vec()
    }
}

/// A conversation on a UNIX socket.
fn join(world: &mut World, settings: Settings) -> Talk {
    let peer = Peer {
        address: None,
        tls: None,
    };
    let talk = world.join(lmtp::session(peer, Arc::new(settings), Seed::new([1; 32])));
    assert_eq!(world.take(talk), b"220 foo.edu LMTP ready\r\n");
    talk
}

type Session = fn(Peer, Arc<Settings>, Seed) -> Server;

/// A conversation with a peer of the network.
fn join_from(address: &str, world: &mut World, session: Session, settings: Settings) -> Talk {
    let peer = Peer {
        address: Some(address.parse().unwrap()),
        tls: None,
    };
    let talk = world.join(session(peer, Arc::new(settings), Seed::new([2; 32])));
    assert_eq!(world.take(talk), b"220 foo.edu ESMTP ready\r\n");
    talk
}

fn mails(world: &mut World, login: &str) -> u64 {
    use crate::store::{Actor, Reply};
    let find = Request::FindRecipient {
        address: login.to_owned(),
        base: None,
    };
    let Ok(Reply::RecipientFound(places)) = world.ask(Actor::Door, find) else {
        panic!("{login} is known")
    };
    let status = Request::StatusMailbox {
        name: MailboxName::inbox(),
        recent: false,
    };
    match world.ask(Actor::Account(places[0].account), status) {
        Ok(Reply::Status(status)) => status.mailbox.msgs,
        other => panic!("{other:?}"),
    }
}

fn codes(replies: &str) -> Vec<String> {
    let last_lines = replies
        .lines()
        .filter(|line| line.as_bytes().get(3) == Some(&b' '));
    last_lines
        .map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" "))
        .collect()
}
