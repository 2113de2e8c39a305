//! NOOP and CHECK: hear what is new in the selected mailbox.
//!
//! RFC 3501, 6.1.2 and 6.4.1. Everything is durable before it is answered, so a checkpoint has nothing else to do.

use super::{Command, Completion, Context, Cursor, Event, Form, Next, Parsed, State, unexpected};
use crate::store::{Failure, Reply, Request};

/// `NOOP` takes nothing.
pub(super) fn parse_noop(args: &mut Cursor<'_>, _: Form) -> Parsed {
    args.end()?;
    Ok(Box::new(Refresh))
}

/// `CHECK` takes nothing.
pub(super) fn parse_check(args: &mut Cursor<'_>, form: Form) -> Parsed {
    parse_noop(args, form)
}

#[derive(Debug)]
struct Refresh;

impl Command for Refresh {
    fn start(self: Box<Self>, cx: &mut Context) -> Next {
        then(cx, Completion::ok())
    }
}

/// Takes in what is new in the selected mailbox, if one is selected, and completes.
pub(super) fn then(cx: &mut Context, completion: Completion) -> Next {
    match request(cx) {
        Some(request) => {
            cx.ask(request);
            Next::wait(AwaitRefreshed { completion })
        }
        None => completion.into(),
    }
}

/// The question what is new in the selected mailbox.
pub(super) fn request(cx: &Context) -> Option<Request> {
    cx.selected().map(|selected| Request::Refresh {
        mailbox: selected.mailbox(),
        since: selected.since(),
        claim_recent: !selected.read_only(),
    })
}

/// Takes the answer in.
pub(super) fn absorb(cx: &mut Context, event: Event) -> Result<(), Failure> {
    match event.reply()? {
        Reply::Refreshed(refreshed) => {
            cx.absorb(refreshed);
            Ok(())
        }
        other => Err(unexpected(&other)),
    }
}

#[derive(Debug)]
struct AwaitRefreshed {
    completion: Completion,
}

impl State for AwaitRefreshed {
    fn on(self: Box<Self>, cx: &mut Context, event: Event) -> Next {
        // What the command did is done; news that cannot be had now come with the next command.
        let _ = absorb(cx, event);
        self.completion.into()
    }
}
