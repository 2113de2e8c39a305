//! AUTHENTICATE: log in by a SASL mechanism.
//!
//! RFC 3501, 6.2.2; RFC 4959 (the initial response). The mechanism is a machine of its own; here is what IMAP wraps around it: base64,
//! continuation requests, `*` to give up.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Command, Completion, Context, Cursor, Event, Form, Next, Parsed, State, login};
use crate::imap::words::Code;
use crate::login::Login;
use crate::sasl::Kind;
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
            return login::refused_in_the_clear();
        }
        let Some(kind) = Kind::named(&self.mechanism).filter(|kind| cx.offered().any(|one| one == *kind))
        else {
            return Completion::no(Code::CANNOT, "There is no such mechanism").into();
        };
        let (visitor, mechanism) = (login::visitor(cx), cx.mechanism(kind));
        let (login, progress) = Login::with_mechanism(visitor, cx.now, mechanism, self.initial.as_deref());
        login::follow(cx, login, progress)
    }
}

/// Sends a challenge and listens to the response.
pub(super) fn challenge(cx: &mut Context, login: Login, challenge: &[u8]) -> Next {
    cx.line(format_args!("+ {}", STANDARD.encode(challenge)));
    Next::Listen(Box::new(AwaitResponse { login }), None)
}

#[derive(Debug)]
struct AwaitResponse {
    login: Login,
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
                let progress = self.login.respond(cx.now, &response);
                login::follow(cx, self.login, progress)
            }
            Err(_) => Completion::bad("A response is written in base64").into(),
        }
    }
}
