//! What a session reads of a mailbox: the view, and what changed.
//!
//! One statement brings the mailbox's row and the messages that changed since, so both are of one snapshot without a
//! transaction. Messages of a view are read once; afterwards only those with a newer MODSEQ are.

use std::sync::Arc;

use lightmail_core::store::view::Changes;
use lightmail_core::store::{
    AccountId, Flags, Keywords, MailboxId, MailboxName, ModSeq, Opened, Refreshed, Refusal, Reply, Row, Uid,
    UidSet, View,
};

use super::db::{Answer, Columns, sql, stored};
use super::folder::{Folder, keywords};
use super::query::Query;
use super::row::DbRow;
use super::tx::Tx;

/// The mailbox's row in the columns of a message, under UID 0; messages; and ranges of UIDs whose messages are gone for good:
/// their `deleted_at` is -1, their last UID stands under `size`. They are put in order here: MySQL would make a table of them
/// first, each row with room for the longest list of keywords.
macro_rules! catch_up {
    ($since:literal) => {
        concat!(
            "SELECT 0 AS uid, b.highest_modseq AS modseq, b.uid_next AS flags, b.uid_validity AS size, \
             b.recent_from AS internal_date, b.bytes AS sent_date, b.deleted_at AS deleted_at, b.keywords AS keywords \
             FROM mailboxes b WHERE b.id = ? \
             UNION ALL \
             SELECT m.uid, m.modseq, m.flags, m.size, m.internal_date, m.sent_date, m.deleted_at, NULL \
             FROM messages m WHERE m.mailbox_id = ?",
            $since,
            " UNION ALL \
             SELECT e.uid_lo, e.modseq, 0, e.uid_hi, 0, 0, -1, NULL \
             FROM expunged e WHERE e.mailbox_id = ? AND e.modseq > ?"
        )
    };
}

const ALL: &str = catch_up!("");
const SINCE: &str = catch_up!(" AND m.modseq > ?");

/// `deleted_at` of a range of UIDs whose messages are gone.
const GONE: i64 = -1;

/// A mailbox as it is now, and what changed.
pub(crate) struct News {
    pub(crate) view: Arc<View>,
    recent_from: Uid,
    bytes: u64,
    deleted_at: i64,
    changed: UidSet,
    vanished: UidSet,
}

/// OpenMailbox as far as it only reads; `None` if there is something to claim.
pub(crate) async fn open(
    tx: &mut Tx<'_>,
    me: AccountId,
    name: &MailboxName,
    claim: bool,
) -> Answer<Option<Reply>> {
    let mut folder = Folder::by_name(tx, me, name).await?;
    let view = match known(tx, &folder) {
        Some(view) => view,
        None => {
            let news = catch_up(tx, folder.line.id, ModSeq(u64::MAX)).await?;
            if news.deleted_at != 0 {
                return Err(Refusal::NoSuchMailbox.into());
            }
            folder.line.uid_next = news.view.uid_next;
            folder.line.highest_modseq = news.view.highest_modseq;
            folder.line.recent_from = news.recent_from;
            folder.line.msgs = news.view.len() as u64;
            folder.line.unseen = news.view.unseen() as u64;
            folder.line.bytes = news.bytes;
            news.view
        }
    };
    let recent_from = folder.line.recent_from;
    let unclaimed = recent_from < folder.line.uid_next;
    Ok((!(claim && unclaimed)).then(|| {
        Reply::Opened(Opened {
            mailbox: folder.line,
            view,
            recent_from,
        })
    }))
}

/// OpenMailbox with a claim.
pub(crate) async fn open_and_claim(tx: &mut Tx<'_>, me: AccountId, name: &MailboxName) -> Answer {
    let mut folder = Folder::by_name(tx, me, name).await?;
    let view = current(tx, &folder).await?;
    let mailbox = folder.line.clone();
    let recent_from = folder.claim_recent();
    folder.save(tx).await?;
    Ok(Reply::Opened(Opened {
        mailbox,
        view,
        recent_from,
    }))
}

