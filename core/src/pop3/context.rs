//! What a command sees of its session.

use std::mem;
use std::sync::Arc;

use super::lease::Lease;
use super::maildrop::Maildrop;
use super::outbox::Outbox;
use super::session::State;
use super::settings::Settings;
use super::words::Reply;
use crate::login::{self, Patience};
use crate::machine::{Effect, Peer, Seed, Time};
use crate::sasl::{self, Kind, Mechanism};
use crate::store::{Actor, Request};

/// Everything of a session but what it awaits.
#[derive(Debug)]
pub(super) struct Context {
    pub settings: Arc<Settings>,
    pub peer: Peer,
    pub now: Time,
    pub out: Outbox,
    /// What USER has named; PASS comes right behind it.
    pub user: Option<String>,
    /// Whether headers may hold UTF-8 (RFC 6856, 2.1).
    pub utf8: bool,
    /// The log-ins that have failed here.
    pub patience: Patience,
    /// The mechanism of the AUTH that was begun last.
    pub exchange: Option<Kind>,
    /// What nonces are drawn from.
    seed: Seed,
    pub lease: Lease,
    /// What has been opened: whoever has one has logged in.
    pub maildrop: Option<Maildrop>,
    bad_commands: u32,
}

impl Context {
    pub fn new(peer: Peer, settings: Arc<Settings>, mut seed: Seed) -> Self {
        Self {
            settings,
            peer,
            now: Time::default(),
            out: Outbox::default(),
            user: None,
            utf8: false,
            patience: Patience::default(),
            exchange: None,
            lease: Lease::new(seed.half()),
            seed,
            maildrop: None,
            bad_commands: 0,
        }
    }

    /// Answers with one line.
    pub fn reply(&mut self, reply: Reply) {
        self.out.reply(reply);
    }

    /// Answers with one line, and the command is over.
    pub fn answer(&mut self, reply: Reply) -> State {
        self.out.reply(reply);
        State::AwaitCommand
    }

    /// Asks the store; the answer is awaited.
    pub fn ask(&mut self, actor: Actor, request: Request) {
        self.out.ask(Effect::Store(actor, request));
    }

    /// Whether a password may be sent as things are.
    pub fn may_log_in(&self) -> bool {
        login::may_begin(self.settings.plaintext, &self.peer)
    }

    /// The mechanisms that work as things are.
    pub fn offered(&self) -> impl Iterator<Item = Kind> {
        sasl::offered(&self.settings.mechanisms, self.peer.tls.as_ref())
    }

    /// A fresh exchange of a mechanism.
    pub fn mechanism(&mut self, kind: Kind) -> Box<dyn Mechanism> {
        self.exchange = Some(kind);
        let (wanted, tls) = (&self.settings.mechanisms, self.peer.tls.as_ref());
        sasl::exchange(kind, wanted, tls, &mut self.seed)
    }

    /// Whether STLS works as things are.
    pub fn may_start_tls(&self) -> bool {
        self.settings.tls && !self.peer.is_encrypted()
    }

    /// What the command just answered has earned the client.
    pub fn verdict(&mut self) -> Verdict {
        match mem::take(&mut self.out.blamed) {
            None => return Verdict::GoOn,
            Some(false) => {
                self.bad_commands = 0;
                return Verdict::GoOn;
            }
            Some(true) => self.bad_commands += 1,
        }
        if self.bad_commands >= self.settings.bad_commands {
            Verdict::Close
        } else if self.bad_commands > self.settings.bad_commands_free {
            Verdict::SlowDown
        } else {
            Verdict::GoOn
        }
    }
}

/// What a client's conduct has earned it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    GoOn,
    /// The next command is read later.
    SlowDown,
    Close,
}
