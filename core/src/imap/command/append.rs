//! APPEND: messages from the client into a mailbox, all or none.
//!
//! RFC 3501, 6.3.11; RFC 3502, 6.3.11 (MULTIAPPEND); RFC 4315, 3 (APPENDUID); RFC 7888 (literals that come unasked); RFC 7889, 4
//! (TOOBIG); RFC 3516, 4.4 (`literal8`). What is refused is refused before its octets, where the client waits to hear so. The octets
//! go to the store as they come and as they are, one message after the other. Until the last of them is stored no message is in the
//! mailbox: bodies of an APPEND that ends before are named by no row, and are swept.
//!
//! In a message with a virus, the whole APPEND is refused, or goes into the quarantine: one command has one mailbox. It is answered
//! without APPENDUID then, which would name UIDs of the mailbox that the client wrote to (RFC 4315, 3).

use bytes::Bytes;

use super::{Command, Completion, Context, Cursor, Event, Form, Next, Parsed, State, noop, unexpected};
use crate::antivirus::{self, Treatment};
use crate::imap::grammar::{Announced, AppendMessage, FlagList};
use crate::imap::settings::Settings;
use crate::imap::words::Code;
use crate::machine::{Action, Done, Effect, ObjectKind, Upload};
use crate::store::{MailboxName, NewMailbox, NewMessage, ObjectId, Reply, Request};

/// The most messages of one APPEND.
const MESSAGES_MAX: usize = 256;

/// The most octets that is known of the messages of one APPEND, while they wait for the last: of their indexes and keywords.
const KNOWN_OCTETS_MAX: usize = 4 * 1024 * 1024;

/// An APPEND without the announcement of its message is none.
pub(super) fn parse(args: &mut Cursor<'_>, _: Form) -> Parsed {
    begin(args)
}

/// `append = "APPEND" SP mailbox 1*append-message` (RFC 3502, 6.3.11), up to the announcement of the first literal.
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
        if let Err(refused) = admit(&cx.settings, message.literal) {
            return refused.into();
        }
        cx.ask(Request::StatusMailbox {
            name: name.clone(),
            recent: false,
        });
        Next::wait(AwaitStatus { name, message })
    }
}

/// Whether a message may come. An empty one takes the whole APPEND back (RFC 3502, 6.3.11).
fn admit(settings: &Settings, literal: Announced) -> Result<(), Completion> {
    if !settings.admits(literal.size, !literal.non_sync) {
        return Err(Completion::too_big_unasked());
    }
    match literal.size {
        0 => Err(Completion::no(Code::CANNOT, "A message without octets is none")),
        size if size > settings.message_size => Err(Completion::no(Code::TOO_BIG, "The message is too big")),
        _ => Ok(()),
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
        match event.reply() {
            Ok(Reply::Status(_)) => {}
            Ok(other) => return unexpected(&other).into(),
            Err(failure) => return failure.into(),
        }
        let batch = Batch {
            name: self.name,
            messages: Vec::new(),
            known_octets: 0,
            instead: None,
        };
        batch.receive(cx, self.message)
    }
}

/// The messages that are stored, and where they go.
#[derive(Debug)]
struct Batch {
    name: MailboxName,
    messages: Vec<NewMessage>,
    known_octets: usize,
    /// The quarantine, once a message has a virus in it.
    instead: Option<NewMailbox>,
}

impl Batch {
    /// Lets the next message come.
    fn receive(self, cx: &mut Context, message: AppendMessage) -> Next {
        if !message.literal.non_sync {
            cx.line(format_args!("+ Ready for the message"));
        }
        let upload = cx.open_upload();
        Next::Stream(Box::new(Streaming {
            batch: self,
            message,
            upload,
        }))
    }

    /// Takes a stored message in. Errors: there are too many.
    fn add(&mut self, message: NewMessage) -> Result<(), Completion> {
        let keywords: usize = message
            .keywords
            .iter()
            .map(|keyword| keyword.as_str().len())
            .sum();
        self.known_octets += message.stored.index.weight() + keywords;
        self.messages.push(message);
        match self.messages.len() <= MESSAGES_MAX && self.known_octets <= KNOWN_OCTETS_MAX {
            true => Ok(()),
            false => Err(Completion::no(Code::LIMIT, "These are too many messages at once")),
        }
    }
}

impl Batch {
    /// Deletes the bodies of all messages, this one's too: no row will ever name them.
    fn drop_all(self, cx: &mut Context, last: ObjectId, why: Completion) -> Next {
        let objects = self
            .messages
            .iter()
            .map(|message| message.stored.object)
            .chain([last]);
        let objects = objects.map(|object| (ObjectKind::Email, object)).collect();
        cx.effect(Effect::DeleteObjects(objects));
        Next::wait(AwaitDropped { why })
    }
}

/// A message goes by; then the line ends, or announces the next.
#[derive(Debug)]
struct Streaming {
    batch: Batch,
    message: AppendMessage,
    upload: Upload,
}