/// Refresh as far as it only reads; `None` if there is something to claim.
pub(crate) async fn refresh(
    tx: &mut Tx<'_>,
    me: AccountId,
    mailbox: MailboxId,
    since: ModSeq,
    claim: bool,
) -> Answer<Option<Reply>> {
    let folder = Folder::by_id(tx, me, mailbox).await?;
    let (refreshed, uid_next) = match known(tx, &folder) {
        Some(view) if since >= view.highest_modseq => {
            (nothing_new(view, folder.line.recent_from), folder.line.uid_next)
        }
        _ => {
            let news = catch_up(tx, mailbox, since).await?;
            let uid_next = news.view.uid_next;
            (news.refreshed(), uid_next)
        }
    };
    let unclaimed = refreshed.recent_from < uid_next;
    Ok((!(claim && unclaimed)).then_some(Reply::Refreshed(refreshed)))
}

/// Refresh with a claim.
pub(crate) async fn refresh_and_claim(
    tx: &mut Tx<'_>,
    me: AccountId,
    mailbox: MailboxId,
    since: ModSeq,
) -> Answer {
    let mut folder = Folder::by_id(tx, me, mailbox).await?;
    let recent_from = folder.claim_recent();
    folder.save(tx).await?;
    refreshed(tx, &folder, since, recent_from)
        .await
        .map(Reply::Refreshed)
}

/// What a request that changed this mailbox tells its session. The folder is saved here: the session has selected the
/// mailbox, so it claims what is recent.
pub(crate) async fn saved_and_refreshed(
    tx: &mut Tx<'_>,
    folder: &mut Folder,
    since: ModSeq,
) -> Answer<Refreshed> {
    let recent_from = folder.claim_recent();
    folder.save(tx).await?;
    refreshed(tx, folder, since, recent_from).await
}

async fn refreshed(tx: &mut Tx<'_>, folder: &Folder, since: ModSeq, recent_from: Uid) -> Answer<Refreshed> {
    match known(tx, folder) {
        Some(view) if since >= view.highest_modseq => Ok(nothing_new(view, recent_from)),
        _ => {
            let news = catch_up(tx, folder.line.id, since).await?;
            Ok(Refreshed {
                recent_from,
                ..news.refreshed()
            })
        }
    }
}

/// The view of a mailbox as its row stands in this transaction.
pub(crate) async fn current(tx: &mut Tx<'_>, folder: &Folder) -> Answer<Arc<View>> {
    match known(tx, folder) {
        Some(view) => Ok(view),
        None => Ok(catch_up(tx, folder.line.id, ModSeq(u64::MAX)).await?.view),
    }
}

/// The messages of a view among `uids`, ascending.
pub(crate) fn chosen<'v>(view: &'v View, uids: &'v UidSet) -> impl Iterator<Item = &'v Row> {
    uids.ranges().flat_map(|range| {
        let (first, last) = range.into_inner();
        view.iter_from(Uid(first))
            .take_while(move |row| row.uid.0 <= last)
    })
}

/// `uids` in as few ranges as name the same messages of the view: gaps without a message are closed.
pub(crate) fn cover(view: &View, uids: &UidSet) -> Vec<(i64, i64)> {
    let mut covering: Vec<(Row, Row, usize)> = Vec::new();
    for range in uids.ranges() {
        let (first, last) = range.into_inner();
        let begin = view.rank(Uid(first));
        let end = last
            .checked_add(1)
            .map_or(view.len(), |next| view.rank(Uid(next)));
        let (Some(low), Some(high)) = (view.nth(begin), end.checked_sub(1).and_then(|at| view.nth(at)))
        else {
            continue;
        };
        match covering.last_mut() {
            _ if begin >= end => {}
            Some((_, open, open_end)) if *open_end == begin => (*open, *open_end) = (*high, end),
            _ => covering.push((*low, *high, end)),
        }
    }
    covering
        .iter()
        .map(|(low, high, _)| (i64::from(low.uid.0), i64::from(high.uid.0)))
        .collect()
}

/// The cached view, if it is as new as the row.
fn known(tx: &Tx<'_>, folder: &Folder) -> Option<Arc<View>> {
    tx.cached(folder.line.id)
        .filter(|view| view.highest_modseq == folder.line.highest_modseq)
}

fn nothing_new(view: Arc<View>, recent_from: Uid) -> Refreshed {
    Refreshed {
        view,
        changed: UidSet::new(),
        vanished: UidSet::new(),
        recent_from,
    }
}

