//! Repairs: what follows from other rows without guessing, each in one short transaction under the account's lock.

use lightmail_core::store::{Failure, domain_of};

use super::finding::Subject;
use super::{fix_index, fix_uids};
use crate::sql::db::{Answer, Columns, Stop, sql, stored};
use crate::sql::domains;
use crate::sql::short::{Short, lock_account, lock_calendar, lock_mailbox};
use crate::sql::tx::Tx;
use crate::storage::Inner;
use std::sync::Arc;

/// How a breach is repaired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fix {
    /// It is not: only a backup, or a person, knows what is right.
    No,
    CountMailbox,
    CountAccount,
    CountReferences,
    CountCalendar,
    RaiseNumbers,
    RaiseUidValidity,
    RaiseCalendar,
    LowerRecent,
    AccountForUids,
    ForgetExpunged,
    ForgetIndex,
    ForgetDelivery,
    ForgetAddress,
    ForgetAlias,
    ForgetCatchAll,
    OwnDomain,
    ForgetSubscriptions,
    MakeIndex,
    RestoreObject,
}

/// What repairs work with.
pub(super) struct Bench<'a> {
    pub(super) inner: &'a Arc<Inner>,
    pub(super) short: Short<'a>,
    pub(super) at_ms: u64,
}

impl Bench<'_> {
    /// Repairs a breach; whether there was a way.
    pub(super) async fn apply(&mut self, fix: Fix, subject: &Subject) -> Answer<bool> {
        let done = match (fix, subject) {
            (Fix::MakeIndex, Subject::Message(mailbox, uid)) => {
                fix_index::make_index(self, *mailbox, *uid).await
            }
            (Fix::RestoreObject, Subject::Message(mailbox, uid)) => {
                fix_index::restore_object(self, *mailbox, *uid).await
            }
            (Fix::No, _) => Ok(false),
            (fix, subject) => {
                let at_ms = self.at_ms;
                self.short
                    .run(async |tx| repair(tx, fix, subject, at_ms).await)
                    .await
            }
        };
        match done {
            // A body that cannot be read, a row that is damaged: this one stays as it is.
            Err(Stop::Failure(Failure::Broken(_))) => Ok(false),
            done => done,
        }
    }
}

async fn repair(tx: &mut Tx<'_>, fix: Fix, subject: &Subject, at_ms: u64) -> Answer<bool> {
    match (fix, subject) {
        (Fix::CountMailbox, Subject::Mailbox(id)) => count_mailbox(tx, *id).await,
        (Fix::CountAccount, Subject::Account(id)) => count_account(tx, *id).await,
        (Fix::CountReferences, Subject::Object(id)) => count_references(tx, id.0, at_ms).await,
        (Fix::CountCalendar, Subject::Calendar(id)) => count_calendar(tx, *id).await,
        (Fix::RaiseNumbers, Subject::Mailbox(id)) => raise_numbers(tx, *id).await,
        (Fix::RaiseUidValidity, Subject::Account(id)) => raise_uid_validity(tx, *id).await,
        (Fix::RaiseCalendar, Subject::Calendar(id)) => raise_calendar(tx, *id).await,
        (Fix::LowerRecent, Subject::Mailbox(id)) => {
            lock_mailbox(tx, *id).await?;
            Ok(tx.db.run(sql(LOWER_RECENT).bind(*id)).await? > 0)
        }
        (Fix::AccountForUids, Subject::Mailbox(id)) => fix_uids::account_for(tx, *id).await,
        (Fix::ForgetExpunged, Subject::Mailbox(id)) => {
            Ok(tx.db.run(sql(FORGET_EXPUNGED).bind(*id)).await? > 0)
        }
        (Fix::ForgetIndex, Subject::Message(mailbox, uid)) => {
            lock_mailbox(tx, *mailbox).await?;
            Ok(tx.db.run(sql(FORGET_INDEX).bind(*mailbox).bind(*uid)).await? > 0)
        }
        (Fix::ForgetDelivery, Subject::Delivery(key)) => forget_delivery(tx, key).await,
        (Fix::ForgetAddress, Subject::Address(address)) => {
            Ok(tx.db.run(sql(FORGET_ADDRESS).bind(address.clone())).await? > 0)
        }
        (Fix::ForgetAlias, Subject::Address(address)) => {
            Ok(tx.db.run(sql(FORGET_ALIAS).bind(address.clone())).await? > 0)
        }
        (Fix::ForgetCatchAll, Subject::Domain(name)) => {
            Ok(tx.db.run(sql(FORGET_CATCH_ALL).bind(name.clone())).await? > 0)
        }
        // Another address of the domain may have been repaired before.
        (Fix::OwnDomain, Subject::Address(address)) => {
            domains::own(tx, domain_of(address), at_ms).await.map(|_| true)
        }
        (Fix::ForgetSubscriptions, Subject::Account(id)) => {
            Ok(tx.db.run(sql(FORGET_SUBSCRIPTIONS).bind(*id)).await? > 0)
        }
        _ => Ok(false),
    }
}

