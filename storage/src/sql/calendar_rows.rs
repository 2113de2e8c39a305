//! Rows of calendars and calendar objects.

use lightmail_core::store::calendar::{
    Calendar, CalendarId, CalendarObject, CalendarUid, Component, Etag, Properties, ResourceName, Span,
};
use lightmail_core::store::{ModSeq, ObjectId};

use super::db::{Answer, Columns, Stop, sql, stored};
use super::tx::Tx;

/// The columns that [`object`] reads.
macro_rules! object_columns {
    () => {
        "o.name, o.uid, o.component, o.from_s, o.to_s, o.etag, o.object_id, o.size, o.modseq"
    };
}
pub(super) use object_columns;

const INSERT: &str = "INSERT INTO calendar_objects (calendar_id, name, modseq, uid, component, from_s, to_s, etag, \
     object_id, size) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
const BURY: &str = "UPDATE calendar_objects SET deleted_at = ?, modseq = ?, gone = ? \
     WHERE calendar_id = ? AND name = ? AND gone = 0";
const BURY_ALL: &str =
    "UPDATE calendar_objects SET deleted_at = ?, modseq = ?, gone = ? WHERE calendar_id = ? AND gone = 0";
const SAVE: &str = "UPDATE calendars SET modseq = ?, objects = ? WHERE id = ?";
const CLOSE: &str = "UPDATE calendars SET modseq = ?, objects = 0, deleted_at = ?, gone = id WHERE id = ?";

/// What moves in a calendar's row when its objects change.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) id: CalendarId,
    pub(super) modseq: ModSeq,
    pub(super) objects: u64,
}

impl Head {
    /// Of the columns `id, modseq, objects`, which come first.
    pub(super) fn from_row(row: &impl Columns) -> Answer<Self> {
        Ok(Self {
            id: CalendarId(row.int(0)?),
            modseq: row.modseq(1)?,
            objects: row.count(2)?,
        })
    }

    /// The same with the next MODSEQ.
    pub(super) fn stepped(self) -> Self {
        Self {
            modseq: ModSeq(self.modseq.0.saturating_add(1)),
            ..self
        }
    }

    pub(super) async fn save(&self, tx: &mut Tx<'_>) -> Answer<()> {
        let save = sql(SAVE)
            .bind(stored(self.modseq.0))
            .bind(stored(self.objects))
            .bind(self.id.0);
        tx.db.run(save).await.map(drop)
    }

    /// Adds an object.
    pub(super) async fn insert(&mut self, tx: &mut Tx<'_>, object: &CalendarObject) -> Answer<()> {
        let insert = sql(INSERT)
            .bind(self.id.0)
            .bind(octets(&object.name))
            .bind(stored(object.modseq.0))
            .bind(object.uid.as_str().as_bytes().to_vec())
            .bind(object.component as i64)
            .bind(object.span.from_s)
            .bind(object.span.to_s)
            .bind(object.etag.0.to_vec())
            .bind(object.object.0.to_vec())
            .bind(stored(object.size));
        tx.db.run(insert).await?;
        self.objects += 1;
        Ok(())
    }

    /// Soft-deletes the live object of a name, with the calendar's MODSEQ.
    pub(super) async fn bury(&mut self, tx: &mut Tx<'_>, name: &ResourceName, deleted_at: i64) -> Answer<()> {
        let bury = sql(BURY)
            .bind(deleted_at)
            .bind(stored(self.modseq.0))
            .bind(stored(self.modseq.0))
            .bind(self.id.0)
            .bind(octets(name));
        tx.db.run(bury).await?;
        self.objects = self.objects.saturating_sub(1);
        Ok(())
    }

    /// Soft-deletes the calendar and all in it, with the next MODSEQ.
    pub(super) async fn close(self, tx: &mut Tx<'_>, deleted_at: i64) -> Answer<()> {
        let modseq = stored(self.stepped().modseq.0);
        let bury = sql(BURY_ALL)
            .bind(deleted_at)
            .bind(modseq)
            .bind(modseq)
            .bind(self.id.0);
        tx.db.run(bury).await?;
        let close = sql(CLOSE).bind(modseq).bind(deleted_at).bind(self.id.0);
        tx.db.run(close).await.map(drop)
    }
}

/// Of the columns `id, name, properties, modseq, objects`.
pub(super) fn calendar(row: &impl Columns) -> Answer<Calendar> {
    Ok(Calendar {
        id: CalendarId(row.int(0)?),
        name: name(row, 1)?,
        properties: Properties::new(row.octets(2)?).ok_or_else(|| damaged("properties"))?,
        modseq: row.modseq(3)?,
        objects: row.count(4)?,
    })
}

/// Of the columns of `object_columns!`, which begin at `at`; `None` if a join found none.
pub(super) fn object(row: &impl Columns, at: usize) -> Answer<Option<CalendarObject>> {
    if row.maybe_int(at + 8)?.is_none() {
        return Ok(None);
    }
    let uid = String::from_utf8(row.octets(at + 1)?.into())
        .ok()
        .and_then(|uid| CalendarUid::new(&uid));
    Ok(Some(CalendarObject {
        name: name(row, at)?,
        uid: uid.ok_or_else(|| damaged("uid"))?,
        component: Component::from_stored(row.int(at + 2)?).ok_or_else(|| damaged("component"))?,
        span: Span {
            from_s: row.int(at + 3)?,
            to_s: row.int(at + 4)?,
        },
        etag: Etag(row.array(at + 5)?),
        object: ObjectId(row.array(at + 6)?),
        size: row.count(at + 7)?,
        modseq: row.modseq(at + 8)?,
    }))
}

pub(super) fn name(row: &impl Columns, at: usize) -> Answer<ResourceName> {
    let name = String::from_utf8(row.octets(at)?.into())
        .ok()
        .and_then(|name| ResourceName::new(&name));
    name.ok_or_else(|| damaged("name"))
}

/// A name as it is stored.
pub(super) fn octets(name: &ResourceName) -> Vec<u8> {
    name.as_str().as_bytes().to_vec()
}

fn damaged(column: &str) -> Stop {
    Stop::broken(format!(
        "database: the {column} of a calendar or of its object is none"
    ))
}
