//! The commands: one table says when each is allowed and whether it takes arguments. The dispatcher enforces it; commands never do.

mod auth;
mod capa;
mod dele;
mod lang;
mod list;
mod noop;
mod pass;
mod quit;
mod retr;
mod rset;
mod stat;
mod stls;
mod top;
mod uidl;
mod user;
mod utf8;

pub(super) use auth::{AwaitResponse, challenge};
pub use capa::tags as capability_tags;
pub(super) use lang::is_language;
pub(super) use list::Listing;
pub(super) use quit::AwaitDeleted;
pub(super) use retr::{AwaitPage, AwaitSent};

use super::context::Context;
use super::session::State;
use super::words::{self, Reply};

/// One command.
struct Row {
    verb: &'static str,
    when: When,
    arguments: Arguments,
    /// Begins the command with the text behind the verb's space.
    start: fn(&mut Context, &str) -> State,
}

/// In which state of the session a command is allowed (RFC 1939, 3).
enum When {
    /// AUTHORIZATION: before log-in.
    Authorization,
    /// TRANSACTION: behind it.
    Transaction,
    Always,
}

/// What stands behind the verb. Spaces at the end count only where [`Arguments::Verbatim`] says so.
enum Arguments {
    Nothing,
    Optional,
    Needed,
    Verbatim,
}

const fn row(
    verb: &'static str,
    when: When,
    arguments: Arguments,
    start: fn(&mut Context, &str) -> State,
) -> Row {
    Row {
        verb,
        when,
        arguments,
        start,
    }
}

const TABLE: &[Row] = &[
    //  verb    state                arguments            start
    row("CAPA", When::Always, Arguments::Nothing, capa::start),
    row("LANG", When::Always, Arguments::Optional, lang::start),
    row("QUIT", When::Always, Arguments::Nothing, quit::start),
    row("USER", When::Authorization, Arguments::Needed, user::start),
    row("PASS", When::Authorization, Arguments::Verbatim, pass::start),
    row("AUTH", When::Authorization, Arguments::Needed, auth::start),
    row("STLS", When::Authorization, Arguments::Nothing, stls::start),
    row("UTF8", When::Authorization, Arguments::Nothing, utf8::start),
    row("STAT", When::Transaction, Arguments::Nothing, stat::start),
    row("LIST", When::Transaction, Arguments::Optional, list::start),
    row("UIDL", When::Transaction, Arguments::Optional, uidl::start),
    row("RETR", When::Transaction, Arguments::Needed, retr::start),
    row("TOP", When::Transaction, Arguments::Needed, top::start),
    row("DELE", When::Transaction, Arguments::Needed, dele::start),
    row("RSET", When::Transaction, Arguments::Nothing, rset::start),
    row("NOOP", When::Transaction, Arguments::Nothing, noop::start),
];

/// Runs one command line, without its line end.
pub(super) fn run(cx: &mut Context, line: &[u8]) -> State {
    let user = cx.user.take();
    let Some(line) = text(line) else {
        return cx.answer(words::NOT_TEXT);
    };
    let (verb, arguments) = line.split_once(' ').unwrap_or((line, ""));
    let Some(row) = find_row(verb.as_bytes()) else {
        return cx.answer(words::UNKNOWN_COMMAND);
    };
    let arguments = match row.arguments {
        Arguments::Verbatim => arguments,
        _ => arguments.trim_end_matches(' '),
    };
    if let Err(why) = allowed(cx, row, arguments) {
        return cx.answer(why);
    }
    // PASS comes right behind USER (RFC 1939, 7).
    cx.user = user.filter(|_| row.verb == "PASS");
    (row.start)(cx, arguments)
}

/// The line as text; `None` if it is not UTF-8 or holds a control character.
fn text(line: &[u8]) -> Option<&str> {
    let line = std::str::from_utf8(line).ok()?;
    (!line.contains(|c: char| c.is_control() && c != '\t')).then_some(line)
}

fn find_row(verb: &[u8]) -> Option<&'static Row> {
    TABLE
        .iter()
        .find(|row| row.verb.as_bytes().eq_ignore_ascii_case(verb))
}

fn allowed(cx: &Context, row: &Row, arguments: &str) -> Result<(), Reply> {
    match (&row.when, &cx.maildrop) {
        (When::Always, _) | (When::Authorization, None) | (When::Transaction, Some(_)) => {}
        (When::Authorization, Some(_)) => return Err(words::LOGGED_IN),
        (When::Transaction, None) => return Err(words::LOG_IN_FIRST),
    }
    match row.arguments {
        Arguments::Nothing if !arguments.is_empty() => Err(words::NO_ARGUMENTS),
        Arguments::Needed | Arguments::Verbatim if arguments.is_empty() => Err(words::ARGUMENT_MISSING),
        _ => Ok(()),
    }
}

/// The number of a message, from 1 on.
fn number(text: &str) -> Result<u32, Reply> {
    let digits = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
    match text.parse() {
        Ok(0) => Err(words::NO_NUMBER),
        Ok(number) if digits => Ok(number),
        // More than any maildrop holds.
        Err(_) if digits => Err(words::NO_SUCH_MESSAGE),
        _ => Err(words::NO_NUMBER),
    }
}

/// The verb of the table that this is.
pub(super) fn find(verb: &[u8]) -> Option<&'static str> {
    find_row(verb).map(|row| row.verb)
}

/// The verbs of all commands.
pub fn verbs() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|row| row.verb)
}
