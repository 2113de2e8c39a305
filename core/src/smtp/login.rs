//! How a log-in by AUTH goes on and ends.
//!
//! RFC 4954, 4 and 6. What is checked, and in which order, is decided by [`crate::login`]; here are SMTP's words for it.

use super::command;
use super::context::Context;
use super::session::State;
use super::words::{self, Reply};
use crate::login::{End, Login, Progress, Visitor};
use crate::machine::Outcome;
use crate::sasl::SaslError;
use crate::store::{AccountId, Service};

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
        // The client's copy of the password may be right: it is never told otherwise because something failed here.
        Progress::Over(End::Failed(_)) => cx.answer(words::LOGIN_LATER),
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
    let (delay_ms, failed_max) = (cx.settings.delay_ms, cx.settings.failed_logins);
    State::AwaitPause(cx.patience.hold(cx.now, delay_ms, failed_max, word))
}
