//! EXPUNGE and UID EXPUNGE: messages are soft-deleted; rows and bodies stay.

use lightmail_core::store::{AccountId, Expunged, Flag, MailboxId, ModSeq, Reply, Row, UidSet};

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
        folder.check_modseq()?;
        let modseq = folder.step();
        let ranges = view::cover(&view, within);
        let done = messages::bury(tx, mailbox, ranges, Flag::Deleted.into(), modseq, at_ms).await?;
        flags::check(tx, mailbox, done, marked.len())?;
        count_out(tx, &mut folder, &marked).await?;
    }
    let expunged = marked.iter().map(|row| row.uid.0).collect();
    let refreshed = view::saved_and_refreshed(tx, &mut folder, since).await?;
    Ok(Reply::Expunged(Expunged { expunged, refreshed }))
}

async fn count_out(tx: &mut Tx<'_>, folder: &mut Folder, rows: &[Row]) -> Answer<()> {
    rows.iter().for_each(|row| folder.count_out(row));
    let bytes = rows.iter().map(|row| i64::from(row.size)).sum::<i64>();
    count(tx, folder.account, -stored(rows.len() as u64), -bytes).await
}
