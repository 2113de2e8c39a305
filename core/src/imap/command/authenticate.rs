//! AUTHENTICATE: log in by a SASL mechanism.
//!
//! RFC 3501, 6.2.2; RFC 4959 (the initial response). The mechanism is a machine of its own; here is what IMAP wraps around it: base64,
//! continuation requests, `*` to give up.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Command, Completion, Context, Cursor, Event, Form, Next, Parsed, State, login};
use crate::imap::words::Code;
use crate::sasl::{self, Mechanism, SaslStep};
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
        let offered = cx
            .settings
            .mechanisms
            .iter()
            .any(|name| name.eq_ignore_ascii_case(&self.mechanism));
        let Some(mut mechanism) = sasl::mechanism(&self.mechanism).filter(|_| offered) else {
            return Completion::no(Code::CANNOT, "There is no such mechanism").into();
        };
        let step = mechanism.begin(self.initial.as_deref());
        follow(cx, mechanism, step)
    }
}

fn follow(cx: &mut Context, mechanism: Box<dyn Mechanism>, step: SaslStep) -> Next {
    match step {
        SaslStep::Challenge(challenge) => {
            cx.line(format_args!("+ {}", STANDARD.encode(challenge)));
            Next::Listen(Box::new(AwaitResponse { mechanism }), None)
        }
        SaslStep::Credentials { login, password } => login::check(cx, &login, password),
        SaslStep::Failed(error) => Completion::bad(error.to_string()).into(),
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
