//! Calendars and their objects.
//!
//! What reads is one statement, so a page and the token behind it are of one snapshot.

use lightmail_core::machine::ObjectKind;
use lightmail_core::store::calendar::{
    CALENDAR_OBJECTS_MAX, CALENDARS_MAX, CalendarId, CalendarKey, CalendarObject, CalendarReply as Reply,
    CalendarRequest as Request, CalendarSynced, Change, Component, Etag, NewCalendar, NewCalendarObject,
    Precondition, Properties, ResourceName, Span, SyncToken,
};
use lightmail_core::store::{AccountId, Budget, ModSeq, Refusal};

use super::calendar_rows::{Head, calendar, name, object, object_columns, octets};
use super::db::{Answer, Columns, Stop, sql, stored};
use super::messages::{deleted_at, insert_object};
use super::tx::Tx;

/// A calendar's row with the live object that is asked for.
macro_rules! look {
    ($more:literal, $which:literal) => {
        concat!(
            "SELECT c.id, c.modseq, c.objects, ",
            object_columns!(),
            $more,
            " FROM calendars c LEFT JOIN calendar_objects o ON o.calendar_id = c.id AND o.gone = 0 AND ",
            $which,
            " WHERE c.account_id = ? AND c.name = ? AND c.gone = 0"
        )
    };
}

const BY_NAME: &str = look!("", "o.name = ?");
const BY_UID: &str = look!("", "o.uid = ?");
/// With the number of other objects that have a UID.
const PLACE: &str = look!(
    ", (SELECT COUNT(*) FROM calendar_objects u WHERE u.calendar_id = c.id AND u.uid = ? AND u.gone = 0 AND u.name <> ?)",
    "o.name = ?"
);
const HEAD: &str = "SELECT id, modseq, objects FROM calendars WHERE account_id = ? AND name = ? AND gone = 0";
const HEADS: &str = "SELECT id, modseq, objects FROM calendars WHERE account_id = ? AND gone = 0";
const LIST: &str = "SELECT id, name, properties, modseq, objects FROM calendars \
     WHERE account_id = ? AND gone = 0 ORDER BY name";
/// One row for an account that exists: its calendars, and those of a name.
const ROOM: &str = "SELECT (SELECT COUNT(*) FROM calendars c WHERE c.account_id = a.id AND c.gone = 0), \
     (SELECT COUNT(*) FROM calendars c WHERE c.account_id = a.id AND c.name = ? AND c.gone = 0) \
     FROM accounts a WHERE a.id = ?";
const ID_TAKEN: &str = "SELECT 1 FROM calendars WHERE id = ?";
const INSERT: &str = "INSERT INTO calendars (id, account_id, name, properties) VALUES (?, ?, ?, ?)";
const SET_PROPERTIES: &str =
    "UPDATE calendars SET properties = ? WHERE account_id = ? AND name = ? AND gone = 0";

const OBJECTS: &str = concat!(
    "SELECT c.id, ",
    object_columns!(),
    " FROM calendars c LEFT JOIN calendar_objects o ON o.calendar_id = c.id AND o.gone = 0 AND o.name > ? \
     AND (? = 0 OR o.component = ?) AND (? = 0 OR (o.from_s < ? AND (o.to_s > ? OR o.from_s >= ?))) \
     WHERE c.account_id = ? AND c.name = ? AND c.gone = 0 ORDER BY o.name LIMIT ?"
);
/// What was put, and what went and did not come again under its name. Each has a MODSEQ of its own.
const CHANGES: &str = concat!(
    "SELECT c.id, c.modseq, c.removed_floor, o.gone, ",
    object_columns!(),
    " FROM calendars c LEFT JOIN calendar_objects o ON o.calendar_id = c.id AND o.modseq > ? \
     AND (o.gone = 0 OR (o.modseq > ? AND NOT EXISTS (SELECT 1 FROM calendar_objects l \
     WHERE l.calendar_id = o.calendar_id AND l.name = o.name AND (l.gone = 0 OR l.gone > o.gone)))) \
     WHERE c.account_id = ? AND c.name = ? AND c.gone = 0 ORDER BY o.modseq LIMIT ?"
);

/// Answers a request that only reads.
pub(crate) async fn read(tx: &mut Tx<'_>, me: AccountId, request: &Request) -> Answer<Reply> {
    match request {
        Request::Find { calendar, key } => find(tx, me, calendar, key).await,
        Request::Objects {
            calendar,
            component,
            range,
            after,
            limit,
        } => {
            let wanted = Wanted {
                component: *component,
                range: *range,
                after: after.as_ref(),
                limit: *limit,
            };
            list_objects(tx, me, calendar, &wanted).await
        }
        Request::Sync {
            calendar,
            since,
            limit,
        } => sync(tx, me, calendar, *since, *limit).await,
        Request::List => list(tx, me).await,
        other => Err(Stop::broken(format!("{} does not only read", other.name()))),
    }
}

