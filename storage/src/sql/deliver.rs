//! Delivery: one message to all its recipients; each is answered on its own.

use bytes::Bytes;
use lightmail_core::machine::{ObjectKind, Stored};
use lightmail_core::store::{
    Delivered, DeliveryKey, Failure, Flags, MailboxId, Recipient, Refusal, Reply, Uid,
};

use super::db::{Answer, Columns, Stop, sql, stored};
use super::folder::{Folder, count, look};
use super::messages::{self, Draft};
use super::query::Query;
use super::tree::Instead;
use super::tx::Tx;

/// The mailbox of a recipient, with what is there already of the delivery's key and of the object.
const LOOK: &str = look!(
    ", (SELECT d.uid FROM deliveries d WHERE d.k = ?), (SELECT o.refs FROM object_keys o WHERE o.id = ?)",
    "b.id = ? AND b.account_id = ?"
);
const INSERT_KEY: &str = "INSERT INTO deliveries (k, mailbox_id, uid, at) VALUES (?, ?, ?, ?)";
const FIND_KEY: &str =
    "SELECT d.uid, b.uid_validity FROM deliveries d JOIN mailboxes b ON b.id = d.mailbox_id WHERE d.k = ?";
const FORGET_KEY: &str = "DELETE FROM deliveries WHERE k = ?";
const FORGET_OLD: &str = "DELETE FROM deliveries WHERE at < ?";

/// How long a key is kept whose delivery nobody confirmed: longer than a queue keeps mail (5 days in Postfix).
const KEPT_MS: u64 = 7 * 24 * 3600 * 1000;

pub(crate) async fn deliver(
    tx: &mut Tx<'_>,
    stored: &Stored,
    recipients: &[Recipient],
    at_ms: u64,
) -> Answer {
    let index = stored.index.encode();
    let mut answers = Vec::with_capacity(recipients.len());
    let mut done = Done::default();
    for recipient in recipients {
        let planned = plan(tx, stored, recipient, at_ms).await?;
        answers.push(match planned {
            Ok(plan) => Ok(plan
                .carry_out(tx, recipient, index.clone(), at_ms, &mut done)
                .await?),
            // A repeated delivery may be too much for the quota that it has used up itself.
            Err(refusal) => delivered_before(tx, &recipient.key).await?.ok_or(refusal),
        });
    }
    refer(tx, stored, &done, at_ms).await?;
    Ok(Reply::Delivered(answers))
}

/// What a delivery has done so far.
#[derive(Default)]
struct Done {
    /// The mailboxes that have this message already: their next copy has the same MODSEQ.
    changed: Vec<MailboxId>,
    /// Whether the object had a row before.
    has_object: bool,
}

/// What will be done for a recipient.
struct Plan<'a> {
    to: Instead<'a>,
    draft: Draft<'a>,
    flags: Flags,
    /// The key has brought something already.
    is_repeated: bool,
    has_object: bool,
}

/// What will be done for a recipient, or why nothing; nothing has been written.
async fn plan<'a>(
    tx: &mut Tx<'_>,
    stored: &'a Stored,
    recipient: &'a Recipient,
    at_ms: u64,
) -> Answer<Result<Plan<'a>, Refusal>> {
    let query = sql(LOOK)
        .bind(recipient.key.0.to_vec())
        .bind(stored.object.0.to_vec())
        .bind(recipient.mailbox.0)
        .bind(recipient.account.0);
    let Some(row) = tx.db.first(query).await? else {
        return Ok(Err(Refusal::NoSuchMailbox));
    };
    let folder = Folder::from_row(&row)?;
    if folder.deleted_at != 0 {
        return Ok(Err(Refusal::NoSuchMailbox));
    }
    let (is_repeated, has_object) = (row.maybe_int(17)?.is_some(), row.maybe_int(18)?.is_some());
    let (date, head) = (messages::seconds(at_ms), &recipient.head);
    let draft = match Draft::new(stored, head, recipient.email_id, date, at_ms) {
        Ok(draft) if folder.holds(u64::from(draft.size)) => draft,
        Ok(_) => return Ok(Err(Refusal::OverQuota)),
        Err(refusal) => return Ok(Err(refusal)),
    };
    let mut to = match destination(tx, folder, recipient, date).await? {
        Ok(to) => to,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let flags = to.folder.keywords.find_or_add_all(&recipient.keywords);
    Ok(flags.and_then(|flags| {
        to.folder.check_room(1)?;
        Ok(Plan {
            to,
            draft,
            flags,
            is_repeated,
            has_object,
        })
    }))
}

