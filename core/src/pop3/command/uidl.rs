//! UIDL: names of messages that stay the same from session to session.
//!
//! RFC 1939, 7.

use super::list::{Column, begin, one};
use super::{Context, State, words};

/// `UIDL [msg]`
pub(super) fn start(cx: &mut Context, arguments: &str) -> State {
    if arguments.is_empty() {
        cx.reply(words::UNIQUE_IDS);
        return begin(Column::UniqueId);
    }
    one(cx, arguments, Column::UniqueId)
}
