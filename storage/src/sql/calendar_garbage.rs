//! The garbage worker's requests about calendars: rows of what was deleted go for good.

use std::collections::BTreeMap;

use lightmail_core::store::{ObjectId, Reply};

use super::db::{Answer, Columns, Stop, sql, stored};
use super::garbage::{count, due_before, lower};
use super::tx::Tx;

/// With the number of objects that came under the same name later: 0 if this row is what tells that the name is gone.
const DUE_OBJECTS: &str = "SELECT o.calendar_id, o.name, o.gone, o.object_id, (SELECT COUNT(*) FROM calendar_objects l \
     WHERE l.calendar_id = o.calendar_id AND l.name = o.name AND (l.gone = 0 OR l.gone > o.gone)) \
     FROM calendar_objects o WHERE o.deleted_at > 0 AND o.deleted_at < ? \
     ORDER BY o.deleted_at, o.calendar_id, o.name, o.gone LIMIT ? /*! FOR UPDATE */";
const DELETE_OBJECT: &str = "DELETE FROM calendar_objects WHERE calendar_id = ? AND name = ? AND gone = ?";
const RAISE_FLOOR: &str = "UPDATE calendars SET removed_floor = ? WHERE id = ? AND removed_floor < ?";

const DUE_CALENDARS: &str = "SELECT c.id FROM calendars c WHERE c.deleted_at > 0 AND c.deleted_at < ? \
     AND NOT EXISTS (SELECT 1 FROM calendar_objects o WHERE o.calendar_id = c.id) ORDER BY c.deleted_at, c.id LIMIT ?";
const DELETE_CALENDAR: &str = "DELETE FROM calendars WHERE id = ?";

/// A row that goes.
struct Due {
    calendar: i64,
    name: Vec<u8>,
    gone: i64,
    object: ObjectId,
    is_last: bool,
}

pub(super) async fn collect_objects(tx: &mut Tx<'_>, before_ms: u64, limit: u32, at_ms: u64) -> Answer {
    let due_before = due_before(tx, before_ms, at_ms).await?;
    let query = sql(DUE_OBJECTS).bind(due_before).bind(i64::from(limit));
    let due = tx.db.each(query, |row| {
        Ok(Due {
            calendar: row.int(0)?,
            name: row.octets(1)?.to_vec(),
            gone: row.int(2)?,
            object: ObjectId(row.array(3)?),
            is_last: row.int(4)? == 0,
        })
    });
    let due = due.await?;
    let mut floors: BTreeMap<i64, i64> = BTreeMap::new();
    for one in due.iter().filter(|one| one.is_last) {
        let floor = floors.entry(one.calendar).or_default();
        *floor = one.gone.max(*floor);
    }
    for (calendar, floor) in floors {
        let raise = sql(RAISE_FLOOR).bind(floor).bind(calendar).bind(floor);
        tx.db.post(raise).await?;
    }
    lower(tx, due.iter().map(|one| (one.object, 1)), at_ms).await?;
    let collected = count(due.len())?;
    let deletes = due.into_iter().map(|one| {
        let delete = sql(DELETE_OBJECT).bind(one.calendar).bind(one.name);
        delete.bind(one.gone)
    });
    let deleted = tx.db.run_all(deletes).await?;
    if deleted != u64::from(collected) {
        return Err(Stop::broken(format!(
            "database: {deleted} calendar objects went of {collected}"
        )));
    }
    if collected > 0 {
        tracing::info!(objects = collected, "garbage.calendar_objects.removed");
    }
    Ok(Reply::CalendarObjectsCollected(collected))
}

pub(super) async fn collect_calendars(tx: &mut Tx<'_>, before_ms: u64, limit: u32) -> Answer {
    let query = sql(DUE_CALENDARS).bind(stored(before_ms)).bind(i64::from(limit));
    let due = tx.db.each(query, |row| row.int(0)).await?;
    for calendar in &due {
        tx.db.post(sql(DELETE_CALENDAR).bind(*calendar)).await?;
    }
    if !due.is_empty() {
        tracing::info!(calendars = due.len(), "garbage.calendars.removed");
    }
    Ok(Reply::CalendarsCollected(count(due.len())?))
}
