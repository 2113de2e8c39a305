//! What a command sees of its session.

use std::mem;
use std::sync::Arc;

use super::manners::{Hello, Manners, Senders};
use super::outbox::Outbox;
use super::session::State;
use super::settings::Settings;
use super::transaction::Transaction;
use super::words::Reply;
use crate::login::{self, Patience};
use crate::machine::{Effect, Peer, Seed, Time, TlsInfo};
use crate::sasl::{self, Kind, Mechanism};
use crate::store::{AccountId, DeliveryKey};

/// Everything of a session but what it awaits.
#[derive(Debug)]
pub(super) struct Context {
    pub manners: &'static Manners,
    pub settings: Arc<Settings>,
    pub peer: Peer,
    pub seed: Seed,
    pub now: Time,
    /// What the peer has said of itself; `None` before the hello.
    pub hello: Option<Greeted>,
    /// Who has logged in.
    pub account: Option<AccountId>,
    /// The log-ins that have failed here.
    pub patience: Patience,
    /// The mechanism of the AUTH that was begun last.
    pub exchange: Option<Kind>,
    /// The mail transaction, from MAIL to its end.
    pub transaction: Option<Transaction>,
    pub out: Outbox,
    pub conduct: Conduct,
    unconfirmed: Vec<DeliveryKey>,
}

/// A hello.
#[derive(Debug)]
pub(super) struct Greeted {
    /// What the peer calls itself, cleaned.
    pub name: String,
    pub by: Hello,
}

impl Context {
    /// The most delivery keys kept until the peer is known to have seen its replies. Of those beyond it the store keeps the
    /// rows until they expire, which costs space only.
    const UNCONFIRMED_MAX: usize = 2000;

    pub fn new(manners: &'static Manners, peer: Peer, settings: Arc<Settings>, seed: Seed) -> Self {
        Self {
            manners,
            settings,
            peer,
            seed,
            now: Time::default(),
            hello: None,
            account: None,
            patience: Patience::default(),
            exchange: None,
            transaction: None,
            out: Outbox::default(),
            conduct: Conduct::default(),
            unconfirmed: Vec::new(),
        }
    }

    /// Answers with one line, and the command is over.
    pub fn answer(&mut self, reply: Reply) -> State {
        self.out.reply(reply);
        State::AwaitCommand
    }

    /// Ends the mail transaction without a message (RFC 5321, 4.1.1.5).
    pub fn reset(&mut self) {
        self.transaction = None;
        self.out.drop_upload();
    }

    /// Whether STARTTLS works as things are.
    pub fn may_start_tls(&self) -> bool {
        self.settings.tls && !self.peer.is_encrypted()
    }

    /// Whether users log in here.
    pub fn has_users(&self) -> bool {
        self.manners.senders == Senders::Users
    }

    /// Whether the peer has to log in before it may send.
    pub fn must_log_in(&self) -> bool {
        self.has_users() && self.account.is_none()
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

    /// TLS has begun: all that the peer has said in front of it is forgotten (RFC 3207, 4.2), but not its conduct.
    pub fn encrypted(&mut self, info: TlsInfo) {
        self.reset();
        self.hello = None;
        self.account = None;
        self.peer.tls = Some(info);
    }

    /// Counts a command that brings no mail on.
    pub fn idled(&mut self) {
        self.out.blamed |= self.conduct.idled(&self.settings);
    }

    /// What the command just answered has earned the peer.
    pub fn verdict(&mut self) -> Verdict {
        if mem::take(&mut self.out.blamed) {
            self.conduct.erred(&self.settings)
        } else {
            Verdict::GoOn
        }
    }

    /// Takes note of deliveries that are answered in this drain.
    pub fn delivered(&mut self, keys: Vec<DeliveryKey>) {
        if self.unconfirmed.len() + keys.len() > Self::UNCONFIRMED_MAX {
            self.unconfirmed.clear();
        }
        self.unconfirmed.extend(keys);
    }

    /// Confirms those of these keys that this very conversation has delivered: a retry comes on another connection, since
    /// this one is not lost, so the same mail once more is meant.
    pub fn confirm_these(&mut self, keys: &[DeliveryKey]) {
        let (again, others) = mem::take(&mut self.unconfirmed)
            .into_iter()
            .partition(|key| keys.contains(key));
        self.unconfirmed = again;
        self.confirm();
        self.unconfirmed = others;
    }

    /// The peer has seen all replies so far.
    pub fn confirm(&mut self) {
        if !self.unconfirmed.is_empty() {
            let keys = mem::take(&mut self.unconfirmed);
            self.out.run(Effect::ConfirmDelivery(keys));
        }
    }
}

/// How a peer has behaved since its last delivered message.
#[derive(Debug, Default)]
pub(super) struct Conduct {
    bad: u32,
    idle: u32,
}

/// What a peer's conduct has earned it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    GoOn,
    /// The next command is read later.
    SlowDown,
    Close,
}

impl Conduct {
    /// Counts a command that brings no mail on: whether it was one too many.
    fn idled(&mut self, settings: &Settings) -> bool {
        self.idle = self.idle.saturating_add(1);
        self.idle > settings.idle_commands
    }

    /// Counts a bad command.
    fn erred(&mut self, settings: &Settings) -> Verdict {
        self.bad = self.bad.saturating_add(1);
        if self.bad >= settings.bad_commands {
            Verdict::Close
        } else if self.bad > settings.bad_commands_free {
            Verdict::SlowDown
        } else {
            Verdict::GoOn
        }
    }

    /// A message was delivered: what was before it is forgiven.
    pub fn forgive(&mut self) {
        *self = Self::default();
    }
}
