//! What is asked of a store about calendars, and what it answers.

use super::{
    Calendar, CalendarId, CalendarObject, CalendarSynced, CalendarUid, Component, Etag, Properties,
    ResourceName, Span, SyncToken,
};
use crate::machine::Stored;

/// A question about the calendars of an account. Beyond what [`crate::store::Request`] says of all requests:
///
/// - Refusals are looked for in this order: `NoSuchAccount`, `NoSuchCalendar`, `InvalidSyncToken`, `NoSuchObject`, `Changed`,
///   `AlreadyExists`, then the limits; an id that is taken is `Broken` and comes last.
/// - The first MODSEQ of a calendar is 1. Each put and each removal raises it by one.
/// - Names and UIDs are those of live objects only: what was replaced or removed has neither.
/// - A deleted account has no calendars.
#[derive(Clone, Debug, PartialEq)]
pub enum CalendarRequest {
    /// A new calendar (RFC 4791, 5.3.1). → `Created`, refused with `NoSuchAccount`, `AlreadyExists`, `Limit(Calendars)`
    Create(NewCalendar),
    /// → `Listed`, by name
    List,
    /// Gives a calendar other properties; its MODSEQ stays. → `PropertiesSet`, refused with `NoSuchCalendar`
    SetProperties {
        /// The calendar.
        calendar: ResourceName,
        /// All of them, from now on.
        properties: Properties,
    },
    /// Soft-deletes a calendar and its objects, with one MODSEQ. → `Deleted`, refused with `NoSuchCalendar`
    Delete {
        /// The calendar.
        calendar: ResourceName,
        /// Now, in milliseconds since 1970.
        at_ms: u64,
    },
    /// Puts an object, a new one or in place of the one with its name, which is soft-deleted. → `Put`,
    /// refused with `NoSuchCalendar`, `Changed` (the precondition does not hold), `AlreadyExists` (the UID is another object's,
    /// or the one of this name has another UID: `CALDAV:no-uid-conflict`, RFC 4791, 5.3.2.1), `Limit(CalendarObjects)`;
    /// `Broken` if the body has a row already
    Put(Box<NewCalendarObject>),
    /// → `Found`, refused with `NoSuchCalendar`, `NoSuchObject`
    Find {
        /// The calendar.
        calendar: ResourceName,
        /// Which object.
        key: CalendarKey,
    },
    /// A page of objects (RFC 4791, 7.8), by name, octet by octet. → `Objects`, refused with `NoSuchCalendar`
    Objects {
        /// The calendar.
        calendar: ResourceName,
        /// Only such.
        component: Option<Component>,
        /// Only those that overlap this range: [`Span::overlaps`]. [`Span::ALWAYS`] finds all but those that are at no time.
        range: Option<Span>,
        /// Only names behind this one.
        after: Option<ResourceName>,
        /// At most so many.
        limit: u32,
    },
    /// What has changed since a client knew all (RFC 6578, 3.2). → `Synced`, refused with `NoSuchCalendar`, `InvalidSyncToken`
    /// (removals since are forgotten, or it was never given: `DAV:valid-sync-token`)
    Sync {
        /// The calendar.
        calendar: ResourceName,
        /// What the client knows; `None`: nothing, so it is told of objects only (RFC 6578, 3.4).
        since: Option<SyncToken>,
        /// At most so many changes; with 0 nothing is told, and it never ends.
        limit: u32,
    },
    /// Soft-deletes an object. → `Removed`, refused with `NoSuchCalendar`, `NoSuchObject`, `Changed`
    Remove {
        /// The calendar.
        calendar: ResourceName,
        /// The object.
        name: ResourceName,
        /// What must be true of it.
        precondition: Precondition,
        /// Now, in milliseconds since 1970.
        at_ms: u64,
    },
}

impl CalendarRequest {
    /// Its name in rules for faults, logs and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            CalendarRequest::Create(_) => "store.CreateCalendar",
            CalendarRequest::List => "store.ListCalendars",
            CalendarRequest::SetProperties { .. } => "store.SetCalendarProperties",
            CalendarRequest::Delete { .. } => "store.DeleteCalendar",
            CalendarRequest::Put(_) => "store.PutCalendarObject",
            CalendarRequest::Find { .. } => "store.FindCalendarObject",
            CalendarRequest::Objects { .. } => "store.ListCalendarObjects",
            CalendarRequest::Sync { .. } => "store.SyncCalendar",
            CalendarRequest::Remove { .. } => "store.RemoveCalendarObject",
        }
    }

    /// Whether it changes nothing.
    pub fn only_reads(&self) -> bool {
        match self {
            CalendarRequest::List
            | CalendarRequest::Find { .. }
            | CalendarRequest::Objects { .. }
            | CalendarRequest::Sync { .. } => true,
            CalendarRequest::Create(_)
            | CalendarRequest::SetProperties { .. }
            | CalendarRequest::Delete { .. }
            | CalendarRequest::Put(_)
            | CalendarRequest::Remove { .. } => false,
        }
    }
}

/// What is answered to a [`CalendarRequest`], in the same order.
#[derive(Clone, Debug, PartialEq)]
pub enum CalendarReply {
    /// Of `Create`.
    Created,
    /// Of `List`.
    Listed(Vec<Calendar>),
    /// Of `SetProperties`.
    PropertiesSet,
    /// Of `Delete`.
    Deleted,
    /// Of `Put`.
    Put {
        /// Its entity tag.
        etag: Etag,
        /// Whether there was none of its name.
        created: bool,
    },
    /// Of `Find`.
    Found(CalendarObject),
    /// Of `Objects`.
    Objects {
        /// By name, ascending.
        objects: Vec<CalendarObject>,
        /// Whether there are more: ask again for those after the last.
        more: bool,
    },
    /// Of `Sync`.
    Synced(CalendarSynced),
    /// Of `Remove`.
    Removed,
}

/// A new calendar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCalendar {
    /// Its id.
    pub id: CalendarId,
    /// Its name.
    pub name: ResourceName,
    /// Its properties.
    pub properties: Properties,
}

/// An object to be put.
#[derive(Clone, Debug, PartialEq)]
pub struct NewCalendarObject {
    /// Where to.
    pub calendar: ResourceName,
    /// Its name.
    pub name: ResourceName,
    /// Its UID.
    pub uid: CalendarUid,
    /// What it consists of.
    pub component: Component,
    /// When it takes place.
    pub span: Span,
    /// Its body, durable already.
    pub stored: Stored,
    /// What must be true of the one with its name.
    pub precondition: Precondition,
    /// Now, in milliseconds since 1970.
    pub at_ms: u64,
}

/// By what an object is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CalendarKey {
    /// Its name.
    Name(ResourceName),
    /// Its UID.
    Uid(CalendarUid),
}

/// What must be true of an object that is changed (RFC 9110, 13.1.1 and 13.1.2); looked at and applied in one transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing.
    None,
    /// There is none: `If-None-Match: *`.
    Absent,
    /// There is one: `If-Match: *`.
    Present,
    /// There is one with this tag: `If-Match: "…"`.
    Match(Etag),
}

impl Precondition {
    /// Whether it is true of an object with this tag, or of none.
    pub fn holds(self, etag: Option<Etag>) -> bool {
        match self {
            Precondition::None => true,
            Precondition::Absent => etag.is_none(),
            Precondition::Present => etag.is_some(),
            Precondition::Match(wanted) => etag == Some(wanted),
        }
    }
}
