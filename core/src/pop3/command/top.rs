//! TOP: the header of a message and some lines of its body.
//!
//! RFC 1939, 7. No octet is read that is not sent: of the header alone it is known where it ends, and the rest is read until there are
//! lines enough.

use super::retr::{self, Much};
use super::{Context, Reply, State, number, words};

/// `TOP msg n`
pub(super) fn start(cx: &mut Context, arguments: &str) -> State {
    match read(arguments) {
        Ok((number, lines)) => retr::send(cx, number, Much::Top(lines)),
        Err(why) => cx.answer(why),
    }
}

fn read(arguments: &str) -> Result<(u32, u64), Reply> {
    let (message, lines) = arguments.split_once(' ').ok_or(words::TOP_SYNTAX)?;
    let digits = !lines.is_empty() && lines.bytes().all(|octet| octet.is_ascii_digit());
    match digits {
        // More lines than can be counted are all there are.
        true => Ok((number(message)?, lines.parse().unwrap_or(u64::MAX))),
        false => Err(words::TOP_SYNTAX),
    }
}
