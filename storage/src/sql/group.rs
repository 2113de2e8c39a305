//! A group of requests as one transaction.
//!
//! A request is refused before it has written anything. If one fails after that, the group is rolled back and run again
//! without it, so that it hurts no other. A transaction that another one was in the way of is run again, whole; so is one
//! whose connection went away before COMMIT. From COMMIT on nobody knows: the database is asked (see [`super::mysql`]).

use std::time::{Duration, Instant};

use lightmail_core::store::{DeliveryKey, Failure, Reply, Request};

use super::commit::Job;
use super::conn::Conn;
use super::db::{Answer, Db, Stop, is_taken};
use super::mysql::Mark;
use super::trouble::Trouble;
use super::tx::{News, Tx};
use super::{deliver, locks, write};
use crate::faults::Point;
use crate::storage::Inner;

/// How often a group is tried again.
const TRIES: u32 = 10;
/// The pause after the first try; it doubles.
const PAUSE_MIN: Duration = Duration::from_millis(1);
const PAUSE_MAX: Duration = Duration::from_millis(100);
/// How long it is asked whether a transaction was committed.
const RESOLVE_LIMIT: Duration = Duration::from_secs(30);

/// How a transaction ended.
#[derive(Debug)]
enum Ended {
    /// It is on the disk: an answer for each request.
    Committed(Vec<Result<Reply, Failure>>, News),
    /// Nothing was done, because of one request.
    Spoiled { at: usize, by: Failure },
    /// Nothing was done, because another node was faster than one request; another try sees what it did.
    Overtaken { at: usize, by: Failure },
    /// Nothing was done, because of one request, and nobody knows which.
    Split(sqlx::Error),
    /// Nothing was done, and another try may succeed.
    Passing(sqlx::Error),
    /// Nothing was done; it has nothing to do with a request.
    Failed(sqlx::Error),
    /// COMMIT was sent, and what became of it is not known: only the error that came instead of an answer.
    Unknown(Mark, Vec<Result<Reply, Failure>>, News, sqlx::Error),
}

impl Ended {
    /// How often the same is tried again: values that do not fit never will, a key may have been taken by another node.
    fn tries(&self) -> u32 {
        match self {
            Ended::Split(error) if !is_taken(error) => 0,
            Ended::Split(_) => 1,
            _ => TRIES,
        }
    }
}

/// Whether an error is the fault of some request's values, and not of the database.
fn blames_a_request(error: &sqlx::Error) -> bool {
    is_taken(error) || Trouble::of(error) == Trouble::Data
}

impl From<Stop> for Ended {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Sql(error) => error.into(),
            Stop::Posted(error) if blames_a_request(&error) => Ended::Split(error),
            Stop::Posted(error) => error.into(),
            // What comes before the requests refuses nothing; a row of it may be damaged.
            Stop::Failure(failure) => Ended::Failed(sqlx::Error::Decode(failure.to_string().into())),
        }
    }
}

impl From<sqlx::Error> for Ended {
    fn from(error: sqlx::Error) -> Self {
        match Trouble::of(&error).passes() {
            true => Ended::Passing(error),
            false => Ended::Failed(error),
        }
    }
}

/// Runs a group until each of its requests has an answer.
pub(super) async fn run(inner: &Inner, writer: &mut Option<Conn>, group: Vec<Job>) {
    let confirmed = inner.queue.take_confirmed();
    let mut committed = false;
    let mut groups = vec![group];
    while let Some(group) = groups.pop() {
        let keys: &[DeliveryKey] = if committed { &[] } else { &confirmed };
        committed |= run_one(inner, writer, group, keys, &mut groups).await;
    }
    if !committed {
        inner.queue.confirm(&confirmed);
    }
}

/// Runs a group; answers whether it was committed. If one of its requests is to blame and nobody knows which, its halves are
/// `left` to be run.
async fn run_one(
    inner: &Inner,
    writer: &mut Option<Conn>,
    mut group: Vec<Job>,
    confirmed: &[DeliveryKey],
    left: &mut Vec<Vec<Job>>,
) -> bool {
    let mut tries = 0;
    while !group.is_empty() {
        match transact(inner, writer, &group, confirmed).await {
            Ended::Committed(answers, news) => {
                inner.database.health.thrive();
                inner.publish(news);
                let answered = group.into_iter().zip(answers);
                answered.for_each(|(job, answer)| job.answer.give(answer));
                return true;
            }
            ended @ (Ended::Passing(_) | Ended::Overtaken { .. } | Ended::Split(_))
                if tries < ended.tries() =>
            {
                tracing::debug!(?ended, tries, "store.group.retried");
                pause(tries).await;
                tries += 1;
            }
            Ended::Split(_) if group.len() > 1 => {
                let second = group.split_off(group.len() / 2);
                left.extend([second, group]);
                return false;
            }
            Ended::Spoiled { at, by } | Ended::Overtaken { at, by } => group.remove(at).answer.give(Err(by)),
            Ended::Passing(error) | Ended::Failed(error) | Ended::Split(error) => {
                fail(inner, group.drain(..), error);
            }
            // It was asked for as long as can be waited.
            Ended::Unknown(.., error) => fail(inner, group.drain(..), error),
        }
    }
    false
}

