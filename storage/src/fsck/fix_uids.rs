//! UIDs that were given but have neither a row nor a place among the expunged: they become expunged, so that clients are told.
//! And those that have both: the row is what is true.

use std::ops::RangeInclusive;

use lightmail_core::store::MailboxId;

use crate::sql::db::{Answer, Columns, sql};
use crate::sql::short::lock_mailbox;
use crate::sql::tx::Tx;

const NEXT: &str = "SELECT uid_next, highest_modseq FROM mailboxes WHERE id = ?";
/// Ranges of expunged UIDs that hold a message's.
const DOUBLE: &str = "SELECT e.modseq, e.uid_lo, e.uid_hi, m.uid FROM expunged e JOIN messages m \
     ON m.mailbox_id = e.mailbox_id AND m.uid BETWEEN e.uid_lo AND e.uid_hi WHERE e.mailbox_id = ? \
     ORDER BY e.modseq, e.uid_lo, m.uid LIMIT 1000";
const FORGET: &str = "DELETE FROM expunged WHERE mailbox_id = ? AND modseq = ? AND uid_lo = ?";
const REMEMBER: &str = "INSERT INTO expunged (mailbox_id, modseq, uid_lo, uid_hi) VALUES (?, ?, ?, ?)";
const KNOWN: &str = "SELECT uid, uid FROM messages WHERE mailbox_id = ? \
     UNION ALL SELECT uid_lo, uid_hi FROM expunged WHERE mailbox_id = ? ORDER BY 1";
const SET_MODSEQ: &str = "UPDATE mailboxes SET highest_modseq = ? WHERE id = ?";

/// The most gaps that are filled at a time.
const GAPS_MAX: usize = 10_000;

/// Accounts for each UID of a mailbox once.
pub(super) async fn account_for(tx: &mut Tx<'_>, mailbox: i64) -> Answer<bool> {
    lock_mailbox(tx, mailbox).await?;
    let Some(row) = tx.db.first(sql(NEXT).bind(mailbox)).await? else {
        return Ok(false);
    };
    let (next, modseq) = (row.int(0)?, row.int(1)?.saturating_add(1));
    cut_doubles(tx, mailbox).await?;
    let gaps = gaps(tx, mailbox, next).await?;
    for gap in &gaps {
        let remember = sql(REMEMBER).bind(mailbox).bind(modseq);
        tx.db.run(remember.bind(*gap.start()).bind(*gap.end())).await?;
    }
    if !gaps.is_empty() {
        tx.db.run(sql(SET_MODSEQ).bind(modseq).bind(mailbox)).await?;
        tx.distrust(MailboxId(mailbox));
    }
    Ok(true)
}

/// A range that is remembered as expunged, and a message's UID in it.
struct Double {
    modseq: i64,
    low: i64,
    high: i64,
    uid: i64,
}

/// Takes messages that are there out of the ranges that are remembered as expunged.
async fn cut_doubles(tx: &mut Tx<'_>, mailbox: i64) -> Answer<()> {
    loop {
        let doubles = tx.db.each(sql(DOUBLE).bind(mailbox), |row| {
            Ok(Double {
                modseq: row.int(0)?,
                low: row.int(1)?,
                high: row.int(2)?,
                uid: row.int(3)?,
            })
        });
        let doubles = doubles.await?;
        if doubles.is_empty() {
            return Ok(());
        }
        for range in doubles.chunk_by(|a, b| (a.modseq, a.low) == (b.modseq, b.low)) {
            cut(tx, mailbox, range).await?;
        }
    }
}

/// Leaves of one range what lies before, between and behind its messages.
async fn cut(tx: &mut Tx<'_>, mailbox: i64, doubles: &[Double]) -> Answer<()> {
    let Some(Double {
        modseq, low, high, ..
    }) = doubles.first()
    else {
        return Ok(());
    };
    tx.db
        .run(sql(FORGET).bind(mailbox).bind(*modseq).bind(*low))
        .await?;
    let mut from = *low;
    let ends = doubles.iter().map(|double| double.uid).chain([high + 1]);
    for uid in ends {
        if from < uid {
            let remember = sql(REMEMBER).bind(mailbox).bind(*modseq);
            tx.db.run(remember.bind(from).bind(uid - 1)).await?;
        }
        from = uid + 1;
    }
    Ok(())
}

/// The UIDs below `next` that are not known, the first 10,000 ranges of them.
async fn gaps(tx: &mut Tx<'_>, mailbox: i64, next: i64) -> Answer<Vec<RangeInclusive<i64>>> {
    let (mut gaps, mut from) = (Vec::new(), 1);
    let known = sql(KNOWN).bind(mailbox).bind(mailbox);
    let take = |row: crate::sql::row::DbRow| {
        let (low, high) = (row.int(0)?, row.int(1)?);
        if from < low && gaps.len() < GAPS_MAX {
            gaps.push(from..=low - 1);
        }
        from = from.max(high + 1);
        Ok(true)
    };
    tx.db.while_wanted(known, take).await?;
    if from < next && gaps.len() < GAPS_MAX {
        gaps.push(from..=next - 1);
    }
    Ok(gaps)
}
