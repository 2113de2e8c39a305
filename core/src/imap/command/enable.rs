//! ENABLE: the client wants to hear more.
//!
//! RFC 5161; RFC 7162, 3.2.3. What is not known, or need not be enabled, is passed over. ENABLED names what the command asked for and
//! has, in the order of [`EXTENSIONS`].

use super::{Command, Completion, Context, Cursor, Form, Next, Parsed};
use crate::imap::enabled::{EXTENSIONS, Extension};

/// `enable = "ENABLE" 1*(SP capability)` (RFC 5161, 4)
pub(super) fn parse(args: &mut Cursor<'_>, _: Form) -> Parsed {
    let mut asked = Vec::new();
    loop {
        args.sp()?;
        asked.push(args.atom()?.to_ascii_uppercase());
        if args.rest().is_empty() {
            break;
        }
    }
    let is_asked = |(name, _): &&(&str, Extension)| asked.iter().any(|asked| asked == name);
    let extensions = EXTENSIONS.iter().filter(is_asked).collect();
    Ok(Box::new(Enable { extensions }))
}

#[derive(Debug)]
struct Enable {
    extensions: Vec<&'static (&'static str, Extension)>,
}

impl Command for Enable {
    fn start(self: Box<Self>, cx: &mut Context) -> Next {
        let mut names = String::new();
        for (name, extension) in self.extensions {
            cx.enable(*extension);
            names.extend([" ", name]);
        }
        cx.line(format_args!("* ENABLED{names}"));
        Completion::ok().into()
    }
}
