//! Rows of the outbound queue: how they are made, found for writing, read, and removed.

use std::collections::BTreeMap;

use lightmail_core::machine::Stored;
use lightmail_core::store::queue::{MailOptions, Outbound, QueueEntry, QueueId, QueueState};
use lightmail_core::store::{AccountId, MailboxId, ObjectId, Uid};

use super::db::{Answer, Columns, Stop, sql, stored};
use super::deliver::{forget, insert_key};
use super::garbage;
use super::row::DbRow;
use super::tx::Tx;

/// A text that finds rows to be changed. SQLite's lock is the one writer.
macro_rules! for_update {
    ($text:expr) => {
        concat!($text, " /*! FOR UPDATE */")
    };
}
pub(super) use for_update;

macro_rules! find {
    ($marks:literal) => {
        for_update!(concat!(
            "SELECT id, object_id, state, lease_owner FROM queue WHERE id IN (",
            $marks,
            ") ORDER BY id"
        ))
    };
}

const FIND_ONE: &str = find!("?");
const FIND_EIGHT: &str = find!("?, ?, ?, ?, ?, ?, ?, ?");
/// What is there already of a delivery's key, of the object and of the entry.
const LOOK: &str = "SELECT (SELECT d.mailbox_id FROM deliveries d WHERE d.k = ?), \
     (SELECT o.refs FROM object_keys o WHERE o.id = ?), (SELECT q.attempts FROM queue q WHERE q.id = ?)";
const INSERT: &str = "INSERT INTO queue (id, object_id, object_size, sha256, account_id, sender, rcpt, domain, head, options, \
     turn, next_at, lease_owner, created_at, expires_at, last_error) \
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
const DELETE: &str = "DELETE FROM queue WHERE id = ?";

/// `lease_owner` of a row that nobody has claimed.
pub(super) const NOBODY: [u8; 16] = [0; 16];
/// `mailbox_id` of a delivery's key that queued something.
const QUEUED: MailboxId = MailboxId(0);
/// `state` of a row that an operator holds.
pub(super) const HELD: i64 = 2;

/// What is asked of a row that is to be changed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) object: ObjectId,
    pub(super) owner: [u8; 16],
    pub(super) state: QueueState,
}

impl Found {
    /// Of the columns `id, object_id, state, lease_owner`.
    pub(super) fn from_row(row: &impl Columns) -> Answer<(QueueId, Self)> {
        let owner = row.array(3)?;
        let found = Self {
            object: ObjectId(row.array(1)?),
            owner,
            state: state(row.int(2)?, owner),
        };
        Ok((QueueId(row.array(0)?), found))
    }
}

/// What an entry waits for.
pub(super) fn state(stored: i64, owner: [u8; 16]) -> QueueState {
    match (stored, owner) {
        (HELD, _) => QueueState::Held,
        (_, NOBODY) => QueueState::Waiting,
        _ => QueueState::Claimed,
    }
}

/// A row that is due.
#[derive(Debug)]
pub(super) enum Claimed {
    Entry(Box<QueueEntry>),
    /// Its options are damaged, or of a later version.
    Unreadable(QueueId),
}

impl Claimed {
    /// Of the columns of an entry, in its order.
    pub(super) fn from_row(row: &impl Columns) -> Answer<Self> {
        let id = QueueId(row.array(0)?);
        let Some(options) = MailOptions::decode(&row.octets(6)?) else {
            return Ok(Self::Unreadable(id));
        };
        Ok(Self::Entry(Box::new(QueueEntry {
            id,
            account: account(row.int(1)?),
            sender: row.text(2)?,
            recipient: row.text(3)?,
            domain: row.text(4)?,
            head: row.octets(5)?,
            options,
            object: ObjectId(row.array(7)?),
            object_size: row.count(8)?,
            sha256: row.array(9)?,
            attempts: row.small(10)?,
            created_ms: row.count(11)?,
            expires_ms: row.count(12)?,
            told_delay: row.int(13)? != 0,
            last_error: words(row, 14)?,
        })))
    }
}

