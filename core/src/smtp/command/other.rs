//! RSET, NOOP, VRFY, HELP, QUIT and what is not implemented: a reply and little more.
//!
//! RFC 5321, 4.1.1.5 to 4.1.1.10.

use super::super::context::Context;
use super::super::session::State;
use super::super::words;

pub(super) fn rset(cx: &mut Context, _: &str) -> State {
    cx.reset();
    cx.answer(words::FORGOTTEN)
}

/// Its argument means nothing.
pub(super) fn noop(cx: &mut Context, _: &str) -> State {
    cx.answer(words::OK)
}

/// Says the same of every address, so that it tells nothing (RFC 5321, 7.3).
pub(super) fn vrfy(cx: &mut Context, arguments: &str) -> State {
    cx.answer(if arguments.is_empty() {
        words::VRFY_SYNTAX
    } else {
        words::CANNOT_VERIFY
    })
}

pub(super) fn help(cx: &mut Context, _: &str) -> State {
    cx.answer(words::HELP)
}

pub(super) fn not_implemented(cx: &mut Context, _: &str) -> State {
    cx.answer(words::NOT_IMPLEMENTED)
}

pub(super) fn quit(cx: &mut Context, _: &str) -> State {
    cx.reset();
    cx.out.reply(words::GOODBYE);
    State::Over
}
