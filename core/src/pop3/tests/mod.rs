//! Dialogues: what a client says and what it hears, word for word, against the reference store.

mod budgets;
mod failures;
mod leases;
mod letters;
mod logins;
mod split;
mod tls;
mod update;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use super::{Session, Settings};
use crate::machine::{Peer, Seed};
use crate::pair::dialogue::{Dialogue, Talks};
use crate::pair::{Talk, World};
use crate::store::{AccountId, Flags, MailboxName};

/// A world with one account, and sessions named by digits.
struct Stage {
    world: World,
    account: AccountId,
    settings: Settings,
    peer: Peer,
    talks: Talks,
}

const MESSAGE: &[u8] = b"From: a@example.com\r\nSubject: hello\r\n\r\nHello\r\n";

impl Stage {
    /// INBOX has so many messages of 46 octets.
    fn new(messages: usize) -> Self {
        let mut world = World::new();
        let account = world.create_account("user@example.com", "secret");
        let peer = Peer {
            address: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            tls: None,
        };
        let mut stage = Self {
            world,
            account,
            settings: Settings::default(),
            peer,
            talks: Talks::new(),
        };
        (0..messages).for_each(|_| stage.deliver(MESSAGE));
        stage
    }

    /// The same, and the sessions `names` have logged in.
    fn logged_in(messages: usize, names: &str) -> Self {
        let mut stage = Self::new(messages);
        names.chars().for_each(|name| stage.log_in(name));
        stage
    }

    fn log_in(&mut self, name: char) {
        let talk = self.talk(name);
        self.world.feed(talk, b"USER user@example.com\r\nPASS secret\r\n");
        let said = String::from_utf8(self.world.take(talk)).unwrap();
        assert!(said.lines().all(|line| line.starts_with("+OK")), "{said}");
    }

    /// One more message in INBOX.
    fn deliver(&mut self, octets: &[u8]) {
        self.world
            .append(self.account, &MailboxName::inbox(), Flags::NONE, octets)
            .unwrap();
    }
}

impl Dialogue for Stage {
    fn world(&mut self) -> &mut World {
        &mut self.world
    }

    fn talks(&mut self) -> &mut Talks {
        &mut self.talks
    }

    /// The session of a name; its greeting has been heard.
    fn talk(&mut self, name: char) -> Talk {
        if let Some((talk, _)) = self.talks.get(&name) {
            return *talk;
        }
        let seed = Seed::new([u8::try_from(name).unwrap(); 32]);
        let session = Session::new(self.peer.clone(), Arc::new(self.settings.clone()), seed);
        let talk = self.world.join(session);
        assert!(self.world.take(talk).starts_with(b"+OK "));
        self.talks.insert(name, (talk, Vec::new()));
        talk
    }
}
