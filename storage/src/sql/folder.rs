//! A mailbox's row: loaded whole, changed in Rust, saved whole. The writer's lock makes that safe.

use lightmail_core::store::{
    AccountId, Budget, Flag, Flags, Keywords, Mailbox, MailboxId, MailboxName, ModSeq, NewMailbox, Refusal,
    Row, SpecialUse, Status, UID_MAX, Uid,
};

use super::db::{Answer, Columns, Stop, sql, stored};
use super::query::Query;
use super::row::DbRow;
use super::tx::Tx;

/// The last MODSEQ there can be (RFC 7162, 3.1).
const MODSEQ_MAX: u64 = i64::MAX as u64;

/// The row's columns, with what the account still holds.
macro_rules! columns {
    () => {
        "b.id, b.account_id, b.name, b.uid_validity, b.uid_next, b.highest_modseq, b.recent_from, b.msgs, b.unseen, \
         b.deleted, b.bytes, b.special_use, b.deleted_at, b.object_id, b.keywords, a.quota_bytes, a.used_bytes"
    };
}
pub(super) use columns;

/// The row's columns, then what follows.
macro_rules! look {
    ($more:literal, $which:literal) => {
        concat!(
            "SELECT ",
            $crate::sql::folder::columns!(),
            $more,
            " FROM mailboxes b LEFT JOIN accounts a ON a.id = b.account_id WHERE ",
            $which
        )
    };
}
pub(super) use look;

const BY_ID: &str = look!("", "b.id = ? AND b.account_id = ?");
const BY_NAME: &str = look!("", "b.account_id = ? AND b.name_hash = ?");
const ALL_LIVE: &str = look!("", "b.account_id = ? AND b.deleted_at = 0 ORDER BY b.name");
/// With how many messages are recent, which are maybe all: each is looked at.
const ALL_LIVE_RECENT: &str = look!(
    ", (SELECT COUNT(*) FROM messages m WHERE m.mailbox_id = b.id AND m.uid >= b.recent_from AND m.deleted_at = 0)",
    "b.account_id = ? AND b.deleted_at = 0 ORDER BY b.name"
);

const SAVE: &str = "UPDATE mailboxes SET uid_next = ?, highest_modseq = ?, recent_from = ?, msgs = ?, unseen = ?, \
     deleted = ?, bytes = ?, keywords = ?, deleted_at = ? WHERE id = ?";

const COUNT: &str = "UPDATE accounts SET used_msgs = used_msgs + ?, used_bytes = used_bytes + ? WHERE id = ?";

/// A mailbox's row.
#[derive(Debug)]
pub(crate) struct Folder {
    pub(crate) account: AccountId,
    pub(crate) line: Mailbox,
    pub(crate) keywords: Keywords,
    /// When it was deleted, in milliseconds since 1970; 0: it is live.
    pub(crate) deleted_at: i64,
    /// Live messages with `\Deleted` (RFC 9051, 6.3.11).
    marked: u64,
    /// Quota and used octets of the account; `None` once the account is deleted.
    room: Option<(u64, u64)>,
    stepped: bool,
}

impl Folder {
    /// Reads a row of the `look!` columns.
    pub(super) fn from_row(row: &DbRow) -> Answer<Self> {
        let name = String::from_utf8(row.octets(2)?.into())
            .ok()
            .and_then(|name| MailboxName::new(&name).ok());
        let room = match (row.maybe_int(15)?, row.maybe_int(16)?) {
            (Some(quota), Some(used)) => Some((unsigned(quota), unsigned(used))),
            _ => None,
        };
        Ok(Self {
            account: AccountId(row.int(1)?),
            line: Mailbox {
                id: MailboxId(row.int(0)?),
                name: name.ok_or_else(|| Stop::broken("database: a mailbox's name is none"))?,
                uid_validity: row.small(3)?,
                uid_next: row.uid(4)?,
                highest_modseq: row.modseq(5)?,
                msgs: row.count(7)?,
                unseen: row.count(8)?,
                bytes: row.count(10)?,
                recent_from: row.uid(6)?,
                special_use: SpecialUse::from_stored(row.int(11)?),
                object_id: row.array(13)?,
            },
            keywords: keywords(&row.octets(14)?)?,
            deleted_at: row.int(12)?,
            marked: row.count(9)?,
            room,
            stepped: false,
        })
    }

