//! Behind the end of a message: make it durable, deliver it, answer: in LMTP once for each recipient (RFC 2033, 4.2), in SMTP once for
//! all (RFC 5321, 4.1.1.4).
//!
//! Two questions, one after the other: `FinishUpload` → `Stored`, `Deliver` → `Delivered`. Whatever fails in between is
//! answered so that the client keeps its copy.
//!
//! One reply for several recipients of whom some have the message and some have not ([`in_one`]) is decided by what may be lost and
//! what may come twice. 250 would take a responsibility for the others that could only be met by a bounce. A lasting 5xx would tell the
//! sender that nobody has it. So it is 451, and the sender tries again: whoever has the message is known by the delivery key and has it
//! once, as no key is confirmed of a message that was answered so; whoever is over quota or gone is refused at RCPT then, by name.

use std::collections::BTreeMap;

use super::context::Context;
use super::manners::Answers;
use super::session::State;
use super::trace::Trace;
use super::transaction::Transaction;
use super::words::{self, Reply};
use crate::machine::{Done, Effect, Outcome, Stored};
use crate::mime::MessageIndex;
use crate::store::{self, Actor, DeliveryKey, Recipient, Refusal, Request};

/// The end of the message has come.
pub(super) fn finish(cx: &mut Context) -> State {
    let Some(transaction) = cx.transaction.take() else {
        return State::AwaitCommand;
    };
    if let Some(why) = transaction.body.as_ref().and_then(|body| body.refused) {
        return refuse(cx, &transaction, why);
    }
    cx.out.finish_upload();
    State::AwaitStored(AwaitStored { transaction })
}

/// The message will be refused at its end.
pub(super) fn spoil(cx: &mut Context, why: Reply) {
    if let Some(body) = cx.transaction.as_mut().and_then(|mail| mail.body.as_mut()) {
        body.refuse(&mut cx.out, why);
    }
}

/// The object is being made durable.
#[derive(Debug)]
pub(super) struct AwaitStored {
    transaction: Transaction,
}

impl AwaitStored {
    pub fn on(self, cx: &mut Context, outcome: Outcome) -> State {
        match outcome {
            Ok(Done::Stored(stored)) if hops(&stored.index) > cx.settings.hops_max => {
                refuse(cx, &self.transaction, words::LOOP)
            }
            Ok(Done::Stored(stored)) => deliver(cx, &self.transaction, stored),
            Ok(_) => refuse(cx, &self.transaction, words::TRY_LATER),
            Err(failure) => refuse(cx, &self.transaction, words::failure(&failure)),
        }
    }
}

/// One request for all recipients. An address that was given twice has one key, so it is delivered once.
fn deliver(cx: &mut Context, transaction: &Transaction, stored: Stored) -> State {
    let trace = Trace::new(cx, transaction, stored.object);
    let sender = transaction.sender.as_ref().map_or("", |sender| sender.as_str());
    let mut asked = BTreeMap::new();
    let (mut recipients, mut places) = (Vec::new(), Vec::new());
    for accepted in &transaction.recipients {
        let key = DeliveryKey::new(accepted.mailbox.as_str(), sender, &stored.received_sha256);
        places.push(*asked.entry(key).or_insert_with(|| {
            recipients.push(Recipient {
                key,
                account: accepted.place.account,
                mailbox: accepted.place.mailbox,
                head: trace.head(&accepted.mailbox),
                email_id: cx.seed.half(),
            });
            recipients.len() - 1
        }));
    }
    let keys: Vec<_> = recipients.iter().map(|recipient| recipient.key).collect();
    cx.confirm_these(&keys);
    let at_ms = cx.now.unix_ms;
    cx.out.ask(Effect::Store(
        Actor::Door,
        Request::Deliver {
            stored,
            recipients,
            at_ms,
        },
    ));
    State::AwaitDelivered(AwaitDelivered { places, keys })
}

/// The transaction of the store is under way.
#[derive(Debug)]
pub(super) struct AwaitDelivered {
    /// For each accepted RCPT its place in the request.
    places: Vec<usize>,
    /// The keys in the request, in order.
    keys: Vec<DeliveryKey>,
}

impl AwaitDelivered {
    pub fn on(self, cx: &mut Context, outcome: Outcome) -> State {
        let mut answers = self.answers(outcome);
        if cx.manners.answers == Answers::Once {
            answers = vec![in_one(&answers); answers.len()];
        }
        let delivered = self
            .keys
            .iter()
            .zip(&answers)
            .filter(|(_, answer)| **answer == words::DELIVERED);
        let delivered: Vec<_> = delivered.map(|(key, _)| *key).collect();
        if !delivered.is_empty() {
            cx.conduct.forgive();
            cx.delivered(delivered);
        }
        let of_place = |place: &usize| answers.get(*place).copied().unwrap_or(words::TRY_LATER);
        let mut replies: Vec<_> = self.places.iter().map(of_place).collect();
        if cx.manners.answers == Answers::Once {
            // They are all the same.
            replies.truncate(1);
        }
        cx.out.replies(&replies);
        State::AwaitCommand
    }

    /// The answer to each recipient of the request.
    fn answers(&self, outcome: Outcome) -> Vec<Reply> {
        match outcome {
            Ok(Done::Reply(store::Reply::Delivered(results))) => results.into_iter().map(answer).collect(),
            Ok(_) => vec![words::TRY_LATER; self.keys.len()],
            Err(failure) => vec![words::failure(&failure); self.keys.len()],
        }
    }
}

fn answer(result: Result<store::Delivered, Refusal>) -> Reply {
    result.map_or_else(words::refusal, |_| words::DELIVERED)
}

/// The one reply to a message for several recipients: what holds for all of them, else that it is to be tried again. What is
/// temporary for one is so for the message.
fn in_one(answers: &[Reply]) -> Reply {
    let Some((first, rest)) = answers.split_first() else {
        return words::TRY_LATER;
    };
    let later = answers.iter().find(|answer| answer.code / 100 == 4);
    match later {
        Some(later) => *later,
        None if rest.iter().all(|answer| answer == first) => *first,
        None if answers.contains(&words::DELIVERED) => words::PARTLY_DELIVERED,
        // Refused for good, for different reasons.
        None => *first,
    }
}

/// The same answer for every recipient.
pub(super) fn refuse(cx: &mut Context, transaction: &Transaction, why: Reply) -> State {
    let replies = match cx.manners.answers {
        Answers::EachRecipient => transaction.recipients.len(),
        Answers::Once => 1,
    };
    cx.out.replies(&vec![why; replies]);
    State::AwaitCommand
}

/// How many servers the message has passed. A header too long for a table of its fields is not looked at.
fn hops(index: &MessageIndex) -> usize {
    let fields = index.parts.first().and_then(|root| root.fields());
    fields
        .into_iter()
        .flatten()
        .filter(|field| field.name.eq_ignore_ascii_case(b"Received"))
        .count()
}
