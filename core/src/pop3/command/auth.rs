//! AUTH: log in by a SASL mechanism.
//!
//! RFC 5034, 4. The mechanism is a machine of its own; here is what POP3 wraps around it: base64, challenges, `*` to give up, and
//! an initial response, of which `=` is the empty one.

use super::super::login;
use super::{Context, State, words};
use crate::login::Login;
use crate::sasl::{Kind, auth};
use crate::wire::base64;

/// `"AUTH" SP sasl-mech [SP initial-response]` (RFC 5034, 5)
pub(super) fn start(cx: &mut Context, arguments: &str) -> State {
    if !cx.may_log_in() {
        return cx.answer(words::TLS_FIRST);
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
pub(in crate::pop3) fn challenge(cx: &mut Context, login: Login, challenge: &[u8]) -> State {
    cx.out.line(format_args!("+ {}", base64::encode(challenge)));
    State::AwaitResponse(AwaitResponse(Box::new(login)))
}

#[derive(Debug)]
pub(in crate::pop3) struct AwaitResponse(Box<Login>);

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
