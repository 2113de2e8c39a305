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

use std::collections::{BTreeMap, BTreeSet};

use super::context::Context;
use super::manners::Answers;
use super::ownership;
use super::session::State;
use super::trace::Trace;
use super::transaction::Transaction;
use super::words::{self, Reply};
use crate::antivirus::{self, Treatment};
use crate::machine::{Done, Effect, ObjectKind, Outcome, Stored};
use crate::mime::MessageIndex;
use crate::store::{self, Actor, DeliveryKey, Recipient, RecipientPlace, Refusal, Request};

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
                discard(cx, &stored);
                refuse(cx, &self.transaction, words::LOOP)
            }
            Ok(Done::Stored(stored)) => ownership::check_authors(cx, self.transaction, stored),
            Ok(_) => refuse(cx, &self.transaction, words::TRY_LATER),
            Err(failure) => refuse(cx, &self.transaction, words::failure(&failure)),
        }
    }
}

/// What becomes of a message that is durable.
pub(super) fn judge(cx: &mut Context, transaction: &Transaction, stored: &Stored) -> State {
    match antivirus::treat(cx.settings.antivirus, &stored.virus) {
        Treatment::Refuse(name) => {
            discard(cx, stored);
            let answer = words::infected(name);
            cx.out.lines(&vec![answer; replies(cx, transaction)]);
            State::AwaitCommand
        }
        treatment => deliver(cx, transaction, stored, treatment),
    }
}

/// Deletes the body of a message that is refused for good: no row will ever name it. If it cannot be deleted now, it is swept.
pub(super) fn discard(cx: &mut Context, stored: &Stored) {
    let orphan = (ObjectKind::Email, stored.object);
    cx.out.run(Effect::DeleteObjects(vec![orphan]));
}

/// One request for all recipients, and for each account that an alias leads to. An address that was given twice has the same
/// keys, so it is delivered once.
fn deliver(cx: &mut Context, transaction: &Transaction, stored: &Stored, treatment: Treatment<'_>) -> State {
    let trace = Trace::new(cx, transaction, stored.object);
    let sender = transaction.sender.as_ref().map_or("", |sender| sender.as_str());
    let mut asked = BTreeMap::new();
    let (mut recipients, mut places) = (Vec::new(), Vec::new());
    for accepted in &transaction.recipients {
        let (address, head) = (accepted.mailbox.as_str(), trace.head(&accepted.mailbox));
        let mut ask = |place: &RecipientPlace| {
            let key = DeliveryKey::new(address, place.account, sender, &stored.received_sha256);
            *asked.entry(key).or_insert_with(|| {
                recipients.push(Recipient {
                    key,
                    account: place.account,
                    mailbox: place.mailbox,
                    instead: treatment.instead(&mut cx.seed),
                    keywords: treatment.keywords(),
                    head: head.clone(),
                    email_id: cx.seed.half(),
                });
                recipients.len() - 1
            })
        };
        places.push(accepted.places.iter().map(&mut ask).collect());
    }
    let keys: Vec<_> = recipients.iter().map(|recipient| recipient.key).collect();
    cx.confirm_these(&keys);
    let at_ms = cx.now.unix_ms;
    cx.out.ask(Effect::Store(
        Actor::Door,
        Request::Deliver {
            stored: stored.clone(),
            recipients,
            at_ms,
        },
    ));
    State::AwaitDelivered(AwaitDelivered { places, keys })
}

/// The transaction of the store is under way.
#[derive(Debug)]
pub(super) struct AwaitDelivered {
    /// For each accepted RCPT its places in the request.
    places: Vec<Vec<usize>>,
    /// The keys in the request, in order.
    keys: Vec<DeliveryKey>,
}

impl AwaitDelivered {
    pub fn on(self, cx: &mut Context, outcome: Outcome) -> State {
        let answers = self.answers(outcome);
        let mut replies: Vec<_> = self.places.iter().map(|places| worst(places, &answers)).collect();
        if cx.manners.answers == Answers::Once {
            let one = in_one(&replies);
            replies.fill(one);
        }
        let retried: BTreeSet<_> = self
            .places
            .iter()
            .zip(&replies)
            .filter(|(_, reply)| is_temporary(**reply))
            .flat_map(|(places, _)| places)
            .collect();
        // A key that a retry will bring again must stay known, however well the peer sees its reply.
        let delivered = answers
            .iter()
            .enumerate()
            .filter(|(place, answer)| **answer == words::DELIVERED && !retried.contains(place));
        let delivered: Vec<_> = delivered
            .filter_map(|(place, _)| self.keys.get(place).copied())
            .collect();
        if answers.contains(&words::DELIVERED) {
            cx.conduct.forgive();
            cx.delivered(delivered);
        }
        if cx.manners.answers == Answers::Once {
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

/// The one reply for all places of a recipient. As long as one of them may be mended by a retry, that is what the peer is told: where
/// the message is already, its key keeps a second one away.
fn worst(places: &[usize], answers: &[Reply]) -> Reply {
    let answers = places
        .iter()
        .map(|place| answers.get(*place).copied().unwrap_or(words::TRY_LATER));
    let worst = answers.min_by_key(|answer| (!is_temporary(*answer), *answer == words::DELIVERED));
    worst.unwrap_or(words::TRY_LATER)
}

fn is_temporary(reply: Reply) -> bool {
    matches!(reply.code, 400..=499)
}

/// The one reply to a message for several recipients: what holds for all of them, else that it is to be tried again. What is
/// temporary for one is so for the message.
fn in_one(answers: &[Reply]) -> Reply {
    let Some((first, rest)) = answers.split_first() else {
        return words::TRY_LATER;
    };
    let later = answers.iter().find(|answer| is_temporary(**answer));
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
    cx.out.replies(&vec![why; replies(cx, transaction)]);
    State::AwaitCommand
}

/// How many replies the end of a message gets.
fn replies(cx: &Context, transaction: &Transaction) -> usize {
    match cx.manners.answers {
        Answers::EachRecipient => transaction.recipients.len(),
        Answers::Once => 1,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_places_the_one_that_a_retry_may_mend_is_told_first() {
        let answers = [words::DELIVERED, words::OVER_QUOTA, words::NO_SPACE];
        for (places, expected) in [
            (&[0, 1, 2][..], words::NO_SPACE),
            (&[0, 1], words::OVER_QUOTA),
            (&[1, 0], words::OVER_QUOTA),
            (&[0, 0], words::DELIVERED),
            (&[0, 9], words::TRY_LATER),
            (&[], words::TRY_LATER),
        ] {
            assert_eq!(worst(places, &answers), expected, "{places:?}");
        }
    }
}
