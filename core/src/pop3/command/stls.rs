//! STLS: switch to TLS.
//!
//! RFC 2595, 4; RFC 6856, 2.1 (not behind UTF8). The session answers it, once it knows that nothing has been sent behind it.

use super::{Context, State, words};

pub(super) fn start(cx: &mut Context, _: &str) -> State {
    if cx.peer.is_encrypted() {
        return cx.answer(words::TLS_ALREADY);
    }
    if !cx.may_start_tls() {
        return cx.answer(words::NO_TLS);
    }
    if cx.utf8 {
        return cx.answer(words::TLS_TOO_LATE);
    }
    State::BeginTls
}
