//! LIST: how large messages are.
//!
//! RFC 1939, 5. A size is what RETR sends, before dots are doubled. A long list is told piece by piece, each when the one before it
//! has left.

use std::fmt::Write as _;

use super::super::maildrop::Maildrop;
use super::{Context, Reply, State, number, words};

/// `LIST [msg]`
pub(super) fn start(cx: &mut Context, arguments: &str) -> State {
    if arguments.is_empty() {
        let left = cx.maildrop.as_ref().map(Maildrop::left).unwrap_or_default();
        cx.out.ok(left.in_words());
        return begin(Column::Size);
    }
    one(cx, arguments, Column::Size)
}

/// What a list tells of each message.
#[derive(Clone, Copy, Debug)]
pub(super) enum Column {
    Size,
    UniqueId,
}

/// One line: a message's number and its column.
pub(super) fn one(cx: &mut Context, arguments: &str, column: Column) -> State {
    match of(cx, arguments, column) {
        Ok(line) => {
            cx.out.ok(line);
            State::AwaitCommand
        }
        Err(why) => cx.answer(why),
    }
}

fn of(cx: &Context, arguments: &str, column: Column) -> Result<String, Reply> {
    let maildrop = cx.maildrop.as_ref().ok_or(words::LOG_IN_FIRST)?;
    let number = number(arguments)?;
    let row = maildrop.message(number)?;
    Ok(match column {
        Column::Size => format!("{number} {}", row.size),
        Column::UniqueId => format!("{number} {}", maildrop.unique_id(row.uid)),
    })
}

/// All messages that are not marked.
pub(super) fn begin(column: Column) -> State {
    State::Listing(Listing { column, next: 1 })
}

/// A list of which the numbers from `next` on are still to be told.
#[derive(Debug)]
pub(in crate::pop3) struct Listing {
    column: Column,
    next: usize,
}

impl Listing {
    /// Lines of a piece.
    const LINES: usize = 500;

    /// The next piece.
    pub fn go_on(self, cx: &mut Context) -> State {
        let Some(maildrop) = &cx.maildrop else {
            return State::Over;
        };
        let mut told = None;
        let out = cx.out.gather();
        for (number, row) in maildrop.messages_from(self.next).take(Self::LINES) {
            // Writing to memory does not fail.
            let _ = match self.column {
                Column::Size => write!(out, "{number} {}\r\n", row.size),
                Column::UniqueId => write!(out, "{number} {}\r\n", maildrop.unique_id(row.uid)),
            };
            told = Some(number);
        }
        match told {
            Some(last) => State::Listing(Listing {
                next: last + 1,
                ..self
            }),
            None => {
                cx.out.line(".");
                State::AwaitCommand
            }
        }
    }
}
