//! CAPABILITY: what works here, now.
//!
//! RFC 3501, 6.1.1 and 7.2.1. The list says exactly what would work: no mechanism that would be refused, no extension that is half there.

use super::{Command, Completion, Context, Cursor, Form, Next, Parsed};

/// `CAPABILITY` takes nothing.
pub(super) fn parse(args: &mut Cursor<'_>, _: Form) -> Parsed {
    args.end()?;
    Ok(Box::new(Capability))
}

#[derive(Debug)]
struct Capability;

impl Command for Capability {
    fn start(self: Box<Self>, cx: &mut Context) -> Next {
        let list = list(cx);
        cx.line(format_args!("* CAPABILITY {list}"));
        Completion::ok().into()
    }
}

/// The capabilities of this moment, a space between them (those of RFC 3501, 7888 and 2971 in any state; RFC 7889, 2 for
/// APPENDLIMIT, which is the same for all mailboxes; RFC 4978, 5 for COMPRESS).
pub(crate) fn list(cx: &Context) -> String {
    let literals = if cx.settings.literal_plus { '+' } else { '-' };
    let mut list = format!("IMAP4rev1 LITERAL{literals} ID");
    if cx.may_start_tls() {
        list.push_str(" STARTTLS");
    }
    match cx.account {
        Some(_) => {
            list.push_str(AFTER_LOGIN);
            if cx.settings.unauthenticate {
                list.push_str(" UNAUTHENTICATE");
            }
            if !cx.compressed {
                list.push_str(" COMPRESS=DEFLATE");
            }
            list.push_str(&format!(" APPENDLIMIT={}", cx.settings.append_limit()));
        }
        None if cx.may_log_in() => {
            list.push_str(" SASL-IR");
            cx.offered().for_each(|kind| list.extend([" AUTH=", kind.name()]));
        }
        None => list.push_str(" SASL-IR LOGINDISABLED"),
    }
    list
}

/// RFC 2342, 3691, 3348, 5258, 6154, 4315, 6851, 2177, 5161, 7162, 3502, 3516, 8514, 8474, 8970,
/// 4731, 5032, 5819, 8438.
const AFTER_LOGIN: &str = " NAMESPACE UNSELECT CHILDREN LIST-EXTENDED SPECIAL-USE UIDPLUS MOVE IDLE \
    ENABLE CONDSTORE QRESYNC MULTIAPPEND BINARY SAVEDATE OBJECTID PREVIEW \
    ESEARCH WITHIN LIST-STATUS STATUS=SIZE";
