//! The world: all conversations, run one at a time until all of them wait.

use super::conversation::Conversation;
use super::fault::Fault;
use super::stage::{Effected, Stage, plain_hashes};
use super::uploads::upload_whole;
use crate::admin;
use crate::machine::{Input, Machine, Seed, Time};
use crate::store::{
    AccountId, Actor, Appended, Failure, Flags, MailboxName, NewMessage, Reply, Request, memory,
};

/// Names one conversation of a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Talk(pub usize);

/// A tick that sets the same deadline again and again is a machine that does not listen.
const TICKS_MAX: usize = 10_000;

/// Conversations, and what they share.
pub struct World {
    /// Store, objects, clock, log.
    pub stage: Stage,
    talks: Vec<Conversation>,
    seed: Seed,
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    /// A world with an empty store; its clock stands at a fixed moment of February 2026.
    pub fn new() -> Self {
        Self {
            stage: Stage::new(),
            talks: Vec::new(),
            seed: Seed::new([7; 32]),
        }
    }

    /// Begins a conversation and runs until its machine waits.
    pub fn join(&mut self, machine: impl Machine + 'static) -> Talk {
        let talk = Talk(self.talks.len());
        self.talks.push(Conversation::new(talk, Box::new(machine)));
        self.settle(talk);
        talk
    }

    /// The peer writes; runs until every machine waits. What the machine does not want stays unread, as in a socket.
    pub fn feed(&mut self, talk: Talk, octets: &[u8]) {
        self.with(talk, |conversation| conversation.write(octets));
    }

    /// The peer closes. What it wrote before is read first, as far as the machine wants it.
    pub fn close(&mut self, talk: Talk) {
        self.with(talk, Conversation::close);
    }

    /// The connection breaks: what was not read is lost.
    pub fn cut(&mut self, talk: Talk) {
        self.with(talk, Conversation::cut);
    }

    /// What was sent to the peer since the last time.
    pub fn take(&mut self, talk: Talk) -> Vec<u8> {
        self.talks
            .get_mut(talk.0)
            .map(Conversation::take)
            .unwrap_or_default()
    }

    /// From now on a read gives at most so many octets.
    pub fn set_read_max(&mut self, talk: Talk, octets: usize) {
        self.with(talk, |conversation| conversation.set_read_max(octets));
    }

    /// A conversation, to look at.
    pub fn conversation(&self, talk: Talk) -> Option<&Conversation> {
        self.talks.get(talk.0)
    }

    /// Whether its machine is over. One that never was is over too.
    pub fn is_over(&self, talk: Talk) -> bool {
        self.conversation(talk).is_none_or(Conversation::is_over)
    }

    /// The server drains: every machine is told.
    pub fn shutdown(&mut self) {
        for conversation in &mut self.talks {
            conversation.give(&mut self.stage, Input::Shutdown);
        }
        self.tell_news();
    }

    /// Lets time pass. Ticks fall due at their deadlines, in order; of equal ones the older conversation's is first.
    pub fn advance(&mut self, ms: u64) {
        let end_ms = self.stage.now.mono_ms.saturating_add(ms);
        for _ in 0..TICKS_MAX {
            let due = self
                .talks
                .iter()
                .filter_map(|one| one.deadline_ms())
                .min()
                .filter(|due| *due <= end_ms);
            self.set_clock(due.unwrap_or(end_ms));
            let Some(due) = due else { return };
            if let Some(one) = self.talks.iter_mut().find(|one| one.deadline_ms() == Some(due)) {
                one.give(&mut self.stage, Input::Tick);
            }
            self.tell_news();
        }
        assert!(
            self.stage.now.mono_ms >= end_ms,
            "a machine asks for one tick after the other"
        );
    }

    /// The clock.
    pub fn now(&self) -> Time {
        self.stage.now
    }

    fn set_clock(&mut self, mono_ms: u64) {
        let passed = mono_ms.saturating_sub(self.stage.now.mono_ms);
        self.stage.now.mono_ms += passed;
        self.stage.now.unix_ms += passed;
    }

