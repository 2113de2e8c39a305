//! The outbound queue, as its worker sees it: entries are claimed, kept and settled.
//!
//! `next_at` of a row that is claimed is when that is over, so one index finds both what is due and what a dead worker left.

use std::collections::{BTreeMap, BTreeSet};

use lightmail_core::store::queue::{
    NewReport, QueueEntry, QueueFate, QueueId, QueueReply, QueueRequest, Settled, clipped,
};
use lightmail_core::store::{Delivered, Refusal, Reply};

use super::clock::now_ms;
use super::db::{Answer, Columns, Stop, sql, stored};
use super::queue_rows::{Claimed, NOBODY, find, for_update, remove};
use super::tx::Tx;
use super::{deliver, queue_lines};

/// The earliest row of the next priority.
const NEXT_TURN: &str =
    "SELECT turn, next_at FROM queue WHERE state = 1 AND turn > ? ORDER BY turn, next_at LIMIT 1";
const DUE: &str = for_update!(
    "SELECT id, account_id, sender, rcpt, domain, head, options, object_id, object_size, sha256, attempts, created_at, \
     expires_at, told_delay, last_error FROM queue WHERE state = 1 AND turn = ? AND next_at <= ? \
     ORDER BY next_at, id LIMIT ?"
);
const LEASE: &str = "UPDATE queue SET lease_owner = ?, next_at = ? WHERE id = ?";
const HOLD_UNREADABLE: &str = "UPDATE queue SET state = 2, last_error = ? WHERE id = ?";
const LATER: &str = "UPDATE queue SET lease_owner = ?, attempts = attempts + 1, next_at = ?, last_error = ?, told_delay = ? \
     WHERE id = ?";
const HOLD: &str = "UPDATE queue SET lease_owner = ?, attempts = attempts + 1, next_at = 0, last_error = ?, state = 2 \
     WHERE id = ?";

/// Below every `turn`.
const FIRST_TURN: i64 = -1_000;

/// Answers what only reads.
pub(crate) async fn read(tx: &mut Tx<'_>, request: &QueueRequest) -> Answer<QueueReply> {
    match request {
        QueueRequest::NextDue { at_ms } => next_due(tx, *at_ms).await,
        QueueRequest::List(page) => queue_lines::list(tx, page).await,
        other => Err(Stop::broken(format!("{} does not only read", other.name()))),
    }
}

/// Answers a worker or an operator inside a transaction that holds the writer's lock.
pub(crate) async fn write(tx: &mut Tx<'_>, request: &QueueRequest) -> Answer<QueueReply> {
    match request {
        QueueRequest::Claim {
            owner,
            for_ms,
            limit,
            at_ms,
        } => claim(tx, *owner, *for_ms, *limit, *at_ms).await,
        QueueRequest::Settle {
            owner,
            settled,
            report,
            at_ms,
        } => settle(tx, *owner, settled, report.as_deref(), *at_ms).await,
        QueueRequest::Renew {
            owner,
            ids,
            for_ms,
            at_ms,
        } => renew(tx, *owner, ids, *for_ms, *at_ms).await,
        QueueRequest::Change { which, change, at_ms } => {
            queue_lines::change(tx, which, *change, *at_ms).await
        }
        QueueRequest::NextDue { .. } | QueueRequest::List(_) => read(tx, request).await,
    }
}

async fn next_due(tx: &mut Tx<'_>, at_ms: u64) -> Answer<QueueReply> {
    let (mut turn, mut first_ms) = (FIRST_TURN, None);
    while let Some((next, next_ms)) = next_turn(tx, turn).await? {
        turn = next;
        first_ms = Some(first_ms.map_or(next_ms, |first_ms: u64| first_ms.min(next_ms)));
    }
    let Some(first_ms) = first_ms else {
        return Ok(QueueReply::NextDue(None));
    };
    let now_ms = now_ms(tx, at_ms).await?;
    Ok(QueueReply::NextDue(Some(first_ms.saturating_sub(now_ms))))
}

/// The priority behind one, and when the first row of it may be claimed.
async fn next_turn(tx: &mut Tx<'_>, after: i64) -> Answer<Option<(i64, u64)>> {
    let row = tx.db.first(sql(NEXT_TURN).bind(after)).await?;
    row.map(|row| Ok((row.int(0)?, row.count(1)?))).transpose()
}