const LOWER_RECENT: &str =
    "UPDATE mailboxes SET recent_from = uid_next WHERE id = ? AND recent_from > uid_next";
const FORGET_EXPUNGED: &str = "DELETE FROM expunged WHERE mailbox_id = ? \
     AND NOT EXISTS (SELECT 1 FROM mailboxes b WHERE b.id = expunged.mailbox_id)";
const FORGET_INDEX: &str = "DELETE FROM message_index WHERE mailbox_id = ? AND uid = ? AND NOT EXISTS \
     (SELECT 1 FROM messages m WHERE m.mailbox_id = message_index.mailbox_id AND m.uid = message_index.uid)";
const FORGET_ADDRESS: &str = "DELETE FROM addresses WHERE address = ? \
     AND NOT EXISTS (SELECT 1 FROM accounts a WHERE a.id = addresses.account_id)";
const FORGET_ALIAS: &str = "DELETE FROM aliases WHERE address = ? \
     AND NOT EXISTS (SELECT 1 FROM accounts a WHERE a.id = aliases.account_id)";
const FORGET_CATCH_ALL: &str = "UPDATE domains SET catch_all = 0 WHERE name = ? \
     AND NOT EXISTS (SELECT 1 FROM accounts a WHERE a.id = domains.catch_all)";
const FORGET_SUBSCRIPTIONS: &str = "DELETE FROM subscriptions WHERE account_id = ? \
     AND NOT EXISTS (SELECT 1 FROM accounts a WHERE a.id = subscriptions.account_id)";

const MAILBOX_SUMS: &str = "SELECT COUNT(*), CAST(COALESCE(SUM((flags & 1) = 0), 0) AS SIGNED), \
     CAST(COALESCE(SUM((flags & 8) <> 0), 0) AS SIGNED), CAST(COALESCE(SUM(size), 0) AS SIGNED) \
     FROM messages WHERE mailbox_id = ? AND deleted_at = 0";
const SET_MAILBOX: &str = "UPDATE mailboxes SET msgs = ?, unseen = ?, deleted = ?, bytes = ? WHERE id = ?";

async fn count_mailbox(tx: &mut Tx<'_>, mailbox: i64) -> Answer<bool> {
    lock_mailbox(tx, mailbox).await?;
    let Some(sums) = tx.db.first(sql(MAILBOX_SUMS).bind(mailbox)).await? else {
        return Ok(false);
    };
    let set = (0..4).try_fold(sql(SET_MAILBOX), |set, at| Ok::<_, Stop>(set.bind(sums.int(at)?)));
    tx.db.run(set?.bind(mailbox)).await?;
    Ok(true)
}

const ACCOUNT_SUMS: &str = "SELECT CAST(COALESCE(SUM(msgs), 0) AS SIGNED), CAST(COALESCE(SUM(bytes), 0) AS SIGNED) \
     FROM mailboxes WHERE account_id = ?";
const SET_ACCOUNT: &str = "UPDATE accounts SET used_msgs = ?, used_bytes = ? WHERE id = ?";

async fn count_account(tx: &mut Tx<'_>, account: i64) -> Answer<bool> {
    lock_account(tx, account).await?;
    let Some(sums) = tx.db.first(sql(ACCOUNT_SUMS).bind(account)).await? else {
        return Ok(false);
    };
    let set = sql(SET_ACCOUNT).bind(sums.int(0)?).bind(sums.int(1)?);
    tx.db.run(set.bind(account)).await?;
    Ok(true)
}

/// Whoever adds or removes a row that names an object changes the object's row in the same transaction: with it locked,
/// what is counted afterwards stays true.
const LOCK_OBJECT: &str = "SELECT id FROM object_keys WHERE id = ? AND state = 1 /*! FOR UPDATE */";
const REFERENCES: &str = "SELECT (SELECT COUNT(*) FROM messages m WHERE m.object_id = o.id) \
     + (SELECT COUNT(*) FROM calendar_objects c WHERE c.object_id = o.id) \
     + (SELECT COUNT(*) FROM queue q WHERE q.object_id = o.id) FROM object_keys o WHERE o.id = ?";
const SET_REFERENCES: &str = "UPDATE object_keys SET refs = ?, zero_at = ? WHERE id = ?";

async fn count_references(tx: &mut Tx<'_>, object: [u8; 16], at_ms: u64) -> Answer<bool> {
    tx.db.first(sql(LOCK_OBJECT).bind(object.to_vec())).await?;
    let Some(row) = tx.db.first(sql(REFERENCES).bind(object.to_vec())).await? else {
        return Ok(false);
    };
    let refs = row.int(0)?;
    let zero_at = if refs == 0 { stored(at_ms.max(1)) } else { 0 };
    let set = sql(SET_REFERENCES).bind(refs).bind(zero_at);
    tx.db.run(set.bind(object.to_vec())).await?;
    Ok(true)
}

const CALENDAR_OBJECTS: &str = "SELECT COUNT(*) FROM calendar_objects WHERE calendar_id = ? AND gone = 0";
const SET_CALENDAR: &str = "UPDATE calendars SET objects = ? WHERE id = ?";

