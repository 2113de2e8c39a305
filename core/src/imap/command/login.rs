//! LOGIN, and how a log-in of either command goes on and ends.
//!
//! RFC 3501, 6.2.3; RFC 5530 (codes). What is checked, and in which order, is decided by [`crate::login`]; here are IMAP's words for it.

use super::{
    Command, Completion, Context, Cursor, Event, Form, Next, Parsed, State, Then, authenticate, capability,
    unexpected,
};
use crate::imap::words::{self, Code};
use crate::login::{End, Login, Progress, Visitor};
use crate::machine::Secret;
use crate::store::{AccountId, Service};

/// `login = "LOGIN" SP userid SP password` (RFC 3501, 9)
pub(super) fn parse(args: &mut Cursor<'_>, _: Form) -> Parsed {
    let (user, password) = args.login_args()?;
    Ok(Box::new(LoginCommand { user, password }))
}

#[derive(Debug)]
struct LoginCommand {
    user: String,
    password: Secret,
}

impl Command for LoginCommand {
    fn start(self: Box<Self>, cx: &mut Context) -> Next {
        if !cx.may_log_in() {
            return refused_in_the_clear();
        }
        let (login, progress) = Login::with_password(visitor(cx), cx.now, &self.user, self.password);
        follow(cx, login, progress)
    }
}

/// RFC 5530, 3.
pub(super) fn refused_in_the_clear() -> Next {
    Completion::no(Code::PRIVACY_REQUIRED, "Passwords are taken over TLS only").into()
}

pub(super) fn visitor(cx: &Context) -> Visitor {
    Visitor {
        service: Service::Imap,
        peer: cx.peer.clone(),
        attempts_per_minute: cx.settings.attempts_per_minute,
    }
}

/// Does what a log-in says.
pub(super) fn follow(cx: &mut Context, login: Login, progress: Progress) -> Next {
    match progress {
        Progress::Challenge(challenge) => authenticate::challenge(cx, login, &challenge),
        Progress::Ask(effect) => {
            cx.effect(effect);
            Next::wait(AwaitOutcome { login })
        }
        Progress::Over(End::Admitted(account)) => admit(cx, account),
        Progress::Over(End::Refused) => hold(cx, words::REFUSED),
        Progress::Over(End::Throttled { .. }) => hold(cx, words::THROTTLED),
        Progress::Over(End::Malformed(error)) => Completion::bad(error.to_string()).into(),
        Progress::Over(End::Failed(failure)) => failure.into(),
    }
}

#[derive(Debug)]
struct AwaitOutcome {
    login: Login,
}

impl State for AwaitOutcome {
    fn on(mut self: Box<Self>, cx: &mut Context, event: Event) -> Next {
        match event {
            Event::Outcome(outcome) => {
                let progress = self.login.on(cx.now, outcome);
                follow(cx, self.login, progress)
            }
            other => unexpected(&other).into(),
        }
    }
}

fn admit(cx: &mut Context, account: AccountId) -> Next {
    cx.account = Some(account);
    let capabilities = Code::CAPABILITY.with(format_args!("{}", capability::list(cx)));
    Completion::ok()
        .code(capabilities)
        .text("Logged in")
        .then(Then::LoggedIn)
        .into()
}

/// The answer to a failed log-in comes later each time.
fn hold(cx: &mut Context, answer: (Code, &'static str)) -> Next {
    let delay_ms = cx.patience.lose(cx.settings.delay_ms);
    Next::Pause(
        Box::new(AwaitDelay { answer }),
        cx.now.mono_ms.saturating_add(delay_ms),
    )
}

#[derive(Debug)]
struct AwaitDelay {
    answer: (Code, &'static str),
}

impl State for AwaitDelay {
    fn on(self: Box<Self>, cx: &mut Context, _: Event) -> Next {
        let (code, text) = self.answer;
        let refused = Completion::no(code, text);
        if !cx.patience.is_lost(cx.settings.failed_logins) {
            return refused.into();
        }
        cx.line(format_args!("* BYE Too many failed log-ins"));
        refused.then(Then::Close).into()
    }
}
