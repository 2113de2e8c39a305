//! USER: who wants to log in.
//!
//! RFC 1939, 7. Whoever it is, the answer is the same.

use super::{Context, State, words};
use crate::sasl::FIELD_LEN_MAX;

/// `USER name`: all that stands behind the verb.
pub(super) fn start(cx: &mut Context, name: &str) -> State {
    if !cx.may_log_in() {
        return cx.answer(words::TLS_FIRST);
    }
    if name.len() > FIELD_LEN_MAX {
        return cx.answer(words::BAD_CREDENTIALS);
    }
    cx.user = Some(name.to_owned());
    cx.answer(words::SAY_PASS)
}
