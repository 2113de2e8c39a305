//! Leases; and what the garbage worker asks: rows of what was deleted go for good, then the rows of bodies that nothing names.
//!
//! It works beside everybody else: each request is one short transaction of a bounded number of rows.

use std::collections::BTreeMap;

use lightmail_core::store::{Deleted, GarbageCounts, MailboxId, ObjectId, Reply, Request, UidSet, Work};

use super::clock::now_ms;
use super::db::{Answer, Columns, Stop, sql, stored};
use super::messages::kind;
use super::row::DbRow;
use super::tx::Tx;
use super::{calendar_garbage, graves, import};

const KEEP_LEASE: &str =
    "UPDATE leases SET owner = ?, until_ms = ? WHERE work = ? AND (owner = ? OR until_ms <= ?)";
/// The clock that all nodes on MySQL share.
const GIVE_BACK: &str = "DELETE FROM leases WHERE work = ? AND owner = ?";
const FIRST_LEASE: &str = "INSERT INTO leases (work, owner, until_ms) VALUES (?, ?, ?)";

const DUE_MESSAGES: &str = "SELECT mailbox_id, uid, modseq, object_id FROM messages \
     WHERE deleted_at > 0 AND deleted_at < ? ORDER BY deleted_at, mailbox_id, uid LIMIT ? /*! FOR UPDATE */";
const DELETE_INDEXES: &str = "DELETE FROM message_index WHERE mailbox_id = ? AND uid BETWEEN ? AND ?";
const DELETE_MESSAGES: &str =
    "DELETE FROM messages WHERE mailbox_id = ? AND uid BETWEEN ? AND ? AND deleted_at > 0";
/// `zero_at` first: MySQL sets columns one after the other and sees what it has set.
const LOWER: &str = "UPDATE object_keys SET zero_at = CASE WHEN refs = ? THEN ? ELSE zero_at END, \
     refs = refs - ? WHERE id = ?";

const DUE_MAILBOXES: &str = "SELECT b.id FROM mailboxes b WHERE b.deleted_at > 0 AND b.deleted_at < ? \
     AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.mailbox_id = b.id) ORDER BY b.deleted_at, b.id LIMIT ?";
const DELETE_EXPUNGED: &str = "DELETE FROM expunged WHERE mailbox_id = ?";
const DELETE_MAILBOX: &str = "DELETE FROM mailboxes WHERE id = ?";

const UNNAMED: &str = "SELECT id, kind, state FROM object_keys WHERE state IN (1, 2) AND refs = 0 AND id > ? ORDER BY id LIMIT ?";
/// The second lock on the door: a body that a row names is never deleted, whatever `refs` says.
const CLAIM: &str = "UPDATE object_keys SET state = 2 WHERE id = ? AND state = 1 AND refs = 0 \
     AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.object_id = object_keys.id) \
     AND NOT EXISTS (SELECT 1 FROM calendar_objects o WHERE o.object_id = object_keys.id) \
     AND NOT EXISTS (SELECT 1 FROM queue q WHERE q.object_id = object_keys.id)";
const FORGET: &str = "DELETE FROM object_keys WHERE id = ? AND state = 2";
const FIND: &str = "SELECT id FROM object_keys WHERE id BETWEEN ? AND ? ORDER BY id";

/// Each table's due rows, then all of its deleted ones.
const COUNT: &str = "SELECT (SELECT COUNT(*) FROM messages WHERE deleted_at > 0 AND deleted_at < ?), \
     (SELECT COUNT(*) FROM messages WHERE deleted_at > 0), \
     (SELECT COUNT(*) FROM mailboxes WHERE deleted_at > 0 AND deleted_at < ?), \
     (SELECT COUNT(*) FROM mailboxes WHERE deleted_at > 0), \
     (SELECT COUNT(*) FROM calendar_objects WHERE deleted_at > 0 AND deleted_at < ?), \
     (SELECT COUNT(*) FROM calendar_objects WHERE deleted_at > 0), \
     (SELECT COUNT(*) FROM calendars WHERE deleted_at > 0 AND deleted_at < ?), \
     (SELECT COUNT(*) FROM calendars WHERE deleted_at > 0), \
     (SELECT COUNT(*) FROM object_keys WHERE state = 1 AND refs = 0), \
     (SELECT COUNT(*) FROM object_keys WHERE state = 2 AND refs = 0)";

/// `state` of an object that is being deleted.
const CLAIMED: i64 = 2;

