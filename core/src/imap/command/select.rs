//! SELECT and EXAMINE: open a mailbox.
//!
//! RFC 3501, 6.3.1 and 6.3.2; RFC 4315, 3 (UIDNOTSTICKY is never sent); RFC 7162, 3.2.11 (CLOSED).
//! A mailbox that was selected is left in any case, also when the new one cannot be opened.

use super::{Command, Completion, Context, Cursor, Event, Form, Next, Parsed, State, unexpected};
use crate::imap::selected::Selected;
use crate::imap::words::Code;
use crate::store::{Budget, Failure, MailboxName, Opened, Refusal, Reply, Request};

/// `select = "SELECT" SP mailbox` (RFC 3501, 9)
pub(super) fn parse_select(args: &mut Cursor<'_>, _: Form) -> Parsed {
    parse(args, false)
}

/// `examine = "EXAMINE" SP mailbox` (RFC 3501, 9)
pub(super) fn parse_examine(args: &mut Cursor<'_>, _: Form) -> Parsed {
    parse(args, true)
}

fn parse(args: &mut Cursor<'_>, read_only: bool) -> Parsed {
    args.sp()?;
    let name = args.mailbox()?;
    args.end()?;
    Ok(Box::new(Select { name, read_only }))
}

#[derive(Debug)]
struct Select {
    name: MailboxName,
    read_only: bool,
}

impl Command for Select {
    fn start(self: Box<Self>, cx: &mut Context) -> Next {
        if cx.selected.take().is_some() {
            cx.line(format_args!(
                "* OK [{}] The previous mailbox is closed",
                Code::CLOSED
            ));
        }
        let claim_recent = !self.read_only;
        self.open(cx, claim_recent)
    }
}

impl Select {
    fn open(self: Box<Self>, cx: &mut Context, claim_recent: bool) -> Next {
        cx.ask(Request::OpenMailbox {
            name: self.name.clone(),
            claim_recent,
        });
        Next::wait(AwaitOpened {
            claim_recent,
            select: self,
        })
    }
}

#[derive(Debug)]
struct AwaitOpened {
    claim_recent: bool,
    select: Box<Select>,
}

impl State for AwaitOpened {
    fn on(self: Box<Self>, cx: &mut Context, event: Event) -> Next {
        match event.reply() {
            Ok(Reply::Opened(opened)) => self.select.opened(cx, opened),
            Ok(other) => unexpected(&other).into(),
            // Mail can be read where nothing can be written: the messages stay recent for a later session.
            Err(Failure::Refused(Refusal::Limit(Budget::Space))) if self.claim_recent => {
                self.select.open(cx, false)
            }
            Err(failure) => failure.into(),
        }
    }
}

impl Select {
    fn opened(self: Box<Self>, cx: &mut Context, opened: Opened) -> Next {
        let selected = Selected::new(opened, self.read_only);
        selected.print_flags(cx.out());
        cx.line(format_args!("* {} EXISTS", selected.exists()));
        cx.line(format_args!("* {} RECENT", selected.recent()));
        let view = selected.view();
        if let Some(index) = view.first_unseen() {
            cx.line(format_args!(
                "* OK [UNSEEN {}] The first unseen message",
                index + 1
            ));
        }
        cx.line(format_args!(
            "* OK [UIDVALIDITY {}] UIDs are valid",
            view.uid_validity
        ));
        cx.line(format_args!("* OK [UIDNEXT {}] The next UID", view.uid_next.0));
        cx.selected = Some(selected);
        Completion::ok()
            .code(if self.read_only {
                Code::READ_ONLY
            } else {
                Code::READ_WRITE
            })
            .into()
    }
}
