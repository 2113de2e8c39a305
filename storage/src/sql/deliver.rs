//! Delivery: one message to all its recipients; each is answered on its own.

use bytes::Bytes;
use lightmail_core::machine::{ObjectKind, Stored};
use lightmail_core::store::{Delivered, DeliveryKey, Flags, MailboxId, Recipient, Refusal, Reply, Uid};

use super::db::{Answer, Columns, sql, stored};
use super::folder::{Folder, count};
use super::messages::{self, Draft};
use super::tx::Tx;

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
    let mut changed = Vec::new();
    for recipient in recipients {
        let answer = deliver_one(tx, stored, recipient, index.clone(), at_ms, &mut changed).await?;
        answers.push(answer);
    }
    refer(tx, stored, changed.len() as u64, at_ms).await?;
    Ok(Reply::Delivered(answers))
}

/// `changed` holds the mailboxes that have this message already: their next copy has the same MODSEQ.
async fn deliver_one(
    tx: &mut Tx<'_>,
    stored: &Stored,
    recipient: &Recipient,
    index: Bytes,
    at_ms: u64,
    changed: &mut Vec<MailboxId>,
) -> Answer<Result<Delivered, Refusal>> {
    let planned = match plan(tx, stored, recipient, at_ms).await? {
        Ok((mut folder, draft)) => {
            if changed.contains(&recipient.mailbox) {
                folder = folder.stepped_before();
            }
            let uid = folder.line.uid_next;
            if let Some(delivered) = take_key(tx, &recipient.key, recipient.mailbox, uid, at_ms).await? {
                return Ok(Ok(delivered));
            }
            Ok((folder, draft))
        }
        Err(refusal) => Err(refusal),
    };
    match planned {
        Ok((mut folder, draft)) => {
            let uid = draft.insert(tx, &mut folder, Flags::NONE, index).await?;
            folder.save(tx).await?;
            count(tx, recipient.account, 1, i64::from(draft.size)).await?;
            changed.push(recipient.mailbox);
            Ok(Ok(Delivered {
                uid_validity: folder.line.uid_validity,
                uid,
                repeated: false,
            }))
        }
        Err(refusal) => Ok(delivered_before(tx, &recipient.key).await?.ok_or(refusal)),
    }
}

/// What will be done for a recipient, or why nothing; nothing has been written.
async fn plan<'a>(
    tx: &mut Tx<'_>,
    stored: &'a Stored,
    recipient: &'a Recipient,
    at_ms: u64,
) -> Answer<Result<(Folder, Draft<'a>), Refusal>> {
    let folder = match Folder::live(tx, recipient.account, recipient.mailbox).await {
        Err(super::db::Stop::Failure(lightmail_core::store::Failure::Refused(refusal))) => {
            return Ok(Err(refusal));
        }
        folder => folder?,
    };
    let draft = Draft::new(
        stored,
        &recipient.head,
        recipient.email_id,
        messages::seconds(at_ms),
        at_ms,
    );
    Ok(draft.and_then(|draft| {
        if !folder.holds(u64::from(draft.size)) {
            return Err(Refusal::OverQuota);
        }
        folder.check_room(1)?;
        Ok((folder, draft))
    }))
}

/// Remembers what a key brings, unless it has brought something already: then that.
pub(crate) async fn take_key(
    tx: &mut Tx<'_>,
    key: &DeliveryKey,
    mailbox: MailboxId,
    uid: Uid,
    at_ms: u64,
) -> Answer<Option<Delivered>> {
    let query = || {
        sql(INSERT_KEY)
            .bind(key.0.to_vec())
            .bind(mailbox.0)
            .bind(i64::from(uid.0))
            .bind(stored(at_ms))
    };
    match tx.db.run(query()).await {
        Ok(_) => return Ok(None),
        Err(stop) if stop.is_taken() => {}
        Err(stop) => return Err(stop),
    }
    let before = delivered_before(tx, key).await?;
    if before.is_none() {
        // What it brought went with its mailbox, for good.
        forget(tx, key).await?;
        tx.db.run(query()).await?;
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
async fn refer(tx: &mut Tx<'_>, stored: &Stored, refs: u64, at_ms: u64) -> Answer<()> {
    if refs == 0 {
        return Ok(());
    }
    match messages::insert_object(tx, ObjectKind::Email, stored, refs, at_ms).await {
        Err(stop) if stop.is_taken() => messages::refer(tx, stored.object, refs).await,
        inserted => inserted,
    }
}

/// Forgets a key whose reply the peer has seen.
pub(crate) async fn forget(tx: &mut Tx<'_>, key: &DeliveryKey) -> Answer<()> {
    tx.db.run(sql(FORGET_KEY).bind(key.0.to_vec())).await.map(drop)
}

/// Forgets the keys that nobody will send again.
pub(crate) async fn forget_old(tx: &mut Tx<'_>, now_ms: u64) -> Answer<()> {
    tx.db
        .run(sql(FORGET_OLD).bind(stored(now_ms.saturating_sub(KEPT_MS))))
        .await
        .map(drop)
}