async fn claim(tx: &mut Tx<'_>, owner: [u8; 16], for_ms: u64, limit: u32, at_ms: u64) -> Answer<QueueReply> {
    let now_ms = now_ms(tx, at_ms).await?;
    let until = stored(now_ms.saturating_add(for_ms));
    let (mut turn, mut left) = (FIRST_TURN, limit as usize);
    let mut claimed: Vec<QueueEntry> = Vec::new();
    while left > 0
        && let Some((next, next_ms)) = next_turn(tx, turn).await?
    {
        turn = next;
        if next_ms > now_ms {
            continue;
        }
        let found = due(tx, turn, now_ms, left).await?;
        left -= found.len().min(left);
        for one in found {
            match one {
                Claimed::Entry(entry) => {
                    let lease = sql(LEASE)
                        .bind(owner.to_vec())
                        .bind(until)
                        .bind(entry.id.0.to_vec());
                    tx.db.post(lease).await?;
                    claimed.push(*entry);
                }
                Claimed::Unreadable(id) => hold_unreadable(tx, id).await?,
            }
        }
    }
    Ok(QueueReply::Claimed(claimed))
}

async fn due(tx: &mut Tx<'_>, turn: i64, now_ms: u64, limit: usize) -> Answer<Vec<Claimed>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let due = sql(DUE).bind(turn).bind(stored(now_ms)).bind(limit);
    tx.db.each(due, |row| Claimed::from_row(&row)).await
}

/// An entry whose options nobody here can read would be claimed again and again.
async fn hold_unreadable(tx: &mut Tx<'_>, id: QueueId) -> Answer<()> {
    tracing::error!(%id, "queue.entry.unreadable: its options are damaged, or of a later version; it is held");
    let words = b"its options are damaged, or of a later version".to_vec();
    tx.db
        .post(sql(HOLD_UNREADABLE).bind(words).bind(id.0.to_vec()))
        .await
}

async fn settle(
    tx: &mut Tx<'_>,
    owner: [u8; 16],
    settled: &[Settled],
    report: Option<&NewReport>,
    at_ms: u64,
) -> Answer<QueueReply> {
    let rows = find(tx, settled.iter().map(|one| one.id)).await?;
    let mut seen = BTreeSet::new();
    let (kept, lost): (Vec<_>, Vec<_>) = settled.iter().partition(|one| {
        let owned = rows.get(&one.id).is_some_and(|row| row.owner == owner);
        seen.insert(one.id) && owned
    });
    let lost: Vec<_> = lost.into_iter().map(|one| one.id).collect();
    let mut reported = Vec::new();
    if report.is_some() && !lost.is_empty() {
        return Ok(QueueReply::Settled { lost, reported });
    }
    if let Some(report) = report {
        reported = deliver_report(tx, report, at_ms).await?;
    }
    let mut gone = BTreeMap::new();
    for one in kept {
        match rows.get(&one.id) {
            Some(row) if one.fate == QueueFate::Gone => drop(gone.insert(one.id, row.object)),
            _ => settle_one(tx, one).await?,
        }
    }
    remove(tx, gone, at_ms).await?;
    Ok(QueueReply::Settled { lost, reported })
}

async fn deliver_report(
    tx: &mut Tx<'_>,
    report: &NewReport,
    at_ms: u64,
) -> Answer<Vec<Result<Delivered, Refusal>>> {
    match deliver::deliver(tx, &report.stored, &report.recipients, &report.outbound, at_ms).await? {
        Reply::Delivered(answers) => Ok(answers),
        other => Err(Stop::broken(format!("a delivery was answered {other:?}"))),
    }
}

/// What does not leave the queue.
async fn settle_one(tx: &mut Tx<'_>, settled: &Settled) -> Answer<()> {
    let octets = |error: &str| clipped(error).as_bytes().to_vec();
    let query = match &settled.fate {
        QueueFate::Gone => return Ok(()),
        QueueFate::Later {
            next_ms,
            error,
            told_delay,
        } => sql(LATER)
            .bind(NOBODY.to_vec())
            .bind(stored(*next_ms))
            .bind(octets(error))
            .bind(i64::from(*told_delay)),
        QueueFate::Held { error } => sql(HOLD).bind(NOBODY.to_vec()).bind(octets(error)),
    };
    tx.db.post(query.bind(settled.id.0.to_vec())).await
}

async fn renew(
    tx: &mut Tx<'_>,
    owner: [u8; 16],
    ids: &[QueueId],
    for_ms: u64,
    at_ms: u64,
) -> Answer<QueueReply> {
    let now_ms = now_ms(tx, at_ms).await?;
    let mut rows = find(tx, ids.iter().copied()).await?;
    rows.retain(|_, row| row.owner == owner);
    let (whose, until) = match for_ms {
        0 => (NOBODY, 0),
        _ => (owner, stored(now_ms.saturating_add(for_ms))),
    };
    for id in rows.keys() {
        let lease = sql(LEASE).bind(whose.to_vec()).bind(until).bind(id.0.to_vec());
        tx.db.post(lease).await?;
    }
    let renewed = ids.iter().copied().filter(|id| rows.contains_key(id));
    Ok(QueueReply::Renewed(renewed.collect()))
}
