//! A garbage worker on a storage, without a shell: its clock is a test's, and what it asks can go wrong.

use std::panic::AssertUnwindSafe;

use futures_lite::FutureExt as _;
use lightmail_core::garbage::{Garbage, Settings};
use lightmail_core::machine::{Action, Done, Effect, Input, Machine, Outcome, Seed, Step, Time};
use lightmail_core::store::{Failure, Reply};

use crate::{Desk, Storage};

pub(super) const HOUR_MS: u64 = 3_600_000;

/// What a worker is told of an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lie {
    /// That it failed, and it was not run.
    Before,
    /// That it failed, and it was run.
    After,
}

pub(super) struct Shift {
    worker: Garbage,
    desk: Desk,
    pub(super) now: Time,
    /// The effect that goes wrong, counted from the beginning.
    pub(super) wrong: Option<(usize, Lie)>,
    /// Whether it works whoever has the lease.
    pub(super) leads_always: bool,
    /// What was asked, by name.
    pub(super) asked: Vec<&'static str>,
    /// Bodies deleted.
    pub(super) deleted: usize,
}

impl Shift {
    /// Workers of the same number have the same name, so that one has the lease of the one before, which is dead.
    pub(super) fn new(storage: &Storage, settings: Settings, number: u8, now: Time) -> Self {
        Self {
            worker: Garbage::new(settings, Seed::new([number; 32])),
            desk: storage.desk(),
            now,
            wrong: None,
            leads_always: false,
            asked: Vec::new(),
            deleted: 0,
        }
    }

    /// One round: until it rests. False if it is cut behind so many effects of all rounds.
    pub(super) async fn round(&mut self, cut: Option<usize>) -> bool {
        self.worker.handle(self.now, Input::Tick);
        loop {
            match self.worker.poll() {
                Step::Act(Action::Do(token, effect)) => {
                    let outcome = self.run(effect).await;
                    if cut == Some(self.asked.len()) {
                        return false;
                    }
                    self.worker.handle(self.now, Input::Outcome(token, outcome));
                }
                Step::Wait { until: Some(_), .. } => return true,
                step => panic!("{step:?}"),
            }
        }
    }

    /// An effect that panics is one that failed, as in a shell.
    async fn run(&mut self, effect: Effect) -> Outcome {
        let failed = Err(Failure::broken("on purpose"));
        self.asked.push(effect.name());
        let lie = self.wrong.filter(|(nth, _)| *nth == self.asked.len());
        if lie.is_some_and(|(_, lie)| lie == Lie::Before) {
            return failed;
        }
        let running = AssertUnwindSafe(self.desk.run(effect)).catch_unwind();
        let outcome = running.await.unwrap_or_else(|_| failed.clone());
        if let Ok(Done::ObjectsDeleted(objects)) = &outcome {
            self.deleted += objects.len();
        }
        match outcome {
            _ if lie.is_some() => failed,
            Ok(Done::Reply(Reply::LeaseTaken(false))) if self.leads_always => {
                Ok(Done::Reply(Reply::LeaseTaken(true)))
            }
            outcome => outcome,
        }
    }
}
