//! STORE: one statement a range, whatever the number of messages; those of all ranges travel together.

use lightmail_core::store::{
    AccountId, FlagChange, Flags, FlagsChanged, Keyword, Keywords, MailboxId, ModSeq, Refusal, Reply, Row,
    UidSet,
};

use super::db::{Answer, Stop, sql, stored};
use super::folder::Folder;
use super::tx::Tx;
use super::view;

/// Only messages whose flags become others get the new MODSEQ.
const CHANGE: &str = "UPDATE messages SET flags = (flags & ?) | ?, modseq = ? \
     WHERE mailbox_id = ? AND uid BETWEEN ? AND ? AND deleted_at = 0 AND modseq <= ? AND flags <> ((flags & ?) | ?)";

/// What a STORE asks for.
pub(crate) struct Wish<'a> {
    pub(crate) change: FlagChange,
    pub(crate) flags: Flags,
    pub(crate) keywords: &'a [Keyword],
    pub(crate) unchanged_since: Option<ModSeq>,
}

pub(crate) async fn change_flags(
    tx: &mut Tx<'_>,
    me: AccountId,
    mailbox: MailboxId,
    uids: &UidSet,
    wish: &Wish<'_>,
    since: ModSeq,
) -> Answer {
    let mut folder = Folder::live(tx, me, mailbox).await?;
    let view = view::current(tx, &folder).await?;
    let newer = |row: &Row| wish.unchanged_since.is_some_and(|last| row.modseq > last);
    let modified = view::chosen(&view, uids)
        .filter(|row| newer(row))
        .map(|row| row.uid.0)
        .collect();
    let open: Vec<_> = view::chosen(&view, uids).filter(|row| !newer(row)).collect();
    let mut list = folder.keywords.clone();
    let mask = if open.is_empty() {
        Mask::NOTHING
    } else {
        wish.mask(&mut list)?
    };
    let changed: Vec<_> = open
        .into_iter()
        .filter(|row| mask.of(row.flags) != row.flags)
        .collect();
    let applied: UidSet = changed.iter().map(|row| row.uid.0).collect();
    if !changed.is_empty() {
        folder.check_modseq()?;
        folder.keywords = list;
        changed
            .iter()
            .for_each(|row| folder.recount(row, mask.of(row.flags)));
        let modseq = folder.step();
        let updates = view::cover(&view, uids)
            .into_iter()
            .map(|range| mask.update(mailbox, range, modseq, wish.unchanged_since));
        let done = tx.db.run_all(updates).await?;
        check(tx, mailbox, done, changed.len())?;
    }
    let refreshed = view::saved_and_refreshed(tx, &mut folder, since).await?;
    Ok(Reply::FlagsChanged(FlagsChanged {
        applied,
        modified,
        refreshed,
    }))
}

/// Whether the database did to as many messages what the view says. If not, the view is thrown away and nothing is done.
pub(super) fn check(tx: &Tx<'_>, mailbox: MailboxId, done: u64, planned: usize) -> Answer<()> {
    if done == planned as u64 {
        return Ok(());
    }
    tx.distrust(mailbox);
    Err(Stop::broken(format!(
        "database: mailbox {} has {done} messages where its view has {planned}; it is read anew",
        mailbox.0
    )))
}

impl Wish<'_> {
    /// The change as masks. New keywords are appended to the list, except where they are to be removed.
    fn mask(&self, list: &mut Keywords) -> Result<Mask, Refusal> {
        let system = self.flags & Flags::SYSTEM;
        Ok(match self.change {
            FlagChange::Add => Mask {
                keep: !Flags::NONE,
                set: system | list.find_or_add_all(self.keywords)?,
            },
            FlagChange::Replace => Mask {
                keep: Flags::NONE,
                set: system | list.find_or_add_all(self.keywords)?,
            },
            FlagChange::Remove => {
                let found = self.keywords.iter().filter_map(|keyword| list.find(keyword));
                Mask {
                    keep: !found.fold(system, |bits, bit| bits | bit),
                    set: Flags::NONE,
                }
            }
        })
    }
}

/// A change of flags: `(flags & keep) | set`.
#[derive(Clone, Copy)]
struct Mask {
    keep: Flags,
    set: Flags,
}

impl Mask {
    const NOTHING: Mask = Mask {
        keep: Flags(u64::MAX),
        set: Flags::NONE,
    };

    fn of(self, flags: Flags) -> Flags {
        (flags & self.keep) | self.set
    }

    fn update(
        self,
        mailbox: MailboxId,
        (low, high): (i64, i64),
        modseq: ModSeq,
        unchanged_since: Option<ModSeq>,
    ) -> super::query::Query {
        let (keep, set) = (self.keep.0.cast_signed(), self.set.0.cast_signed());
        sql(CHANGE)
            .bind(keep)
            .bind(set)
            .bind(stored(modseq.0))
            .bind(mailbox.0)
            .bind(low)
            .bind(high)
            .bind(unchanged_since.map_or(i64::MAX, |last| stored(last.0)))
            .bind(keep)
            .bind(set)
    }
}
