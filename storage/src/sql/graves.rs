//! What is remembered of UIDs whose rows are gone: ranges in `expunged`, each with its MODSEQ.
//!
//! A range that comes to lie next to others becomes one with them, under the highest of their MODSEQs. So a mailbox has no more
//! of them than gaps between its messages, however much was expunged. A client that comes back may be told once more of UIDs that it
//! knows to be gone, which RFC 7162, 3.2.5.1, allows; it misses none.

use std::collections::BTreeMap;
use std::io;

use lightmail_core::store::{MailboxId, Uid, UidSet};

use super::db::{Answer, Columns, Stop, sql};
use super::row::DbRow;
use super::tx::Tx;

/// The nearest ranges below a UID and above one. Databases of old may hold chains of them: some are taken in at a time.
const NEIGHBOURS: &str = "SELECT modseq, uid_lo, uid_hi FROM (SELECT modseq, uid_lo, uid_hi FROM expunged \
     WHERE mailbox_id = ? AND uid_hi < ? ORDER BY uid_hi DESC LIMIT 16) below UNION ALL \
     SELECT modseq, uid_lo, uid_hi FROM (SELECT modseq, uid_lo, uid_hi FROM expunged \
     WHERE mailbox_id = ? AND uid_hi > ? ORDER BY uid_hi LIMIT 16) above";
const FORGET: &str = "DELETE FROM expunged WHERE mailbox_id = ? AND modseq = ? AND uid_lo = ?";
const REMEMBER: &str = "INSERT INTO expunged (mailbox_id, modseq, uid_lo, uid_hi) VALUES (?, ?, ?, ?)";

/// A range of UIDs that are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Grave {
    low: i64,
    high: i64,
    modseq: i64,
    /// It is a row already.
    kept: bool,
}

impl Grave {
    fn from_row(row: &DbRow) -> Answer<Self> {
        Ok(Self {
            modseq: row.int(0)?,
            low: row.int(1)?,
            high: row.int(2)?,
            kept: true,
        })
    }
}

/// Remembers these UIDs, with the MODSEQs under which they were expunged. What is written last is posted.
pub(super) async fn remember(tx: &mut Tx<'_>, gone: &[(MailboxId, Uid, i64)]) -> Answer<()> {
    let mut mailboxes: BTreeMap<MailboxId, Vec<Grave>> = BTreeMap::new();
    for (mailbox, uid, modseq) in gone {
        let uid = i64::from(uid.0);
        mailboxes.entry(*mailbox).or_default().push(Grave {
            low: uid,
            high: uid,
            modseq: *modseq,
            kept: false,
        });
    }
    let (mut forget, mut remember) = (Vec::new(), Vec::new());
    for (mailbox, mut graves) in mailboxes {
        graves.extend(neighbours(tx, mailbox, &graves).await?);
        let (old, new) = join(graves);
        forget.extend(old.into_iter().map(|grave| (mailbox, grave)));
        remember.extend(new.into_iter().map(|grave| (mailbox, grave)));
    }
    let planned = forget.len() as u64;
    let deletes = forget.into_iter().map(|(mailbox, grave)| {
        let delete = sql(FORGET).bind(mailbox.0).bind(grave.modseq);
        delete.bind(grave.low)
    });
    if tx.db.run_all(deletes).await? != planned {
        // Another worker has joined them meanwhile: another try sees what it left.
        return Err(Stop::Sql(io::Error::from(io::ErrorKind::Deadlock).into()));
    }
    for (mailbox, grave) in remember {
        let insert = sql(REMEMBER).bind(mailbox.0).bind(grave.modseq);
        tx.db.post(insert.bind(grave.low).bind(grave.high)).await?;
    }
    Ok(())
}

/// The rows around these UIDs.
async fn neighbours(tx: &mut Tx<'_>, mailbox: MailboxId, graves: &[Grave]) -> Answer<Vec<Grave>> {
    let mut found = Vec::new();
    let uids = graves.iter().filter_map(|grave| u32::try_from(grave.low).ok());
    for range in uids.collect::<UidSet>().ranges() {
        let below = sql(NEIGHBOURS).bind(mailbox.0).bind(i64::from(*range.start()));
        let around = below.bind(mailbox.0).bind(i64::from(*range.end()));
        found.extend(tx.db.each(around, |row| Grave::from_row(&row)).await?);
    }
    Ok(found)
}

/// Makes one of those that lie side by side, where one of them is new: the rows that go, and those that come.
fn join(mut graves: Vec<Grave>) -> (Vec<Grave>, Vec<Grave>) {
    graves.sort_unstable_by_key(|grave| grave.low);
    // Two ranges may have a neighbour in common.
    graves.dedup();
    let (mut forget, mut remember) = (Vec::new(), Vec::new());
    for run in graves.chunk_by(|one, next| one.high + 1 == next.low) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else {
            continue;
        };
        if run.iter().any(|grave| !grave.kept) {
            forget.extend(run.iter().filter(|grave| grave.kept));
            remember.push(Grave {
                low: first.low,
                high: last.high,
                modseq: run.iter().fold(0, |most, grave| most.max(grave.modseq)),
                kept: false,
            });
        }
    }
    (forget, remember)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grave(low: i64, high: i64, modseq: i64, kept: bool) -> Grave {
        Grave {
            low,
            high,
            modseq,
            kept,
        }
    }

    #[test]
    fn ranges_side_by_side_become_one_with_the_highest_modseq_and_others_stay() {
        let (forget, remember) = join(vec![
            grave(5, 5, 7, false),
            grave(8, 9, 20, true),
            grave(1, 1, 2, true),
            grave(6, 6, 4, false),
            grave(2, 4, 9, true),
            grave(11, 11, 3, false),
            grave(8, 9, 20, true),
        ]);
        assert_eq!(forget, [grave(1, 1, 2, true), grave(2, 4, 9, true)]);
        assert_eq!(remember, [grave(1, 6, 9, false), grave(11, 11, 3, false)]);
    }
}
