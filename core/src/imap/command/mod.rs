//! The commands: one file each, and the one list of them.
//!
//! A command is parsed ([`Row::parse`]), started ([`Command::start`]) and then waits as a [`State`] for one thing at a time.
//! To add one: its file, its row, its transcripts (`conformance/words.txt` asks for them). The session keeps the list's rules
//! (state, expunges); commands do not look at them.

pub(super) mod append;
mod authenticate;
mod capability;
mod close;
mod completion;
mod compress;
mod copy;
mod enable;
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
mod resync;
mod search;
mod select;
mod starttls;
mod status;
mod step;
mod store;
mod unauthenticate;

use super::context::Context;
use super::grammar::{Cursor, Syntax};

pub(super) use capability::list as capabilities;
pub(super) use completion::{Completion, Condition, Then};
pub(super) use step::{Command, Event, Next, State};

use step::unexpected;

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
    row(Plain, "ENABLE",       Allowed::Authenticated,    Expunges::Yes, enable::parse),
    row(Plain, "UNAUTHENTICATE", Allowed::Authenticated,  Expunges::No,  unauthenticate::parse),
    row(Plain, "COMPRESS",     Allowed::Authenticated,    Expunges::Yes, compress::parse),
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

/// The names of all commands, as they stand behind the tag: `UID FETCH`.
pub fn names() -> impl Iterator<Item = String> {
    ROWS.iter().map(|row| match row.form {
        Form::Plain => row.name.to_owned(),
        Form::Uid => format!("UID {}", row.name),
    })
}

/// The row of a command; `name` in capitals.
pub(super) fn find(name: &str, uid: bool) -> Option<&'static Row> {
    let form = if uid { Form::Uid } else { Form::Plain };
    ROWS.iter().find(|row| row.name == name && row.form == form)
}
