//! The garbage worker: a machine without a peer that removes for good what was deleted.
//!
//! It works in rounds, one node at a time (a lease). A round removes rows of messages and calendar objects that have been
//! soft-deleted for longer than the grace time, claims the objects that no row names any more, deletes them, forgets them, and
//! removes the rows of deleted mailboxes and calendars that have become empty. Every step can be cut by a crash and is taken up again by the next round:
//!
//! | cut behind | what the next round finds |
//! | --- | --- |
//! | `CollectMessages`, `CollectCalendarObjects` | objects without references: it claims them |
//! | `ClaimObjects` | claimed objects: it is given them again |
//! | `DeleteObjects` | the same; deleting what is gone is no error |
//!
//! Objects die only through the claim, which no message can be given past; so COPY wins or finds the message gone, never half.
//! A round takes up the claim behind the last object of the round before, and begins anew behind the last of all: what cannot be
//! deleted has its turn like everything else, and keeps nobody waiting for ever.
//! When there is nothing else to do, a window of the bucket is compared with the rows: see `sweep`.

mod sweep;
#[cfg(test)]
mod tests;

use std::mem;

use crate::config::Config;
use crate::machine::{
    Action, Done, Due, Effect, Input, Machine, ObjectKind, Outcome, Seed, Step, Time, Token,
};
use crate::store::{Actor, ObjectId, Reply, Request, Work};
use sweep::Sweep;

/// How the worker works: `[garbage]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Messages, calendar objects, bodies, mailboxes and calendars of one round, each.
    pub batch: u32,
    /// How long it rests when there was nothing to do, or something failed.
    pub idle_ms: u64,
    /// How long it rests between two rounds.
    pub pause_ms: u64,
    /// How long deleted mail is kept.
    pub grace_ms: u64,
}

impl Settings {
    /// As configured. A batch has at least one message, and no more than one request to the bucket can delete.
    pub fn of(config: &Config) -> Self {
        let garbage = &config.garbage;
        Self {
            batch: garbage.batch_size.clamp(1, BATCH_MAX),
            idle_ms: u64::from(garbage.idle_seconds) * 1000,
            pause_ms: u64::from(garbage.pause_seconds) * 1000,
            grace_ms: u64::from(garbage.grace_hours) * 3_600_000,
        }
    }
}

/// The most objects that S3 deletes at one request.
const BATCH_MAX: u32 = 1000;

/// How long the lease is taken for: so long others wait behind a node that died. A round is shorter. If one is not, two
/// workers at once do no harm.
const LEASE_MS: u64 = 90_000;
/// How often the lease is taken anew while its owner rests, and how often one without it asks whether it is free: two such
/// requests may fail before it runs out.
const RENEW_MS: u64 = 30_000;

/// The worker.
#[derive(Debug)]
pub struct Garbage {
    settings: Settings,
    /// Names this worker in the lease.
    owner: [u8; 16],
    sweep: Sweep,
    now: Time,
    state: State,
    /// What was asked for and is not answered.
    asked: Token,
    due: Option<Effect>,
    /// The last object that was claimed, if there may be more behind it: the next round goes on there.
    claimed: Option<ObjectId>,
    /// Whether this round has removed anything.
    busy: bool,
    /// Whether it has the lease, as far as it knows.
    leads: bool,
    /// Whether it ends when there is nothing left to do.
    once: bool,
    stopping: bool,
}

/// What the worker awaits.
#[derive(Debug)]
enum State {
    /// Not told the time yet.
    Begin,
    /// The end of a rest that lasts so many milliseconds more.
    Rest(u64),
    /// The lease, taken anew in a rest that lasts so many milliseconds more.
    Renewal(u64),
    Lease,
    Messages,
    CalendarObjects,
    Claim,
    Deletion,
    Forgetting,
    Mailboxes,
    Calendars,
    Sweep,
    /// The lease is given back.
    Release,
    Over,
}

impl Garbage {
    /// A worker that begins its first round at once.
    pub fn new(settings: Settings, mut seed: Seed) -> Self {
        Self {
            settings,
            owner: seed.half(),
            sweep: Sweep::default(),
            now: Time::default(),
            state: State::Begin,
            asked: Token(0),
            due: None,
            claimed: None,
            busy: false,
            leads: false,
            once: false,
            stopping: false,
        }
    }

    /// A worker that ends when there is nothing left to do but to look for orphans, when something fails, or at once if another
    /// one has the lease.
    pub fn until_done(settings: Settings, seed: Seed) -> Self {
        Self {
            once: true,
            ..Self::new(settings, seed)
        }
    }

    fn begin_round(&mut self) {
        self.busy = false;
        self.ask_lease(State::Lease, LEASE_MS);
    }

    fn ask_lease(&mut self, state: State, for_ms: u64) {
        let request = Request::TakeLease {
            work: Work::Garbage,
            owner: self.owner,
            for_ms,
            at_ms: self.now.unix_ms,
        };
        self.ask(state, request);
    }

    /// Nobody has to wait for the end of a lease whose owner is gone in good order.
    fn end(&mut self) {
        self.stopping = true;
        if mem::take(&mut self.leads) {
            self.ask_lease(State::Release, 0);
        } else {
            self.state = State::Over;
        }
    }

    /// What was deleted before this is not kept any longer.
    fn before_ms(&self) -> u64 {
        self.now.unix_ms.saturating_sub(self.settings.grace_ms)
    }

    fn ask(&mut self, state: State, request: Request) {
        self.run(state, Effect::Store(Actor::Worker, request));
    }