impl State for Streaming {
    fn on(self: Box<Self>, cx: &mut Context, event: Event) -> Next {
        match event {
            Event::Octets(octets) => self.feed(cx, octets),
            Event::Line(line) if line.is_empty() => self.finish(cx, None),
            Event::Message(Ok(next)) => match admit(&cx.settings, next.literal) {
                Ok(()) => self.finish(cx, Some(next)),
                Err(refused) => self.refuse(cx, refused),
            },
            _ => self.refuse(
                cx,
                Completion::bad("expected another message or the end of the command behind the message"),
            ),
        }
    }
}

impl Streaming {
    /// NUL has no form in a string (`CHAR8`, RFC 3501, 9): no FETCH of BODY could give it back, and content is stored as it is.
    fn feed(self: Box<Self>, cx: &mut Context, mut octets: Bytes) -> Next {
        let Some(at) = memchr::memchr(0, &octets) else {
            cx.act(Action::Feed(self.upload, octets));
            return Next::Stream(self);
        };
        cx.act(Action::Feed(self.upload, octets.split_to(at)));
        cx.act(Action::DropUpload(self.upload));
        let why = if self.message.literal.binary {
            Completion::no(Code::UNKNOWN_CTE, "Mailboxes here keep no NUL")
        } else {
            Completion::bad("The message has a NUL in it")
        };
        Next::Stream(Box::new(Passing { why }))
    }

    fn finish(self, cx: &mut Context, next: Option<AppendMessage>) -> Next {
        let Streaming {
            batch,
            message,
            upload,
        } = self;
        cx.effect(Effect::FinishUpload(upload));
        Next::wait(AwaitStored { batch, message, next })
    }

    fn refuse(self, cx: &mut Context, why: Completion) -> Next {
        cx.act(Action::DropUpload(self.upload));
        why.into()
    }
}

/// A message that is refused goes by.
#[derive(Debug)]
struct Passing {
    why: Completion,
}

impl State for Passing {
    fn on(self: Box<Self>, _: &mut Context, event: Event) -> Next {
        match event {
            Event::Octets(_) => Next::Stream(self),
            _ => self.why.into(),
        }
    }
}

/// Waits until a message is stored; then the next one comes, if there is one.
#[derive(Debug)]
struct AwaitStored {
    batch: Batch,
    message: AppendMessage,
    next: Option<AppendMessage>,
}

impl State for AwaitStored {
    fn on(self: Box<Self>, cx: &mut Context, event: Event) -> Next {
        let AwaitStored {
            mut batch,
            message,
            next,
        } = *self;
        let stored = match event {
            Event::Outcome(Ok(Done::Stored(stored))) => stored,
            Event::Outcome(Err(failure)) => return failure.into(),
            other => return unexpected(&other).into(),
        };
        let treatment = antivirus::treat(cx.settings.antivirus, &stored.virus);
        if let Treatment::Refuse(name) = treatment {
            let why = Completion::no(Code::CANNOT, format!("The message has a virus in it: {name}"));
            return batch.drop_all(cx, stored.object, why);
        }
        if batch.instead.is_none() {
            batch.instead = treatment.instead(&mut cx.seed);
        }
        let FlagList { flags, mut keywords } = message.list;
        keywords.extend(treatment.keywords());
        let added = batch.add(NewMessage {
            stored,
            flags,
            keywords,
            internal_date_s: message.internal_date_s.unwrap_or(cx.now.unix_s()),
            email_id: cx.seed.half(),
        });
        match (added, next) {
            (Err(refused), _) => refused.into(),
            (Ok(()), Some(next)) => batch.receive(cx, next),
            (Ok(()), None) => {
                let quarantined = batch.instead.is_some();
                cx.ask(Request::Append {
                    name: batch.name,
                    instead: batch.instead,
                    messages: batch.messages,
                    at_ms: cx.now.unix_ms,
                });
                Next::wait(AwaitAppended { quarantined })
            }
        }
    }
}

/// The bodies of an APPEND that is refused for a virus are deleted; if that fails, they are swept.
#[derive(Debug)]
struct AwaitDropped {
    why: Completion,
}

impl State for AwaitDropped {
    fn on(self: Box<Self>, _: &mut Context, _: Event) -> Next {
        self.why.into()
    }
}

#[derive(Debug)]
struct AwaitAppended {
    quarantined: bool,
}

impl State for AwaitAppended {
    fn on(self: Box<Self>, cx: &mut Context, event: Event) -> Next {
        let appended = match event.reply() {
            Ok(Reply::Appended(appended)) => appended,
            Ok(other) => return unexpected(&other).into(),
            Err(failure) => return failure.into(),
        };
        let completion = if self.quarantined {
            Completion::ok().text("A virus was found: what was appended is in the mailbox Quarantine")
        } else {
            let code = Code::APPEND_UID.with(format_args!("{} {}", appended.uid_validity, appended.uids));
            Completion::ok().code(code)
        };
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
