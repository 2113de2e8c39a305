//! PASS: the password of whom USER has named.
//!
//! RFC 1939, 7. Spaces belong to the password.

use super::super::login;
use super::{Context, State, words};
use crate::machine::Secret;
use crate::sasl::FIELD_LEN_MAX;

/// `PASS string`: all that stands behind the verb's space.
pub(super) fn start(cx: &mut Context, password: &str) -> State {
    let Some(user) = cx.user.take() else {
        return cx.answer(words::USER_FIRST);
    };
    if !cx.may_log_in() {
        return cx.answer(words::TLS_FIRST);
    }
    if password.len() > FIELD_LEN_MAX {
        return cx.answer(words::BAD_CREDENTIALS);
    }
    login::check(cx, &user, Secret(password.to_owned()))
}
