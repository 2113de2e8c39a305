//! Dialogues: what a client says and what it hears, word for word, against the reference store.

mod budgets;
mod failures;
mod leases;
mod letters;
mod logins;
mod split;
mod tls;
mod update;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use super::{Session, Settings};
use crate::machine::{Peer, Seed};
use crate::pair::{Talk, World};
use crate::store::{AccountId, Flags, MailboxName};

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
            talks: BTreeMap::new(),
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
                let said = said
                    .replace("\\r", "\r")
                    .replace("\\n", "\n")
                    .replace("\\0", "\0");
                self.say(name, said.as_bytes());
            } else if let Some(expected) = rest.strip_prefix("S:") {
                let expected = expected.trim_start();
                let heard = self
                    .hear(name)
                    .unwrap_or_else(|| panic!("nothing was heard, but expected: {expected}"));
                assert!(
                    matches(expected, &heard),
                    "\nexpected {expected}\nheard    {heard}"
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
        self.heard_all(name);
        self.world.feed(talk, octets);
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
        names.into_iter().for_each(|name| self.heard_all(name));
    }

    /// The effects asked for since the start, by name.
    fn effects(&self) -> Vec<&'static str> {
        let log = self.world.log().iter();
        log.map(|effected| effected.effect.name()).collect()
    }
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

/// Whether `heard` fits, where `...` at the end stands for anything.
fn matches(expected: &str, heard: &str) -> bool {
    match expected.strip_suffix("...") {
        Some(front) => heard.starts_with(front),
        None => heard == expected,
    }
}
