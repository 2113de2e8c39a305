//! How a log-in by AUTH goes on and ends.
//!
//! RFC 4954, 4 and 6. What is checked, and in which order, is decided by [`crate::login`]; here are SMTP's words for it.

use super::command;
use super::context::Context;
use super::session::{Pause, State};
use super::words::{self, Reply};
use crate::login::{End, Login, Progress, Visitor};
use crate::machine::Outcome;
use crate::sasl::SaslError;
use crate::store::{AccountId, Failure, Service};

pub(super) fn visitor(cx: &Context) -> Visitor {
    Visitor {
        service: Service::Smtp,
        peer: cx.peer.clone(),
        attempts_per_minute: cx.settings.attempts_per_minute,
    }
}

/// Does what a log-in says.
pub(super) fn follow(cx: &mut Context, login: Login, progress: Progress) -> State {
    match progress {
        Progress::Challenge(challenge) => command::challenge(cx, login, &challenge),
        Progress::Ask(effect) => {
            cx.out.ask(effect);
            State::AwaitLogin(AwaitLogin(Box::new(login)))
        }
        Progress::Over(End::Admitted(account)) => admit(cx, account),
        Progress::Over(End::Refused) => hold(cx, words::WRONG_PASSWORD),
        Progress::Over(End::Throttled { .. }) => hold(cx, words::THROTTLED),
        Progress::Over(End::Malformed(error)) => cx.answer(malformed(error)),
        Progress::Over(End::Failed(failure)) => cx.answer(failed(&failure)),
    }
}

/// Nothing that was said before is forgotten: no mechanism here adds a security layer of its own (RFC 4954, 4).
fn admit(cx: &mut Context, account: AccountId) -> State {
    cx.account = Some(account);
    cx.answer(words::AUTHENTICATED)
}

fn malformed(error: SaslError) -> Reply {
    match error {
        SaslError::OtherIdentity => words::OTHER_IDENTITY,
        SaslError::NoSuchIdentity => words::NO_IDENTITY,
        SaslError::TooLong => words::BAD_CREDENTIALS,
        SaslError::Downgraded => words::DOWNGRADED,
        SaslError::Malformed | SaslError::NoSuchBinding | SaslError::Extension => words::BAD_RESPONSE,
    }
}

/// The client's copy of the password may be right: it is never told otherwise because something failed here.
fn failed(_: &Failure) -> Reply {
    words::LOGIN_LATER
}

/// A log-in that waits for the answer to its question.
#[derive(Debug)]
pub(super) struct AwaitLogin(Box<Login>);

impl AwaitLogin {
    pub fn on(mut self, cx: &mut Context, outcome: Outcome) -> State {
        let progress = self.0.on(cx.now, outcome);
        follow(cx, *self.0, progress)
    }
}

/// The answer to a failed log-in comes later each time.
fn hold(cx: &mut Context, word: Reply) -> State {
    let delay_ms = cx.patience.lose(cx.settings.delay_ms);
    State::AwaitPause(Pause {
        until_ms: cx.now.mono_ms.saturating_add(delay_ms),
        word: Some(word),
        last: cx.patience.is_lost(cx.settings.failed_logins),
    })
}