/// Answers a request that writes.
pub(crate) async fn write(tx: &mut Tx<'_>, me: AccountId, request: &Request) -> Answer<Reply> {
    match request {
        Request::Create(new) => create(tx, me, new).await,
        Request::SetProperties { calendar, properties } => set_properties(tx, me, calendar, properties).await,
        Request::Delete { calendar, at_ms } => delete(tx, me, calendar, *at_ms).await,
        Request::Put(new) => put(tx, me, new).await,
        Request::Remove {
            calendar,
            name,
            precondition,
            at_ms,
        } => remove(tx, me, calendar, name, *precondition, *at_ms).await,
        _ => read(tx, me, request).await,
    }
}

async fn create(tx: &mut Tx<'_>, me: AccountId, new: &NewCalendar) -> Answer<Reply> {
    let room = sql(ROOM).bind(octets(&new.name)).bind(me.0);
    let room = tx.db.first(room).await?.ok_or(Refusal::NoSuchAccount)?;
    if room.count(1)? > 0 {
        return Err(Refusal::AlreadyExists.into());
    }
    if room.count(0)? >= CALENDARS_MAX as u64 {
        return Err(Refusal::Limit(Budget::Calendars).into());
    }
    if tx.db.first(sql(ID_TAKEN).bind(new.id.0)).await?.is_some() {
        return Err(Stop::broken(format!("the calendar id {} is taken", new.id.0)));
    }
    let insert = sql(INSERT)
        .bind(new.id.0)
        .bind(me.0)
        .bind(octets(&new.name))
        .bind(new.properties.octets().to_vec());
    tx.db.run(insert).await?;
    Ok(Reply::Created)
}

async fn list(tx: &mut Tx<'_>, me: AccountId) -> Answer<Reply> {
    let lines = tx.db.each(sql(LIST).bind(me.0), |row| calendar(&row)).await?;
    Ok(Reply::Listed(lines))
}

async fn set_properties(
    tx: &mut Tx<'_>,
    me: AccountId,
    calendar: &ResourceName,
    properties: &Properties,
) -> Answer<Reply> {
    let set = sql(SET_PROPERTIES)
        .bind(properties.octets().to_vec())
        .bind(me.0)
        .bind(octets(calendar));
    match tx.db.run(set).await? {
        0 => Err(Refusal::NoSuchCalendar.into()),
        _ => Ok(Reply::PropertiesSet),
    }
}

async fn delete(tx: &mut Tx<'_>, me: AccountId, calendar: &ResourceName, at_ms: u64) -> Answer<Reply> {
    let row = tx.db.first(sql(HEAD).bind(me.0).bind(octets(calendar))).await?;
    let head = Head::from_row(&row.ok_or(Refusal::NoSuchCalendar)?)?;
    head.close(tx, deleted_at(at_ms)).await?;
    Ok(Reply::Deleted)
}

/// Soft-deletes all calendars of an account that is deleted.
pub(crate) async fn close_all(tx: &mut Tx<'_>, me: AccountId, at_ms: u64) -> Answer<()> {
    let heads = tx
        .db
        .each(sql(HEADS).bind(me.0), |row| Head::from_row(&row))
        .await?;
    for head in heads {
        head.close(tx, deleted_at(at_ms)).await?;
    }
    Ok(())
}

async fn put(tx: &mut Tx<'_>, me: AccountId, new: &NewCalendarObject) -> Answer<Reply> {
    let place = sql(PLACE)
        .bind(new.uid.as_str().as_bytes().to_vec())
        .bind(octets(&new.name))
        .bind(octets(&new.name))
        .bind(me.0)
        .bind(octets(&new.calendar));
    let row = tx.db.first(place).await?.ok_or(Refusal::NoSuchCalendar)?;
    let (head, before) = (Head::from_row(&row)?, object(&row, 3)?);
    check_put(&head, before.as_ref(), row.count(12)? > 0, new)?;
    let inserted = insert_object(tx, ObjectKind::Calendar, &new.stored, 1, new.at_ms).await;
    inserted.map_err(|stop| {
        if stop.is_taken() {
            Stop::broken(format!("object {} has a row already", new.stored.object))
        } else {
            stop
        }
    })?;
    let mut head = head.stepped();
    if before.is_some() {
        head.bury(tx, &new.name, deleted_at(new.at_ms)).await?;
    }
    let object = CalendarObject {
        name: new.name.clone(),
        uid: new.uid.clone(),
        component: new.component,
        span: new.span,
        etag: Etag::of(&new.stored.sha256),
        object: new.stored.object,
        size: new.stored.size,
        modseq: head.modseq,
    };
    head.insert(tx, &object).await?;
    head.save(tx).await?;
    Ok(Reply::Put {
        etag: object.etag,
        created: before.is_none(),
    })
}

