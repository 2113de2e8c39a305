//! The commands: one file each, and the one list of them.
//!
//! A command is parsed ([`Row::parse`]), started ([`Command::start`]) and then waits as a [`State`] for one thing at a time.
//! The session keeps the list's rules (state, expunges); commands do not look at them.

pub(super) mod append;
mod authenticate;
mod capability;
mod close;
mod copy;
mod expunge;
mod fetch;
mod id;
mod idle;
mod list;
mod login;
mod logout;
mod mailbox;
mod namespace;
mod noop;
mod search;
mod select;
mod starttls;
mod status;
mod store;

use std::fmt::Debug;

use bytes::Bytes;

use super::context::Context;
use super::grammar::{Cursor, Syntax};
use super::words::Code;

use crate::machine::{Done, Due, Outcome};
use crate::store::{Failure, Reply};
pub(super) use capability::list as capabilities;

/// A parsed command, ready to start.
pub(super) trait Command: Debug + Send {
    /// Takes the first step.
    fn start(self: Box<Self>, cx: &mut Context) -> Next;
}

/// A command that waits. Named by what it awaits, moved by value.
pub(super) trait State: Debug + Send {
    /// Goes on with what happened: exactly what the last [`Next`] asked for.
    fn on(self: Box<Self>, cx: &mut Context, event: Event) -> Next;
}

/// What a step leads to.
#[derive(Debug)]
pub(super) enum Next {
    /// The answer to the one question that has just been asked: [`Event::Outcome`].
    Await(Box<dyn State>),
    /// That all output has left: [`Event::Drained`]. So a long answer is made piece by piece.
    Drain(Box<dyn State>),
    /// The client's next line: [`Event::Line`]; or a change ([`Event::Changed`]), or the deadline ([`Event::Tick`]).
    Listen(Box<dyn State>, Option<Due>),
    /// The announced literal piece by piece ([`Event::Octets`]), then what is behind it ([`Event::Line`], [`Event::Garbled`]).
    Stream(Box<dyn State>),
    /// A moment of `Time::mono_ms`, and nothing else: [`Event::Tick`].
    Pause(Box<dyn State>, u64),
    /// Nothing: the command is over.
    Done(Completion),
    /// Nothing: the session is over, for this reason.
    Bye(&'static str),
    /// Nothing: the session is over at once. In the midst of a response there is no place for a reason.
    Cut,
}

impl Next {
    /// [`Next::Await`]
    pub(super) fn wait(state: impl State + 'static) -> Self {
        Next::Await(Box::new(state))
    }
}

/// What a waiting command is told.
#[derive(Debug)]
pub(super) enum Event {
    /// The question is answered.
    Outcome(Outcome),
    /// All output has left.
    Drained,
    /// The client's next line, without its CRLF.
    Line(Bytes),
    /// The next octets of the literal.
    Octets(Bytes),
    /// What is behind the literal is no line.
    Garbled,
    /// The watched mailbox has changed.
    Changed,
    /// The time has come.
    Tick,
}

impl Event {
    /// The store's answer.
    pub(super) fn reply(self) -> Result<Reply, Failure> {
        match self {
            Event::Outcome(Ok(Done::Reply(reply))) => Ok(reply),
            Event::Outcome(Err(failure)) => Err(failure),
            other => Err(unexpected(&other)),
        }
    }
}

/// An answer that does not fit its question: the shell or the store is broken.
pub(super) fn unexpected(what: &dyn Debug) -> Failure {
    let mut words = format!("an answer that fits no question: {what:?}");
    words.truncate(words.floor_char_boundary(200));
    Failure::broken(words)
}

/// How a command ends: its tagged response (RFC 3501, 7.1), and what follows it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Completion {
    pub(super) condition: Condition,
    pub(super) code: Option<Code>,
    /// `None`: "<name> completed".
    pub(super) text: Option<std::borrow::Cow<'static, str>>,
    pub(super) then: Then,
}

/// The three tagged responses.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Condition {
    Ok,
    No,
    Bad,
    /// A `NO` whose words come from [`super::words`].
    Failed(Failure),
}

/// What follows a tagged response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// The next command.
    Go,
    /// The next command, with the budgets of a client that has logged in.
    LoggedIn,
    /// TLS.
    StartTls,
    /// The end.
    Close,
}

impl Completion {
    /// `OK <name> completed`
    pub(super) fn ok() -> Self {
        Self {
            condition: Condition::Ok,
            code: None,
            text: None,
            then: Then::Go,
        }
    }

    /// `NO`
    pub(super) fn no(code: Code, text: &'static str) -> Self {
        Self {
            condition: Condition::No,
            code: Some(code),
            text: Some(text.into()),
            then: Then::Go,
        }
    }

    /// `BAD`
    pub(super) fn bad(text: impl Into<std::borrow::Cow<'static, str>>) -> Self {
        Self {
            condition: Condition::Bad,
            code: None,
            text: Some(text.into()),
            then: Then::Go,
        }
    }

    /// With a response code.
    pub(super) fn code(self, code: Code) -> Self {
        Self {
            code: Some(code),
            ..self
        }
    }

    /// With another text.
    pub(super) fn text(self, text: &'static str) -> Self {
        Self {
            text: Some(text.into()),
            ..self
        }
    }

    /// With something that follows.
    pub(super) fn then(self, then: Then) -> Self {
        Self { then, ..self }
    }
}

impl From<Failure> for Completion {
    /// `NO`, in the words of [`super::words::failure`]
    fn from(failure: Failure) -> Self {
        Self {
            condition: Condition::Failed(failure),
            ..Self::ok()
        }
    }
}

impl From<Completion> for Next {
    fn from(completion: Completion) -> Self {
        Next::Done(completion)
    }
}

