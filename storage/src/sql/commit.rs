//! Group commit: who waits is committed together.
//!
//! A request that may write joins a queue. If nobody leads, its arrival starts a leader on a thread for blocking work, which
//! takes what is queued, runs it in one transaction, commits once, answers all, and goes on until the queue is empty. So
//! there is no timer, and no task that could be dropped in the middle of a transaction.
//!
//! How a group becomes a transaction is said in [`super::group`].

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lightmail_core::machine::Stored;
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
/// The most ranges of UIDs of a request that shares its transaction with others.
const RANGES_MAX: usize = 200;
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
    /// It may take long, or holds locks that others wait for: nobody shares its transaction.
    alone: bool,
    pub(super) answer: Giver<Result<Reply, Failure>>,
}

impl Job {
    fn new(actor: Actor, request: Request, answer: Giver<Result<Reply, Failure>>) -> Self {
        Self {
            octets: octets(&request),
            alone: is_alone(actor, &request),
            actor,
            request,
            answer,
        }
    }
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
        let mut state = inner.queue.lock();
        state.jobs.push_back(Job::new(actor, request, giver));
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
        let mut group: Vec<Job> = Vec::new();
        let mut octets = 0;
        while let Some(job) = state.jobs.pop_front_if(|job| match group.first() {
            None => true,
            Some(first) => {
                !(first.alone || job.alone)
                    && group.len() < GROUP_MAX
                    && octets + job.octets <= GROUP_OCTETS_MAX
            }
        }) {
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
    let index = |stored: &Stored| {
        let raw = stored.index.raw_header.as_ref().map_or(0, Vec::len);
        raw + stored.index.parts.iter().map(Part::weight).sum::<usize>()
    };
    let indexes = request.stored().map(index).sum();
    match request {
        Request::Deliver { recipients, .. } => {
            let heads = recipients.iter().map(|recipient| recipient.head.len());
            heads.map(|head| head + indexes).sum()
        }
        _ => indexes,
    }
}

/// The worker's locks are not those of deliveries, and a change of very many ranges of messages takes a while.
fn is_alone(actor: Actor, request: &Request) -> bool {
    let uids = match request {
        Request::ChangeFlags { uids, .. } | Request::Copy { uids, .. } => Some(uids),
        Request::Expunge { within, .. } => within.as_ref(),
        _ => None,
    };
    actor == Actor::Worker || uids.is_some_and(|uids| uids.ranges().len() > RANGES_MAX)
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

#[cfg(test)]
mod tests {
    use super::*;
    use lightmail_core::antivirus::Virus;
    use lightmail_core::mime::{Limits, Scanner};
    use lightmail_core::store::{
        AccountId, FlagChange, Flags, MailboxId, MailboxName, ModSeq, NewMessage, ObjectId, UidSet,
    };

    const ME: Actor = Actor::Account(AccountId(1));

    fn store(ranges: u32) -> (Actor, Request) {
        let uids: UidSet = (1..=ranges).map(|n| 2 * n).collect();
        let request = Request::ChangeFlags {
            mailbox: MailboxId(1),
            uids,
            change: FlagChange::Add,
            flags: Flags::NONE,
            keywords: vec![],
            unchanged_since: None,
            since: ModSeq(1),
        };
        (ME, request)
    }

    fn work() -> (Actor, Request) {
        (
            Actor::Worker,
            Request::ClaimObjects {
                after: None,
                limit: 1,
            },
        )
    }

    /// Messages with a header of so many octets each.
    fn append(messages: usize, octets: usize) -> (Actor, Request) {
        let mut scanner = Scanner::new(Limits::default());
        scanner.push(format!("Subject: {}\r\n\r\n", "x".repeat(octets)).as_bytes());
        let message = NewMessage {
            stored: Stored {
                object: ObjectId([0; 16]),
                size: octets as u64,
                sha256: [0; 32],
                received_sha256: [0; 32],
                index: Arc::new(scanner.finish()),
                durable_ms: 0,
                virus: Virus::NotScanned,
            },
            flags: Flags::NONE,
            keywords: vec![],
            internal_date_s: 0,
            email_id: [0; 16],
        };
        let request = Request::Append {
            name: MailboxName::inbox(),
            instead: None,
            messages: vec![message; messages],
            at_ms: 0,
        };
        (ME, request)
    }

    /// How these requests are shared out to transactions.
    fn groups(requests: Vec<(Actor, Request)>) -> Vec<usize> {
        let queue = Queue::default();
        let jobs = requests
            .into_iter()
            .map(|(actor, request)| Job::new(actor, request, answer().0));
        queue.lock().jobs.extend(jobs);
        let next = || queue.next_group(&mut None).len();
        std::iter::repeat_with(next)
            .take_while(|jobs| *jobs > 0)
            .collect()
    }

    #[test]
    fn what_takes_long_and_what_the_worker_asks_shares_its_transaction_with_nobody() {
        let (few, many) = (RANGES_MAX as u32, RANGES_MAX as u32 + 1);
        let requests = vec![
            store(1),
            store(few),
            store(many),
            store(1),
            store(1),
            work(),
            work(),
            store(1),
        ];
        assert_eq!(groups(requests), [2, 1, 2, 1, 1, 1]);
        assert_eq!(groups(vec![store(1); 70]), [64, 6]);
    }

    #[test]
    fn messages_of_a_group_are_bounded_whatever_brings_them() {
        let four = append(4, 1500);
        assert_eq!(octets(&four.1), 4 * octets(&append(1, 1500).1));
        assert!(octets(&four.1) > 6000);
        let large = vec![append(200, 1500); 4];
        let fit = (GROUP_OCTETS_MAX / octets(&large[0].1)).max(1);
        assert_eq!(groups(large)[0], fit);
    }
}
