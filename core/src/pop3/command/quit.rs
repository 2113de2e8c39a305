//! QUIT: remove what is marked, and end.
//!
//! RFC 1939, 4 and 6. What is marked goes in one transaction, all of it or nothing; the answer comes when it is done and the maildrop
//! is free for the next session.

use super::super::lease::{self, AwaitReleased};
use super::{Context, Reply, State, words};
use crate::machine::{Done, Outcome};
use crate::store::{self, Actor};

pub(super) fn start(cx: &mut Context, _: &str) -> State {
    let maildrop = cx.maildrop.as_ref();
    let deletion = maildrop.and_then(|maildrop| Some((maildrop.account, maildrop.deletion(cx.now.unix_ms)?)));
    match deletion {
        Some((account, request)) => {
            cx.ask(Actor::Account(account), request);
            State::AwaitDeleted(AwaitDeleted)
        }
        None => end(cx, words::GOODBYE),
    }
}

/// The messages are being removed. Those that were gone already are as good as removed.
#[derive(Debug)]
pub(in crate::pop3) struct AwaitDeleted;

impl AwaitDeleted {
    pub fn on(self, cx: &mut Context, outcome: Outcome) -> State {
        let word = match outcome {
            Ok(Done::Reply(store::Reply::MessagesDeleted(_))) => words::GOODBYE,
            Ok(_) => words::NEVER_DELETED,
            Err(failure) => words::not_deleted(&failure),
        };
        end(cx, word)
    }
}

fn end(cx: &mut Context, word: Reply) -> State {
    lease::release(cx, AwaitReleased { word, last: true })
}