    fn run(&mut self, state: State, effect: Effect) {
        self.asked.0 += 1;
        self.state = state;
        self.due = Some(effect);
    }

    /// Anything else than the answer that fits is a failure: the next round begins anew, and everything can be repeated.
    fn on(&mut self, outcome: Outcome) {
        if let (State::Lease | State::Renewal(_), Ok(Done::Reply(Reply::LeaseTaken(taken)))) =
            (&self.state, &outcome)
        {
            self.leads = *taken;
        }
        if self.stopping {
            return self.end();
        }
        let limit = self.settings.batch;
        let before_ms = self.before_ms();
        match (mem::replace(&mut self.state, State::Begin), outcome) {
            (State::Lease, Ok(Done::Reply(Reply::LeaseTaken(true)))) => self.collect_messages(),
            (State::Messages, Ok(Done::Reply(Reply::MessagesCollected(collected)))) => {
                self.busy |= collected > 0;
                self.collect_calendar_objects();
            }
            (State::CalendarObjects, Ok(Done::Reply(Reply::CalendarObjectsCollected(collected)))) => {
                self.busy |= collected > 0;
                let after = self.claimed;
                self.ask(State::Claim, Request::ClaimObjects { after, limit });
            }
            (State::Claim, Ok(Done::Reply(Reply::ObjectsClaimed { objects, next }))) => {
                self.claimed = next;
                self.delete(objects);
            }
            (State::Deletion, Ok(Done::ObjectsDeleted(objects))) => {
                self.busy |= !objects.is_empty();
                self.ask(State::Forgetting, Request::ForgetObjects { objects });
            }
            (State::Forgetting, Ok(Done::Reply(Reply::ObjectsForgotten))) => self.collect_mailboxes(),
            (State::Mailboxes, Ok(Done::Reply(Reply::MailboxesCollected(collected)))) => {
                self.busy |= collected > 0;
                self.ask(State::Calendars, Request::CollectCalendars { before_ms, limit });
            }
            (State::Calendars, Ok(Done::Reply(Reply::CalendarsCollected(collected)))) => {
                self.busy |= collected > 0;
                self.sweep();
            }
            (State::Sweep, Ok(done)) => match self.sweep.on(self.now, done) {
                Some(effect) => self.run(State::Sweep, effect),
                None => self.rest(),
            },
            // Whether it was taken or not, the rest goes on.
            (State::Renewal(left_ms), _) => self.state = State::Rest(left_ms),
            _ if self.once => self.end(),
            _ => {
                self.sweep.give_up();
                self.busy = false;
                self.rest();
            }
        }
    }

    fn collect_messages(&mut self) {
        let request = Request::CollectMessages {
            before_ms: self.before_ms(),
            limit: self.settings.batch,
            at_ms: self.now.unix_ms,
        };
        self.ask(State::Messages, request);
    }

    fn collect_calendar_objects(&mut self) {
        let request = Request::CollectCalendarObjects {
            before_ms: self.before_ms(),
            limit: self.settings.batch,
            at_ms: self.now.unix_ms,
        };
        self.ask(State::CalendarObjects, request);
    }

    fn delete(&mut self, claimed: Vec<(ObjectKind, ObjectId)>) {
        if claimed.is_empty() {
            self.collect_mailboxes();
        } else {
            self.run(State::Deletion, Effect::DeleteObjects(claimed));
        }
    }

    fn collect_mailboxes(&mut self) {
        let (before_ms, limit) = (self.before_ms(), self.settings.batch);
        self.ask(State::Mailboxes, Request::CollectMailboxes { before_ms, limit });
    }

    /// One window, and only when there is nothing else to do.
    fn sweep(&mut self) {
        let due = if self.busy || self.once {
            None
        } else {
            self.sweep.next(self.now)
        };
        match due {
            Some(effect) => self.run(State::Sweep, effect),
            None => self.rest(),
        }
    }

    fn rest(&mut self) {
        if self.once && !self.busy && self.claimed.is_none() {
            return self.end();
        }
        let ms = if self.busy || self.sweep.is_under_way() {
            self.settings.pause_ms
        } else if self.leads {
            self.settings.idle_ms
        } else {
            self.settings.idle_ms.min(RENEW_MS)
        };
        self.state = State::Rest(ms.max(1));
    }

    /// A part of a rest is over.
    fn wake(&mut self, rest_ms: u64) {
        match rest_ms.saturating_sub(RENEW_MS) {
            0 => self.begin_round(),
            left_ms => self.ask_lease(State::Renewal(left_ms), LEASE_MS),
        }
    }
}

impl Machine for Garbage {
    fn handle(&mut self, now: Time, input: Input) {
        self.now = now;
        match (input, &self.state) {
            (Input::Outcome(token, outcome), _) if token == self.asked => self.on(outcome),
            (Input::Tick, State::Begin) => self.begin_round(),
            (Input::Tick, State::Rest(rest_ms)) => self.wake(*rest_ms),
            (Input::Shutdown | Input::Eof, State::Begin | State::Rest(_)) => self.end(),
            (Input::Shutdown | Input::Eof, _) => self.stopping = true,
            _ => {}
        }
    }

    fn poll(&mut self) -> Step {
        if let Some(effect) = self.due.take() {
            return Step::Act(Action::Do(self.asked, effect));
        }
        let until = match self.state {
            State::Over => return Step::Over,
            // The first round begins with the first tick, which tells the time.
            State::Begin => Some(Due::Idle(0)),
            State::Rest(ms) => Some(Due::Idle(ms.min(RENEW_MS))),
            _ => None,
        };
        Step::Wait { bytes: false, until }
    }
}
