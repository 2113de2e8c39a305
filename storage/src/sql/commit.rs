//! Group commit: who waits is committed together.
//!
//! A request that may write joins a queue. If nobody leads, its arrival starts a leader on a thread for blocking work, which
//! takes what is queued, runs it in one transaction, commits once, answers all, and goes on until the queue is empty. So
//! there is no timer, and no task that could be dropped in the middle of a transaction.
//!
//! A request is refused before it has written anything. If one fails after that, the group is rolled back and run again
//! without it, so that it hurts no other.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lightmail_core::mime::Part;
use lightmail_core::store::{Actor, DeliveryKey, Failure, Reply, Request};
use sqlx::sqlite::SqliteConnection;

use super::db::{Answer, Db, Stop};
use super::tx::{News, Tx};
use super::{deliver, write};
use crate::answer::{Giver, Taker, answer};
use crate::faults::Point;
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
    writer: Option<SqliteConnection>,
    /// The moment of the delivery after which old keys were looked for last.
    swept_ms: u64,
}

#[derive(Debug)]
struct Job {
    actor: Actor,
    request: Request,
    octets: usize,
    answer: Giver<Result<Reply, Failure>>,
}

impl Queue {
    pub(crate) fn new(writer: SqliteConnection) -> Self {
        Self(Mutex::new(State {
            writer: Some(writer),
            ..State::default()
        }))
    }

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

    /// Takes the writing connection out, if nobody leads.
    pub(crate) fn take_writer(&self) -> Option<SqliteConnection> {
        self.lock().writer.take()
    }

    /// The next group; without one the leader is none any more.
    fn next_group(&self, writer: &mut Option<SqliteConnection>) -> Vec<Job> {
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
    blocking::unblock(move || futures_lite::future::block_on(lead(&inner))).detach();
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
        let group = inner.queue.next_group(&mut writer);
        if group.is_empty() {
            return;
        }
        run(inner, &mut writer, group).await;
    }
}

/// How a transaction ended.
enum Ended {
    /// It is on the disk: an answer for each request.
    Committed(Vec<Result<Reply, Failure>>, News),
    /// Nothing was done, because of one request.
    Spoiled { at: usize, by: Failure },
    /// Nothing was done, or nobody knows; it has nothing to do with a request.
    Failed(Failure),
}

async fn run(inner: &Inner, writer: &mut Option<SqliteConnection>, mut group: Vec<Job>) {
    let confirmed = std::mem::take(&mut inner.queue.lock().confirmed);
    while !group.is_empty() {
        match transact(inner, writer, &group, &confirmed).await {
            Ended::Committed(answers, news) => {
                inner.publish(news);
                group
                    .into_iter()
                    .zip(answers)
                    .for_each(|(job, answer)| job.answer.give(answer));
                return;
            }
            Ended::Spoiled { at, by } => group.remove(at).answer.give(Err(by)),
            Ended::Failed(failure) => {
                group
                    .drain(..)
                    .for_each(|job| job.answer.give(Err(failure.clone())));
            }
        }
    }
    inner.queue.confirm(&confirmed);
}

async fn transact(
    inner: &Inner,
    writer: &mut Option<SqliteConnection>,
    group: &[Job],
    confirmed: &[DeliveryKey],
) -> Ended {
    let mut conn = match open(inner, writer.take()).await {
        Ok(conn) => conn,
        Err(stop) => return Ended::Failed(stop.into_failure()),
    };
    let ended = match begin(inner, &mut conn).await {
        Ok(()) => attempt(inner, &mut conn, group, confirmed).await,
        Err(stop) => Ended::Failed(stop.into_failure()),
    };
    if !matches!(ended, Ended::Committed(..)) && sqlx::query("ROLLBACK").execute(&mut conn).await.is_err() {
        // Whatever state the connection is in: a new one is in none.
        return ended;
    }
    *writer = Some(conn);
    ended
}

async fn open(inner: &Inner, writer: Option<SqliteConnection>) -> Answer<SqliteConnection> {
    match writer {
        Some(conn) => Ok(conn),
        None => Ok(inner.sqlite.writer().await?),
    }
}

async fn begin(inner: &Inner, conn: &mut SqliteConnection) -> Answer<()> {
    inner.faults.pass(Point::Begin).map_err(sqlx::Error::Io)?;
    sqlx::query("BEGIN IMMEDIATE").execute(conn).await?;
    Ok(())
}

/// Runs the group in the open transaction and commits it.
async fn attempt(
    inner: &Inner,
    conn: &mut SqliteConnection,
    group: &[Job],
    confirmed: &[DeliveryKey],
) -> Ended {
    let mut tx = Tx::new(Db::new(conn), &inner.caches);
    if let Err(stop) = tidy(inner, &mut tx, group, confirmed).await {
        return Ended::Failed(stop.into_failure());
    }
    let mut answers = Vec::with_capacity(group.len());
    for (at, job) in group.iter().enumerate() {
        let (statements, writes) = (tx.db.statements, tx.db.writes);
        let answer = write(&mut tx, job.actor, &job.request).await;
        inner
            .counts
            .add(job.request.name(), tx.db.statements - statements);
        match answer {
            Err(stop) if stop.is_of_database() => return Ended::Failed(stop.into_failure()),
            Err(stop) if tx.db.writes > writes => {
                return Ended::Spoiled {
                    at,
                    by: stop.into_failure(),
                };
            }
            answer => answers.push(answer.map_err(Stop::into_failure)),
        }
    }
    let news = tx.into_news();
    match commit(inner, conn).await {
        Ok(()) => Ended::Committed(answers, news),
        Err(stop) => Ended::Failed(stop.into_failure()),
    }
}

async fn commit(inner: &Inner, conn: &mut SqliteConnection) -> Answer<()> {
    inner.faults.pass(Point::Commit).map_err(sqlx::Error::Io)?;
    sqlx::query("COMMIT").execute(conn).await?;
    inner.faults.pass(Point::Committed).map_err(sqlx::Error::Io)?;
    Ok(())
}

/// Removes keys that are no longer needed.
async fn tidy(inner: &Inner, tx: &mut Tx<'_>, group: &[Job], confirmed: &[DeliveryKey]) -> Answer<()> {
    for key in confirmed {
        deliver::forget(tx, key).await?;
    }
    let moment = |job: &Job| match &job.request {
        Request::Deliver { at_ms, .. } => Some(*at_ms),
        _ => None,
    };
    let now_ms = group.iter().filter_map(moment).max();
    let due = now_ms.filter(|now_ms| now_ms.saturating_sub(inner.queue.lock().swept_ms) >= SWEEP_MS);
    if let Some(now_ms) = due {
        deliver::forget_old(tx, now_ms).await?;
        inner.queue.lock().swept_ms = now_ms;
    }
    inner.counts.add("store.tidy", tx.db.statements);
    Ok(())
}