    /// Lets an effect fail.
    pub fn fail(&mut self, fault: Fault) {
        self.stage.faults.add(fault);
    }

    /// The effects that have ended, in order.
    pub fn log(&self) -> &[Effected] {
        &self.stage.log
    }

    /// What is wrong with the store and its bodies: empty, unless there is a bug.
    pub fn check(&self) -> Vec<String> {
        let mut findings = memory::check(&self.stage.store);
        for (object, size, sha256) in self.stage.store.objects() {
            let body = self.stage.objects.get(&object);
            let same = body.is_some_and(|body| body.len() as u64 == size && sha256 == sha(body));
            if !same {
                findings.push(format!("I2 {object:?}: the body is missing or another one"));
            }
        }
        findings
    }

    /// The next password or proof is not checked: too many have failed meanwhile.
    pub fn throttle(&mut self, wait_ms: u64) {
        self.stage.throttle = Some(wait_ms);
    }

    /// Makes a bearer token good for an account, as an authorization server does.
    pub fn issue_token(&mut self, token: &str, login: &str) {
        self.stage.tokens.insert(token.to_owned(), login.to_owned());
    }

    /// Makes an account as an operator does, with the usual mailboxes; the password is hashed as this module hashes.
    pub fn create_account(&mut self, login: &str, password: &str) -> AccountId {
        let hashes = plain_hashes(password);
        let new = admin::new_account(&mut self.seed, self.stage.now, login.to_owned(), hashes);
        let id = new.id;
        let answer = self.stage.store.run(Actor::Operator, Request::CreateAccount(new));
        assert!(answer.is_ok(), "{login}: {answer:?}");
        id
    }

    /// Puts a message into a mailbox from outside; conversations that watch it are told.
    pub fn append(
        &mut self,
        account: AccountId,
        name: &MailboxName,
        flags: Flags,
        octets: &[u8],
    ) -> Result<Appended, Failure> {
        let (stored, body) = upload_whole(self.seed.object(self.stage.now), octets)?;
        self.stage.objects.insert(stored.object, body);
        let internal_date_s = self.stage.now.unix_s();
        let email_id = self.seed.half();
        let message = NewMessage {
            stored,
            flags,
            keywords: Vec::new(),
            internal_date_s,
            email_id,
        };
        let at_ms = self.stage.now.unix_ms;
        let request = Request::Append {
            name: name.clone(),
            instead: None,
            messages: vec![message],
            at_ms,
        };
        match self.ask(Actor::Account(account), request)? {
            Reply::Appended(appended) => Ok(appended),
            other => Err(Failure::broken(format!("{other:?}"))),
        }
    }

    /// Asks the store from outside; conversations that watch what has changed are told.
    pub fn ask(&mut self, actor: Actor, request: Request) -> Result<Reply, Failure> {
        let answer = self.stage.store.run(actor, request);
        self.tell_news();
        answer
    }

    fn with(&mut self, talk: Talk, change: impl FnOnce(&mut Conversation)) {
        assert!(
            talk.0 < self.talks.len(),
            "{talk:?} is no conversation of this world"
        );
        self.talks.get_mut(talk.0).map(change);
        self.settle(talk);
    }

    /// Runs one conversation to rest, then tells the others what it changed.
    fn settle(&mut self, talk: Talk) {
        if let Some(conversation) = self.talks.get_mut(talk.0) {
            conversation.run(&mut self.stage);
        }
        self.tell_news();
    }

    /// Tells each conversation what it watches, until there is nothing new.
    fn tell_news(&mut self) {
        let mut quiet = false;
        while !quiet {
            quiet = true;
            for conversation in &mut self.talks {
                if let Some(news) = conversation.news(&self.stage) {
                    conversation.give(&mut self.stage, news);
                    quiet = false;
                }
            }
        }
    }
}

fn sha(body: &[u8]) -> [u8; 32] {
    use sha2::{Digest, Sha256};
    Sha256::digest(body).into()
}
