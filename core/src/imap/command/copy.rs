//! COPY and MOVE, by numbers and by UIDs: one transaction in the store, no body is read.
//!
//! RFC 3501, 6.4.7; RFC 6851 (MOVE; 4.4: HIGHESTMODSEQ); RFC 4315, 3 (COPYUID); RFC 2180, 4.4 (messages that others have expunged).

use super::{Command, Completion, Context, Cursor, Event, Form, Next, Parsed, State, noop, unexpected};
use crate::imap::words::Code;
use crate::store::set::SequenceSet;
use crate::store::{Copied, DeliveryKey, MailboxName, Reply, Request, Uid};

/// `copy = "COPY" SP sequence-set SP mailbox` (RFC 3501, 9)
pub(super) fn parse_copy(args: &mut Cursor<'_>, form: Form) -> Parsed {
    parse(args, form, false)
}

/// `move = "MOVE" SP sequence-set SP mailbox` (RFC 6851, 5)
pub(super) fn parse_move(args: &mut Cursor<'_>, form: Form) -> Parsed {
    parse(args, form, true)
}

fn parse(args: &mut Cursor<'_>, form: Form, moving: bool) -> Parsed {
    args.sp()?;
    let set = args.sequence_set()?;
    args.sp()?;
    let to = args.mailbox()?;
    args.end()?;
    Ok(Box::new(Copy {
        form,
        set,
        to,
        moving,
    }))
}

#[derive(Debug)]
struct Copy {
    form: Form,
    set: SequenceSet,
    to: MailboxName,
    moving: bool,
}

impl Command for Copy {
    fn start(self: Box<Self>, cx: &mut Context) -> Next {
        let uids = match cx.resolve(self.set, self.form) {
            Ok(uids) => uids,
            Err(completion) => return completion.into(),
        };
        let Some(selected) = cx.selected().filter(|_| !uids.is_empty()) else {
            return nothing();
        };
        // By number, a message that is gone is an error, whether it is known here or not: all or nothing (RFC 3501, 6.4.7).
        // By UID it is passed over (RFC 3501, 6.4.8).
        let whole = self.form == Form::Plain;
        if whole && uids.iter().any(|uid| selected.is_gone(Uid(uid))) {
            return Completion::no(Code::EXPUNGE_ISSUED, "Some of the messages are gone").into();
        }
        let (from, since) = (selected.mailbox(), selected.since());
        let own = selected.name() == &self.to;
        let (moving, at_ms, key) = (self.moving, cx.now.unix_ms, DeliveryKey(cx.seed.half()));
        cx.ask(Request::Copy {
            from,
            uids,
            whole,
            to: self.to,
            moving,
            key,
            at_ms,
            since,
        });
        Next::wait(AwaitCopied { moving, own })
    }
}

#[derive(Debug)]
struct AwaitCopied {
    moving: bool,
    /// Whether the target is the selected mailbox, whose new messages are told of at once.
    own: bool,
}

impl State for AwaitCopied {
    fn on(self: Box<Self>, cx: &mut Context, event: Event) -> Next {
        match event.reply() {
            Ok(Reply::Copied(copied)) => self.copied(cx, copied),
            Ok(other) => unexpected(&other).into(),
            Err(failure) => failure.into(),
        }
    }
}

impl AwaitCopied {
    fn copied(&self, cx: &mut Context, copied: Copied) -> Next {
        let Copied {
            uid_validity,
            source,
            target,
            refreshed,
        } = copied;
        let code = (!source.is_empty())
            .then(|| Code::COPY_UID.with(format_args!("{uid_validity} {source} {target}")));
        if let Some(refreshed) = refreshed {
            cx.absorb(refreshed);
        }
        let completion = match code {
            None => return nothing(),
            // Before the EXPUNGE responses, so that a client can follow its messages (RFC 6851, 4.3).
            Some(code) if self.moving => {
                cx.line(format_args!("* OK [{code}] Moved"));
                Completion::ok().removed(true)
            }
            Some(code) => Completion::ok().code(code),
        };
        if self.own && !self.moving {
            noop::then(cx, completion)
        } else {
            completion.into()
        }
    }
}

fn nothing() -> Next {
    Completion::ok().text("There was no such message").into()
}
