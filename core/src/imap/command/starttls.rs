//! STARTTLS: switch to TLS.
//!
//! RFC 3501, 6.2.1. What has been sent behind the command is never read as if it had come encrypted: the session ends.

use super::{Command, Completion, Context, Cursor, Form, Next, Parsed, Then};

/// `STARTTLS` takes nothing.
pub(super) fn parse(args: &mut Cursor<'_>, _: Form) -> Parsed {
    args.end()?;
    Ok(Box::new(StartTls))
}

#[derive(Debug)]
struct StartTls;

impl Command for StartTls {
    fn start(self: Box<Self>, cx: &mut Context) -> Next {
        match cx.may_start_tls() {
            true => Completion::ok().text("Begin TLS now").then(Then::StartTls).into(),
            false if cx.peer.is_encrypted() => Completion::bad("TLS has begun already").into(),
            false => Completion::bad("TLS is not to be had here").into(),
        }
    }
}