fn fail(inner: &Inner, jobs: impl Iterator<Item = Job>, error: sqlx::Error) {
    inner.database.health.ail(&error);
    let failure = Stop::Sql(error).into_failure();
    jobs.for_each(|job| job.answer.give(Err(failure.clone())));
}

/// The same for all: who was faster goes on being faster, and the locks are taken in one order.
async fn pause(tries: u32) {
    let pause = PAUSE_MIN.saturating_mul(1 << tries.min(20)).min(PAUSE_MAX);
    async_io::Timer::after(pause).await;
}

async fn transact(
    inner: &Inner,
    writer: &mut Option<Conn>,
    group: &[Job],
    confirmed: &[DeliveryKey],
) -> Ended {
    let mut conn = match writer.take() {
        Some(conn) => conn,
        None => match inner.database.writer().await {
            Ok(conn) => conn,
            Err(error) => return Ended::Failed(error),
        },
    };
    let ended = attempt(inner, &mut conn, group, confirmed).await;
    match ended {
        Ended::Committed(..) => *writer = Some(conn),
        Ended::Unknown(mark, answers, news, error) => {
            drop(conn);
            return resolve(inner, mark, answers, news, error).await;
        }
        // Whatever state the connection is in if this fails: a new one is in none.
        _ if is_usable(&ended) && conn.rollback().await.is_ok() => *writer = Some(conn),
        _ => {}
    }
    ended
}

/// A connection that is gone, or does not answer, is not asked to roll back: it is closed.
fn is_usable(ended: &Ended) -> bool {
    !matches!(ended, Ended::Passing(error) | Ended::Failed(error) if Trouble::of(error) == Trouble::Away)
}

/// Asks until it is known whether the transaction was committed. If it was not, the error of COMMIT tells why.
async fn resolve(
    inner: &Inner,
    mark: Mark,
    answers: Vec<Result<Reply, Failure>>,
    news: News,
    unanswered: sqlx::Error,
) -> Ended {
    let begun = Instant::now();
    for tries in 0.. {
        match inner.database.was_committed(mark).await {
            Ok(committed) => {
                tracing::warn!(committed, "store.commit.resolved");
                return match committed {
                    true => Ended::Committed(answers, news),
                    false => uncommitted(unanswered),
                };
            }
            Err(_) if begun.elapsed() < RESOLVE_LIMIT => pause(tries).await,
            Err(error) => {
                tracing::error!(%error, "store.commit.unresolved");
                break;
            }
        }
    }
    Ended::Unknown(mark, answers, news, unanswered)
}

/// A transaction is known not to have been committed. What the server said is why, and may hold for another try too; where nothing
/// was heard of it, the way was cut.
fn uncommitted(error: sqlx::Error) -> Ended {
    match error {
        sqlx::Error::Database(_) => error.into(),
        _ => Ended::Passing(error),
    }
}

/// A transaction that has done everything but COMMIT.
struct Done {
    mark: Option<Mark>,
    answers: Vec<Result<Reply, Failure>>,
    news: News,
    /// The moment for which old keys have been looked for.
    swept_ms: Option<u64>,
}

/// Runs the group in a transaction and commits it.
async fn attempt(inner: &Inner, conn: &mut Conn, group: &[Job], confirmed: &[DeliveryKey]) -> Ended {
    let working = async { Ok(work(inner, conn, group, confirmed).await) };
    let limit = inner.database.work_limit();
    let done = match inner.database.bounded(limit, working).await {
        Ok(Ok(done)) => done,
        Ok(Err(ended)) => return ended,
        Err(error) => return Ended::Failed(error),
    };
    let committing = inner.database.bounded(limit, commit(inner, conn));
    match (committing.await, done.mark) {
        (Ok(()), _) => {
            let swept_ms = done.swept_ms.into_iter();
            swept_ms.for_each(|now_ms| inner.queue.swept(now_ms));
            Ended::Committed(done.answers, done.news)
        }
        (Err(error), Some(mark)) if Trouble::of(&error) != Trouble::Conflict => {
            tracing::warn!(%error, "store.commit.unknown");
            Ended::Unknown(mark, done.answers, done.news, error)
        }
        (Err(error), _) => error.into(),
    }
}