    /// A live mailbox. Errors: `NoSuchMailbox`.
    pub(crate) async fn by_name(tx: &mut Tx<'_>, me: AccountId, name: &MailboxName) -> Answer<Self> {
        Self::named(tx, me, name)
            .await?
            .ok_or_else(|| Refusal::NoSuchMailbox.into())
    }

    /// A mailbox of this account, deleted or not. Errors: `NoSuchMailbox`.
    pub(crate) async fn by_id(tx: &mut Tx<'_>, me: AccountId, mailbox: MailboxId) -> Answer<Self> {
        let found = Self::find(tx, sql(BY_ID).bind(mailbox.0).bind(me.0)).await?;
        found.ok_or_else(|| Refusal::NoSuchMailbox.into())
    }

    /// A mailbox of this account that was not deleted. Errors: `NoSuchMailbox`.
    pub(crate) async fn live(tx: &mut Tx<'_>, me: AccountId, mailbox: MailboxId) -> Answer<Self> {
        let folder = Self::by_id(tx, me, mailbox).await?;
        if folder.deleted_at == 0 {
            Ok(folder)
        } else {
            Err(Refusal::NoSuchMailbox.into())
        }
    }

    /// All live mailboxes of an account, by name, octet by octet.
    pub(crate) async fn all(tx: &mut Tx<'_>, me: AccountId) -> Answer<Vec<Self>> {
        tx.db
            .each(sql(ALL_LIVE).bind(me.0), |row| Self::from_row(&row))
            .await
    }

    /// The same, with what STATUS counts of each; `recent`: recent messages too.
    pub(crate) async fn statuses(tx: &mut Tx<'_>, me: AccountId, recent: bool) -> Answer<Vec<Status>> {
        let text = if recent { ALL_LIVE_RECENT } else { ALL_LIVE };
        let status = |row: DbRow| {
            Ok(Status {
                mailbox: Self::from_row(&row)?.line,
                recent: if recent { row.count(17)? } else { 0 },
            })
        };
        tx.db.each(sql(text).bind(me.0), status).await
    }

    /// Whether a name is that of a live mailbox.
    pub(crate) async fn exists(tx: &mut Tx<'_>, me: AccountId, name: &MailboxName) -> Answer<bool> {
        Ok(Self::named(tx, me, name).await?.is_some())
    }

    /// The live mailbox of this name, if there is one.
    pub(crate) async fn named(tx: &mut Tx<'_>, me: AccountId, name: &MailboxName) -> Answer<Option<Self>> {
        Self::find(tx, by_name(me, name)).await
    }

    /// A mailbox of the same account, as it is right after it was made.
    pub(crate) fn beside(&self, new: &NewMailbox, uid_validity: u32) -> Self {
        Self {
            account: self.account,
            line: Mailbox::fresh(new, uid_validity),
            keywords: Keywords::default(),
            deleted_at: 0,
            marked: 0,
            room: self.room,
            stepped: false,
        }
    }

    async fn find(tx: &mut Tx<'_>, query: Query) -> Answer<Option<Self>> {
        tx.db
            .first(query)
            .await?
            .map(|row| Self::from_row(&row))
            .transpose()
    }

    /// Whether the account's quota holds so many octets more. A deleted account holds nothing.
    pub(crate) fn holds(&self, octets: u64) -> bool {
        self.room
            .is_some_and(|(quota, used)| quota == 0 || used.saturating_add(octets) <= quota)
    }

    /// Octets that the quota still holds; `None`: no limit.
    pub(crate) fn room_bytes(&self) -> Option<u64> {
        self.room
            .filter(|(quota, _)| *quota > 0)
            .map(|(quota, used)| quota.saturating_sub(used))
    }

    /// Whether so many messages can still be added. Errors: `Limit(Uids)`.
    pub(crate) fn check_room(&self, msgs: usize) -> Result<(), Refusal> {
        let last = u64::from(self.line.uid_next.0).saturating_add(msgs as u64);
        if last <= u64::from(UID_MAX.0) + 1 {
            self.check_modseq()
        } else {
            Err(Refusal::Limit(Budget::Uids))
        }
    }