/// Whether an object may be put where there is `before`; `uid_taken`: another one has its UID.
fn check_put(
    head: &Head,
    before: Option<&CalendarObject>,
    uid_taken: bool,
    new: &NewCalendarObject,
) -> Result<(), Refusal> {
    if !new.precondition.holds(before.map(|object| object.etag)) {
        return Err(Refusal::Changed);
    }
    if uid_taken || before.is_some_and(|object| object.uid != new.uid) {
        return Err(Refusal::AlreadyExists);
    }
    if before.is_none() && head.objects >= CALENDAR_OBJECTS_MAX as u64 {
        return Err(Refusal::Limit(Budget::CalendarObjects));
    }
    Ok(())
}

async fn remove(
    tx: &mut Tx<'_>,
    me: AccountId,
    calendar: &ResourceName,
    name: &ResourceName,
    precondition: Precondition,
    at_ms: u64,
) -> Answer<Reply> {
    let found = sql(BY_NAME).bind(octets(name)).bind(me.0).bind(octets(calendar));
    let row = tx.db.first(found).await?.ok_or(Refusal::NoSuchCalendar)?;
    let object = object(&row, 3)?.ok_or(Refusal::NoSuchObject)?;
    if !precondition.holds(Some(object.etag)) {
        return Err(Refusal::Changed.into());
    }
    let mut head = Head::from_row(&row)?.stepped();
    head.bury(tx, name, deleted_at(at_ms)).await?;
    head.save(tx).await?;
    Ok(Reply::Removed)
}

async fn find(tx: &mut Tx<'_>, me: AccountId, calendar: &ResourceName, key: &CalendarKey) -> Answer<Reply> {
    let found = match key {
        CalendarKey::Name(name) => sql(BY_NAME).bind(octets(name)),
        CalendarKey::Uid(uid) => sql(BY_UID).bind(uid.as_str().as_bytes().to_vec()),
    };
    let row = tx.db.first(found.bind(me.0).bind(octets(calendar))).await?;
    let found = object(&row.ok_or(Refusal::NoSuchCalendar)?, 3)?;
    Ok(Reply::Found(found.ok_or(Refusal::NoSuchObject)?))
}

/// What of a calendar is listed.
struct Wanted<'a> {
    component: Option<Component>,
    range: Option<Span>,
    after: Option<&'a ResourceName>,
    limit: u32,
}

async fn list_objects(
    tx: &mut Tx<'_>,
    me: AccountId,
    calendar: &ResourceName,
    wanted: &Wanted<'_>,
) -> Answer<Reply> {
    let component = wanted.component.map_or(0, |component| component as i64);
    let range = wanted.range.unwrap_or(Span::ALWAYS);
    let query = sql(OBJECTS)
        .bind(wanted.after.map(octets).unwrap_or_default())
        .bind(component)
        .bind(component)
        .bind(i64::from(wanted.range.is_some()))
        .bind(range.to_s)
        .bind(range.from_s)
        .bind(range.from_s)
        .bind(me.0)
        .bind(octets(calendar))
        .bind(one_more(wanted.limit));
    let rows = tx.db.each(query, |row| object(&row, 1)).await?;
    if rows.is_empty() {
        return Err(Refusal::NoSuchCalendar.into());
    }
    let mut found = rows.into_iter().flatten();
    let objects = found.by_ref().take(wanted.limit as usize).collect();
    Ok(Reply::Objects {
        objects,
        more: found.next().is_some(),
    })
}

async fn sync(
    tx: &mut Tx<'_>,
    me: AccountId,
    calendar: &ResourceName,
    since: Option<SyncToken>,
    limit: u32,
) -> Answer<Reply> {
    // Who knows nothing is told of no removal.
    let (changed, removed) = since.map_or((0, i64::MAX), |since| {
        (stored(since.changed.0), stored(since.removed.0))
    });
    let query = sql(CHANGES)
        .bind(changed)
        .bind(removed)
        .bind(me.0)
        .bind(octets(calendar))
        .bind(one_more(limit));
    let mut now = None;
    let changes = tx.db.each(query, |row| {
        let token = SyncToken {
            calendar: CalendarId(row.int(0)?),
            changed: row.modseq(1)?,
            removed: row.modseq(1)?,
        };
        now = Some((token, row.modseq(2)?));
        change(&row)
    });
    let changes = changes.await?;
    let (now, floor) = now.ok_or(Refusal::NoSuchCalendar)?;
    if since.is_some_and(|since| !since.is_valid(now.calendar, now.changed, floor)) {
        return Err(Refusal::InvalidSyncToken.into());
    }
    let changes = changes.into_iter().flatten();
    Ok(Reply::Synced(CalendarSynced::page(changes, limit, since, now)))
}

/// Of the columns of `CHANGES`.
fn change(row: &impl Columns) -> Answer<Option<Change>> {
    Ok(match row.maybe_int(3)? {
        None => None,
        Some(0) => object(row, 4)?.map(Change::Put),
        Some(_) => Some(Change::Removed(name(row, 4)?, ModSeq(row.count(12)?))),
    })
}

/// The row behind a page tells that there are more.
fn one_more(limit: u32) -> i64 {
    i64::from(limit) + 1
}