/// Answers a worker that writes; `None` if the request is none of these.
pub(crate) async fn work(tx: &mut Tx<'_>, request: &Request) -> Answer<Option<Reply>> {
    let reply = match request {
        Request::TakeLease {
            work,
            owner,
            for_ms,
            at_ms,
        } => take_lease(tx, *work, *owner, *for_ms, *at_ms).await?,
        Request::CollectMessages {
            before_ms,
            limit,
            at_ms,
        } => collect_messages(tx, *before_ms, *limit, *at_ms).await?,
        Request::CollectMailboxes { before_ms, limit } => collect_mailboxes(tx, *before_ms, *limit).await?,
        Request::CollectCalendarObjects {
            before_ms,
            limit,
            at_ms,
        } => calendar_garbage::collect_objects(tx, *before_ms, *limit, *at_ms).await?,
        Request::CollectCalendars { before_ms, limit } => {
            calendar_garbage::collect_calendars(tx, *before_ms, *limit).await?
        }
        Request::ClaimObjects { after, limit } => claim_objects(tx, *after, *limit).await?,
        Request::ForgetObjects { objects } => forget_objects(tx, objects).await?,
        _ => return Ok(None),
    };
    Ok(Some(reply))
}

async fn take_lease(tx: &mut Tx<'_>, work: Work, owner: [u8; 16], for_ms: u64, at_ms: u64) -> Answer {
    if for_ms == 0 {
        let give_back = sql(GIVE_BACK).bind(work.name()).bind(owner.to_vec());
        if tx.db.run(give_back).await? > 0 {
            return Ok(Reply::LeaseTaken(true));
        }
    }
    let at_ms = now_ms(tx, at_ms).await?;
    let until_ms = stored(at_ms.saturating_add(for_ms));
    let keep = sql(KEEP_LEASE)
        .bind(owner.to_vec())
        .bind(until_ms)
        .bind(work.name())
        .bind(owner.to_vec())
        .bind(stored(at_ms));
    if tx.db.run(keep).await? > 0 {
        return Ok(Reply::LeaseTaken(true));
    }
    let first = sql(FIRST_LEASE)
        .bind(work.name())
        .bind(owner.to_vec())
        .bind(until_ms);
    match tx.db.run(first).await {
        Ok(_) => Ok(Reply::LeaseTaken(true)),
        Err(stop) if stop.is_taken() => Ok(Reply::LeaseTaken(false)),
        Err(stop) => Err(stop),
    }
}

/// `before_ms`, or as long before the database's time as it is before `at_ms`, if that is earlier: a node whose clock is ahead
/// takes nothing before its time.
pub(super) async fn due_before(tx: &mut Tx<'_>, before_ms: u64, at_ms: u64) -> Answer<i64> {
    let ahead_ms = at_ms.saturating_sub(now_ms(tx, at_ms).await?);
    Ok(stored(before_ms.saturating_sub(ahead_ms)))
}

async fn collect_messages(tx: &mut Tx<'_>, before_ms: u64, limit: u32, at_ms: u64) -> Answer {
    let due_before = due_before(tx, before_ms, at_ms).await?;
    let due = sql(DUE_MESSAGES).bind(due_before).bind(i64::from(limit));
    let mut objects: BTreeMap<ObjectId, i64> = BTreeMap::new();
    let mut uids: BTreeMap<MailboxId, UidSet> = BTreeMap::new();
    let take = |row: DbRow| {
        let (mailbox, uid) = (MailboxId(row.int(0)?), row.uid(1)?);
        *objects.entry(ObjectId(row.array(3)?)).or_default() += 1;
        uids.entry(mailbox).or_default().insert(uid.0);
        Ok((mailbox, uid, row.int(2)?))
    };
    let gone = tx.db.each(due, take).await?;
    lower(tx, objects, at_ms).await?;
    graves::remember(tx, &gone).await?;
    remove_rows(tx, &uids, gone.len()).await?;
    if !gone.is_empty() {
        tracing::info!(messages = gone.len(), "garbage.messages.removed");
    }
    Ok(Reply::MessagesCollected(count(gone.len())?))
}

/// Removes the rows of soft-deleted messages.
async fn remove_rows(tx: &mut Tx<'_>, uids: &BTreeMap<MailboxId, UidSet>, planned: usize) -> Answer<()> {
    let within = |text: &'static str| {
        uids.iter().flat_map(move |(mailbox, uids)| {
            uids.ranges().map(move |range| {
                let (low, high) = (i64::from(*range.start()), i64::from(*range.end()));
                sql(text).bind(mailbox.0).bind(low).bind(high)
            })
        })
    };
    for indexes in within(DELETE_INDEXES) {
        tx.db.post(indexes).await?;
    }
    let done = tx.db.run_all(within(DELETE_MESSAGES)).await?;
    if done != planned as u64 {
        return Err(Stop::broken(format!(
            "database: {done} rows of messages went of {planned}"
        )));
    }
    Ok(())
}

