//! As whom a user sends: the reverse-path and every address of From are the user's own, or nothing is sent.
//!
//! RFC 6409, 6.1 and 6.3. Two questions `FindSender` → `SenderFound`: one at MAIL, one when the header is known. The null reverse-path is
//! anybody's: a user's client sends disposition notifications with it (RFC 6409, 3.2). An operator may switch both off
//! (`[smtp_server] sender_check`).

use super::context::Context;
use super::message;
use super::path;
use super::session::State;
use super::transaction::Transaction;
use super::words::{self, Reply};
use crate::machine::{Done, Effect, Outcome, Stored};
use crate::mime;
use crate::store::{self, Actor, Request};

/// MAIL has been read: takes its sender, or asks whose it is first.
pub(super) fn check_sender(cx: &mut Context, transaction: Transaction) -> State {
    match &transaction.sender {
        Some(sender) if ask(cx, vec![sender.lookup()]) => State::AwaitSender(AwaitSender(transaction)),
        _ => accept(cx, transaction),
    }
}

fn accept(cx: &mut Context, transaction: Transaction) -> State {
    cx.transaction = Some(transaction);
    cx.answer(words::SENDER_OK)
}

/// A message has been stored: judges it, or asks first whose the addresses of its From are.
pub(super) fn check_authors(cx: &mut Context, transaction: Transaction, stored: Stored) -> State {
    if !is_checked(cx) {
        return message::judge(cx, &transaction, &stored);
    }
    let Some(authors) = mime::authors(&stored.index) else {
        message::discard(cx, &stored);
        return message::refuse(cx, &transaction, words::NOT_YOUR_FROM);
    };
    let addresses = authors.iter().map(|(local, domain)| path::lookup(local, domain));
    if ask(cx, addresses.collect()) {
        State::AwaitAuthors(AwaitAuthors { transaction, stored })
    } else {
        message::judge(cx, &transaction, &stored)
    }
}

fn is_checked(cx: &Context) -> bool {
    cx.has_users() && cx.settings.sender_check
}

/// Asks which of these the user may send as; `false`: nobody has to be asked.
fn ask(cx: &mut Context, addresses: Vec<String>) -> bool {
    let Some(account) = cx.account.filter(|_| is_checked(cx)) else {
        return false;
    };
    let request = Request::FindSender { addresses };
    cx.out.ask(Effect::Store(Actor::Account(account), request));
    true
}

/// Errors: `foreign` if some address is somebody else's, or what a failure is.
fn owned(outcome: Outcome, foreign: Reply) -> Result<(), Reply> {
    match outcome {
        Ok(Done::Reply(store::Reply::SenderFound(own))) if own.iter().all(|own| *own) => Ok(()),
        Ok(Done::Reply(store::Reply::SenderFound(_))) => Err(foreign),
        Ok(_) => Err(words::TRY_LATER),
        Err(failure) => Err(words::failure(&failure)),
    }
}

/// The store looks up whose the reverse-path is.
#[derive(Debug)]
pub(super) struct AwaitSender(Transaction);

impl AwaitSender {
    pub fn on(self, cx: &mut Context, outcome: Outcome) -> State {
        match owned(outcome, words::NOT_YOUR_ADDRESS) {
            Ok(()) => accept(cx, self.0),
            Err(why) => cx.answer(why),
        }
    }
}

/// The store looks up whose the addresses of From are.
#[derive(Debug)]
pub(super) struct AwaitAuthors {
    transaction: Transaction,
    stored: Stored,
}

impl AwaitAuthors {
    pub fn on(self, cx: &mut Context, outcome: Outcome) -> State {
        match owned(outcome, words::NOT_YOUR_FROM) {
            Ok(()) => message::judge(cx, &self.transaction, &self.stored),
            Err(why) => {
                if why == words::NOT_YOUR_FROM {
                    message::discard(cx, &self.stored);
                }
                message::refuse(cx, &self.transaction, why)
            }
        }
    }
}
