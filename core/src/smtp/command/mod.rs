//! The commands: one table says when each is allowed and whether it takes arguments. The dispatcher enforces it; commands never do.

mod auth;
mod bdat;
mod data;
mod hello;
mod mail;
mod other;
mod rcpt;
mod starttls;

pub(super) use auth::{AwaitResponse, challenge};
pub(super) use bdat::AwaitChunk;
pub(super) use data::AwaitContent;
pub(super) use rcpt::AwaitRecipient;

use super::context::Context;
use super::session::State;
use super::words::{self, Reply};

/// One command.
struct Row {
    verb: &'static str,
    when: When,
    arguments: Arguments,
    pace: Pace,
    /// Begins the command; the text behind the verb is trimmed.
    start: fn(&mut Context, &str) -> State,
}

/// In which state of the session a command is allowed.
enum When {
    Always,
    /// After the hello.
    Greeted,
    /// After the hello, outside a transaction.
    NoMail,
    /// In a transaction whose message has not begun.
    Mail,
    /// The same, with a recipient.
    Recipient,
}

enum Arguments {
    Nothing,
    Anything,
}

/// Whether a command brings mail on, or counts against the budget of those that do not.
enum Pace {
    Mail,
    Idle,
}

const fn row(
    verb: &'static str,
    when: When,
    arguments: Arguments,
    pace: Pace,
    start: fn(&mut Context, &str) -> State,
) -> Row {
    Row {
        verb,
        when,
        arguments,
        pace,
        start,
    }
}

// BDAT is always "allowed": its octets have to be read before it may be refused (RFC 3030, 2).
const TABLE: &[Row] = &[
    //  verb    state            arguments            pace        start
    row("LHLO", When::Always, Arguments::Anything, Pace::Idle, hello::lhlo),
    row("EHLO", When::Always, Arguments::Anything, Pace::Idle, hello::ehlo),
    row("HELO", When::Always, Arguments::Anything, Pace::Idle, hello::helo),
    row(
        "STARTTLS",
        When::Greeted,
        Arguments::Nothing,
        Pace::Idle,
        starttls::start,
    ),
    row("AUTH", When::NoMail, Arguments::Anything, Pace::Mail, auth::start),
    row("MAIL", When::NoMail, Arguments::Anything, Pace::Mail, mail::start),
    row("RCPT", When::Mail, Arguments::Anything, Pace::Mail, rcpt::start),
    row(
        "DATA",
        When::Recipient,
        Arguments::Nothing,
        Pace::Mail,
        data::start,
    ),
    row("BDAT", When::Always, Arguments::Anything, Pace::Mail, bdat::start),
    row("RSET", When::Always, Arguments::Nothing, Pace::Idle, other::rset),
    row("NOOP", When::Always, Arguments::Anything, Pace::Idle, other::noop),
    row("VRFY", When::Always, Arguments::Anything, Pace::Idle, other::vrfy),
    row(
        "EXPN",
        When::Always,
        Arguments::Anything,
        Pace::Idle,
        other::not_implemented,
    ),
    row(
        "ETRN",
        When::Always,
        Arguments::Anything,
        Pace::Idle,
        other::not_implemented,
    ),
    row("HELP", When::Always, Arguments::Anything, Pace::Idle, other::help),
    row("QUIT", When::Always, Arguments::Nothing, Pace::Mail, other::quit),
];

/// The verb of the table that this is.
pub(super) fn known(verb: &[u8]) -> Option<&'static str> {
    let same = |row: &&Row| row.verb.as_bytes().eq_ignore_ascii_case(verb);
    TABLE.iter().find(same).map(|row| row.verb)
}

/// Runs one command line, without its line end.
pub(super) fn run(cx: &mut Context, line: &[u8]) -> State {
    let Some(line) = text(line) else {
        return cx.answer(words::NOT_TEXT);
    };
    let (verb, arguments) = line.split_once(' ').unwrap_or((line, ""));
    let arguments = arguments.trim_matches(' ');
    let Some(row) = TABLE.iter().find(|row| row.verb.eq_ignore_ascii_case(verb)) else {
        return cx.answer(words::UNKNOWN_COMMAND);
    };
    if let Err(why) = allowed(cx, row, arguments) {
        return cx.answer(why);
    }
    if let Pace::Idle = row.pace {
        cx.idled();
    }
    (row.start)(cx, arguments)
}

/// The line as text, without trailing spaces; `None` if it is not UTF-8 or holds a control character.
fn text(line: &[u8]) -> Option<&str> {
    let line = std::str::from_utf8(line).ok()?;
    (!line.contains(|c: char| c.is_control() && c != '\t')).then(|| line.trim_end_matches(' '))
}

fn allowed(cx: &mut Context, row: &Row, arguments: &str) -> Result<(), Reply> {
    let transaction = cx.transaction.as_mut();
    match (&row.when, transaction) {
        (When::Always, _) => {}
        _ if cx.hello.is_none() => return Err(words::HELLO_FIRST),
        (When::Greeted, _) => {}
        (When::NoMail, Some(_)) => return Err(words::MAIL_OPEN),
        (When::NoMail, None) => {}
        (When::Mail | When::Recipient, None) => return Err(words::MAIL_FIRST),
        (When::Mail | When::Recipient, Some(transaction)) => {
            if let Some(body) = &mut transaction.body {
                body.refuse(&mut cx.out, words::IN_CHUNKS);
                return Err(words::IN_CHUNKS);
            }
            if matches!(row.when, When::Recipient) && transaction.recipients.is_empty() {
                return Err(cx.manners.no_recipients);
            }
        }
    }
    match row.arguments {
        Arguments::Nothing if !arguments.is_empty() => Err(words::NO_ARGUMENTS),
        Arguments::Nothing | Arguments::Anything => Ok(()),
    }
}

/// The verbs of all commands, also of those that are known and refused.
pub fn verbs() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|row| row.verb)
}
