//! AUTH: log in by a SASL mechanism.
//!
//! RFC 4954, 4. The mechanism is a machine of its own; here is what SMTP wraps around it: base64, challenges, `*` to give up, and an
//! initial response, of which `=` is the empty one.

use super::super::context::Context;
use super::super::login;
use super::super::session::State;
use super::super::words;
use crate::login::Login;
use crate::sasl::{Kind, auth};
use crate::wire::base64;

/// `auth-command = "AUTH" SP sasl-mech [SP initial-response] *(CRLF [base64]) [CRLF cancel-response] CRLF` (RFC 4954, 8)
pub(super) fn start(cx: &mut Context, arguments: &str) -> State {
    if !cx.has_users() {
        return cx.answer(words::NOT_IMPLEMENTED);
    }
    if cx.account.is_some() {
        return cx.answer(words::LOGGED_IN_ALREADY);
    }
    if !cx.may_log_in() {
        return cx.answer(words::ENCRYPTION_NEEDED);
    }
    if arguments.is_empty() {
        return cx.answer(words::AUTH_SYNTAX);
    }
    let (name, initial) = auth::split(arguments);
    let Some(kind) = Kind::named(name).filter(|kind| cx.offered().any(|one| one == *kind)) else {
        return cx.answer(words::NO_MECHANISM);
    };
    let Ok(initial) = auth::initial(initial) else {
        return cx.answer(words::NO_BASE64);
    };
    let (visitor, mechanism) = (login::visitor(cx), cx.mechanism(kind));
    let (login, progress) = Login::with_mechanism(visitor, cx.now, mechanism, initial.as_deref());
    login::follow(cx, login, progress)
}

/// Sends a challenge and listens to the response.
pub(in super::super) fn challenge(cx: &mut Context, login: Login, challenge: &[u8]) -> State {
    cx.out.lines(&[format_args!("334 {}", base64::encode(challenge))]);
    State::AwaitResponse(AwaitResponse(Box::new(login)))
}

/// The response to a challenge is coming.
#[derive(Debug)]
pub(in super::super) struct AwaitResponse(Box<Login>);

impl AwaitResponse {
    /// Takes the client's line.
    pub fn on(mut self, cx: &mut Context, line: &[u8]) -> State {
        if line == b"*" {
            return cx.answer(words::GIVEN_UP);
        }
        match base64::decode(line) {
            Ok(response) => {
                let progress = self.0.respond(cx.now, &response);
                login::follow(cx, *self.0, progress)
            }
            Err(_) => cx.answer(words::NO_BASE64),
        }
    }
}
