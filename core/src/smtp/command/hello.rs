//! LHLO, EHLO and HELO: the peer says who it is; the server says what it can.
//!
//! RFC 5321, 4.1.1.1 and 4.1.4; RFC 2033, 4.1; RFC 3207, 4.2 (STARTTLS is offered once); RFC 4954, 3 (AUTH, where it works). The name is believed by nobody; it is kept for the `Received` field.

use super::super::context::{Context, Greeted};
use super::super::manners::Hello;
use super::super::session::State;
use super::super::{trace, words};
use crate::sasl::Kind;

pub(super) fn lhlo(cx: &mut Context, name: &str) -> State {
    start(cx, Hello::Lhlo, name)
}

pub(super) fn ehlo(cx: &mut Context, name: &str) -> State {
    start(cx, Hello::Ehlo, name)
}

pub(super) fn helo(cx: &mut Context, name: &str) -> State {
    start(cx, Hello::Helo, name)
}

fn start(cx: &mut Context, hello: Hello, name: &str) -> State {
    if !cx.manners.hellos.contains(&hello) {
        cx.out.reply(cx.manners.wrong_hello);
    } else if name.is_empty() {
        cx.out.reply(words::HELLO_SYNTAX);
    } else {
        cx.reset();
        cx.hello = Some(Greeted {
            name: trace::clean_name(name),
            by: hello,
        });
        let lines = if hello == Hello::Helo {
            vec![format!("250 {}", cx.settings.hostname)]
        } else {
            extensions(cx)
        };
        cx.out.lines(&lines);
    }
    State::AwaitCommand
}

/// `ehlo-ok-rsp`: our name, then an extension a line.
fn extensions(cx: &Context) -> Vec<String> {
    let mut lines = vec![format!("250-{}", cx.settings.hostname)];
    lines.extend(
        cx.manners
            .extensions
            .iter()
            .map(|extension| format!("250-{extension}")),
    );
    if cx.may_start_tls() {
        lines.push("250-STARTTLS".to_owned());
    }
    if cx.must_log_in() && cx.may_log_in() {
        let names: Vec<_> = cx.offered().map(Kind::name).collect();
        lines.extend((!names.is_empty()).then(|| format!("250-AUTH {}", names.join(" "))));
    }
    lines.push(format!("250 SIZE {}", cx.settings.message_size_max));
    lines
}