/// The mailbox of a recipient, or the one in place of it.
async fn destination<'a>(
    tx: &mut Tx<'_>,
    folder: Folder,
    recipient: &'a Recipient,
    at_s: i64,
) -> Answer<Result<Instead<'a>, Refusal>> {
    let Some(new) = &recipient.instead else {
        return Ok(Ok(folder.into()));
    };
    match Instead::find(tx, &folder, new, at_s).await {
        Err(Stop::Failure(Failure::Refused(refusal))) => Ok(Err(refusal)),
        found => found.map(Ok),
    }
}

impl Plan<'_> {
    async fn carry_out(
        self,
        tx: &mut Tx<'_>,
        recipient: &Recipient,
        index: Bytes,
        at_ms: u64,
        done: &mut Done,
    ) -> Answer<Delivered> {
        if self.is_repeated {
            if let Some(delivered) = delivered_before(tx, &recipient.key).await? {
                return Ok(delivered);
            }
            // What it brought went with its mailbox, for good.
            forget(tx, &recipient.key).await?;
        }
        let mut folder = self.to.make(tx, messages::seconds(at_ms)).await?;
        let mailbox = folder.line.id;
        if done.changed.contains(&mailbox) {
            folder = folder.stepped_before();
        }
        done.has_object |= self.has_object;
        let uid = folder.line.uid_next;
        tx.db
            .post(insert_key(&recipient.key, mailbox, uid, at_ms))
            .await?;
        let uid = self.draft.insert(tx, &mut folder, self.flags, index).await?;
        folder.save(tx).await?;
        count(tx, recipient.account, 1, i64::from(self.draft.size)).await?;
        done.changed.push(mailbox);
        Ok(Delivered {
            uid_validity: folder.line.uid_validity,
            uid,
            repeated: false,
        })
    }
}

pub(super) fn insert_key(key: &DeliveryKey, mailbox: MailboxId, uid: Uid, at_ms: u64) -> Query {
    sql(INSERT_KEY)
        .bind(key.0.to_vec())
        .bind(mailbox.0)
        .bind(i64::from(uid.0))
        .bind(stored(at_ms))
}

/// Remembers what a key brings, unless it has brought something already: then that.
pub(crate) async fn take_key(
    tx: &mut Tx<'_>,
    key: &DeliveryKey,
    mailbox: MailboxId,
    uid: Uid,
    at_ms: u64,
) -> Answer<Option<Delivered>> {
    match tx.db.run(insert_key(key, mailbox, uid, at_ms)).await {
        Ok(_) => return Ok(None),
        Err(stop) if stop.is_taken() => {}
        Err(stop) => return Err(stop),
    }
    let before = delivered_before(tx, key).await?;
    if before.is_none() {
        // What it brought went with its mailbox, for good.
        forget(tx, key).await?;
        tx.db.run(insert_key(key, mailbox, uid, at_ms)).await?;
    }
    Ok(before)
}

/// What a key has brought.
pub(crate) async fn delivered_before(tx: &mut Tx<'_>, key: &DeliveryKey) -> Answer<Option<Delivered>> {
    let row = tx.db.first(sql(FIND_KEY).bind(key.0.to_vec())).await?;
    row.map(|row| {
        Ok(Delivered {
            uid_validity: row.small(1)?,
            uid: row.uid(0)?,
            repeated: true,
        })
    })
    .transpose()
}

/// An object that has messages already gets more of them.
async fn refer(tx: &mut Tx<'_>, stored: &Stored, done: &Done, at_ms: u64) -> Answer<()> {
    match (done.changed.len() as u64, done.has_object) {
        (0, _) => Ok(()),
        (refs, true) => messages::refer(tx, stored.object, refs).await,
        (refs, false) => messages::post_object(tx, ObjectKind::Email, stored, refs, at_ms).await,
    }
}

/// Forgets a key whose reply the peer has seen.
pub(crate) async fn forget(tx: &mut Tx<'_>, key: &DeliveryKey) -> Answer<()> {
    tx.db.post(sql(FORGET_KEY).bind(key.0.to_vec())).await
}

/// Forgets the keys that nobody will send again.
pub(crate) async fn forget_old(tx: &mut Tx<'_>, now_ms: u64) -> Answer<()> {
    tx.db
        .post(sql(FORGET_OLD).bind(stored(now_ms.saturating_sub(KEPT_MS))))
        .await
}
