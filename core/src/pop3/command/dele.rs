//! DELE: mark a message, which QUIT then removes.
//!
//! RFC 1939, 5.

use super::{Context, State, number, words};

/// `DELE msg`
pub(super) fn start(cx: &mut Context, arguments: &str) -> State {
    let maildrop = cx.maildrop.as_mut().ok_or(words::LOG_IN_FIRST);
    let marked = maildrop.and_then(|maildrop| maildrop.mark(number(arguments)?));
    cx.answer(marked.map_or_else(|why| why, |()| words::MARKED))
}
