//! Undelete: new rows for messages that were deleted.
//!
//! The rows of the dead are locked first, as the garbage worker locks them: what it has taken is gone, and what is here comes
//! back with a reference of its own before the worker takes the old one.

use std::collections::BTreeSet;

use lightmail_core::store::{
    AccountId, DeletedMessage, Fate, FindDeleted, Flag, Flags, Keyword, Keywords, MailboxId, MailboxName,
    ObjectId, Refusal, Reply, Uid, UidSet, Undelete, Undeleted,
};

use super::db::{Answer, Columns, Stop, sql, stored};
use super::folder::{Folder, count};
use super::messages;
use super::row::DbRow;
use super::tx::Tx;

const ACCOUNT: &str = "SELECT 1 FROM accounts WHERE id = ?";
/// The mailboxes of an account, deleted ones too, from one on; of one name, or of all.
const MAILBOXES: &str = "SELECT b.id, b.name FROM mailboxes b \
     WHERE b.account_id = ? AND (? = 1 OR b.name = ?) AND b.id >= ? ORDER BY b.id";
/// Deleted messages of a mailbox: what may come of each is the highest number of all rows that are the same message.
const DELETED: &str = "SELECT m.uid, m.deleted_at, m.internal_date, m.size, \
     (SELECT MAX(CASE WHEN l.deleted_at = 0 THEN 2 \
     WHEN (? = 1 OR b.name = ?) AND l.deleted_at >= ? AND l.deleted_at < ? AND (l.deleted_at > m.deleted_at \
     OR (l.deleted_at = m.deleted_at AND (l.mailbox_id > m.mailbox_id \
     OR (l.mailbox_id = m.mailbox_id AND l.uid > m.uid)))) THEN 1 ELSE 0 END) \
     FROM messages l JOIN mailboxes b ON b.id = l.mailbox_id \
     WHERE l.object_id = m.object_id AND l.email_id = m.email_id AND b.account_id = ?) \
     FROM messages m WHERE m.mailbox_id = ? AND m.uid > ? AND m.deleted_at > 0 AND m.deleted_at >= ? AND m.deleted_at < ? \
     ORDER BY m.uid LIMIT ?";

const ROWS: &str = "SELECT uid, object_id, email_id, size, flags FROM messages \
     WHERE mailbox_id = ? AND uid BETWEEN ? AND ? ORDER BY uid /*! FOR UPDATE */";
const LIVES: &str = "SELECT 1 FROM messages l JOIN mailboxes b ON b.id = l.mailbox_id \
     WHERE l.object_id = ? AND l.email_id = ? AND l.deleted_at = 0 AND b.account_id = ? LIMIT 1";
const RESTORE: &str = "INSERT INTO messages (mailbox_id, uid, modseq, flags, object_id, email_id, thread_id, \
     internal_date, save_date, size, hdr_size, sent_date) \
     SELECT ?, ?, ?, ?, m.object_id, m.email_id, m.thread_id, m.internal_date, ?, m.size, m.hdr_size, m.sent_date \
     FROM messages m WHERE m.mailbox_id = ? AND m.uid = ?";
const RESTORE_INDEX: &str = "INSERT INTO message_index (mailbox_id, uid, head, sha256, cache) \
     SELECT ?, ?, i.head, i.sha256, i.cache FROM message_index i WHERE i.mailbox_id = ? AND i.uid = ?";

/// Errors: `NoSuchAccount`.
pub(super) async fn check_account(tx: &mut Tx<'_>, account: AccountId) -> Answer<()> {
    let row = tx.db.first(sql(ACCOUNT).bind(account.0)).await?;
    row.map(drop).ok_or_else(|| Refusal::NoSuchAccount.into())
}

pub(crate) async fn find(tx: &mut Tx<'_>, wanted: &FindDeleted) -> Answer {
    check_account(tx, wanted.account).await?;
    let (first, after) = wanted.after.unwrap_or((MailboxId(0), Uid(0)));
    let mut found = Vec::new();
    for (mailbox, name) in mailboxes(tx, wanted, first).await? {
        let left = u64::from(wanted.limit).saturating_sub(found.len() as u64);
        if left == 0 {
            break;
        }
        let after = if mailbox == first { after } else { Uid(0) };
        found.extend(find_in(tx, wanted, (mailbox, &name), after, left).await?);
    }
    Ok(Reply::DeletedFound(found))
}

async fn mailboxes(
    tx: &mut Tx<'_>,
    wanted: &FindDeleted,
    first: MailboxId,
) -> Answer<Vec<(MailboxId, MailboxName)>> {
    let (all, name) = named(wanted);
    let query = sql(MAILBOXES)
        .bind(wanted.account.0)
        .bind(all)
        .bind(name)
        .bind(first.0);
    let read = |row: DbRow| {
        let name = String::from_utf8(row.octets(1)?.into());
        let name = name.ok().and_then(|name| MailboxName::new(&name).ok());
        let name = name.ok_or_else(|| Stop::broken("database: a mailbox's name is none"))?;
        Ok((MailboxId(row.int(0)?), name))
    };
    tx.db.each(query, read).await
}

/// Whether mailboxes of all names are meant, and if not, of which.
fn named(wanted: &FindDeleted) -> (i64, Vec<u8>) {
    match &wanted.mailbox {
        Some(name) => (0, name.as_str().as_bytes().to_vec()),
        None => (1, Vec::new()),
    }
}

