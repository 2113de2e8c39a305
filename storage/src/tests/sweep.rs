//! The failure sweep: each step of a delivery fails once, before and after it has had its effect, and the whole way is
//! gone: LMTP in words, the machine, the body's file, the transaction. The peer then sends again to whom it has no reply,
//! as a mail transfer agent does. Nothing acknowledged is lost, nothing is there twice.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use bytes::Bytes;
use futures_lite::FutureExt as _;
use lightmail_core::lmtp;
use lightmail_core::machine::{Action, Effect, Input, Machine, Outcome, Peer, Seed, Step};
use lightmail_core::smtp::Settings;
use lightmail_core::store::Failure;

use super::town::{Home, Kind, NOW, Town, exists, on_each, seed};
use crate::{Desk, Point, Storage};

pub(super) const LOGINS: [&str; 2] = ["a@example.com", "b@example.com"];

/// Statements from the first RCPT to the reply, whichever database runs them.
const STATEMENTS: usize = 16;

/// What goes wrong, once.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wrong {
    /// A step inside of the storage.
    Step(Point, ErrorKind),
    /// A statement, after so many.
    Statement(usize, ErrorKind),
    /// A step inside of the storage panics.
    Panic(Point),
    /// The n-th effect of this name is not run, and the machine is told that it failed.
    Before(&'static str, usize),
    /// It is run, and the machine is told that it failed.
    After(&'static str, usize),
}

fn everything() -> Vec<Wrong> {
    let kinds = [ErrorKind::Other, ErrorKind::StorageFull];
    let steps = Point::ALL
        .into_iter()
        .flat_map(|point| kinds.map(|kind| Wrong::Step(point, kind)));
    let panics = Point::ALL.into_iter().map(Wrong::Panic);
    let statements = (0..STATEMENTS).flat_map(|nth| {
        let kinds = [
            ErrorKind::Other,
            ErrorKind::StorageFull,
            ErrorKind::ConnectionReset,
            ErrorKind::Deadlock,
        ];
        kinds.map(|kind| Wrong::Statement(nth, kind))
    });
    let effects = [
        ("store.FindRecipient", 1),
        ("store.FindRecipient", 2),
        ("FinishUpload", 1),
        ("store.Deliver", 1),
        ("ConfirmDelivery", 1),
    ];
    let before = effects.into_iter().map(|(name, nth)| Wrong::Before(name, nth));
    let after = effects.into_iter().map(|(name, nth)| Wrong::After(name, nth));
    steps
        .chain(statements)
        .chain(panics)
        .chain(before)
        .chain(after)
        .collect()
}

/// A conversation with what it touches.
pub(super) struct Talk<M> {
    machine: M,
    desk: Desk,
    outcomes: VecDeque<Input>,
    said: String,
    /// How often which effect is still to be met before it goes wrong.
    wrong: Option<(&'static str, usize, bool)>,
}

impl<M: Machine> Talk<M> {
    /// `session`: who answers, as `mail.test` to a peer without an address.
    pub(super) fn new(storage: &Storage, session: impl FnOnce(Peer, Arc<Settings>, Seed) -> M) -> Self {
        let settings = Settings {
            hostname: "mail.test".to_owned(),
            ..Settings::default()
        };
        let peer = Peer {
            address: None,
            tls: None,
        };
        Self {
            machine: session(peer, Arc::new(settings), seed()),
            desk: storage.desk(),
            outcomes: VecDeque::new(),
            said: String::new(),
            wrong: None,
        }
    }

    /// Says a line or many; runs until the machine waits for more.
    pub(super) async fn say(&mut self, text: &str) -> String {
        let mut unread = Some(Bytes::copy_from_slice(text.as_bytes()));
        loop {
            match self.machine.poll() {
                Step::Act(action) => self.act(action).await,
                Step::Wait { bytes, .. } => match self.outcomes.pop_front() {
                    Some(outcome) => self.machine.handle(NOW, outcome),
                    None if bytes && unread.is_some() => {
                        let octets = unread.take().unwrap_or_default();
                        let waited = true;
                        self.machine.handle(NOW, Input::Bytes { octets, waited });
                    }
                    None => return std::mem::take(&mut self.said),
                },
                Step::Over => return std::mem::take(&mut self.said),
            }
        }
    }

    async fn act(&mut self, action: Action) {
        match action {
            Action::Send(octets) => self.said += std::str::from_utf8(&octets).unwrap(),
            Action::OpenUpload(upload, purpose) => self.desk.open_upload(upload, purpose),
            Action::Feed(upload, octets) => self.desk.feed(upload, octets).await,
            Action::DropUpload(upload) => self.desk.drop_upload(upload),
            Action::Do(token, effect) => {
                let outcome = self.run(effect).await;
                self.outcomes.push_back(Input::Outcome(token, outcome));
            }
            other => panic!("{other:?}"),
        }
    }

    /// An effect that panics is one that failed, as in a shell.
    async fn run(&mut self, effect: Effect) -> Outcome {
        let lie = Err(Failure::broken("on purpose"));
        let met = self.wrong.as_mut().filter(|(name, ..)| *name == effect.name());
        let met = met.map(|(_, left, after)| {
            *left -= 1;
            (*left == 0, *after)
        });
        if let Some((true, after)) = met {
            self.wrong = None;
            if after {
                let _ = self.desk.run(effect).await;
            }
            return lie;
        }
        let running = AssertUnwindSafe(self.desk.run(effect)).catch_unwind();
        running.await.unwrap_or(lie)
    }
}

/// Sends one mail to these; who of them has been acknowledged.
pub(super) async fn send(storage: &Storage, to: &[&'static str], wrong: Option<Wrong>) -> Vec<&'static str> {
    let mut talk = Talk::new(storage, lmtp::session);
    talk.wrong = match wrong {
        Some(Wrong::Before(name, nth)) => Some((name, nth, false)),
        Some(Wrong::After(name, nth)) => Some((name, nth, true)),
        _ => None,
    };
    match wrong {
        Some(Wrong::Step(point, kind)) => storage.faults().fail_once(point, kind),
        Some(Wrong::Statement(nth, kind)) => storage.faults().fail_after(Point::Statement, nth, kind),
        Some(Wrong::Panic(point)) => storage.faults().panic_once(point),
        _ => {}
    }
    talk.say("LHLO client.test\r\n").await;
    talk.say("MAIL FROM:<sender@example.org>\r\n").await;
    let mut accepted = Vec::new();
    for login in to {
        if talk
            .say(&format!("RCPT TO:<{login}>\r\n"))
            .await
            .starts_with("250 ")
        {
            accepted.push(*login);
        }
    }
    talk.say("DATA\r\n").await;
    let replies = talk.say("Subject: once\r\n\r\nonly\r\n.\r\n").await;
    assert_eq!(replies.lines().count(), accepted.len(), "{wrong:?}: {replies}");
    // Speaking again confirms that the replies were seen.
    talk.say("NOOP\r\n").await;
    assert!(talk.wrong.is_none(), "{wrong:?} was never met");
    let answered = accepted.into_iter().zip(replies.lines());
    answered
        .filter_map(|(login, reply)| reply.starts_with("250 ").then_some(login))
        .collect()
}

pub(super) async fn counts(storage: &Storage, homes: &[Home]) -> Vec<u64> {
    let mut counts = Vec::new();
    for home in homes {
        counts.push(exists(storage, *home).await);
    }
    counts
}

async fn sweep_one(kind: Kind, wrong: Wrong, dies: bool) {
    let mut town = Town::new(kind).await;
    let homes = [town.settle(LOGINS[0]).await, town.settle(LOGINS[1]).await];
    let acknowledged = send(&town.storage, &LOGINS, Some(wrong)).await;
    assert!(!town.storage.faults().is_armed(), "{wrong:?} was never met");
    if dies {
        town = town.reopened().await;
    }
    let there = counts(&town.storage, &homes).await;
    for (login, count) in LOGINS.iter().zip(&there) {
        assert!(
            *count == 1 || !acknowledged.contains(login),
            "{wrong:?}: {login} has lost mail"
        );
    }
    let again: Vec<_> = LOGINS
        .into_iter()
        .filter(|login| !acknowledged.contains(login))
        .collect();
    if !again.is_empty() {
        assert_eq!(send(&town.storage, &again, None).await, again, "{wrong:?}");
    }
    assert_eq!(
        counts(&town.storage, &homes).await,
        [1, 1],
        "{wrong:?}, dies: {dies}"
    );
    let mut findings = town.check().await;
    // At most the body of the first attempt is left without a row.
    findings.extend(town.check_bodies(1).await);
    assert!(findings.is_empty(), "{wrong:?}, dies: {dies}: {findings:#?}");
}

#[test]
fn each_step_fails_once_and_mail_is_there_once() {
    on_each(async |kind| {
        for wrong in everything() {
            sweep_one(kind, wrong, false).await;
        }
    });
}

#[test]
fn each_step_fails_once_then_the_process_dies_and_mail_is_there_once() {
    on_each(async |kind| {
        for wrong in everything() {
            sweep_one(kind, wrong, true).await;
        }
    });
}
