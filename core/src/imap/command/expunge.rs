//! EXPUNGE and UID EXPUNGE: remove the messages marked `\Deleted`.
//!
//! RFC 3501, 6.4.3; RFC 4315, 2.1 (UID EXPUNGE); RFC 7162, 3.2.7 and 3.2.9 (HIGHESTMODSEQ). One store request. The numbering shifts only as it is told, when the command ends.

use super::{Command, Completion, Context, Cursor, Event, Form, Next, Parsed, State, unexpected};
use crate::store::set::{SequenceSet, UidSet};
use crate::store::{Reply, Request};

/// `EXPUNGE` takes nothing; `uid-expunge = "EXPUNGE" SP sequence-set` (RFC 4315, 4).
pub(super) fn parse(args: &mut Cursor<'_>, form: Form) -> Parsed {
    let within = match form {
        Form::Plain => None,
        Form::Uid => {
            args.sp()?;
            Some(args.sequence_set()?)
        }
    };
    args.end()?;
    Ok(Box::new(Expunge { within }))
}

#[derive(Debug)]
struct Expunge {
    within: Option<SequenceSet>,
}

impl Command for Expunge {
    fn start(self: Box<Self>, cx: &mut Context) -> Next {
        let within = match self.within.map(|set| cx.resolve(set, Form::Uid)).transpose() {
            Ok(within) => within,
            Err(completion) => return completion.into(),
        };
        // The empty set means nothing, unlike no set.
        let nothing = within.as_ref().is_some_and(UidSet::is_empty);
        match request(cx, within).filter(|_| !nothing) {
            Some(request) => {
                cx.ask(request);
                Next::wait(AwaitExpunged)
            }
            None => Completion::ok().into(),
        }
    }
}

/// The question to the store; `within`: only these.
pub(super) fn request(cx: &Context, within: Option<UidSet>) -> Option<Request> {
    cx.selected().map(|selected| Request::Expunge {
        mailbox: selected.mailbox(),
        within,
        at_ms: cx.now.unix_ms,
        since: selected.since(),
    })
}

#[derive(Debug)]
struct AwaitExpunged;

impl State for AwaitExpunged {
    fn on(self: Box<Self>, cx: &mut Context, event: Event) -> Next {
        match event.reply() {
            Ok(Reply::Expunged(expunged)) => {
                cx.absorb(expunged.refreshed);
                Completion::ok().removed(!expunged.expunged.is_empty()).into()
            }
            Ok(other) => unexpected(&other).into(),
            Err(failure) => failure.into(),
        }
    }
}
