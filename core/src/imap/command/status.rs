//! STATUS: the counts of a mailbox that need not be selected.
//!
//! RFC 3501, 6.3.10 and 7.2.4; RFC 7162, 3.1.7; RFC 8474, 4.3 (MAILBOXID); RFC 7889, 3.1 (APPENDLIMIT, the same for all mailboxes);
//! RFC 8438, 3 (SIZE). LIST tells the same behind its own responses (RFC 5819, 2).

use std::fmt::Write;

use super::{Command, Completion, Context, Cursor, Event, Form, Next, Parsed, State, unexpected};
use crate::imap::ast::StatusItem;
use crate::imap::enabled::Extension;
use crate::imap::grammar::print;
use crate::imap::object_name::ObjectName;
use crate::imap::selected::Selected;
use crate::store::{MailboxName, ModSeq, Reply, Request, Status};

/// `status = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")"` (RFC 3501, 9)
pub(super) fn parse(args: &mut Cursor<'_>, _: Form) -> Parsed {
    args.sp()?;
    let name = args.mailbox()?;
    args.sp()?;
    let items = args.status_items()?;
    args.end()?;
    Ok(Box::new(Query { name, items }))
}

#[derive(Debug)]
struct Query {
    name: MailboxName,
    items: Vec<StatusItem>,
}

impl Command for Query {
    fn start(self: Box<Self>, cx: &mut Context) -> Next {
        let counted = Counted::new(self.items, cx);
        cx.ask(Request::StatusMailbox {
            name: self.name,
            recent: counted.recent(),
        });
        Next::wait(AwaitStatus { counted })
    }
}

#[derive(Debug)]
struct AwaitStatus {
    counted: Counted,
}

impl State for AwaitStatus {
    fn on(self: Box<Self>, cx: &mut Context, event: Event) -> Next {
        match event.reply() {
            Ok(Reply::Status(status)) => {
                self.counted.tell(cx, &status);
                Completion::ok().into()
            }
            Ok(other) => unexpected(&other).into(),
            Err(failure) => failure.into(),
        }
    }
}

/// What STATUS responses tell.
#[derive(Debug, Default)]
pub(super) struct Counted(Vec<StatusItem>);

impl Counted {
    /// Whoever asks for HIGHESTMODSEQ enables CONDSTORE (RFC 7162, 3.1).
    pub(super) fn new(items: Vec<StatusItem>, cx: &mut Context) -> Self {
        if items.contains(&StatusItem::HighestModSeq) {
            cx.enable(Extension::CondStore);
        }
        Self(items)
    }

    /// Whether anything is told.
    pub(super) fn any(&self) -> bool {
        !self.0.is_empty()
    }

    /// Whether recent messages are counted.
    pub(super) fn recent(&self) -> bool {
        self.0.contains(&StatusItem::Recent)
    }

    /// Tells of one mailbox: `* STATUS mailbox (…)`.
    pub(super) fn tell(&self, cx: &mut Context, status: &Status) {
        let append_limit = cx.settings.append_limit();
        let highest_modseq = told_modseq(cx.selected(), status);
        let out = cx.out();
        out.extend_from_slice(b"* STATUS ");
        print::mailbox(out, &status.mailbox.name);
        for (at, item) in self.0.iter().enumerate() {
            let before = if at == 0 { " (" } else { " " };
            let mailbox = &status.mailbox;
            // Writing to memory does not fail.
            let _ = match item {
                StatusItem::Messages => write!(out, "{before}MESSAGES {}", mailbox.msgs),
                StatusItem::Recent => write!(out, "{before}RECENT {}", status.recent),
                StatusItem::UidNext => write!(out, "{before}UIDNEXT {}", mailbox.uid_next.0),
                StatusItem::UidValidity => write!(out, "{before}UIDVALIDITY {}", mailbox.uid_validity),
                StatusItem::Unseen => write!(out, "{before}UNSEEN {}", mailbox.unseen),
                StatusItem::MailboxId => {
                    let id = ObjectName::Mailbox(mailbox.object_id);
                    write!(out, "{before}MAILBOXID ({id})")
                }
                StatusItem::AppendLimit => write!(out, "{before}APPENDLIMIT {append_limit}"),
                StatusItem::HighestModSeq => write!(out, "{before}HIGHESTMODSEQ {}", highest_modseq.0),
                StatusItem::Size => write!(out, "{before}SIZE {}", mailbox.bytes),
            };
        }
        out.extend_from_slice(b")\r\n");
    }
}

/// The mailbox's HIGHESTMODSEQ; of the selected one, only up to where the client knows everything, as it may go on from there.
fn told_modseq(selected: Option<&Selected>, status: &Status) -> ModSeq {
    let mailbox = &status.mailbox;
    let own = selected.filter(|selected| selected.mailbox() == mailbox.id);
    own.map_or(mailbox.highest_modseq, |own| {
        own.synced().min(mailbox.highest_modseq)
    })
}