/// Objects lose so many of the rows that named them.
pub(super) async fn lower(
    tx: &mut Tx<'_>,
    objects: impl IntoIterator<Item = (ObjectId, i64)>,
    at_ms: u64,
) -> Answer<()> {
    for (object, count) in objects {
        let lower = sql(LOWER)
            .bind(count)
            .bind(stored(at_ms))
            .bind(count)
            .bind(object.0.to_vec());
        tx.db.post(lower).await?;
    }
    Ok(())
}

async fn collect_mailboxes(tx: &mut Tx<'_>, before_ms: u64, limit: u32) -> Answer {
    let due = sql(DUE_MAILBOXES).bind(stored(before_ms)).bind(i64::from(limit));
    let due = tx.db.each(due, |row| row.int(0)).await?;
    for mailbox in &due {
        tx.db.post(sql(DELETE_EXPUNGED).bind(*mailbox)).await?;
        import::forget_all(tx, MailboxId(*mailbox)).await?;
        tx.db.post(sql(DELETE_MAILBOX).bind(*mailbox)).await?;
        tx.distrust(MailboxId(*mailbox));
    }
    if !due.is_empty() {
        tracing::info!(mailboxes = due.len(), "garbage.mailboxes.removed");
    }
    Ok(Reply::MailboxesCollected(count(due.len())?))
}

async fn claim_objects(tx: &mut Tx<'_>, after: Option<ObjectId>, limit: u32) -> Answer {
    // No object has the first id: a version and a variant are in each.
    let after = after.unwrap_or(ObjectId([0; 16]));
    let unnamed = sql(UNNAMED).bind(after.0.to_vec()).bind(i64::from(limit));
    let look = |row: DbRow| Ok((ObjectId(row.array(0)?), kind(row.int(1)?)?, row.int(2)?));
    let rows = tx.db.each(unnamed, look).await?;
    let last = rows.last().map(|(object, ..)| *object);
    let next = last.filter(|_| u32::try_from(rows.len()) == Ok(limit));
    let mut claimed = Vec::with_capacity(rows.len());
    for (object, kind, state) in rows {
        if state == CLAIMED || tx.db.run(sql(CLAIM).bind(object.0.to_vec())).await? == 1 {
            claimed.push((kind, object));
        } else {
            tracing::error!(%object, "garbage.refs.wrong: a row names this object, but it counts none; run lightmail fsck");
        }
    }
    Ok(Reply::ObjectsClaimed {
        objects: claimed,
        next,
    })
}

async fn forget_objects(tx: &mut Tx<'_>, objects: &[ObjectId]) -> Answer {
    for object in objects {
        tx.db.post(sql(FORGET).bind(object.0.to_vec())).await?;
    }
    Ok(Reply::ObjectsForgotten)
}

pub(crate) async fn count_garbage(tx: &mut Tx<'_>, before_ms: u64) -> Answer {
    let before_ms = stored(before_ms);
    let query = (0..4).fold(sql(COUNT), |query, _| query.bind(before_ms));
    let row = tx.db.first(query).await?;
    let row = row.ok_or_else(|| Stop::broken("database: a count without a row"))?;
    let deleted = |at| {
        let (due, all) = (row.count(at)?, row.count(at + 1)?);
        let kept = all.saturating_sub(due);
        Ok::<_, Stop>(Deleted { due, kept })
    };
    Ok(Reply::GarbageCounted(GarbageCounts {
        messages: deleted(0)?,
        mailboxes: deleted(2)?,
        calendar_objects: deleted(4)?,
        calendars: deleted(6)?,
        unnamed: row.count(8)?,
        claimed: row.count(9)?,
    }))
}

pub(crate) async fn find_objects(tx: &mut Tx<'_>, from: ObjectId, to: ObjectId) -> Answer {
    let find = sql(FIND).bind(from.0.to_vec()).bind(to.0.to_vec());
    let found = tx.db.each(find, |row| row.array(0).map(ObjectId)).await?;
    Ok(Reply::ObjectsFound(found))
}

pub(super) fn count(many: usize) -> Answer<u32> {
    u32::try_from(many).map_err(|_| Stop::broken("more rows than were asked for"))
}