/// Brings the view up to date and says what has changed since `since`, in one statement. Errors: `NoSuchMailbox`.
pub(crate) async fn catch_up(tx: &mut Tx<'_>, mailbox: MailboxId, since: ModSeq) -> Answer<News> {
    let base = tx.cached(mailbox);
    let have = base.as_ref().map_or(ModSeq(0), |view| view.highest_modseq);
    let mut head = None;
    let mut changes = Changes::default();
    let (mut changed, mut vanished) = (UidSet::new(), UidSet::new());
    let take = |row: DbRow| {
        if row.int(0)? == 0 {
            head = Some(Head::from_row(&row)?);
            return Ok(true);
        }
        if row.int(6)? == GONE {
            let (uids, modseq) = (row.uid(0)?.0..=row.small(3)?, row.modseq(1)?);
            if modseq > since {
                vanished.insert_range(uids.clone());
            }
            if modseq > have {
                changes.vanished.insert_range(uids);
            }
            return Ok(true);
        }
        let (message, live) = (message(&row)?, row.int(6)? == 0);
        let uid = message.uid.0;
        if message.modseq > since {
            if live {
                changed.insert(uid)
            } else {
                vanished.insert(uid)
            }
        }
        match (live, message.modseq > have) {
            (true, true) => changes.changed.push(message),
            (false, true) => changes.vanished.insert(uid),
            (_, false) => {}
        }
        Ok(true)
    };
    // Who has no view yet has none of those either that are gone.
    let gone_from = base.as_ref().map_or(since, |_| have.min(since));
    tx.db
        .while_wanted(newer(mailbox, have.min(since), gone_from), take)
        .await?;
    let head = head.ok_or(Refusal::NoSuchMailbox)?;
    changes.changed.sort_by_key(|row| row.uid);
    let base = base.unwrap_or_else(|| Arc::new(View::empty(mailbox, head.uid_validity)));
    let view = head.view(&base, changes);
    tx.remember(Arc::clone(&view));
    Ok(News {
        view,
        recent_from: head.recent_from,
        bytes: head.bytes,
        deleted_at: head.deleted_at,
        changed,
        vanished,
    })
}

/// A cold view is read along the primary key, changes along the index of MODSEQs.
fn newer(mailbox: MailboxId, from: ModSeq, gone_from: ModSeq) -> Query {
    let messages = match from {
        ModSeq(0) => sql(ALL).bind(mailbox.0).bind(mailbox.0),
        ModSeq(from) => sql(SINCE).bind(mailbox.0).bind(mailbox.0).bind(stored(from)),
    };
    messages.bind(mailbox.0).bind(stored(gone_from.0))
}

/// What the statement tells of the mailbox itself.
struct Head {
    uid_validity: u32,
    uid_next: Uid,
    highest_modseq: ModSeq,
    recent_from: Uid,
    bytes: u64,
    deleted_at: i64,
    keywords: Keywords,
}

impl Head {
    fn from_row(row: &DbRow) -> Answer<Self> {
        Ok(Self {
            highest_modseq: row.modseq(1)?,
            uid_next: row.uid(2)?,
            uid_validity: row.small(3)?,
            recent_from: row.uid(4)?,
            bytes: row.count(5)?,
            deleted_at: row.int(6)?,
            keywords: keywords(&row.octets(7)?)?,
        })
    }

    fn view(&self, base: &View, changes: Changes) -> Arc<View> {
        let mut view = base.apply(&changes);
        view.uid_next = self.uid_next;
        view.highest_modseq = self.highest_modseq;
        view.keywords = self.keywords.clone();
        Arc::new(view)
    }
}

fn message(row: &DbRow) -> Answer<Row> {
    Ok(Row {
        uid: row.uid(0)?,
        modseq: row.modseq(1)?,
        flags: Flags(row.count(2)?),
        size: row.small(3)?,
        internal_date_s: row.int(4)?,
        sent_date_s: row.int(5)?,
    })
}

impl News {
    fn refreshed(self) -> Refreshed {
        Refreshed {
            view: self.view,
            changed: self.changed,
            vanished: self.vanished,
            recent_from: self.recent_from,
        }
    }
}
