//! STAT: how many messages there are, and their octets, without those that are marked.
//!
//! RFC 1939, 5.

use super::{Context, State};

pub(super) fn start(cx: &mut Context, _: &str) -> State {
    let left = cx.maildrop.as_ref().map(|maildrop| maildrop.left());
    cx.out.ok(left.unwrap_or_default());
    State::AwaitCommand
}
