//! UNAUTHENTICATE: the connection is as it was before log-in.
//!
//! RFC 8437. Nothing of the client who leaves is there for the next one: not the mailbox, not what was enabled. No expunge is
//! told, and there is no NO: a client may have sent its next log-in already.

use super::{Command, Completion, Context, Cursor, Form, Next, Parsed, Then};

/// `UNAUTHENTICATE` takes nothing.
pub(super) fn parse(args: &mut Cursor<'_>, _: Form) -> Parsed {
    args.end()?;
    Ok(Box::new(Unauthenticate))
}

#[derive(Debug)]
struct Unauthenticate;

impl Command for Unauthenticate {
    fn start(self: Box<Self>, cx: &mut Context) -> Next {
        if !cx.settings.unauthenticate {
            return Completion::bad("UNAUTHENTICATE is switched off here").into();
        }
        cx.forget_client();
        Completion::ok().then(Then::LoggedOut).into()
    }
}
