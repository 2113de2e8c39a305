//! NOOP: nothing.
//!
//! RFC 1939, 5.

use super::{Context, State, words};

pub(super) fn start(cx: &mut Context, _: &str) -> State {
    cx.answer(words::OK)
}
