//! STARTTLS: switch to TLS, and begin anew behind it.
//!
//! RFC 3207, 4 and 4.2. The session answers it, once it knows that nothing has been sent behind it.

use super::super::context::Context;
use super::super::session::State;
use super::super::words;

pub(super) fn start(cx: &mut Context, _: &str) -> State {
    if cx.may_start_tls() {
        return State::BeginTls;
    }
    cx.out.reply(if cx.peer.is_encrypted() {
        words::TLS_ALREADY
    } else {
        words::NOT_IMPLEMENTED
    });
    State::AwaitCommand
}
