//! The check of a name and a password that PASS and AUTH share.
//!
//! RFC 1939, 7 (PASS); RFC 3206, 5. An unknown user, a wrong password and a disabled account are told apart by nothing: not by
//! words, not by work (a hash is computed in any case), not by order.

use super::context::Context;
use super::lease;
use super::session::{Pause, State};
use super::words;
use crate::machine::{Done, Effect, Outcome, Secret};
use crate::store::{Account, AccountId, Actor, Reply, Request};

/// Checks a name and a password; then opens the maildrop.
pub(super) fn check(cx: &mut Context, user: &str, password: Secret) -> State {
    let login = user.to_lowercase();
    cx.ask(Actor::Door, Request::FindAccount { login });
    State::AwaitAccount(AwaitAccount { password })
}

#[derive(Debug)]
pub(super) struct AwaitAccount {
    password: Secret,
}

impl AwaitAccount {
    pub fn on(self, cx: &mut Context, outcome: Outcome) -> State {
        let account = match outcome {
            Ok(Done::Reply(Reply::AccountFound(account))) => account,
            Ok(_) => return cx.answer(words::BROKEN),
            Err(failure) => return cx.answer(words::failure(&failure)),
        };
        let hash = account.as_ref().map(|account| account.pw_hash.clone());
        cx.out.ask(Effect::VerifyPassword {
            password: self.password,
            hash,
        });
        let account = account.filter(|account| account.access.admits(&cx.peer));
        State::AwaitVerified(AwaitVerified {
            account: account.map(|Account { id, .. }| id),
        })
    }
}

#[derive(Debug)]
pub(super) struct AwaitVerified {
    account: Option<AccountId>,
}

impl AwaitVerified {
    pub fn on(self, cx: &mut Context, outcome: Outcome) -> State {
        match (outcome, self.account) {
            (Ok(Done::Verified(true)), Some(account)) => lease::take(cx, account),
            (Ok(Done::Verified(_)), _) => fail(cx),
            (Ok(_), _) => cx.answer(words::BROKEN),
            (Err(failure), _) => cx.answer(words::failure(&failure)),
        }
    }
}

/// The answer to a failed log-in comes later each time.
fn fail(cx: &mut Context) -> State {
    cx.failed_logins += 1;
    let delay_ms = cx.settings.delay_ms.saturating_mul(u64::from(cx.failed_logins));
    State::AwaitPause(Pause {
        until_ms: cx.now.mono_ms.saturating_add(delay_ms),
        word: Some(words::WRONG_PASSWORD),
        last: cx.failed_logins >= cx.settings.failed_logins,
    })
}
