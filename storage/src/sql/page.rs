//! FetchPage: some messages' stored columns.

use std::collections::VecDeque;

use lightmail_core::machine::ObjectKind;
use lightmail_core::store::{AccountId, MailboxId, ObjectId, Page, PageRow, Reply, UidSet};

use super::db::{Answer, Columns, sql};
use super::folder::Folder;
use super::row::DbRow;
use super::tx::Tx;
use crate::bodies::Body;

/// Ranges with at most so many UIDs between them are read by one statement; what was not asked for is passed over.
const GAP_MAX: u32 = 8;

/// Rows of one statement: a full page.
const READ_MAX: i64 = Page::ROWS_MAX as i64;

const FETCH: &str = "SELECT m.uid, m.object_id, m.size, m.email_id, i.head, i.cache, i.sha256, m.save_date \
     FROM mailboxes b JOIN messages m ON m.mailbox_id = b.id \
     JOIN message_index i ON i.mailbox_id = m.mailbox_id AND i.uid = m.uid \
     WHERE b.id = ? AND b.account_id = ? AND m.uid BETWEEN ? AND ? ORDER BY m.uid LIMIT ?";

pub(crate) async fn fetch(tx: &mut Tx<'_>, me: AccountId, mailbox: MailboxId, uids: &UidSet) -> Answer {
    let mut page = Page {
        rows: Vec::new(),
        rest: UidSet::new(),
    };
    let mut known = Vec::new();
    let mut octets = 0;
    let mut ranges: VecDeque<_> = coarse(uids).into();
    while let Some((low, high)) = ranges.pop_front() {
        let (mut read, mut last) = (0, low);
        let take = |row: DbRow| {
            read += 1;
            last = row.uid(0)?.0;
            if !uids.contains(last) {
                return Ok(true);
            }
            let (row, sha256) = page_row(&row)?;
            known.push((
                row.object,
                Body {
                    kind: ObjectKind::Email,
                    size: row.object_size,
                    sha256,
                },
            ));
            octets += row.head.len() + row.index.len();
            page.rows.push(row);
            Ok(!is_full(page.rows.len(), octets))
        };
        let query = sql(FETCH)
            .bind(mailbox.0)
            .bind(me.0)
            .bind(i64::from(low))
            .bind(i64::from(high))
            .bind(READ_MAX);
        tx.db.while_wanted(query, take).await?;
        if is_full(page.rows.len(), octets) {
            break;
        }
        // Messages that were passed over took the room of others.
        if read == READ_MAX && last < high {
            ranges.push_front((last + 1, high));
        }
    }
    tx.know_bodies(known);
    match page.rows.last() {
        Some(last) if is_full(page.rows.len(), octets) => {
            let above = last.uid.0.saturating_add(1);
            page.rest = uids.intersection(&UidSet::range(above..=u32::MAX));
        }
        Some(_) => {}
        // Nothing found: is there a mailbox at all?
        None => drop(Folder::by_id(tx, me, mailbox).await?),
    }
    Ok(Reply::Page(page))
}

fn is_full(rows: usize, octets: usize) -> bool {
    rows >= Page::ROWS_MAX || octets >= Page::OCTETS_MAX
}

/// The ranges, with small gaps closed.
fn coarse(uids: &UidSet) -> Vec<(u32, u32)> {
    let mut coarse: Vec<(u32, u32)> = Vec::new();
    for range in uids.ranges() {
        let (low, high) = range.into_inner();
        match coarse.last_mut() {
            Some((_, end)) if low - *end <= GAP_MAX => *end = high,
            _ => coarse.push((low, high)),
        }
    }
    coarse
}

fn page_row(row: &DbRow) -> Answer<(PageRow, [u8; 32])> {
    let head = row.octets(4)?;
    let page_row = PageRow {
        uid: row.uid(0)?,
        object: ObjectId(row.array(1)?),
        object_size: row.count(2)?.saturating_sub(head.len() as u64),
        head,
        index: row.octets(5)?,
        email_id: row.array(3)?,
        save_date_s: row.int(7)?,
    };
    Ok((page_row, row.array(6)?))
}
