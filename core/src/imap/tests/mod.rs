//! Dialogues: what a client says and what it hears, word for word, against the reference store.

mod append;
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

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use super::{Session, Settings};
use crate::machine::{Peer, Seed};
use crate::pair::{Talk, World};
use crate::store::{AccountId, Flag, Flags, MailboxName};

/// A world with one account, and sessions named by digits.
struct Stage {
    world: World,
    account: AccountId,
    settings: Settings,
    peer: Peer,
    talks: BTreeMap<char, (Talk, Vec<u8>)>,
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
            talks: BTreeMap::new(),
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

    /// Plays a transcript. `1C:` a line of session 1's client; `1C|` the same, without the line end and with `\r`, `\n`, `\0`
    /// meant; `1S:` the next line that it hears, `...` anything; `time 30s`; `1 over`. What is heard must all be in the transcript.
    fn play(&mut self, transcript: &str) -> &mut Self {
        for line in transcript.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (name, rest) = (line.chars().next().unwrap(), line.get(1..).unwrap());
            if let Some(time) = line.strip_prefix("time ") {
                self.silent();
                self.world.advance(ms(time));
            } else if rest == " over" {
                let talk = self.talk(name);
                self.heard_all(name);
                assert!(self.world.is_over(talk), "{name} is not over");
            } else if let Some(said) = rest.strip_prefix("C: ") {
                self.say(name, &[said.as_bytes(), b"\r\n"].concat());
            } else if let Some(said) = rest.strip_prefix("C| ") {
                self.say(
                    name,
                    said.replace("\\r", "\r")
                        .replace("\\n", "\n")
                        .replace("\\0", "\0")
                        .as_bytes(),
                );
            } else if let Some(expected) = rest.strip_prefix("S: ") {
                let heard = self
                    .hear(name)
                    .unwrap_or_else(|| panic!("nothing was heard, but expected: {expected}"));
                assert!(
                    matches(expected, &heard),
                    "\nexpected {expected}\nheard    {heard}\nthen {:?}",
                    self.hear(name)
                );
            } else {
                panic!("no line of a transcript: {line}");
            }
        }
        self.silent();
        let findings = self.world.check();
        assert!(findings.is_empty(), "{findings:?}");
        self
    }

    fn say(&mut self, name: char, octets: &[u8]) {
        let talk = self.talk(name);
        if self.talks.get(&name).is_some_and(|(_, heard)| !heard.is_empty()) || !self.fresh(name) {
            self.heard_all(name);
        }
        self.world.feed(talk, octets);
    }

    /// Whether nothing but the greeting has been heard; it may be passed over.
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

    fn hear(&mut self, name: char) -> Option<String> {
        let talk = self.talk(name);
        let new = self.world.take(talk);
        let (_, heard) = self.talks.get_mut(&name)?;
        heard.extend_from_slice(&new);
        let end = heard.windows(2).position(|pair| pair == b"\r\n")?;
        let line = String::from_utf8_lossy(heard.get(..end)?).into_owned();
        heard.drain(..end + 2);
        Some(line)
    }

    fn heard_all(&mut self, name: char) {
        if let Some(more) = self.hear(name) {
            panic!("{name} heard what was not expected: {more}");
        }
    }

    fn silent(&mut self) {
        let names: Vec<char> = self.talks.keys().copied().collect();
        names.into_iter().for_each(|name| {
            if !self.fresh(name) {
                self.heard_all(name);
            }
        });
    }

    /// The store requests and effects asked for since the start, by name.
    fn effects(&self) -> Vec<&'static str> {
        self.world
            .log()
            .iter()
            .map(|effected| effected.effect.name())
            .collect()
    }
}

/// Plays a transcript with sessions that have logged in as they first speak.
fn logged_in(names: &str, transcript: &str) {
    let mut stage = Stage::new();
    names.chars().for_each(|name| stage.logged_in(name));
    stage.play(transcript);
}

fn ms(time: &str) -> u64 {
    let (number, unit) = time.split_at(time.len() - 1);
    let number: u64 = number.parse().unwrap();
    match unit {
        "s" => number * 1000,
        "m" => number * 60_000,
        _ => panic!("no time: {time}"),
    }
}

/// Whether `heard` fits, where `...` stands for anything.
fn matches(expected: &str, heard: &str) -> bool {
    let mut parts = expected.split("...");
    let Some(mut rest) = heard.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let mut exact = true;
    for part in parts {
        exact = part.is_empty();
        match if part.is_empty() {
            Some(rest.len())
        } else {
            rest.find(part).map(|at| at + part.len())
        } {
            Some(at) => rest = &rest[at..],
            None => return false,
        }
    }
    rest.is_empty() || (exact && expected.ends_with("..."))
}

/// Flags of a message to be delivered.
fn seen() -> Flags {
    Flag::Seen.into()
}
