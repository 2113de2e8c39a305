//! A client that keeps IMAP's rules of turn-taking and says anything within them.

use lightmail_core::pair::{Talk, World};

use crate::responses::{announced, responses, tag};

/// Says lines taken from octets as commands, one at a time, each with a tag of its own.
pub struct Client<'a> {
    pub world: World,
    pub talk: Talk,
    /// What is still to be said.
    rest: &'a [u8],
    /// What was heard since the command began.
    heard: Vec<u8>,
    /// A beginning of tags that is nowhere in the octets.
    prefix: String,
    commands: usize,
    /// A literal that it has announced is longer than what it has to say.
    pub is_lost: bool,
    /// The connection may break in the middle of a response.
    may_be_cut: bool,
}

impl<'a> Client<'a> {
    pub fn new(world: World, talk: Talk, octets: &'a [u8], may_be_cut: bool) -> Self {
        let prefixes = (b'A'..=b'Z').flat_map(|one| (b'A'..=b'Z').map(move |other| [b'Z', one, other]));
        let is_new = |prefix: &[u8; 3]| !octets.windows(3).any(|three| three == prefix);
        let prefix = prefixes.into_iter().find(is_new).unwrap_or(*b"ZZZ");
        Self {
            world,
            talk,
            rest: octets,
            heard: Vec::new(),
            prefix: String::from_utf8_lossy(&prefix).into_owned(),
            commands: 0,
            is_lost: false,
            may_be_cut,
        }
    }

    /// Whether there is something to say and somebody who listens.
    pub fn goes_on(&self) -> bool {
        !self.rest.is_empty() && !self.is_lost && !self.world.is_over(self.talk)
    }

    /// Says one command and hears its end. Panics if it is not answered, if it is answered twice, or if an answer bears
    /// another tag of ours.
    pub fn command(&mut self) {
        self.commands += 1;
        let tag = format!("{}{}", self.prefix, self.commands);
        self.heard.clear();
        let mut sync = self.say(format!("{tag} ").into_bytes());
        while !self.is_lost && self.hear(&tag) {
            // It was asked to go on: with the literal that it has announced, or with a line that is no part of a command.
            sync = match sync {
                Some(size) => {
                    let literal = self.literal(size);
                    self.say(literal)
                }
                None => {
                    let line = [self.line(), b"\r\n"].concat();
                    self.world.feed(self.talk, &line);
                    None
                }
            };
        }
        let answers = self.answers(&tag);
        let cut_off = self.is_lost || self.world.is_over(self.talk);
        assert!(
            answers == 1 || (answers == 0 && cut_off),
            "{tag}: {answers} answers in {}",
            self.heard.escape_ascii()
        );
    }

    /// Says what a line begins with, a line, and the literals that need not wait with the lines behind them. The size of the
    /// literal that waits, if one does.
    fn say(&mut self, mut said: Vec<u8>) -> Option<usize> {
        loop {
            let line = self.line();
            said.extend_from_slice(line);
            said.extend_from_slice(b"\r\n");
            match announced(line) {
                Some((size, false)) => said.extend(self.literal(size)),
                literal => {
                    self.world.feed(self.talk, &said);
                    return literal.map(|(size, _)| size);
                }
            }
            if self.is_lost {
                self.world.feed(self.talk, &said);
                return None;
            }
        }
    }

    /// Hears until the command is over (`false`) or more is wanted of us (`true`).
    fn hear(&mut self, tag: &str) -> bool {
        for _ in 0..60 {
            let new = self.world.take(self.talk);
            self.heard.extend_from_slice(&new);
            if self.answers(tag) > 0 || self.world.is_over(self.talk) {
                return false;
            }
            if responses(&new).iter().any(|response| response.starts_with(b"+ ")) {
                return true;
            }
            // An answer may be late on purpose.
            self.world.advance(1_000);
        }
        panic!("{tag} is not answered: {}", self.heard.escape_ascii());
    }

    fn answers(&self, expected: &str) -> usize {
        if self.may_be_cut && self.world.is_over(self.talk) {
            return 0;
        }
        let tags = responses(&self.heard).into_iter().filter_map(tag);
        let ours: Vec<_> = tags
            .filter(|tag| tag.starts_with(self.prefix.as_bytes()))
            .collect();
        assert!(
            ours.iter().all(|tag| *tag == expected.as_bytes()),
            "answers for another command: {}",
            self.heard.escape_ascii()
        );
        ours.len()
    }

    /// The next line, without its end.
    fn line(&mut self) -> &'a [u8] {
        let end = self.rest.iter().position(|&octet| octet == b'\n');
        let (line, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest.get(1..).unwrap_or_default();
        line.strip_suffix(b"\r").unwrap_or(line)
    }

    /// The next octets, as a literal's; filled up if few are missing.
    fn literal(&mut self, size: usize) -> Vec<u8> {
        let (literal, rest) = self.rest.split_at(size.min(self.rest.len()));
        self.rest = rest;
        self.is_lost = size > literal.len() + 4_096;
        let mut literal = literal.to_vec();
        literal.resize(if self.is_lost { literal.len() } else { size }, b'x');
        literal
    }
}