/// Who submitted an entry.
pub(super) fn account(stored: i64) -> Option<AccountId> {
    (stored != 0).then_some(AccountId(stored))
}

/// Why the last try failed.
pub(super) fn words(row: &impl Columns, at: usize) -> Answer<String> {
    Ok(String::from_utf8_lossy(&row.octets(at)?).into_owned())
}

/// How many entries are new, and whether the object had a row before.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Enqueued {
    pub(super) many: u64,
    pub(super) has_object: bool,
}

/// Queues a message for those who are elsewhere. The caller counts the references.
pub(super) async fn enqueue(
    tx: &mut Tx<'_>,
    new: &Stored,
    outbound: &[Outbound],
    at_ms: u64,
) -> Answer<Enqueued> {
    let mut done = Enqueued::default();
    for one in outbound {
        let look = sql(LOOK)
            .bind(one.key.0.to_vec())
            .bind(new.object.0.to_vec())
            .bind(one.id.0.to_vec());
        let row = tx.db.first(look).await?;
        let row = row.ok_or_else(|| Stop::broken("database: a row of three questions is missing"))?;
        done.has_object |= row.maybe_int(1)?.is_some();
        match row.maybe_int(0)? {
            Some(mailbox) if mailbox == QUEUED.0 => continue,
            Some(_) => forget(tx, &one.key).await?,
            None => {}
        }
        if row.maybe_int(2)?.is_some() {
            return Err(Stop::broken(format!("{:?} is taken", one.id)));
        }
        tx.db.post(insert_key(&one.key, QUEUED, Uid(0), at_ms)).await?;
        insert(tx, new, one, at_ms).await?;
        done.many += 1;
    }
    Ok(done)
}

async fn insert(tx: &mut Tx<'_>, new: &Stored, one: &Outbound, at_ms: u64) -> Answer<()> {
    let insert = sql(INSERT)
        .bind(one.id.0.to_vec())
        .bind(new.object.0.to_vec())
        .bind(stored(new.size))
        .bind(new.sha256.to_vec())
        .bind(one.account.map_or(0, |account| account.0))
        .bind(one.sender.clone())
        .bind(one.recipient.clone())
        .bind(one.domain.clone())
        .bind(one.head.to_vec())
        .bind(one.options.encode())
        .bind(-i64::from(one.options.priority))
        .bind(stored(one.due_ms))
        .bind(NOBODY.to_vec())
        .bind(stored(at_ms))
        .bind(stored(one.expires_ms))
        .bind(Vec::new());
    tx.db.post(insert).await
}

/// The rows of some ids, locked.
pub(super) async fn find(
    tx: &mut Tx<'_>,
    ids: impl Iterator<Item = QueueId>,
) -> Answer<BTreeMap<QueueId, Found>> {
    let ids: Vec<_> = ids.collect();
    let mut found = BTreeMap::new();
    for some in ids.chunks(8) {
        let Some(last) = some.last() else { continue };
        let (text, marks) = if some.len() == 1 {
            (FIND_ONE, 1)
        } else {
            (FIND_EIGHT, 8)
        };
        // The last fills what is left of the marks.
        let marks = some.iter().chain(std::iter::repeat(last)).take(marks);
        let query = marks.fold(sql(text), |query, id| query.bind(id.0.to_vec()));
        found.extend(tx.db.each(query, |row: DbRow| Found::from_row(&row)).await?);
    }
    Ok(found)
}

/// Removes rows that are locked; their objects lose as many references.
pub(super) async fn remove(tx: &mut Tx<'_>, gone: BTreeMap<QueueId, ObjectId>, at_ms: u64) -> Answer<()> {
    let mut objects: BTreeMap<ObjectId, i64> = BTreeMap::new();
    for (id, object) in gone {
        tx.db.post(sql(DELETE).bind(id.0.to_vec())).await?;
        *objects.entry(object).or_default() += 1;
    }
    garbage::lower(tx, objects, at_ms).await
}
