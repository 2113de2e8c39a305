//! COPY and MOVE, and the moving part of RENAME INBOX: rows are copied by the database, bodies are shared.

use std::collections::BTreeSet;

use lightmail_core::store::{
    AccountId, Copied, DeliveryKey, Flags, Keyword, Keywords, MailboxId, MailboxName, ModSeq, Refusal, Reply,
    Row, Uid, UidSet, View,
};

use super::db::{Answer, Columns, Stop, Text, sql, stored};
use super::deliver::{delivered_before, take_key};
use super::folder::{Folder, count};
use super::query::Query;
use super::tx::Tx;
use super::{flags, messages, view};

/// The live messages of a range with certain keyword bits, which become other bits; UIDs count on from the first.
const COPY: &str = "INSERT INTO messages (mailbox_id, uid, modseq, flags, object_id, email_id, thread_id, \
     internal_date, save_date, size, hdr_size, sent_date) \
     SELECT ?, ? + c.n, ?, (c.flags & 31) | ?, c.object_id, c.email_id, c.thread_id, c.internal_date, ?, c.size, \
     c.hdr_size, c.sent_date \
     FROM (SELECT m.*, ROW_NUMBER() OVER (ORDER BY m.uid) - 1 AS n FROM messages m \
     WHERE m.mailbox_id = ? AND m.uid BETWEEN ? AND ? AND m.deleted_at = 0) c WHERE c.flags - (c.flags & 31) = ?";

const COPY_INDEX: &str = "INSERT INTO message_index (mailbox_id, uid, head, sha256, cache) \
     SELECT ?, ? + c.n, i.head, i.sha256, i.cache \
     FROM (SELECT m.mailbox_id, m.uid, ROW_NUMBER() OVER (ORDER BY m.uid) - 1 AS n FROM messages m \
     WHERE m.mailbox_id = ? AND m.uid BETWEEN ? AND ? AND m.deleted_at = 0) c \
     JOIN message_index i ON i.mailbox_id = c.mailbox_id AND i.uid = c.uid";

macro_rules! counted {
    () => {
        "(SELECT object_id, COUNT(*) AS n FROM messages WHERE mailbox_id = ? AND uid BETWEEN ? AND ? \
         GROUP BY object_id) c"
    };
}

/// Counts the new rows of a range into their objects; an object may be there more than once. An IN with a subquery would
/// make MariaDB read, and lock, every object there is.
const REFER: Text = Text {
    sqlite: concat!(
        "UPDATE object_keys SET refs = refs + c.n FROM ",
        counted!(),
        " WHERE object_keys.id = c.object_id AND object_keys.state = 1"
    ),
    mysql: concat!(
        "UPDATE ",
        counted!(),
        " STRAIGHT_JOIN object_keys o ON o.id = c.object_id SET o.refs = o.refs + c.n WHERE o.state = 1"
    ),
};

/// New rows of a range whose objects have not been counted up. Those that have are locked, so this stays true.
const DYING: &str = "SELECT COUNT(*) FROM messages m WHERE m.mailbox_id = ? AND m.uid BETWEEN ? AND ? \
     AND NOT EXISTS (SELECT 1 FROM object_keys o WHERE o.id = m.object_id AND o.state = 1)";

/// From where to where, and how.
pub(crate) struct Trip<'a> {
    pub(crate) from: MailboxId,
    pub(crate) whole: bool,
    pub(crate) to: &'a MailboxName,
    pub(crate) moving: bool,
    pub(crate) key: &'a DeliveryKey,
    pub(crate) at_ms: u64,
    pub(crate) since: ModSeq,
}

/// What is copied, and with which keyword bits.
pub(crate) struct Load<'a> {
    view: &'a View,
    uids: &'a UidSet,
    rows: Vec<Row>,
    from: Keywords,
}

pub(crate) async fn copy(tx: &mut Tx<'_>, me: AccountId, trip: &Trip<'_>, uids: &UidSet) -> Answer {
    let mut to = Folder::by_name(tx, me, trip.to).await?;
    let other = if to.line.id == trip.from {
        None
    } else {
        Some(Folder::by_id(tx, me, trip.from).await?)
    };
    let view = view::current(tx, other.as_ref().unwrap_or(&to)).await?;
    let load = Load::new(&view, uids);
    let done = match load.check(&to, other.as_ref(), trip) {
        Ok(None) => None,
        Ok(Some(keywords)) => {
            let before = take_key(tx, trip.key, to.line.id, to.line.uid_next, trip.at_ms).await?;
            before.is_none().then_some(keywords)
        }
        // A repeated request may be too much for the quota that it has used up itself, and lack what it has moved.
        Err(refusal) => match delivered_before(tx, trip.key).await? {
            Some(_) => None,
            None => return Err(refusal.into()),
        },
    };
    let (mut source, mut target) = (UidSet::new(), UidSet::new());
    let mut left = other;
    if let Some(keywords) = done {
        to.keywords = keywords;
        source = load.rows.iter().map(|row| row.uid.0).collect();
        target = load.transfer(tx, &mut to, trip.from, trip.at_ms).await?;
        if trip.moving {
            load.bury(tx, left.as_mut().unwrap_or(&mut to), trip.at_ms)
                .await?;
        } else {
            count(tx, me, stored(load.rows.len() as u64), load.bytes()).await?;
        }
        to.save(tx).await?;
    }
    let uid_validity = to.line.uid_validity;
    let refreshed = match trip.moving {
        true => Some(view::saved_and_refreshed(tx, left.as_mut().unwrap_or(&mut to), trip.since).await?),
        false => None,
    };
    Ok(Reply::Copied(Copied {
        uid_validity,
        source,
        target,
        refreshed,
    }))
}

