//! AUTHENTICATE: log in by a SASL mechanism.
//!
//! RFC 3501, 6.2.2; RFC 4959 (the initial response). The mechanism is a machine of its own; here is what IMAP wraps around it: base64,
//! continuation requests, `*` to give up.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Command, Completion, Context, Cursor, Event, Form, Next, Parsed, State, login, unexpected};
use crate::imap::words::Code;
use crate::machine::{Done, Effect};
use crate::sasl::{Answer, Kind, Mechanism, SaslStep};
use crate::wire::base64 as wire_base64;

/// `authenticate = "AUTHENTICATE" SP auth-type [SP (base64 / "=")]` (RFC 4959, 7); the responses follow as lines.
pub(super) fn parse(args: &mut Cursor<'_>, _: Form) -> Parsed {
    let args = args.authenticate_args()?;
    Ok(Box::new(Authenticate {
        mechanism: args.mechanism,
        initial: args.initial,
    }))
}

struct Authenticate {
    mechanism: String,
    initial: Option<Vec<u8>>,
}

impl std::fmt::Debug for Authenticate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Authenticate({:?}, …)", self.mechanism)
    }
}

impl Command for Authenticate {
    fn start(self: Box<Self>, cx: &mut Context) -> Next {
        if !cx.may_log_in() {
            return Completion::no(Code::PRIVACY_REQUIRED, "Passwords are taken over TLS only").into();
        }
        let Some(kind) = Kind::named(&self.mechanism).filter(|kind| cx.offered().any(|one| one == *kind))
        else {
            return Completion::no(Code::CANNOT, "There is no such mechanism").into();
        };
        let mut mechanism = cx.mechanism(kind);
        let step = mechanism.begin(self.initial.as_deref());
        follow(cx, mechanism, step)
    }
}

fn follow(cx: &mut Context, mechanism: Box<dyn Mechanism>, step: SaslStep) -> Next {
    let effect = match step {
        SaslStep::Challenge(challenge) => {
            cx.line(format_args!("+ {}", STANDARD.encode(challenge)));
            return Next::Listen(Box::new(AwaitResponse { mechanism }), None);
        }
        SaslStep::FindVerifier { login, hash } => Effect::InventVerifier { login, hash },
        SaslStep::VerifyScram(proof) => Effect::VerifyScram(proof),
        SaslStep::VerifyToken { login, token } => Effect::VerifyToken { login, token },
        SaslStep::Credentials { login, password } => return login::check(cx, &login, password),
        SaslStep::Proven { login } => return login::admit(cx, &login),
        SaslStep::Rejected => return login::fail(cx),
        SaslStep::Failed(error) => return Completion::bad(error.to_string()).into(),
    };
    cx.effect(effect);
    Next::wait(AwaitAnswer { mechanism })
}

#[derive(Debug)]
struct AwaitAnswer {
    mechanism: Box<dyn Mechanism>,
}

impl State for AwaitAnswer {
    fn on(mut self: Box<Self>, cx: &mut Context, event: Event) -> Next {
        let answer = match event {
            Event::Outcome(Ok(Done::VerifierInvented(verifier))) => Answer::Verifier(verifier),
            Event::Outcome(Ok(Done::ScramVerified(signature))) => Answer::Signature(signature),
            Event::Outcome(Ok(Done::TokenVerified(owner))) => Answer::Owner(owner),
            Event::Outcome(Err(failure)) => return failure.into(),
            other => return unexpected(&other).into(),
        };
        let step = self.mechanism.answer(answer);
        follow(cx, self.mechanism, step)
    }
}

#[derive(Debug)]
struct AwaitResponse {
    mechanism: Box<dyn Mechanism>,
}

impl State for AwaitResponse {
    fn on(mut self: Box<Self>, cx: &mut Context, event: Event) -> Next {
        let line = match event {
            Event::Line(line) => line,
            _ => return Next::Listen(self, None),
        };
        if &line[..] == b"*" {
            return Completion::bad("Given up").into();
        }
        match wire_base64::decode(&line) {
            Ok(response) => {
                let step = self.mechanism.respond(&response);
                follow(cx, self.mechanism, step)
            }
            Err(_) => Completion::bad("A response is written in base64").into(),
        }
    }
}