/// All of a transaction but COMMIT.
async fn work(
    inner: &Inner,
    conn: &mut Conn,
    group: &[Job],
    confirmed: &[DeliveryKey],
) -> Result<Done, Ended> {
    inner.faults.pass(Point::Begin).map_err(sqlx::Error::Io)?;
    let db = Db::new(conn, &inner.faults).one_by_one(inner.database.one_by_one());
    let mut tx = Tx::new(db, &inner.caches);
    let mark = inner.database.begin(&mut tx.db).await?;
    let swept_ms = prepare(inner, &mut tx, group, confirmed).await?;
    let mut answers = Vec::with_capacity(group.len());
    for (at, job) in group.iter().enumerate() {
        answers.push(match answer(inner, &mut tx, job).await {
            Outcome::Answered(answer) => answer,
            Outcome::Spoiled(by) => return Err(Ended::Spoiled { at, by }),
            Outcome::Overtaken(by) => return Err(Ended::Overtaken { at, by }),
            Outcome::Stopped(stop) => return Err(stop.into()),
        });
    }
    let before = tx.db.cost;
    tx.db.flush().await?;
    inner.counts.add("store.flush", tx.db.cost - before);
    Ok(Done {
        mark,
        answers,
        news: tx.into_news(),
        swept_ms,
    })
}

async fn commit(inner: &Inner, conn: &mut Conn) -> Result<(), sqlx::Error> {
    inner.faults.pass(Point::Commit)?;
    conn.commit().await?;
    Ok(inner.faults.pass(Point::Committed)?)
}

/// How a request went.
enum Outcome {
    Answered(Result<Reply, Failure>),
    /// It failed after it had written.
    Spoiled(Failure),
    /// Another node took a key after this request had looked whether it is free: another try sees it.
    Overtaken(Failure),
    /// The database failed.
    Stopped(Stop),
}

/// Runs one request.
async fn answer(inner: &Inner, tx: &mut Tx<'_>, job: &Job) -> Outcome {
    if let Err(late) = inner.steady.check(&job.request) {
        return Outcome::Answered(Err(late));
    }
    let (cost, writes) = (tx.db.cost, tx.db.writes);
    let answer = write(tx, job.actor, &job.request).await;
    inner.counts.add(job.request.name(), tx.db.cost - cost);
    match answer {
        Ok(reply) => Outcome::Answered(Ok(reply)),
        Err(stop) if inner.database.is_shared() && stop.is_taken() => Outcome::Overtaken(stop.into_failure()),
        Err(Stop::Sql(error)) if !blames_a_request(&error) => Outcome::Stopped(Stop::Sql(error)),
        Err(Stop::Posted(error)) => Outcome::Stopped(Stop::Posted(error)),
        Err(stop) if tx.db.writes > writes => Outcome::Spoiled(stop.into_failure()),
        Err(stop) => Outcome::Answered(Err(stop.into_failure())),
    }
}

/// What comes before the requests: old keys go, locks are taken. The moment for which old keys have been looked for.
async fn prepare(
    inner: &Inner,
    tx: &mut Tx<'_>,
    group: &[Job],
    confirmed: &[DeliveryKey],
) -> Answer<Option<u64>> {
    for key in confirmed {
        deliver::forget(tx, key).await?;
    }
    let moment = |job: &Job| match &job.request {
        Request::Deliver { at_ms, .. } => Some(*at_ms),
        _ => None,
    };
    let now_ms = group.iter().filter_map(moment).max();
    let due = now_ms.filter(|now_ms| inner.queue.is_sweep_due(*now_ms));
    if let Some(now_ms) = due {
        deliver::forget_old(tx, now_ms).await?;
    }
    inner.counts.add("store.tidy", tx.db.cost);
    if tx.db.is_shared() {
        let before = tx.db.cost;
        locks::lock(tx, group).await?;
        inner.counts.add("store.lock", tx.db.cost - before);
    }
    Ok(due)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::server::TestDatabase;
    use futures_lite::future::block_on;

    /// A disk that is full at COMMIT, a server that was made read-only meanwhile: the log says so, and nothing is run ten times.
    #[test]
    fn what_the_server_says_at_commit_is_the_reason() {
        block_on(async {
            let mut conn = TestDatabase::new().await.connect().await;
            for (signal, trouble) in [
                (
                    "SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1290",
                    Trouble::ReadOnly,
                ),
                ("SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1021", Trouble::Full),
            ] {
                let error = sqlx::raw_sql(signal).execute(&mut conn).await.unwrap_err();
                let ended = uncommitted(error);
                assert!(
                    matches!(&ended, Ended::Failed(error) if Trouble::of(error) == trouble),
                    "{ended:?}"
                );
            }
            let cut = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
            assert!(matches!(uncommitted(cut.into()), Ended::Passing(_)));
        });
    }
}
