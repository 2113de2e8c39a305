//! How a log-in by PASS or AUTH goes on and ends.
//!
//! RFC 1939, 7 (PASS); RFC 3206, 5. What is checked, and in which order, is decided by [`crate::login`]; here are POP3's words for it.

use super::command;
use super::context::Context;
use super::lease;
use super::session::State;
use super::words::{self, Reply};
use crate::login::{End, Login, Progress, Visitor};
use crate::machine::{Outcome, Secret};
use crate::sasl::SaslError;
use crate::store::Service;

/// Checks a name and a password; then opens the maildrop.
pub(super) fn check(cx: &mut Context, user: &str, password: Secret) -> State {
    let (login, progress) = Login::with_password(visitor(cx), cx.now, user, password);
    follow(cx, login, progress)
}

pub(super) fn visitor(cx: &Context) -> Visitor {
    Visitor {
        service: Service::Pop3,
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
        Progress::Over(End::Admitted(account)) => lease::take(cx, account),
        Progress::Over(End::Refused) => hold(cx, words::WRONG_PASSWORD),
        Progress::Over(End::Throttled { .. }) => hold(cx, words::THROTTLED),
        Progress::Over(End::Malformed(error)) => cx.answer(malformed(error)),
        Progress::Over(End::Failed(failure)) => cx.answer(words::failure(&failure)),
    }
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
