//! CLOSE and UNSELECT: leave the selected mailbox, CLOSE after expunging it.
//!
//! RFC 3501, 6.4.2; RFC 3691. Neither tells of any expunge; CLOSE after EXAMINE expunges nothing.

use super::{Command, Completion, Context, Cursor, Event, Form, Next, Parsed, State, expunge, unexpected};
use crate::store::{Failure, Refusal, Reply};

/// `CLOSE` takes nothing.
pub(super) fn parse_close(args: &mut Cursor<'_>, _: Form) -> Parsed {
    args.end()?;
    Ok(Box::new(Close))
}

/// `UNSELECT` takes nothing.
pub(super) fn parse_unselect(args: &mut Cursor<'_>, _: Form) -> Parsed {
    args.end()?;
    Ok(Box::new(Unselect))
}

#[derive(Debug)]
struct Close;

impl Command for Close {
    fn start(self: Box<Self>, cx: &mut Context) -> Next {
        match expunge::request(cx, None)
            .filter(|_| cx.selected().is_some_and(|selected| !selected.read_only()))
        {
            Some(request) => {
                cx.ask(request);
                Next::wait(AwaitExpunged)
            }
            None => leave(cx),
        }
    }
}

#[derive(Debug)]
struct AwaitExpunged;

impl State for AwaitExpunged {
    fn on(self: Box<Self>, cx: &mut Context, event: Event) -> Next {
        match event.reply() {
            // A mailbox that has been deleted meanwhile can be left too.
            Ok(Reply::Expunged(_)) | Err(Failure::Refused(Refusal::NoSuchMailbox)) => leave(cx),
            Ok(other) => unexpected(&other).into(),
            Err(failure) => failure.into(),
        }
    }
}

#[derive(Debug)]
struct Unselect;

impl Command for Unselect {
    fn start(self: Box<Self>, cx: &mut Context) -> Next {
        leave(cx)
    }
}

fn leave(cx: &mut Context) -> Next {
    cx.selected = None;
    Completion::ok().into()
}
