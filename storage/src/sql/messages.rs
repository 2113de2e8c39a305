//! New messages with a durable body, and messages that go: what APPEND, delivery, EXPUNGE and MOVE have in common.

use bytes::Bytes;
use lightmail_core::machine::{ObjectKind, Stored};
use lightmail_core::store::{Budget, Flags, MailboxId, ModSeq, ObjectId, Refusal, Uid};

use super::db::{Answer, Columns, Stop, sql, stored};
use super::folder::Folder;
use super::query::Query;
use super::tx::Tx;
use crate::bodies::Body;

const INSERT: &str = "INSERT INTO messages (mailbox_id, uid, modseq, flags, object_id, email_id, thread_id, \
     internal_date, save_date, size, hdr_size, sent_date) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
const INSERT_INDEX: &str =
    "INSERT INTO message_index (mailbox_id, uid, head, sha256, cache) VALUES (?, ?, ?, ?, ?)";
const INSERT_OBJECT: &str =
    "INSERT INTO object_keys (id, kind, size, sha256, refs, created_at) VALUES (?, ?, ?, ?, ?, ?)";
const REFER: &str = "UPDATE object_keys SET refs = refs + ?, zero_at = 0 WHERE id = ? AND state = 1";
const OBJECT: &str = "SELECT kind, size, sha256 FROM object_keys WHERE id = ?";
const BURY: &str = "UPDATE messages SET deleted_at = ?, modseq = ? \
     WHERE mailbox_id = ? AND uid BETWEEN ? AND ? AND deleted_at = 0 AND (flags & ?) = ?";

/// A message on its way in.
pub(crate) struct Draft<'a> {
    stored: &'a Stored,
    head: &'a [u8],
    email_id: [u8; 16],
    internal_date_s: i64,
    at_ms: u64,
    /// Octets of head and object.
    pub(crate) size: u32,
}

impl<'a> Draft<'a> {
    /// Errors: `Limit(MessageSize)` where 32 bits do not hold the size.
    pub(crate) fn new(
        stored: &'a Stored,
        head: &'a [u8],
        email_id: [u8; 16],
        internal_date_s: i64,
        at_ms: u64,
    ) -> Result<Self, Refusal> {
        let size = u32::try_from(stored.size.saturating_add(head.len() as u64));
        let size = size.map_err(|_| Refusal::Limit(Budget::MessageSize))?;
        Ok(Self {
            stored,
            head,
            email_id,
            internal_date_s,
            at_ms,
            size,
        })
    }

    /// Adds the message under the next UID, with the one MODSEQ of this request. The folder is saved by the caller.
    pub(crate) async fn insert(
        &self,
        tx: &mut Tx<'_>,
        folder: &mut Folder,
        flags: Flags,
        index: Bytes,
    ) -> Answer<Uid> {
        let (modseq, uid) = (folder.step(), folder.take_uid());
        folder.count_in(self.size, flags);
        let header = self
            .stored
            .index
            .parts
            .first()
            .map_or(0, |root| root.header().end);
        let sent = self.stored.index.summary.sent_s.unwrap_or(self.internal_date_s);
        let message = sql(INSERT)
            .bind(folder.line.id.0)
            .bind(i64::from(uid.0))
            .bind(stored(modseq.0))
            .bind(stored(flags.0))
            .bind(self.stored.object.0.to_vec())
            .bind(self.email_id.to_vec())
            // A message begins a thread of its own.
            .bind(self.email_id.to_vec())
            .bind(self.internal_date_s)
            .bind(seconds(self.at_ms))
            .bind(i64::from(self.size))
            .bind(stored(header.saturating_add(self.head.len() as u64)))
            .bind(sent);
        tx.db.post(message).await?;
        let index = sql(INSERT_INDEX)
            .bind(folder.line.id.0)
            .bind(i64::from(uid.0))
            .bind(self.head.to_vec())
            .bind(self.stored.sha256.to_vec())
            .bind(index.to_vec());
        tx.db.post(index).await?;
        Ok(uid)
    }
}

/// Makes an object's row, with so many rows that name it. Fails with a taken key if it has one.
pub(crate) async fn insert_object(
    tx: &mut Tx<'_>,
    kind: ObjectKind,
    new: &Stored,
    refs: u64,
    at_ms: u64,
) -> Answer<()> {
    tx.db.run(object_row(kind, new, refs, at_ms)).await.map(drop)
}

/// Makes the row of an object that is known to have none.
pub(crate) async fn post_object(
    tx: &mut Tx<'_>,
    kind: ObjectKind,
    new: &Stored,
    refs: u64,
    at_ms: u64,
) -> Answer<()> {
    tx.db.post(object_row(kind, new, refs, at_ms)).await
}

fn object_row(kind: ObjectKind, new: &Stored, refs: u64, at_ms: u64) -> Query {
    sql(INSERT_OBJECT)
        .bind(new.object.0.to_vec())
        .bind(stored_kind(kind))
        .bind(stored(new.size))
        .bind(new.sha256.to_vec())
        .bind(stored(refs))
        .bind(stored(at_ms))
}

/// A kind as it is stored.
pub(crate) fn stored_kind(kind: ObjectKind) -> i64 {
    match kind {
        ObjectKind::Email => 1,
        ObjectKind::Calendar => 2,
    }
}

/// From the stored number.
pub(crate) fn kind(stored: i64) -> Answer<ObjectKind> {
    match stored {
        1 => Ok(ObjectKind::Email),
        2 => Ok(ObjectKind::Calendar),
        other => Err(Stop::broken(format!("database: an object of kind {other}"))),
    }
}

/// Counts so many more messages with an object. Errors: `Broken` if it is being deleted.
pub(crate) async fn refer(tx: &mut Tx<'_>, object: ObjectId, refs: u64) -> Answer<()> {
    let query = sql(REFER).bind(stored(refs)).bind(object.0.to_vec());
    match tx.db.run(query).await? {
        1 => Ok(()),
        _ => Err(Stop::broken(format!("object {object} is being deleted"))),
    }
}

/// What an object is that has a row; it is remembered.
pub(crate) async fn object(tx: &mut Tx<'_>, object: ObjectId) -> Answer<Option<Body>> {
    let row = tx.db.first(sql(OBJECT).bind(object.0.to_vec())).await?;
    let body = row.map(|row| {
        Ok::<_, Stop>(Body {
            kind: kind(row.int(0)?)?,
            size: row.count(1)?,
            sha256: row.array(2)?,
        })
    });
    let body = body.transpose()?;
    tx.know_bodies(body.map(|body| (object, body)));
    Ok(body)
}

/// Soft-deletes the live messages of some ranges that have all `flags`; answers how many.
pub(crate) async fn bury(
    tx: &mut Tx<'_>,
    mailbox: MailboxId,
    ranges: impl IntoIterator<Item = (i64, i64)>,
    flags: Flags,
    modseq: ModSeq,
    at_ms: u64,
) -> Answer<u64> {
    let buries = ranges.into_iter().map(|(low, high)| {
        sql(BURY)
            .bind(deleted_at(at_ms))
            .bind(stored(modseq.0))
            .bind(mailbox.0)
            .bind(low)
            .bind(high)
            .bind(stored(flags.0))
            .bind(stored(flags.0))
    });
    tx.db.run_all(buries).await
}

/// When something was deleted, as it is stored: 0 means live, so the first millisecond of 1970 is the second.
pub(crate) fn deleted_at(at_ms: u64) -> i64 {
    stored(at_ms.max(1))
}

/// Milliseconds as whole seconds.
pub(crate) fn seconds(at_ms: u64) -> i64 {
    stored(at_ms / 1000)
}
