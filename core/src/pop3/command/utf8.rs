//! UTF8: headers come as they are.
//!
//! RFC 6856, 2.1.

use super::{Context, State, words};

pub(super) fn start(cx: &mut Context, _: &str) -> State {
    cx.utf8 = true;
    cx.answer(words::UTF8_ON)
}
