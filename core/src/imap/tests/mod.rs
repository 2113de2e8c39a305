//! Dialogues: what a client says and what it hears, word for word, against the reference store.

mod append;
mod compress;
mod idle;
mod liststatus;
mod literals;
mod login;
mod mailboxes;
mod messages;
mod multiappend;
mod objects;
mod refusals;
mod resync;
mod split;
mod state;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use super::{Session, Settings};
use crate::machine::{Peer, Seed};
use crate::pair::dialogue::{Dialogue, Talks};
use crate::pair::{Talk, World};
use crate::store::{AccountId, Flag, Flags, MailboxName};

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
    /// An account without messages and without sessions.
    fn new() -> Self {
        let mut world = World::new();
        let account = world.create_account("user@example.com", "secret");
        let peer = Peer {
            address: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            tls: None,
        };
        Self {
            world,
            account,
            settings: Settings::default(),
            peer,
            talks: Talks::new(),
        }
    }

    /// INBOX has so many messages, and the sessions `names` have it selected; the first has claimed them as recent.
    fn selected(messages: usize, names: &str) -> Self {
        let mut stage = Self::new();
        (0..messages).for_each(|_| stage.deliver(Flags::NONE));
        for name in names.chars() {
            stage.logged_in(name);
            let talk = stage.talk(name);
            stage.world.feed(talk, b"s SELECT INBOX\r\n");
            stage.world.take(talk);
        }
        stage
    }

    /// A session that has logged in.
    fn logged_in(&mut self, name: char) {
        let talk = self.talk(name);
        self.world.feed(talk, b"l LOGIN user@example.com secret\r\n");
        let said = self.world.take(talk);
        assert!(
            said.windows(4).any(|part| part == b"l OK"),
            "{}",
            String::from_utf8_lossy(&said)
        );
        self.talks.insert(name, (talk, Vec::new()));
    }

    /// One more message in INBOX.
    fn deliver(&mut self, flags: Flags) {
        self.world
            .append(self.account, &MailboxName::inbox(), flags, MESSAGE)
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

    fn talk(&mut self, name: char) -> Talk {
        if let Some((talk, _)) = self.talks.get(&name) {
            return *talk;
        }
        let seed = Seed::new([u8::try_from(name).unwrap(); 32]);
        let session = Session::new(self.peer.clone(), Arc::new(self.settings.clone()), seed);
        let talk = self.world.join(session);
        self.talks.insert(name, (talk, Vec::new()));
        talk
    }

    fn fresh(&mut self, name: char) -> bool {
        let talk = self.talk(name);
        let sent = self.world.conversation(talk).unwrap().sent();
        let greeting = sent.starts_with(b"* OK [CAPABILITY")
            && sent.iter().filter(|&&octet| octet == b'\n').count() == 1;
        if greeting {
            self.world.take(talk);
        }
        greeting
    }
}

/// Plays a transcript with sessions that have logged in as they first speak.
fn logged_in(names: &str, transcript: &str) {
    let mut stage = Stage::new();
    names.chars().for_each(|name| stage.logged_in(name));
    stage.play(transcript);
}

/// Flags of a message to be delivered.
fn seen() -> Flags {
    Flag::Seen.into()
}
