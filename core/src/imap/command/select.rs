//! SELECT and EXAMINE: open a mailbox.
//!
//! RFC 3501, 6.3.1 and 6.3.2; RFC 4315, 3 (UIDNOTSTICKY is never sent); RFC 7162, 3.1.2, 3.1.8, 3.2.5, 3.2.11 (CLOSED);
//! RFC 8474, 4.2 (MAILBOXID). Every mailbox has MODSEQs, so NOMODSEQ is never sent.
//! A mailbox that was selected is left in any case, also when the new one cannot be opened.

use super::{Command, Completion, Context, Cursor, Event, Form, Next, Parsed, State, resync, unexpected};
use crate::imap::ast::SelectParams;
use crate::imap::enabled::Extension;
use crate::imap::object_name::ObjectName;
use crate::imap::selected::Selected;
use crate::imap::words::Code;
use crate::store::{MailboxName, Opened, Reply, Request};

/// `select = "SELECT" SP mailbox [select-params]` (RFC 4466, 6)
pub(super) fn parse_select(args: &mut Cursor<'_>, _: Form) -> Parsed {
    parse(args, false)
}

/// `examine = "EXAMINE" SP mailbox [select-params]` (RFC 4466, 6)
pub(super) fn parse_examine(args: &mut Cursor<'_>, _: Form) -> Parsed {
    parse(args, true)
}

fn parse(args: &mut Cursor<'_>, read_only: bool) -> Parsed {
    args.sp()?;
    let name = args.mailbox()?;
    let params = args.select_params()?;
    args.end()?;
    Ok(Box::new(Select {
        name,
        read_only,
        params,
    }))
}

#[derive(Debug)]
struct Select {
    name: MailboxName,
    read_only: bool,
    params: SelectParams,
}

impl Command for Select {
    fn start(self: Box<Self>, cx: &mut Context) -> Next {
        if self.params.resync.is_some() && !cx.has_enabled(Extension::QResync) {
            return Completion::bad("ENABLE QRESYNC comes first").into();
        }
        if cx.selected.take().is_some() {
            cx.line(format_args!(
                "* OK [{}] The previous mailbox is closed",
                Code::CLOSED
            ));
        }
        if self.params.condstore {
            cx.enable(Extension::CondStore);
        }
        cx.ask(Request::OpenMailbox {
            name: self.name,
            claim_recent: !self.read_only,
        });
        Next::wait(AwaitOpened {
            read_only: self.read_only,
            params: self.params,
        })
    }
}

#[derive(Debug)]
struct AwaitOpened {
    read_only: bool,
    params: SelectParams,
}

impl State for AwaitOpened {
    fn on(self: Box<Self>, cx: &mut Context, event: Event) -> Next {
        match event.reply() {
            Ok(Reply::Opened(opened)) => self.opened(cx, opened),
            Ok(other) => unexpected(&other).into(),
            Err(failure) => failure.into(),
        }
    }
}

impl AwaitOpened {
    fn opened(self, cx: &mut Context, opened: Opened) -> Next {
        let mailbox_id = ObjectName::Mailbox(opened.mailbox.object_id);
        let selected = Selected::new(opened, self.read_only);
        selected.print_flags(cx.out());
        cx.line(format_args!("* {} EXISTS", selected.exists()));
        cx.line(format_args!("* {} RECENT", selected.recent()));
        let view = selected.view();
        if let Some(index) = view.first_unseen() {
            cx.line(format_args!(
                "* OK [{} {}] The first unseen message",
                Code::UNSEEN,
                index + 1
            ));
        }
        cx.line(format_args!(
            "* OK [{} {}] UIDs are valid",
            Code::UID_VALIDITY,
            view.uid_validity
        ));
        cx.line(format_args!(
            "* OK [{} {}] The next UID",
            Code::UID_NEXT,
            view.uid_next.0
        ));
        cx.line(format_args!(
            "* OK [{} ({mailbox_id})] The mailbox's id",
            Code::MAILBOX_ID
        ));
        cx.selected = Some(selected);
        if cx.has_enabled(Extension::CondStore) {
            cx.tell_highest_modseq();
        }
        let completion = Completion::ok().code(if self.read_only {
            Code::READ_ONLY
        } else {
            Code::READ_WRITE
        });
        match self.params.resync {
            Some(resync) => resync::follow(cx, resync, completion),
            None => completion.into(),
        }
    }
}