    /// Whether there is another MODSEQ. Errors: `Limit(Uids)`.
    pub(crate) fn check_modseq(&self) -> Result<(), Refusal> {
        if self.line.highest_modseq.0 < MODSEQ_MAX {
            Ok(())
        } else {
            Err(Refusal::Limit(Budget::Uids))
        }
    }

    /// The one MODSEQ of the request that changes this mailbox now.
    pub(crate) fn step(&mut self) -> ModSeq {
        if !self.stepped {
            self.stepped = true;
            self.line.highest_modseq.0 += 1;
        }
        self.line.highest_modseq
    }

    /// This mailbox as one that the request has changed before, so that both changes share a MODSEQ.
    pub(crate) fn stepped_before(mut self) -> Self {
        self.stepped = true;
        self
    }

    /// The next UID.
    pub(crate) fn take_uid(&mut self) -> Uid {
        let uid = self.line.uid_next;
        self.line.uid_next.0 = uid.0.saturating_add(1);
        uid
    }

    /// Counts a message in.
    pub(crate) fn count_in(&mut self, size: u32, flags: Flags) {
        self.line.msgs += 1;
        self.line.bytes += u64::from(size);
        self.line.unseen += u64::from(!flags.has(Flag::Seen));
        self.marked += u64::from(flags.has(Flag::Deleted));
    }

    /// Counts a message out.
    pub(crate) fn count_out(&mut self, row: &Row) {
        self.line.msgs = self.line.msgs.saturating_sub(1);
        self.line.bytes = self.line.bytes.saturating_sub(u64::from(row.size));
        self.line.unseen = self
            .line
            .unseen
            .saturating_sub(u64::from(!row.flags.has(Flag::Seen)));
        self.marked = self
            .marked
            .saturating_sub(u64::from(row.flags.has(Flag::Deleted)));
    }

    /// Counts a message with other flags.
    pub(crate) fn recount(&mut self, row: &Row, flags: Flags) {
        self.count_out(row);
        self.count_in(row.size, flags);
    }

    /// Counts all messages out: how many there were, and their octets.
    pub(crate) fn count_all_out(&mut self) -> (u64, u64) {
        let counted = (self.line.msgs, self.line.bytes);
        (self.line.msgs, self.line.unseen, self.line.bytes, self.marked) = (0, 0, 0, 0);
        counted
    }

    /// Makes the messages up to now recent in no later session; answers the first that was not claimed before.
    pub(crate) fn claim_recent(&mut self) -> Uid {
        std::mem::replace(&mut self.line.recent_from, self.line.uid_next)
    }

    /// Writes the row, and tells watchers if it has a new MODSEQ.
    pub(crate) async fn save(&self, tx: &mut Tx<'_>) -> Answer<()> {
        let line = &self.line;
        let query = sql(SAVE)
            .bind(i64::from(line.uid_next.0))
            .bind(stored(line.highest_modseq.0))
            .bind(i64::from(line.recent_from.0))
            .bind(stored(line.msgs))
            .bind(stored(line.unseen))
            .bind(stored(self.marked))
            .bind(stored(line.bytes))
            .bind(self.keywords.to_stored().into_bytes())
            .bind(self.deleted_at)
            .bind(line.id.0);
        tx.db.post(query).await?;
        if self.stepped {
            tx.announce(self.account, line.id, line.highest_modseq);
        }
        Ok(())
    }
}

/// Counts messages in to an account, or out of it with negative numbers. A deleted account counts nothing.
pub(crate) async fn count(tx: &mut Tx<'_>, me: AccountId, msgs: i64, bytes: i64) -> Answer<()> {
    tx.db.post(sql(COUNT).bind(msgs).bind(bytes).bind(me.0)).await
}

/// The keywords of a row.
pub(super) fn keywords(text: &[u8]) -> Answer<Keywords> {
    Keywords::from_stored(text).ok_or_else(|| Stop::broken("database: a mailbox's keywords are none"))
}

/// The name of a deleted mailbox is hashed another way, so this finds live ones only.
fn by_name(me: AccountId, name: &MailboxName) -> Query {
    sql(BY_NAME).bind(me.0).bind(name.hash().to_vec())
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
