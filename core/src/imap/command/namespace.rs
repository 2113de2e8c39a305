//! NAMESPACE: one's own mailboxes, and nobody else's.
//!
//! RFC 2342, 5.

use super::{Command, Completion, Context, Cursor, Form, Next, Parsed};
use crate::store::SEPARATOR;

/// `NAMESPACE` takes nothing.
pub(super) fn parse(args: &mut Cursor<'_>, _: Form) -> Parsed {
    args.end()?;
    Ok(Box::new(Namespace))
}

#[derive(Debug)]
struct Namespace;

impl Command for Namespace {
    fn start(self: Box<Self>, cx: &mut Context) -> Next {
        cx.line(format_args!("* NAMESPACE ((\"\" \"{SEPARATOR}\")) NIL NIL"));
        Completion::ok().into()
    }
}
