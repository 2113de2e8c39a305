//! The lease of a maildrop: who has it has the maildrop for himself (RFC 1939, 4).
//!
//! It is a row with an end, by the database's clock where nodes share one, and taken anew as long as the session lives. So a
//! maildrop is free right behind QUIT and a lost connection, and [`LEASE_MS`] after the server was killed.

use super::context::Context;
use super::session::State;
use super::words::{self, Reply};
use crate::machine::{Done, Effect, Outcome};
use crate::store::{AccountId, Actor, Request, Work};

/// How long a lease is taken for, in milliseconds.
const LEASE_MS: u64 = 3 * 60_000;
/// How long after it was taken it is taken anew, in milliseconds.
const RENEW_MS: u64 = 60_000;

/// The session's part of the lease.
#[derive(Debug)]
pub(super) struct Lease {
    /// Names this session.
    owner: [u8; 16],
    /// Whose maildrop it is, if it was asked for and not known to be refused.
    of: Option<AccountId>,
    /// When it is to be taken anew, on the monotonic clock.
    renew_at_ms: u64,
}

impl Lease {
    pub fn new(owner: [u8; 16]) -> Self {
        Self {
            owner,
            of: None,
            renew_at_ms: u64::MAX,
        }
    }

    /// When it is to be taken anew, on the monotonic clock.
    pub fn renew_at_ms(&self) -> u64 {
        self.renew_at_ms
    }

    /// Gives it back, if it was asked for; nobody waits for the outcome.
    pub fn leave(cx: &mut Context) {
        if let Some(effect) = Self::release(cx) {
            cx.out.run(effect);
        }
    }

    fn release(cx: &mut Context) -> Option<Effect> {
        let account = cx.lease.of.take()?;
        cx.lease.renew_at_ms = u64::MAX;
        Some(Self::effect(cx, account, 0))
    }

    fn ask(cx: &mut Context, account: AccountId) {
        cx.lease.of = Some(account);
        let effect = Self::effect(cx, account, LEASE_MS);
        cx.out.ask(effect);
    }

    fn effect(cx: &Context, account: AccountId, for_ms: u64) -> Effect {
        let request = Request::TakeLease {
            work: Work::Maildrop(account),
            owner: cx.lease.owner,
            for_ms,
            at_ms: cx.now.unix_ms,
        };
        Effect::Store(Actor::Account(account), request)
    }

    /// Whether it was taken; `Err`: why not, in POP3's words.
    fn taken(cx: &mut Context, outcome: Outcome) -> Result<(), Reply> {
        match outcome {
            Ok(Done::Reply(crate::store::Reply::LeaseTaken(true))) => {
                cx.lease.renew_at_ms = cx.now.mono_ms.saturating_add(RENEW_MS);
                Ok(())
            }
            Ok(Done::Reply(crate::store::Reply::LeaseTaken(false))) => {
                cx.lease.of = None;
                Err(words::IN_USE)
            }
            Ok(_) => Err(words::BROKEN),
            Err(failure) => Err(words::failure(&failure)),
        }
    }
}

/// Takes the lease of an account's maildrop.
pub(super) fn take(cx: &mut Context, account: AccountId) -> State {
    Lease::ask(cx, account);
    State::AwaitLease(AwaitLease { account })
}

/// Takes it anew.
pub(super) fn renew(cx: &mut Context) -> State {
    match cx.lease.of {
        Some(account) => {
            Lease::ask(cx, account);
            State::AwaitRenewed(AwaitRenewed)
        }
        None => State::Over,
    }
}

/// Gives it back, then says a word.
pub(super) fn release(cx: &mut Context, then: AwaitReleased) -> State {
    match Lease::release(cx) {
        Some(effect) => {
            cx.out.ask(effect);
            State::AwaitReleased(then)
        }
        None => then.on(cx),
    }
}

#[derive(Debug)]
pub(super) struct AwaitLease {
    account: AccountId,
}

impl AwaitLease {
    pub fn on(self, cx: &mut Context, outcome: Outcome) -> State {
        match Lease::taken(cx, outcome) {
            Ok(()) => super::maildrop::open(cx, self.account),
            Err(why) => cx.answer(why),
        }
    }
}

#[derive(Debug)]
pub(super) struct AwaitRenewed;

impl AwaitRenewed {
    /// A store that does not answer now is asked again; a lease that is lost ends the session without an update.
    pub fn on(self, cx: &mut Context, outcome: Outcome) -> State {
        match Lease::taken(cx, outcome) {
            Ok(()) => State::AwaitCommand,
            Err(words::IN_USE) => {
                cx.reply(words::LOST_LEASE);
                State::Over
            }
            Err(_) => {
                cx.lease.renew_at_ms = cx.now.mono_ms.saturating_add(RENEW_MS / 4);
                State::AwaitCommand
            }
        }
    }
}

/// The lease is given back; whether that worked changes nothing, since it ends by itself.
#[derive(Debug)]
pub(super) struct AwaitReleased {
    /// What is said then.
    pub word: Reply,
    /// Whether the session ends with it.
    pub last: bool,
}

impl AwaitReleased {
    pub fn on(self, cx: &mut Context) -> State {
        cx.reply(self.word);
        match self.last {
            true => State::Over,
            false => State::AwaitCommand,
        }
    }
}