async fn find_in(
    tx: &mut Tx<'_>,
    wanted: &FindDeleted,
    (mailbox, name): (MailboxId, &MailboxName),
    after: Uid,
    limit: u64,
) -> Answer<Vec<DeletedMessage>> {
    let (all, of_name) = named(wanted);
    let (from, before) = (stored(wanted.from_ms), stored(wanted.before_ms));
    let query = sql(DELETED)
        .bind(all)
        .bind(of_name)
        .bind(from)
        .bind(before)
        .bind(wanted.account.0)
        .bind(mailbox.0)
        .bind(i64::from(after.0))
        .bind(from)
        .bind(before)
        .bind(stored(limit));
    let read = |row: DbRow| {
        Ok(DeletedMessage {
            mailbox,
            name: name.clone(),
            uid: row.uid(0)?,
            deleted_at_ms: row.count(1)?,
            internal_date_s: row.int(2)?,
            size: row.small(3)?,
            fate: match row.maybe_int(4)? {
                Some(2) => Fate::Lives,
                Some(1) => Fate::Later,
                _ => Fate::Restorable,
            },
        })
    };
    tx.db.each(query, read).await
}

/// A row that is asked for, deleted or not.
struct Dead {
    uid: u32,
    object: ObjectId,
    email_id: [u8; 16],
    size: u32,
    flags: Flags,
}

pub(crate) async fn undelete(tx: &mut Tx<'_>, wanted: &Undelete) -> Answer {
    check_account(tx, wanted.account).await?;
    let from = Folder::by_id(tx, wanted.account, wanted.from).await?;
    let mut to = Folder::by_name(tx, wanted.account, &wanted.to).await?;
    let rows = rows(tx, wanted).await?;
    let seen: UidSet = rows.iter().map(|row| row.uid).collect();
    let mut done = Undeleted {
        uid_validity: to.line.uid_validity,
        gone: wanted.uids.difference(&seen),
        ..Undeleted::default()
    };
    let drafts = sort_out(tx, wanted.account, &to, rows, &mut done).await?;
    if !drafts.is_empty() {
        to.keywords = grown(&to, &from.keywords, &drafts)?;
        for draft in &drafts {
            let flags = to.keywords.translate(draft.flags, &from.keywords) & !Flags::from(Flag::Deleted);
            let uid = restore(tx, wanted, draft, &mut to, flags).await?;
            done.target.insert(uid.0);
        }
        to.save(tx).await?;
        let bytes = drafts.iter().map(|draft| i64::from(draft.size)).sum();
        count(tx, wanted.account, stored(drafts.len() as u64), bytes).await?;
    }
    Ok(Reply::Undeleted(done))
}

async fn rows(tx: &mut Tx<'_>, wanted: &Undelete) -> Answer<Vec<Dead>> {
    let mut rows = Vec::new();
    for range in wanted.uids.ranges() {
        let query = sql(ROWS)
            .bind(wanted.from.0)
            .bind(i64::from(*range.start()))
            .bind(i64::from(*range.end()));
        let read = |row: DbRow| {
            Ok(Dead {
                uid: row.small(0)?,
                object: ObjectId(row.array(1)?),
                email_id: row.array(2)?,
                size: row.small(3)?,
                flags: Flags(row.count(4)?),
            })
        };
        rows.extend(tx.db.each(query, read).await?);
    }
    Ok(rows)
}

/// Those of the rows that come back; why the others do not is told in `done`. Nothing is written.
async fn sort_out(
    tx: &mut Tx<'_>,
    me: AccountId,
    to: &Folder,
    rows: Vec<Dead>,
    done: &mut Undeleted,
) -> Answer<Vec<Dead>> {
    let (mut drafts, mut bytes, mut taken) = (Vec::new(), 0, BTreeSet::new());
    for row in rows {
        let size = u64::from(row.size);
        if taken.contains(&(row.object, row.email_id)) || lives(tx, me, &row).await? {
            done.lives.insert(row.uid);
        } else if !to.holds(bytes + size) {
            done.over_quota.insert(row.uid);
        } else {
            done.restored.insert(row.uid);
            bytes += size;
            taken.insert((row.object, row.email_id));
            drafts.push(row);
        }
    }
    Ok(drafts)
}

async fn lives(tx: &mut Tx<'_>, me: AccountId, row: &Dead) -> Answer<bool> {
    let query = sql(LIVES)
        .bind(row.object.0.to_vec())
        .bind(row.email_id.to_vec())
        .bind(me.0);
    Ok(tx.db.first(query).await?.is_some())
}

/// The target's keywords with those that it lacks. Errors: `Limit(Keywords)`, `Limit(Uids)`.
fn grown(to: &Folder, from: &Keywords, drafts: &[Dead]) -> Result<Keywords, Refusal> {
    let used = drafts.iter().fold(Flags::NONE, |used, draft| used | draft.flags);
    let wanted: Vec<_> = from.of(used).filter_map(Keyword::new).collect();
    let mut list = to.keywords.clone();
    list.find_or_add_all(&wanted)?;
    to.check_room(drafts.len())?;
    Ok(list)
}

async fn restore(
    tx: &mut Tx<'_>,
    wanted: &Undelete,
    draft: &Dead,
    to: &mut Folder,
    flags: Flags,
) -> Answer<Uid> {
    let (modseq, uid) = (to.step(), to.take_uid());
    to.count_in(draft.size, flags);
    messages::refer(tx, draft.object, 1).await?;
    let message = sql(RESTORE)
        .bind(to.line.id.0)
        .bind(i64::from(uid.0))
        .bind(stored(modseq.0))
        .bind(stored(flags.0))
        .bind(messages::seconds(wanted.at_ms))
        .bind(wanted.from.0)
        .bind(i64::from(draft.uid));
    tx.db.post(message).await?;
    let index = sql(RESTORE_INDEX)
        .bind(to.line.id.0)
        .bind(i64::from(uid.0))
        .bind(wanted.from.0)
        .bind(i64::from(draft.uid));
    tx.db.post(index).await?;
    Ok(uid)
}
