//! RSET: nothing is marked any more.
//!
//! RFC 1939, 5.

use super::{Context, State};

pub(super) fn start(cx: &mut Context, _: &str) -> State {
    if let Some(maildrop) = &mut cx.maildrop {
        maildrop.reset();
        let left = maildrop.left().in_words();
        cx.out.ok(left);
    }
    State::AwaitCommand
}
