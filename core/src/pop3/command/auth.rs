//! AUTH: log in by a SASL mechanism.
//!
//! RFC 5034, 4. The mechanism is a machine of its own; here is what POP3 wraps around it: base64, challenges, `*` to give up, and
//! an initial response, of which `=` is the empty one.

use super::super::login;
use super::{Context, State, words};
use crate::sasl::{self, Mechanism, SaslError, SaslStep};
use crate::wire::base64;

/// `"AUTH" SP sasl-mech [SP initial-response]` (RFC 5034, 5)
pub(super) fn start(cx: &mut Context, arguments: &str) -> State {
    if !cx.may_log_in() {
        return cx.answer(words::TLS_FIRST);
    }
    let (name, initial) = match arguments.split_once(' ') {
        Some((name, initial)) => (name, Some(initial)),
        None => (arguments, None),
    };
    let mut offered = cx.settings.mechanisms.iter();
    let is_offered = offered.any(|offered| offered.eq_ignore_ascii_case(name));
    let Some(mut mechanism) = sasl::mechanism(name).filter(|_| is_offered) else {
        return cx.answer(words::NO_MECHANISM);
    };
    let initial = match initial {
        None => None,
        Some("=") => Some(Vec::new()),
        Some(initial) => match base64::decode(initial.as_bytes()) {
            Ok(initial) => Some(initial),
            Err(_) => return cx.answer(words::NO_BASE64),
        },
    };
    let step = mechanism.begin(initial.as_deref());
    follow(cx, mechanism, step)
}

fn follow(cx: &mut Context, mechanism: Box<dyn Mechanism>, step: SaslStep) -> State {
    match step {
        SaslStep::Challenge(challenge) => {
            cx.out.line(format_args!("+ {}", base64::encode(&challenge)));
            State::AwaitResponse(AwaitResponse { mechanism })
        }
        SaslStep::Credentials { login, password } => login::check(cx, &login, password),
        SaslStep::Failed(SaslError::OtherIdentity) => cx.answer(words::OTHER_IDENTITY),
        SaslStep::Failed(SaslError::Malformed) => cx.answer(words::BAD_RESPONSE),
        SaslStep::Failed(SaslError::TooLong) => cx.answer(words::BAD_CREDENTIALS),
    }
}

#[derive(Debug)]
pub(in crate::pop3) struct AwaitResponse {
    mechanism: Box<dyn Mechanism>,
}

impl AwaitResponse {
    /// Takes the client's line.
    pub fn on(mut self, cx: &mut Context, line: &[u8]) -> State {
        if line == b"*" {
            return cx.answer(words::GIVEN_UP);
        }
        match base64::decode(line) {
            Ok(response) => {
                let step = self.mechanism.respond(&response);
                follow(cx, self.mechanism, step)
            }
            Err(_) => cx.answer(words::NO_BASE64),
        }
    }
}

/// How many octets of the arguments, the verb's space included, name a mechanism; and whether what follows is a response to it.
pub(in crate::pop3) fn mechanism(arguments: &[u8]) -> (usize, bool) {
    let name = arguments.strip_prefix(b" ").unwrap_or_default();
    let name = name.split(|&octet| octet == b' ').next().unwrap_or_default();
    match std::str::from_utf8(name).ok().and_then(sasl::mechanism) {
        // The space on both sides.
        Some(_) => (arguments.len().min(name.len() + 2), true),
        None => (0, false),
    }
}
