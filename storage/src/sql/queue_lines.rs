//! The outbound queue, as an operator sees it: entries are listed and changed, a page at a time.

use std::collections::BTreeMap;

use lightmail_core::store::ObjectId;
use lightmail_core::store::queue::{
    QueueChange, QueueFilter, QueueId, QueueLine, QueuePage, QueueReply, QueueSelection, QueueState,
};

use super::db::{Answer, Columns, sql};
use super::garbage::count;
use super::query::Query;
use super::queue_rows::{Found, NOBODY, account, find, for_update, remove, state, words};
use super::row::DbRow;
use super::tx::Tx;

/// Rows of a page, by id. Each filter is a pair: whether it is given, and what it is.
macro_rules! page {
    ($columns:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM queue WHERE id > ? AND (? = 0 OR domain = ?) AND (? = 0 OR sender = ?) \
             AND (? = 0 OR CASE WHEN state = 2 THEN 3 WHEN lease_owner = ? THEN 1 ELSE 2 END = ?) ORDER BY id LIMIT ?"
        )
    };
}

const LINES: &str = page!(
    "id, state, lease_owner, account_id, sender, rcpt, domain, object_id, object_size, LENGTH(head), turn, attempts, \
     created_at, next_at, expires_at, last_error"
);
const FIND: &str = for_update!(page!("id, object_id, state, lease_owner"));
const RETRY: &str = "UPDATE queue SET next_at = 0 WHERE id = ?";
const HOLD: &str = "UPDATE queue SET state = 2 WHERE id = ?";
const RELEASE: &str =
    "UPDATE queue SET state = 1, next_at = CASE WHEN lease_owner = ? THEN 0 ELSE next_at END WHERE id = ?";

pub(super) async fn list(tx: &mut Tx<'_>, page: &QueuePage) -> Answer<QueueReply> {
    let lines = tx.db.each(query(LINES, page), |row: DbRow| line(&row)).await?;
    Ok(QueueReply::Lines(lines))
}

fn query(text: &'static str, page: &QueuePage) -> Query {
    let QueueFilter {
        domain,
        sender,
        state,
    } = &page.filter;
    let given = |text: &Option<String>| i64::from(text.is_some());
    let state = state.map_or(0, |state| match state {
        QueueState::Waiting => 1,
        QueueState::Claimed => 2,
        QueueState::Held => 3,
    });
    // No entry has the first id: a version and a variant are in each.
    let after = page.after.unwrap_or(QueueId([0; 16]));
    sql(text)
        .bind(after.0.to_vec())
        .bind(given(domain))
        .bind(domain.clone().unwrap_or_default())
        .bind(given(sender))
        .bind(sender.clone().unwrap_or_default())
        .bind(state)
        .bind(NOBODY.to_vec())
        .bind(state)
        .bind(i64::from(page.limit))
}

fn line(row: &impl Columns) -> Answer<QueueLine> {
    Ok(QueueLine {
        id: QueueId(row.array(0)?),
        state: state(row.int(1)?, row.array(2)?),
        account: account(row.int(3)?),
        sender: row.text(4)?,
        recipient: row.text(5)?,
        domain: row.text(6)?,
        object: ObjectId(row.array(7)?),
        size: row.count(8)?.saturating_add(row.count(9)?),
        priority: i8::try_from(row.int(10)?.saturating_neg()).unwrap_or(0),
        attempts: row.small(11)?,
        created_ms: row.count(12)?,
        next_ms: row.count(13)?,
        expires_ms: row.count(14)?,
        last_error: words(row, 15)?,
    })
}

pub(super) async fn change(
    tx: &mut Tx<'_>,
    which: &QueueSelection,
    change: QueueChange,
    at_ms: u64,
) -> Answer<QueueReply> {
    let (rows, limit) = match which {
        QueueSelection::Ids(ids) => (find(tx, ids.iter().copied()).await?, None),
        QueueSelection::Page(page) => {
            let rows = tx
                .db
                .each(query(FIND, page), |row: DbRow| Found::from_row(&row))
                .await?;
            (rows.into_iter().collect(), Some(page.limit))
        }
    };
    let last = rows.last_key_value().map(|(id, _)| *id);
    let next = last.filter(|_| limit.is_some_and(|limit| u32::try_from(rows.len()) == Ok(limit)));
    let many = count(change_rows(tx, rows, change, at_ms).await?)?;
    Ok(QueueReply::Changed { many, next })
}

/// Changes the rows that there is something to do about; answers how many.
async fn change_rows(
    tx: &mut Tx<'_>,
    mut rows: BTreeMap<QueueId, Found>,
    change: QueueChange,
    at_ms: u64,
) -> Answer<usize> {
    rows.retain(|_, row| match change {
        QueueChange::Retry => row.state == QueueState::Waiting,
        QueueChange::Hold => row.state != QueueState::Held,
        QueueChange::Release => row.state == QueueState::Held,
        QueueChange::Delete => true,
    });
    let many = rows.len();
    if change == QueueChange::Delete {
        let gone = rows.into_iter().map(|(id, row)| (id, row.object));
        remove(tx, gone.collect(), at_ms).await?;
        return Ok(many);
    }
    for id in rows.keys() {
        let query = match change {
            QueueChange::Retry => sql(RETRY),
            QueueChange::Release => sql(RELEASE).bind(NOBODY.to_vec()),
            QueueChange::Hold | QueueChange::Delete => sql(HOLD),
        };
        tx.db.post(query.bind(id.0.to_vec())).await?;
    }
    Ok(many)
}
