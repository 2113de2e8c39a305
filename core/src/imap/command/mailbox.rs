//! CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE: one store request each.
//!
//! RFC 3501, 6.3.3 to 6.3.7; RFC 8474, 4.1 (MAILBOXID).

use super::{Command, Completion, Context, Cursor, Event, Form, Next, Parsed, State, noop, unexpected};
use crate::imap::object_name::ObjectName;
use crate::imap::words::Code;
use crate::store::{MailboxName, NewMailbox, Reply, Request};

/// `create = "CREATE" SP mailbox` (RFC 3501, 9); a separator at the end is no part of the name.
pub(super) fn parse_create(args: &mut Cursor<'_>, _: Form) -> Parsed {
    args.sp()?;
    let name = args.new_mailbox()?;
    args.end()?;
    Ok(Box::new(Create { name }))
}

/// `delete = "DELETE" SP mailbox` (RFC 3501, 9)
pub(super) fn parse_delete(args: &mut Cursor<'_>, _: Form) -> Parsed {
    Ok(Box::new(Delete { name: name(args)? }))
}

/// `rename = "RENAME" SP mailbox SP mailbox` (RFC 3501, 9)
pub(super) fn parse_rename(args: &mut Cursor<'_>, _: Form) -> Parsed {
    args.sp()?;
    let from = args.mailbox()?;
    args.sp()?;
    let to = args.new_mailbox()?;
    args.end()?;
    Ok(Box::new(Rename { from, to }))
}

/// `subscribe = "SUBSCRIBE" SP mailbox` (RFC 3501, 9)
pub(super) fn parse_subscribe(args: &mut Cursor<'_>, _: Form) -> Parsed {
    Ok(Box::new(Subscribe { name: name(args)? }))
}

/// `unsubscribe = "UNSUBSCRIBE" SP mailbox` (RFC 3501, 9)
pub(super) fn parse_unsubscribe(args: &mut Cursor<'_>, _: Form) -> Parsed {
    Ok(Box::new(Unsubscribe { name: name(args)? }))
}

fn name(args: &mut Cursor<'_>) -> Result<MailboxName, super::Syntax> {
    args.sp()?;
    let name = args.mailbox()?;
    args.end()?;
    Ok(name)
}

#[derive(Debug)]
struct Create {
    name: MailboxName,
}

impl Command for Create {
    fn start(self: Box<Self>, cx: &mut Context) -> Next {
        let superiors = superiors(cx, &self.name);
        let mailbox = new(cx, self.name);
        let id = ObjectName::Mailbox(mailbox.object_id);
        cx.ask(Request::CreateMailbox {
            mailbox,
            superiors,
            at_s: cx.now.unix_s(),
        });
        Next::wait(AwaitCreated { id })
    }
}

#[derive(Debug)]
struct Delete {
    name: MailboxName,
}

impl Command for Delete {
    fn start(self: Box<Self>, cx: &mut Context) -> Next {
        if self.name.is_inbox() {
            return Completion::no(Code::CANNOT, "INBOX stays").into();
        }
        cx.ask(Request::DeleteMailbox {
            name: self.name,
            at_ms: cx.now.unix_ms,
        });
        Next::wait(AwaitDone)
    }
}

#[derive(Debug)]
struct Rename {
    from: MailboxName,
    to: MailboxName,
}

impl Command for Rename {
    fn start(self: Box<Self>, cx: &mut Context) -> Next {
        // INBOX's inferiors stay when it is renamed, so it may give its messages to one of them (RFC 3501, 6.3.5).
        if self.to.is_below(&self.from) && !self.from.is_inbox() {
            return Completion::no(Code::CANNOT, "A mailbox cannot become its own inferior").into();
        }
        let superiors = superiors(cx, &self.to);
        let to = new(cx, self.to);
        cx.ask(Request::RenameMailbox {
            from: self.from,
            to,
            superiors,
            at_s: cx.now.unix_s(),
        });
        Next::wait(AwaitDone)
    }
}

#[derive(Debug)]
struct Subscribe {
    name: MailboxName,
}

impl Command for Subscribe {
    fn start(self: Box<Self>, cx: &mut Context) -> Next {
        cx.ask(Request::Subscribe { name: self.name });
        Next::wait(AwaitDone)
    }
}

#[derive(Debug)]
struct Unsubscribe {
    name: MailboxName,
}

impl Command for Unsubscribe {
    fn start(self: Box<Self>, cx: &mut Context) -> Next {
        cx.ask(Request::Unsubscribe { name: self.name });
        Next::wait(AwaitDone)
    }
}

/// Waits for a new mailbox, whose id is told (RFC 8474, 4.1).
#[derive(Debug)]
struct AwaitCreated {
    id: ObjectName,
}

impl State for AwaitCreated {
    fn on(self: Box<Self>, _: &mut Context, event: Event) -> Next {
        match event.reply() {
            Ok(Reply::Created) => {
                let code = Code::MAILBOX_ID.with(format_args!("({})", self.id));
                Completion::ok().code(code).into()
            }
            Ok(other) => unexpected(&other).into(),
            Err(failure) => failure.into(),
        }
    }
}

#[derive(Debug)]
struct AwaitDone;

impl State for AwaitDone {
    fn on(self: Box<Self>, cx: &mut Context, event: Event) -> Next {
        match event.reply() {
            // The selected mailbox may have lost its messages by this.
            Ok(Reply::Deleted | Reply::Renamed) => noop::then(cx, Completion::ok()),
            Ok(Reply::Subscribed | Reply::Unsubscribed) => Completion::ok().into(),
            Ok(other) => unexpected(&other).into(),
            Err(failure) => failure.into(),
        }
    }
}

fn superiors(cx: &mut Context, name: &MailboxName) -> Vec<NewMailbox> {
    name.superiors().map(|superior| new(cx, superior)).collect()
}

fn new(cx: &mut Context, name: MailboxName) -> NewMailbox {
    NewMailbox {
        id: cx.seed.mailbox(),
        name,
        special_use: None,
        object_id: cx.seed.half(),
    }
}
