//! Group commit: who waits is committed together.
//!
//! A request that may write joins a queue. If nobody leads, its arrival starts a leader on a thread for blocking work, which
//! takes what is queued, runs it in one transaction, commits once, answers all, and goes on until the queue is empty. So
//! there is no timer, and no task that could be dropped in the middle of a transaction.
//!
//! How a group becomes a transaction is said in [`super::group`].

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lightmail_core::mime::Part;
use lightmail_core::store::{Actor, DeliveryKey, Failure, Reply, Request};

use super::conn::Conn;
use super::group;
use crate::answer::{Giver, Taker, answer};
use crate::storage::Inner;

/// The most requests of a group.
const GROUP_MAX: usize = 64;
/// The most octets of a group.
const GROUP_OCTETS_MAX: usize = 1024 * 1024;
/// The most confirmed keys that wait for a commit; what is beyond expires by age.
const CONFIRMED_MAX: usize = 64 * 1024;
/// How often old keys are looked for, in the time of deliveries.
const SWEEP_MS: u64 = 3600 * 1000;

/// What waits for the writer.
#[derive(Debug, Default)]
pub(crate) struct Queue(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    jobs: VecDeque<Job>,
    confirmed: Vec<DeliveryKey>,
    leading: bool,
    /// The writing connection, while nobody leads.
    writer: Option<Conn>,
    /// The moment of the delivery after which old keys were looked for last.
    swept_ms: u64,
}

/// A request that waits for its answer.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) actor: Actor,
    pub(super) request: Request,
    octets: usize,
    pub(super) answer: Giver<Result<Reply, Failure>>,
}

impl Queue {
    /// Forgets these keys with the next commit.
    pub(crate) fn confirm(&self, keys: &[DeliveryKey]) {
        let mut state = self.lock();
        let room = CONFIRMED_MAX.saturating_sub(state.confirmed.len());
        state.confirmed.extend(keys.iter().take(room));
    }

    /// Runs a request with the next group.
    pub(crate) fn submit(
        inner: &Arc<Inner>,
        actor: Actor,
        request: Request,
    ) -> Taker<Result<Reply, Failure>> {
        let (giver, taker) = answer();
        let octets = octets(&request);
        let mut state = inner.queue.lock();
        state.jobs.push_back(Job {
            actor,
            request,
            octets,
            answer: giver,
        });
        if !std::mem::replace(&mut state.leading, true) {
            start_leader(Arc::clone(inner));
        }
        taker
    }

    /// Takes the confirmed keys.
    pub(super) fn take_confirmed(&self) -> Vec<DeliveryKey> {
        std::mem::take(&mut self.lock().confirmed)
    }

    /// Whether old keys have to be looked for at this moment of a delivery.
    pub(super) fn is_sweep_due(&self, now_ms: u64) -> bool {
        now_ms.saturating_sub(self.lock().swept_ms) >= SWEEP_MS
    }

    /// Old keys have been looked for.
    pub(super) fn swept(&self, now_ms: u64) {
        self.lock().swept_ms = now_ms;
    }

    /// Takes the writing connection out, if nobody leads.
    pub(crate) fn take_writer(&self) -> Option<Conn> {
        self.lock().writer.take()
    }

    /// The next group; without one the leader is none any more.
    fn next_group(&self, writer: &mut Option<Conn>) -> Vec<Job> {
        let mut state = self.lock();
        let mut group = Vec::new();
        let mut octets = 0;
        while group.len() < GROUP_MAX
            && let Some(job) = state
                .jobs
                .pop_front_if(|job| group.is_empty() || octets + job.octets <= GROUP_OCTETS_MAX)
        {
            octets += job.octets;
            group.push(job);
        }
        if group.is_empty() {
            state.leading = false;
            state.writer = writer.take();
        }
        group
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a group costs is mostly indexes and heads.
fn octets(request: &Request) -> usize {
    match request {
        Request::Deliver {
            stored, recipients, ..
        } => {
            let index: usize = stored.index.parts.iter().map(Part::weight).sum();
            recipients
                .iter()
                .map(|recipient| recipient.head.len() + index)
                .sum()
        }
        _ => 0,
    }
}

fn start_leader(inner: Arc<Inner>) {
    blocking::unblock(move || inner.database.block_on(lead(&inner))).detach();
}

/// Hands the lead over if a request panics. Its group is answered with a failure by the drop of its jobs; those behind
/// get a new leader with a new connection.
struct Lead<'a>(&'a Arc<Inner>);

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!("store.leader.panicked");
            start_leader(Arc::clone(self.0));
        }
    }
}

async fn lead(inner: &Arc<Inner>) {
    let _lead = Lead(inner);
    let mut writer = inner.queue.take_writer();
    loop {
        let jobs = inner.queue.next_group(&mut writer);
        if jobs.is_empty() {
            return;
        }
        group::run(inner, &mut writer, jobs).await;
    }
}
