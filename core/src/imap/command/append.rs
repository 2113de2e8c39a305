//! APPEND: a message from the client into a mailbox.
//!
//! RFC 3501, 6.3.11; RFC 4315, 3 (APPENDUID); RFC 7888 (a literal that comes unasked); RFC 7889 is kept in spirit: what is refused is
//! refused before its octets, where the client waits to hear so. The octets go to the store as they come and as they are.

use bytes::Bytes;

use super::{Command, Completion, Context, Cursor, Event, Form, Next, Parsed, State, noop, unexpected};
use crate::imap::grammar::{AppendMessage, FlagList};
use crate::imap::words::Code;
use crate::machine::{Action, Done, Effect, Upload};
use crate::store::{MailboxName, NewMessage, Reply, Request};

/// An APPEND without the announcement of its message is none.
pub(super) fn parse(args: &mut Cursor<'_>, _: Form) -> Parsed {
    begin(args)
}

/// `append = "APPEND" SP mailbox [SP flag-list] [SP date-time] SP literal` (RFC 3501, 9), up to the announcement of a literal.
/// `None`: the literal is the mailbox's name, more is to come.
pub(crate) fn announced(args: &mut Cursor<'_>) -> Option<Parsed> {
    let mut name = args.clone();
    let is_name = name.sp().is_ok() && name.literal_announcement().is_ok();
    (!is_name).then(|| begin(args))
}

fn begin(args: &mut Cursor<'_>) -> Parsed {
    let (name, message) = args.append_args()?;
    Ok(Box::new(Append { name, message }))
}

#[derive(Debug)]
struct Append {
    name: MailboxName,
    message: AppendMessage,
}

impl Command for Append {
    fn start(self: Box<Self>, cx: &mut Context) -> Next {
        let Append { name, message } = *self;
        let literal = message.literal;
        if literal.binary {
            return Completion::bad("A literal8 needs the extension BINARY").into();
        }
        if literal.size == 0 {
            return Completion::no(Code::CANNOT, "A message without octets is none").into();
        }
        if literal.size > cx.settings.message_size {
            return Completion::no(Code::TOO_BIG, "The message is too big").into();
        }
        cx.ask(Request::StatusMailbox {
            name: name.clone(),
            recent: false,
        });
        Next::wait(AwaitStatus { name, message })
    }
}

/// The mailbox is looked up before the client sends what could not be kept.
#[derive(Debug)]
struct AwaitStatus {
    name: MailboxName,
    message: AppendMessage,
}

impl State for AwaitStatus {
    fn on(self: Box<Self>, cx: &mut Context, event: Event) -> Next {
        let literal = self.message.literal;
        match event.reply() {
            Ok(Reply::Status(_)) => {}
            Ok(other) => return unexpected(&other).into(),
            Err(failure) => return failure.into(),
        }
        if !literal.non_sync {
            cx.line(format_args!("+ Ready for the message"));
        }
        let upload = cx.open_upload();
        let AppendMessage {
            list,
            internal_date_s,
            ..
        } = self.message;
        let message = Message {
            name: self.name,
            list,
            internal_date_s,
        };
        Next::Stream(Box::new(Streaming { message, upload }))
    }
}

/// A message on its way, and where it goes.
#[derive(Debug)]
struct Message {
    name: MailboxName,
    list: FlagList,
    internal_date_s: Option<i64>,
}

/// The message goes by; then the line ends: nothing may follow (MULTIAPPEND is not offered).
#[derive(Debug)]
struct Streaming {
    message: Message,
    upload: Upload,
}

impl State for Streaming {
    fn on(self: Box<Self>, cx: &mut Context, event: Event) -> Next {
        match event {
            Event::Octets(octets) => self.feed(cx, octets),
            Event::Line(line) if line.is_empty() => {
                cx.effect(Effect::FinishUpload(self.upload));
                Next::wait(AwaitStored {
                    message: self.message,
                })
            }
            _ => {
                cx.act(Action::DropUpload(self.upload));
                Completion::bad("expected the end of the command behind the message").into()
            }
        }
    }
}

impl Streaming {
    /// NUL has no form in a string (`CHAR8`, RFC 3501, 9): no FETCH could give it back.
    fn feed(self: Box<Self>, cx: &mut Context, mut octets: Bytes) -> Next {
        let Some(at) = memchr::memchr(0, &octets) else {
            cx.act(Action::Feed(self.upload, octets));
            return Next::Stream(self);
        };
        cx.act(Action::Feed(self.upload, octets.split_to(at)));
        cx.act(Action::DropUpload(self.upload));
        Next::Stream(Box::new(Passing))
    }
}

/// A message that is refused goes by.
#[derive(Debug)]
struct Passing;

impl State for Passing {
    fn on(self: Box<Self>, _: &mut Context, event: Event) -> Next {
        match event {
            Event::Octets(_) => Next::Stream(self),
            _ => Completion::bad("The message has a NUL in it").into(),
        }
    }
}

#[derive(Debug)]
struct AwaitStored {
    message: Message,
}

impl State for AwaitStored {
    fn on(self: Box<Self>, cx: &mut Context, event: Event) -> Next {
        let stored = match event {
            Event::Outcome(Ok(Done::Stored(stored))) => stored,
            Event::Outcome(Err(failure)) => return failure.into(),
            other => return unexpected(&other).into(),
        };
        let Message {
            name,
            list: FlagList { flags, keywords },
            internal_date_s,
        } = self.message;
        let internal_date_s = internal_date_s.unwrap_or(cx.now.unix_s());
        let message = NewMessage {
            stored,
            flags,
            keywords,
            internal_date_s,
            email_id: cx.seed.half(),
        };
        cx.ask(Request::Append {
            name,
            messages: vec![message],
            at_ms: cx.now.unix_ms,
        });
        Next::wait(AwaitAppended)
    }
}

#[derive(Debug)]
struct AwaitAppended;

impl State for AwaitAppended {
    fn on(self: Box<Self>, cx: &mut Context, event: Event) -> Next {
        let appended = match event.reply() {
            Ok(Reply::Appended(appended)) => appended,
            Ok(other) => return unexpected(&other).into(),
            Err(failure) => return failure.into(),
        };
        let code = Code::APPEND_UID.with(format_args!("{} {}", appended.uid_validity, appended.uids));
        let completion = Completion::ok().code(code);
        // A message in the selected mailbox is told of at once (RFC 3501, 6.3.11).
        match cx
            .selected()
            .is_some_and(|selected| selected.mailbox() == appended.mailbox)
        {
            true => noop::then(cx, completion),
            false => completion.into(),
        }
    }
}
