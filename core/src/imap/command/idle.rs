//! IDLE: be told at once, until DONE.
//!
//! RFC 2177. The shell tells of changes; what they are is asked for, one question at a time. A line now and then keeps middleboxes and
//! the client's own timer awake; an IDLE longer than the session's time-out ends the session, so clients renew it.

use super::{Command, Completion, Context, Cursor, Event, Form, Next, Parsed, State, noop};
use crate::imap::selected::Told;
use crate::imap::words;
use crate::machine::{Due, Watched};

/// `idle = "IDLE" CRLF "DONE"` (RFC 2177, 4)
pub(super) fn parse(args: &mut Cursor<'_>, _: Form) -> Parsed {
    args.end()?;
    Ok(Box::new(Idle))
}

#[derive(Debug)]
struct Idle;

impl Command for Idle {
    fn start(self: Box<Self>, cx: &mut Context) -> Next {
        cx.line(format_args!("+ Idling"));
        if let Some(selected) = cx.selected() {
            let watched = Watched::Mailbox {
                id: selected.mailbox(),
                since: selected.since(),
            };
            cx.watch(watched);
        }
        let until_ms = cx.now.mono_ms.saturating_add(cx.settings.idle_time_ms);
        Idling {
            until_ms,
            stale: false,
        }
        .next(cx)
    }
}

/// Listens for DONE and for changes.
#[derive(Clone, Copy, Debug)]
struct Idling {
    until_ms: u64,
    /// The last question for news failed: it is asked again with the next keepalive.
    stale: bool,
}

impl State for Idling {
    fn on(self: Box<Self>, cx: &mut Context, event: Event) -> Next {
        match event {
            Event::Line(line) if line.eq_ignore_ascii_case(b"DONE") => end(cx, Completion::ok()),
            Event::Line(_) => end(cx, Completion::bad("IDLE ends with DONE")),
            Event::Changed => self.refresh(cx),
            Event::Tick if cx.now.mono_ms < self.until_ms => {
                cx.line(format_args!("* OK Still here"));
                if self.stale {
                    self.refresh(cx)
                } else {
                    self.next(cx)
                }
            }
            _ => self.next(cx),
        }
    }
}

impl Idling {
    fn refresh(self, cx: &mut Context) -> Next {
        match noop::request(cx) {
            Some(request) => {
                cx.ask(request);
                Next::wait(AwaitNews(self))
            }
            None => self.next(cx),
        }
    }

    fn next(self, cx: &mut Context) -> Next {
        if cx.now.mono_ms >= self.until_ms {
            return Next::Bye("Logged out: idle for too long");
        }
        match cx.tell(true, false) {
            Told::More => Next::Drain(Box::new(self)),
            Told::Lost => Next::Bye(words::LOST),
            Told::All => Next::Listen(Box::new(self), Some(Due::Idle(cx.settings.keepalive_ms))),
        }
    }
}

#[derive(Debug)]
struct AwaitNews(Idling);

impl State for AwaitNews {
    fn on(self: Box<Self>, cx: &mut Context, event: Event) -> Next {
        let stale = noop::absorb(cx, event).is_err();
        Idling { stale, ..self.0 }.next(cx)
    }
}

fn end(cx: &mut Context, completion: Completion) -> Next {
    if cx.selected().is_some() {
        cx.watch(Watched::Nothing);
    }
    completion.into()
}
