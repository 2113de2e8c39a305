//! EXPUNGE and UID EXPUNGE, and what a maildrop removes: messages are soft-deleted; rows and bodies stay.

use lightmail_core::store::{AccountId, Expunged, Flag, Flags, MailboxId, ModSeq, Reply, Row, UidSet};

use super::db::{Answer, stored};
use super::folder::{Folder, count};
use super::tx::Tx;
use super::{flags, messages, view};

pub(crate) async fn expunge(
    tx: &mut Tx<'_>,
    me: AccountId,
    mailbox: MailboxId,
    within: Option<&UidSet>,
    at_ms: u64,
    since: ModSeq,
) -> Answer {
    let mut folder = Folder::live(tx, me, mailbox).await?;
    let view = view::current(tx, &folder).await?;
    let all = UidSet::range(1..=u32::MAX);
    let within = within.unwrap_or(&all);
    let marked: Vec<_> = view::chosen(&view, within)
        .filter(|row| row.flags.has(Flag::Deleted))
        .copied()
        .collect();
    if !marked.is_empty() {
        let ranges = view::cover(&view, within);
        bury(tx, &mut folder, ranges, Flag::Deleted.into(), at_ms, &marked).await?;
    }
    let expunged = marked.iter().map(|row| row.uid.0).collect();
    let refreshed = view::saved_and_refreshed(tx, &mut folder, since).await?;
    Ok(Reply::Expunged(Expunged { expunged, refreshed }))
}

/// Whatever the flags; nothing is claimed, so that the mailbox's row is written only where something changes.
pub(crate) async fn delete_messages(
    tx: &mut Tx<'_>,
    me: AccountId,
    mailbox: MailboxId,
    uids: &UidSet,
    at_ms: u64,
) -> Answer {
    let mut folder = Folder::live(tx, me, mailbox).await?;
    let view = view::current(tx, &folder).await?;
    let rows: Vec<_> = view::chosen(&view, uids).copied().collect();
    if !rows.is_empty() {
        let ranges = view::cover(&view, uids);
        bury(tx, &mut folder, ranges, Flags::NONE, at_ms, &rows).await?;
        folder.save(tx).await?;
    }
    Ok(Reply::MessagesDeleted(rows.iter().map(|row| row.uid.0).collect()))
}

/// Soft-deletes the live messages of these ranges that have all `flags`, which are `rows`, under one MODSEQ.
async fn bury(
    tx: &mut Tx<'_>,
    folder: &mut Folder,
    ranges: impl IntoIterator<Item = (i64, i64)>,
    flags: Flags,
    at_ms: u64,
    rows: &[Row],
) -> Answer<()> {
    folder.check_modseq()?;
    let (mailbox, modseq) = (folder.line.id, folder.step());
    let done = messages::bury(tx, mailbox, ranges, flags, modseq, at_ms).await?;
    flags::check(tx, mailbox, done, rows.len())?;
    count_out(tx, folder, rows).await
}

async fn count_out(tx: &mut Tx<'_>, folder: &mut Folder, rows: &[Row]) -> Answer<()> {
    rows.iter().for_each(|row| folder.count_out(row));
    let bytes = rows.iter().map(|row| i64::from(row.size)).sum::<i64>();
    count(tx, folder.account, -stored(rows.len() as u64), -bytes).await
}
