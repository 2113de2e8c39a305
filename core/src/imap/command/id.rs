//! ID: who we are. What the client says of itself changes nothing.
//!
//! RFC 2971.

use super::{Command, Completion, Context, Cursor, Form, Next, Parsed};
use crate::imap::grammar::print;

/// `id = "ID" SP id-params-list` (RFC 2971, 4)
pub(super) fn parse(args: &mut Cursor<'_>, _: Form) -> Parsed {
    args.id_args()?;
    Ok(Box::new(Id))
}

#[derive(Debug)]
struct Id;

impl Command for Id {
    fn start(self: Box<Self>, cx: &mut Context) -> Next {
        let settings = std::sync::Arc::clone(&cx.settings);
        let out = cx.out();
        out.extend_from_slice(b"* ID (\"name\" ");
        print::string(out, settings.name.as_bytes());
        out.extend_from_slice(b" \"version\" ");
        print::string(out, settings.version.as_bytes());
        out.extend_from_slice(b")\r\n");
        Completion::ok().into()
    }
}
