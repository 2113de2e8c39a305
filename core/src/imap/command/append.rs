//! APPEND: a message from the client into a mailbox.
//!
//! RFC 3501, 6.3.11; RFC 4315, 3 (APPENDUID); RFC 7888 (a literal that comes unasked); RFC 7889 is kept in spirit: what is refused is
//! refused before its octets, where the client waits to hear so. The octets go to the store as they come and as they are.

use super::{Command, Completion, Context, Cursor, Event, Form, Next, Parsed, State, noop, unexpected};
use crate::imap::grammar::{Announced, Expected, FlagList};
use crate::imap::words::Code;
use crate::machine::{Action, Done, Effect, Upload};
use crate::store::{MailboxName, NewMessage, Reply, Request};

/// An APPEND that is whole without a message is none.
pub(super) fn parse(args: &mut Cursor<'_>, _: Form) -> Parsed {
    arguments(args)?;
    Err(args.error(Expected::Literal))
}

/// `append = "APPEND" SP mailbox [SP flag-list] [SP date-time] SP literal` (RFC 3501, 9), up to the announcement of a literal.
/// `None`: the literal is the mailbox's name, more is to come.
pub(crate) fn announced(args: &mut Cursor<'_>) -> Option<Parsed> {
    let mut name = args.clone();
    let is_name = name.sp().is_ok() && name.literal_announcement().is_ok();
    (!is_name).then(|| {
        let (name, list, internal_date_s) = arguments(args)?;
        let literal = args.literal_announcement()?;
        Ok(Box::new(Append {
            message: Message {
                name,
                list,
                internal_date_s,
            },
            literal,
        }) as Box<dyn Command>)
    })
}

fn arguments(args: &mut Cursor<'_>) -> Result<(MailboxName, FlagList, Option<i64>), super::Syntax> {
    args.sp()?;
    let name = args.mailbox()?;
    args.sp()?;
    let mut list = FlagList::default();
    if args.peek() == Some(b'(') {
        list = args.flags()?;
        args.sp()?;
    }
    let mut internal_date_s = None;
    if args.peek() == Some(b'"') {
        internal_date_s = Some(args.date_time()?);
        args.sp()?;
    }
    Ok((name, list, internal_date_s))
}

#[derive(Debug)]
struct Append {
    message: Message,
    literal: Announced,
}

#[derive(Debug)]
struct Message {
    name: MailboxName,
    list: FlagList,
    internal_date_s: Option<i64>,
}

impl Command for Append {
    fn start(self: Box<Self>, cx: &mut Context) -> Next {
        let Append { message, literal } = *self;
        if literal.binary {
            return refuse(
                cx,
                literal,
                Completion::bad("A literal8 needs the extension BINARY"),
            );
        }
        if literal.size == 0 {
            return refuse(
                cx,
                literal,
                Completion::no(Code::CANNOT, "A message without octets is none"),
            );
        }
        if literal.size > cx.settings.message_size {
            return refuse(
                cx,
                literal,
                Completion::no(Code::TOO_BIG, "The message is too big"),
            );
        }
        cx.ask(Request::StatusMailbox {
            name: message.name.clone(),
        });
        Next::wait(AwaitStatus { message, literal })
    }
}

/// Answers without the message: at once if the client waits with it, else when its octets have gone by.
pub(super) fn refuse(cx: &Context, literal: Announced, completion: Completion) -> Next {
    if !literal.non_sync {
        return completion.into();
    }
    if literal.size > cx.settings.skipped {
        return Next::Bye("The literal is too big to be skipped");
    }
    Skipping {
        left: literal.size,
        completion,
    }
    .next()
}

/// The mailbox is looked up before the client sends what could not be kept.
#[derive(Debug)]
struct AwaitStatus {
    message: Message,
    literal: Announced,
}

impl State for AwaitStatus {
    fn on(self: Box<Self>, cx: &mut Context, event: Event) -> Next {
        match event.reply() {
            Ok(Reply::Status(_)) => {}
            Ok(other) => return refuse(cx, self.literal, unexpected(&other).into()),
            Err(failure) => return refuse(cx, self.literal, failure.into()),
        }
        if !self.literal.non_sync {
            cx.line(format_args!("+ Ready for the message"));
        }
        let upload = cx.open_upload();
        Next::Octets(
            Box::new(Streaming {
                upload,
                left: self.literal.size,
                message: self.message,
            }),
            self.literal.size,
        )
    }
}

/// The message goes by.
#[derive(Debug)]
struct Streaming {
    message: Message,
    upload: Upload,
    left: u64,
}

impl State for Streaming {
    fn on(mut self: Box<Self>, cx: &mut Context, event: Event) -> Next {
        let Event::Octets(mut octets) = event else {
            return unexpected(&event).into();
        };
        self.left = self.left.saturating_sub(octets.len() as u64);
        if let Some(at) = memchr::memchr(0, &octets) {
            cx.act(Action::Feed(self.upload, octets.split_to(at)));
            cx.act(Action::DropUpload(self.upload));
            return Skipping {
                left: self.left,
                completion: Completion::bad("The message contains a NUL"),
            }
            .next();
        }
        cx.act(Action::Feed(self.upload, octets));
        match self.left {
            0 => Next::Listen(
                Box::new(AwaitEnd {
                    message: self.message,
                    upload: self.upload,
                }),
                None,
            ),
            left => Next::Octets(self, left),
        }
    }
}

/// One message, then the line ends: nothing may follow (MULTIAPPEND is not offered).
#[derive(Debug)]
struct AwaitEnd {
    message: Message,
    upload: Upload,
}

impl State for AwaitEnd {
    fn on(self: Box<Self>, cx: &mut Context, event: Event) -> Next {
        match event {
            Event::Line(line) if line.is_empty() => {
                cx.effect(Effect::FinishUpload(self.upload));
                Next::wait(AwaitStored {
                    message: self.message,
                })
            }
            Event::Line(_) => {
                cx.act(Action::DropUpload(self.upload));
                Completion::bad("expected the end of the command behind the message").into()
            }
            _ => Next::Listen(self, None),
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
        let code = Code::new(format!("APPENDUID {} {}", appended.uid_validity, appended.uids));
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

/// A refused message goes by, to the end of its command.
#[derive(Debug)]
struct Skipping {
    left: u64,
    completion: Completion,
}

impl Skipping {
    fn next(self) -> Next {
        match self.left {
            0 => Next::Listen(Box::new(self), None),
            left => Next::Octets(Box::new(self), left),
        }
    }
}

impl State for Skipping {
    fn on(mut self: Box<Self>, _: &mut Context, event: Event) -> Next {
        match event {
            Event::Octets(octets) => self.left = self.left.saturating_sub(octets.len() as u64),
            Event::Line(_) => return self.completion.into(),
            _ => {}
        }
        (*self).next()
    }
}