async fn count_calendar(tx: &mut Tx<'_>, calendar: i64) -> Answer<bool> {
    lock_calendar(tx, calendar).await?;
    let row = tx.db.first(sql(CALENDAR_OBJECTS).bind(calendar)).await?;
    let objects = row.map_or(Ok(0), |row| row.int(0))?;
    let set = sql(SET_CALENDAR).bind(objects).bind(calendar);
    Ok(tx.db.run(set).await? > 0)
}

const NUMBERS: &str = "SELECT b.uid_next, b.highest_modseq, \
     (SELECT COALESCE(MAX(m.uid), 0) FROM messages m WHERE m.mailbox_id = b.id), \
     (SELECT COALESCE(MAX(m.modseq), 0) FROM messages m WHERE m.mailbox_id = b.id), \
     (SELECT COALESCE(MAX(e.modseq), 0) FROM expunged e WHERE e.mailbox_id = b.id) FROM mailboxes b WHERE b.id = ?";
const TELL: &str = "UPDATE messages SET modseq = ? WHERE mailbox_id = ? AND (uid >= ? OR modseq > ?)";
const SET_NUMBERS: &str = "UPDATE mailboxes SET uid_next = ?, highest_modseq = ? WHERE id = ?";

/// Raises UIDNEXT and HIGHESTMODSEQ above what is there. The messages that were beyond them get the new MODSEQ, so that clients
/// are told.
async fn raise_numbers(tx: &mut Tx<'_>, mailbox: i64) -> Answer<bool> {
    lock_mailbox(tx, mailbox).await?;
    let Some(row) = tx.db.first(sql(NUMBERS).bind(mailbox)).await? else {
        return Ok(false);
    };
    let (uid_next, highest) = (row.int(0)?, row.int(1)?);
    let next = uid_next.max(row.int(2)?.saturating_add(1));
    let modseq = highest.max(row.int(3)?).max(row.int(4)?).saturating_add(1);
    let tell = sql(TELL).bind(modseq).bind(mailbox).bind(uid_next).bind(highest);
    tx.db.run(tell).await?;
    tx.db
        .run(sql(SET_NUMBERS).bind(next).bind(modseq).bind(mailbox))
        .await?;
    tx.distrust(lightmail_core::store::MailboxId(mailbox));
    Ok(true)
}

const LARGEST_UID_VALIDITY: &str =
    "SELECT COALESCE(MAX(uid_validity), 0) FROM mailboxes WHERE account_id = ?";
const RAISE_UID_VALIDITY: &str = "UPDATE uid_validity_seq SET last = ? WHERE account_id = ? AND last <= ?";
const FIRST_UID_VALIDITY: &str = "INSERT INTO uid_validity_seq (last, account_id) VALUES (?, ?)";

async fn raise_uid_validity(tx: &mut Tx<'_>, account: i64) -> Answer<bool> {
    lock_account(tx, account).await?;
    let row = tx.db.first(sql(LARGEST_UID_VALIDITY).bind(account)).await?;
    let last = row.map_or(Ok(0), |row| row.int(0))?;
    let raise = sql(RAISE_UID_VALIDITY).bind(last).bind(account).bind(last);
    if tx.db.run(raise).await? == 0 {
        tx.db
            .run(sql(FIRST_UID_VALIDITY).bind(last).bind(account))
            .await?;
    }
    Ok(true)
}

const CALENDAR_NUMBERS: &str = "SELECT c.modseq, c.removed_floor, (SELECT COALESCE(MAX(o.modseq), 0) FROM \
     calendar_objects o WHERE o.calendar_id = c.id) FROM calendars c WHERE c.id = ?";
const SET_CALENDAR_MODSEQ: &str = "UPDATE calendars SET modseq = ? WHERE id = ?";

async fn raise_calendar(tx: &mut Tx<'_>, calendar: i64) -> Answer<bool> {
    lock_calendar(tx, calendar).await?;
    let Some(row) = tx.db.first(sql(CALENDAR_NUMBERS).bind(calendar)).await? else {
        return Ok(false);
    };
    let modseq = row.int(0)?.max(row.int(1)?).max(row.int(2)?);
    let set = sql(SET_CALENDAR_MODSEQ)
        .bind(modseq.saturating_add(1))
        .bind(calendar);
    Ok(tx.db.run(set).await? > 0)
}

const MAILBOX_OF_DELIVERY: &str = "SELECT mailbox_id FROM deliveries WHERE k = ?";
const FORGET_DELIVERY: &str = "DELETE FROM deliveries WHERE k = ? AND NOT EXISTS \
     (SELECT 1 FROM messages m WHERE m.mailbox_id = deliveries.mailbox_id AND m.uid = deliveries.uid)";

async fn forget_delivery(tx: &mut Tx<'_>, key: &[u8; 16]) -> Answer<bool> {
    let row = tx.db.first(sql(MAILBOX_OF_DELIVERY).bind(key.to_vec())).await?;
    if let Some(row) = row {
        lock_mailbox(tx, row.int(0)?).await?;
    }
    Ok(tx.db.run(sql(FORGET_DELIVERY).bind(key.to_vec())).await? > 0)
}
