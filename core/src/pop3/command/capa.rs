//! CAPA: what works here, now.
//!
//! RFC 2449, 5 and 6; RFC 2595, 4; RFC 3206, 6; RFC 5034, 3; RFC 6856, 2 and 3.1. The list is that of the AUTHORIZATION state in both
//! states, and says exactly what would work: no way to log in that would be refused.

use super::{Context, State, words};
use crate::sasl::Kind;

pub(super) fn start(cx: &mut Context, _: &str) -> State {
    cx.reply(words::CAPABILITIES);
    for tag in tags() {
        if let Some(arguments) = arguments(cx, tag) {
            let space = if arguments.is_empty() { "" } else { " " };
            cx.out.line(format_args!("{tag}{space}{arguments}"));
        }
    }
    cx.out.line(".");
    State::AwaitCommand
}

/// Everything that may stand at the front of a line of the list.
pub fn tags() -> impl Iterator<Item = &'static str> {
    [
        "TOP",
        "UIDL",
        "RESP-CODES",
        "AUTH-RESP-CODE",
        "PIPELINING",
        "EXPIRE",
        "LOGIN-DELAY",
        "UTF8",
        "LANG",
        "STLS",
        "USER",
        "SASL",
        "IMPLEMENTATION",
    ]
    .into_iter()
}

/// What stands behind a tag; `None`: it does not work as things are.
fn arguments(cx: &Context, tag: &str) -> Option<String> {
    match tag {
        // The server deletes nothing by itself, and anybody may come back at once.
        "EXPIRE" => Some("NEVER".to_owned()),
        "LOGIN-DELAY" => Some("0".to_owned()),
        "IMPLEMENTATION" => Some(cx.settings.implementation.clone()),
        "STLS" => cx.may_start_tls().then(String::new),
        "USER" => cx.may_log_in().then(String::new),
        "SASL" if !cx.may_log_in() => None,
        "SASL" => {
            let names: Vec<_> = cx.offered().map(Kind::name).collect();
            (!names.is_empty()).then(|| names.join(" "))
        }
        _ => Some(String::new()),
    }
}