impl From<Failure> for Next {
    fn from(failure: Failure) -> Self {
        Next::Done(failure.into())
    }
}

/// What a parser gives.
pub(super) type Parsed = Result<Box<dyn Command>, Syntax>;

/// Whether `UID` stood before the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Arguments and responses speak of sequence numbers.
    Plain,
    /// Arguments and responses speak of UIDs (RFC 3501, 6.4.8).
    Uid,
}

/// In which state a command is allowed (RFC 3501, 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Allowed {
    /// In every state.
    Always,
    /// Before log-in only.
    NotAuthenticated,
    /// After log-in.
    Authenticated,
    /// With a mailbox selected.
    Selected,
    /// With a mailbox selected by SELECT, not by EXAMINE.
    Writable,
}

/// Whether a command's responses may have EXPUNGE among them (RFC 9051, 7.5.1). After UID commands they may; after COPY they
/// could, but a client may have sent several at once with numbers in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expunges {
    Yes,
    No,
}

/// One command.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) form: Form,
    pub(super) allowed: Allowed,
    pub(super) expunges: Expunges,
    pub(super) parse: fn(&mut Cursor<'_>, Form) -> Parsed,
}

const fn row(
    form: Form,
    name: &'static str,
    allowed: Allowed,
    expunges: Expunges,
    parse: fn(&mut Cursor<'_>, Form) -> Parsed,
) -> Row {
    Row {
        name,
        form,
        allowed,
        expunges,
        parse,
    }
}

/// The one list.
#[rustfmt::skip]
static ROWS: &[Row] = {
    use Form::{Plain, Uid};
    &[
    //  form   name            allowed                    expunges       parser
    row(Plain, "CAPABILITY",   Allowed::Always,           Expunges::Yes, capability::parse),
    row(Plain, "NOOP",         Allowed::Always,           Expunges::Yes, noop::parse_noop),
    row(Plain, "LOGOUT",       Allowed::Always,           Expunges::No,  logout::parse),
    row(Plain, "ID",           Allowed::Always,           Expunges::Yes, id::parse),
    row(Plain, "STARTTLS",     Allowed::NotAuthenticated, Expunges::No,  starttls::parse),
    row(Plain, "AUTHENTICATE", Allowed::NotAuthenticated, Expunges::No,  authenticate::parse),
    row(Plain, "LOGIN",        Allowed::NotAuthenticated, Expunges::No,  login::parse),
    row(Plain, "NAMESPACE",    Allowed::Authenticated,    Expunges::Yes, namespace::parse),
    row(Plain, "SELECT",       Allowed::Authenticated,    Expunges::No,  select::parse_select),
    row(Plain, "EXAMINE",      Allowed::Authenticated,    Expunges::No,  select::parse_examine),
    row(Plain, "CREATE",       Allowed::Authenticated,    Expunges::Yes, mailbox::parse_create),
    row(Plain, "DELETE",       Allowed::Authenticated,    Expunges::Yes, mailbox::parse_delete),
    row(Plain, "RENAME",       Allowed::Authenticated,    Expunges::Yes, mailbox::parse_rename),
    row(Plain, "SUBSCRIBE",    Allowed::Authenticated,    Expunges::Yes, mailbox::parse_subscribe),
    row(Plain, "UNSUBSCRIBE",  Allowed::Authenticated,    Expunges::Yes, mailbox::parse_unsubscribe),
    row(Plain, "LIST",         Allowed::Authenticated,    Expunges::Yes, list::parse_list),
    row(Plain, "LSUB",         Allowed::Authenticated,    Expunges::Yes, list::parse_lsub),
    row(Plain, "STATUS",       Allowed::Authenticated,    Expunges::Yes, status::parse),
    row(Plain, "APPEND",       Allowed::Authenticated,    Expunges::Yes, append::parse),
    row(Plain, "IDLE",         Allowed::Authenticated,    Expunges::Yes, idle::parse),
    row(Plain, "CHECK",        Allowed::Selected,         Expunges::Yes, noop::parse_check),
    row(Plain, "FETCH",        Allowed::Selected,         Expunges::No,  fetch::parse),
    row(Uid,   "FETCH",        Allowed::Selected,         Expunges::Yes, fetch::parse),
    row(Plain, "SEARCH",       Allowed::Selected,         Expunges::No,  search::parse),
    row(Uid,   "SEARCH",       Allowed::Selected,         Expunges::Yes, search::parse),
    row(Plain, "CLOSE",        Allowed::Selected,         Expunges::No,  close::parse_close),
    row(Plain, "UNSELECT",     Allowed::Selected,         Expunges::No,  close::parse_unselect),
    row(Plain, "EXPUNGE",      Allowed::Writable,         Expunges::Yes, expunge::parse),
    row(Uid,   "EXPUNGE",      Allowed::Writable,         Expunges::Yes, expunge::parse),
    row(Plain, "STORE",        Allowed::Writable,         Expunges::No,  store::parse),
    row(Uid,   "STORE",        Allowed::Writable,         Expunges::Yes, store::parse),
    row(Plain, "COPY",         Allowed::Selected,         Expunges::No,  copy::parse_copy),
    row(Uid,   "COPY",         Allowed::Selected,         Expunges::Yes, copy::parse_copy),
    row(Plain, "MOVE",         Allowed::Writable,         Expunges::Yes, copy::parse_move),
    row(Uid,   "MOVE",         Allowed::Writable,         Expunges::Yes, copy::parse_move),
    ]
};

/// The row of a command; `name` in capitals.
pub(super) fn find(name: &str, uid: bool) -> Option<&'static Row> {
    let form = if uid { Form::Uid } else { Form::Plain };
    ROWS.iter().find(|row| row.name == name && row.form == form)
}