impl<'a> Load<'a> {
    pub(crate) fn new(view: &'a View, uids: &'a UidSet) -> Self {
        let rows = view::chosen(view, uids).copied().collect();
        Self {
            view,
            uids,
            rows,
            from: view.keywords.clone(),
        }
    }

    /// The target's keywords, grown by those it lacks; `None` if there is nothing to copy. Nothing has been written.
    fn check(
        &self,
        to: &Folder,
        from: Option<&Folder>,
        trip: &Trip<'_>,
    ) -> Result<Option<Keywords>, Refusal> {
        if trip.whole && (self.rows.len() as u64) < self.uids.len() {
            return Err(Refusal::Gone);
        }
        if self.rows.is_empty() {
            return Ok(None);
        }
        if !trip.moving && !to.holds(self.bytes().unsigned_abs()) {
            return Err(Refusal::OverQuota);
        }
        from.unwrap_or(to).check_modseq()?;
        let used = self.rows.iter().fold(Flags::NONE, |used, row| used | row.flags);
        let wanted: Vec<_> = self.from.of(used).filter_map(Keyword::new).collect();
        let mut list = to.keywords.clone();
        list.find_or_add_all(&wanted)?;
        to.check_room(self.rows.len())?;
        Ok(Some(list))
    }

    fn bytes(&self) -> i64 {
        self.rows.iter().map(|row| i64::from(row.size)).sum()
    }

    /// Copies the rows behind those of `to`, which the caller saves; answers the new UIDs.
    pub(crate) async fn transfer(
        &self,
        tx: &mut Tx<'_>,
        to: &mut Folder,
        from: MailboxId,
        at_ms: u64,
    ) -> Answer<UidSet> {
        let (modseq, first) = (to.step(), to.line.uid_next);
        let (mut copies, mut indexes) = (Vec::new(), Vec::new());
        let (mut rows, mut next) = (self.rows.as_slice(), i64::from(first.0));
        for (low, high) in view::cover(self.view, self.uids) {
            let (here, behind) = rows.split_at(rows.partition_point(|row| i64::from(row.uid.0) <= high));
            let combinations: BTreeSet<_> = here.iter().map(|row| (row.flags & !Flags::SYSTEM).0).collect();
            copies.extend(combinations.into_iter().map(|keywords| {
                sql(COPY)
                    .bind(to.line.id.0)
                    .bind(next)
                    .bind(stored(modseq.0))
                    .bind(stored(to.keywords.translate(Flags(keywords), &self.from).0))
                    .bind(messages::seconds(at_ms))
                    .bind(from.0)
                    .bind(low)
                    .bind(high)
                    .bind(stored(keywords))
            }));
            let index = sql(COPY_INDEX).bind(to.line.id.0).bind(next).bind(from.0);
            indexes.push(index.bind(low).bind(high));
            next += stored(here.len() as u64);
            rows = behind;
        }
        let done = tx.db.run_all(copies).await?;
        flags::check(tx, from, done, self.rows.len())?;
        for index in indexes {
            tx.db.post(index).await?;
        }
        for row in &self.rows {
            to.take_uid();
            to.count_in(row.size, to.keywords.translate(row.flags, &self.from));
        }
        let last = Uid(to.line.uid_next.0 - 1);
        refer(tx, to.line.id, first, last).await?;
        Ok(UidSet::range(first.0..=last.0))
    }

    /// Soft-deletes the rows in `from`, which the caller saves.
    pub(crate) async fn bury(&self, tx: &mut Tx<'_>, from: &mut Folder, at_ms: u64) -> Answer<()> {
        let modseq = from.step();
        let ranges = view::cover(self.view, self.uids);
        let done = messages::bury(tx, from.line.id, ranges, Flags::NONE, modseq, at_ms).await?;
        self.rows.iter().for_each(|row| from.count_out(row));
        flags::check(tx, from.line.id, done, self.rows.len())
    }
}

/// Counts the new rows into their objects. Errors: `Broken` if one of those is being deleted.
async fn refer(tx: &mut Tx<'_>, mailbox: MailboxId, first: Uid, last: Uid) -> Answer<()> {
    let (first, last) = (i64::from(first.0), i64::from(last.0));
    let range = |text: Query| text.bind(mailbox.0).bind(first).bind(last);
    tx.db.post(range(sql(REFER))).await?;
    let dying = tx.db.first(range(sql(DYING))).await?;
    match dying.map_or(Ok(0), |row| row.count(0))? {
        0 => Ok(()),
        many => Err(Stop::broken(format!(
            "the bodies of {many} messages are being deleted, or have no row"
        ))),
    }
}
