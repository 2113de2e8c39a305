//! LOGIN, and the check of a name and a password that AUTHENTICATE shares.
//!
//! RFC 3501, 6.2.3; RFC 5530 (codes). An unknown user, a wrong password and a disabled account are told apart by nothing: not by
//! words, not by work (a hash is computed in any case), not by order.

use super::{
    Command, Completion, Context, Cursor, Event, Form, Next, Parsed, State, Then, capability, unexpected,
};
use crate::imap::words::Code;
use crate::machine::{Done, Effect, Secret};
use crate::store::{Account, AccountId, Reply, Request};

/// `login = "LOGIN" SP userid SP password` (RFC 3501, 9)
pub(super) fn parse(args: &mut Cursor<'_>, _: Form) -> Parsed {
    let (user, password) = args.login_args()?;
    Ok(Box::new(Login { user, password }))
}

#[derive(Debug)]
struct Login {
    user: String,
    password: Secret,
}

impl Command for Login {
    fn start(self: Box<Self>, cx: &mut Context) -> Next {
        check(cx, &self.user, self.password)
    }
}

/// Checks a name and a password, and completes the command.
pub(super) fn check(cx: &mut Context, user: &str, password: Secret) -> Next {
    if !cx.may_log_in() {
        return Completion::no(Code::PRIVACY_REQUIRED, "Passwords are taken over TLS only").into();
    }
    cx.ask(Request::FindAccount {
        login: user.to_lowercase(),
    });
    Next::wait(AwaitAccount { password })
}

/// Completes the command for who has proven to have this name.
pub(super) fn admit(cx: &mut Context, user: &str) -> Next {
    cx.ask(Request::FindAccount {
        login: user.to_lowercase(),
    });
    Next::wait(AwaitProven)
}

#[derive(Debug)]
struct AwaitProven;

impl State for AwaitProven {
    fn on(self: Box<Self>, cx: &mut Context, event: Event) -> Next {
        match event.reply() {
            Ok(Reply::AccountFound(Some(account))) if account.access.admits(&cx.peer) => {
                enter(cx, account.id)
            }
            Ok(Reply::AccountFound(_)) => fail(cx),
            Ok(other) => unexpected(&other).into(),
            Err(failure) => failure.into(),
        }
    }
}

#[derive(Debug)]
struct AwaitAccount {
    password: Secret,
}

impl State for AwaitAccount {
    fn on(self: Box<Self>, cx: &mut Context, event: Event) -> Next {
        let account = match event.reply() {
            Ok(Reply::AccountFound(account)) => account,
            Ok(other) => return unexpected(&other).into(),
            Err(failure) => return failure.into(),
        };
        let hash = account.as_ref().map(|account| account.pw_hash.clone());
        cx.effect(Effect::VerifyPassword {
            password: self.password,
            hash,
        });
        Next::wait(AwaitVerified {
            account: account
                .filter(|account| account.access.admits(&cx.peer))
                .map(|Account { id, .. }| id),
        })
    }
}

#[derive(Debug)]
struct AwaitVerified {
    account: Option<AccountId>,
}

impl State for AwaitVerified {
    fn on(self: Box<Self>, cx: &mut Context, event: Event) -> Next {
        match (event, self.account) {
            (Event::Outcome(Ok(Done::Verified(true))), Some(account)) => enter(cx, account),
            (Event::Outcome(Ok(Done::Verified(_))), _) => fail(cx),
            (Event::Outcome(Err(failure)), _) => failure.into(),
            (other, _) => unexpected(&other).into(),
        }
    }
}

fn enter(cx: &mut Context, account: AccountId) -> Next {
    cx.account = Some(account);
    let capabilities = Code::CAPABILITY.with(format_args!("{}", capability::list(cx)));
    Completion::ok()
        .code(capabilities)
        .text("Logged in")
        .then(Then::LoggedIn)
        .into()
}

/// The answer to a failed log-in comes later each time.
pub(super) fn fail(cx: &mut Context) -> Next {
    cx.failed_logins += 1;
    let delay_ms = cx.settings.delay_ms.saturating_mul(u64::from(cx.failed_logins));
    Next::Pause(Box::new(AwaitDelay), cx.now.mono_ms.saturating_add(delay_ms))
}

#[derive(Debug)]
struct AwaitDelay;

impl State for AwaitDelay {
    fn on(self: Box<Self>, cx: &mut Context, _: Event) -> Next {
        let refused = Completion::no(Code::AUTHENTICATION_FAILED, "The name or the password is wrong");
        if cx.failed_logins < cx.settings.failed_logins {
            return refused.into();
        }
        cx.line(format_args!("* BYE Too many failed log-ins"));
        refused.then(Then::Close).into()
    }
}
