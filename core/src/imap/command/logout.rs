//! LOGOUT: the orderly end.
//!
//! RFC 3501, 6.1.3.

use super::{Command, Completion, Context, Cursor, Form, Next, Parsed, Then};

/// `LOGOUT` takes nothing.
pub(super) fn parse(args: &mut Cursor<'_>, _: Form) -> Parsed {
    args.end()?;
    Ok(Box::new(Logout))
}

#[derive(Debug)]
struct Logout;

impl Command for Logout {
    fn start(self: Box<Self>, cx: &mut Context) -> Next {
        cx.selected = None;
        cx.line(format_args!("* BYE Logging out"));
        Completion::ok().then(Then::Close).into()
    }
}
