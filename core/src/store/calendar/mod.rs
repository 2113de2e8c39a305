//! Calendars and calendar objects: what CalDAV (RFC 4791) and its synchronisation (RFC 6578) ask of a store.
//!
//! A calendar object is one `.ics` body in the bucket or folder. What a query needs of it comes with the request that puts it:
//! UID, component, time span. A store never reads iCalendar.

mod request;
mod sync;

use std::fmt;

use bytes::Bytes;

use super::{ModSeq, ObjectId};
pub use request::{
    CalendarKey, CalendarReply, CalendarRequest, NewCalendar, NewCalendarObject, Precondition,
};
pub use sync::{CalendarSynced, Change, SyncToken};

/// The most calendars of one account.
pub const CALENDARS_MAX: usize = 100;
/// The most objects of one calendar.
pub const CALENDAR_OBJECTS_MAX: usize = 10_000;

/// A calendar. Positive; drawn by [`crate::machine::Seed`]; never used again, unlike a calendar's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CalendarId(pub i64);

/// The last segment of the URL of a calendar or a calendar object, decoded: 1 to 255 octets of UTF-8 without `/` and control
/// characters, neither `.` nor `..`, which a URL cannot end with (RFC 3986, 5.2.4). Compared octet by octet.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceName(String);

impl ResourceName {
    /// The most octets of a name.
    pub const LEN_MAX: usize = 255;

    /// `None` if this is no name.
    pub fn new(name: &str) -> Option<Self> {
        let is_name = (1..=Self::LEN_MAX).contains(&name.len())
            && !name.chars().any(|c| c == '/' || c.is_control())
            && !matches!(name, "." | "..");
        is_name.then(|| Self(name.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ResourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// The UID of a calendar object's components (RFC 5545, 3.8.4.7): 1 to 1,000 octets without control characters; who makes
/// one now keeps below 255 (RFC 7986, 5.3). Compared octet by octet.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CalendarUid(String);

impl CalendarUid {
    /// The most octets of a UID.
    pub const LEN_MAX: usize = 1000;

    /// `None` if this is no UID.
    pub fn new(uid: &str) -> Option<Self> {
        let is_uid = (1..=Self::LEN_MAX).contains(&uid.len()) && !uid.chars().any(char::is_control);
        is_uid.then(|| Self(uid.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for CalendarUid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// What a calendar is called, its colour, its time zone: its dead properties (RFC 4918, 4.1) as the protocol encodes them.
/// A store never looks inside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Properties(Bytes);

impl Properties {
    /// The most octets.
    pub const LEN_MAX: usize = 16_000;

    /// `None` if these are too many octets.
    pub fn new(octets: Bytes) -> Option<Self> {
        (octets.len() <= Self::LEN_MAX).then_some(Self(octets))
    }

    /// The octets.
    pub fn octets(&self) -> &Bytes {
        &self.0
    }
}

/// What an object consists of; all its components are of one type (RFC 4791, 4.1). The number is what is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Component {
    /// `VEVENT`
    Event = 1,
    /// `VTODO`
    Todo = 2,
    /// `VJOURNAL`
    Journal = 3,
    /// `VFREEBUSY`
    FreeBusy = 4,
}

impl Component {
    /// All of them.
    pub const ALL: [Component; 4] = [
        Component::Event,
        Component::Todo,
        Component::Journal,
        Component::FreeBusy,
    ];

    /// As iCalendar writes it.
    pub fn name(self) -> &'static str {
        match self {
            Component::Event => "VEVENT",
            Component::Todo => "VTODO",
            Component::Journal => "VJOURNAL",
            Component::FreeBusy => "VFREEBUSY",
        }
    }

    /// From the stored number.
    pub fn from_stored(number: i64) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|&component| component as i64 == number)
    }
}

/// When an object takes place, all its instances: seconds since 1970 in UTC, `to_s` no more among them.
///
/// It is made so that [`Span::overlaps`] is the test of RFC 4791, 9.9, for an object without recurrence:
///
/// | object | span |
/// | --- | --- |
/// | an event or a journal entry with a duration | `DTSTART`, its end |
/// | one without duration; a to-do with `DTSTART` alone | `DTSTART`, `DTSTART` |
/// | a free-busy time with `DTSTART` and `DTEND` | `DTSTART`, `DTEND` + 1 |
/// | a to-do with `DTSTART` and `DURATION` | `DTSTART`, its end + 1 |
/// | a to-do with `DTSTART` and `DUE` | `DTSTART`, `DUE` |
/// | a to-do that starts and ends in one moment | it − 1, it + 1 |
/// | a to-do with `DUE` alone | `DUE` − 1, `DUE` |
/// | a to-do with `COMPLETED`, or it and `CREATED` | the earlier − 1, the later + 1 |
/// | a to-do with `CREATED` alone | `CREATED`, [`Span::END`] |
/// | a to-do without any; what recurs without an end, from its first moment on | [`Span::ALWAYS`], [`Span::END`] |
/// | a journal entry without `DTSTART` | [`Span::NEVER`] |
///
/// Of what recurs the span is that of all its instances, so who asks has to look for an instance in what is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first moment.
    pub from_s: i64,
    /// The end.
    pub to_s: i64,
}

impl Span {
    /// The end of what has none.
    pub const END: i64 = i64::MAX;
    /// At all times.
    pub const ALWAYS: Span = Span {
        from_s: i64::MIN,
        to_s: Self::END,
    };
    /// At no time that can be asked for.
    pub const NEVER: Span = Span {
        from_s: Self::END,
        to_s: Self::END,
    };

    /// Whether it overlaps the time range from `range.from_s` to `range.to_s`, the latter no more in it (RFC 4791, 9.9). A range
    /// open at one end has [`i64::MIN`] or [`i64::MAX`] there.
    pub fn overlaps(self, range: Span) -> bool {
        range.to_s > self.from_s && (range.from_s < self.to_s || range.from_s <= self.from_s)
    }
}

/// The entity tag of an object (RFC 4791, 5.3.4): the first half of its content's SHA-256, so that equal contents have equal tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Etag(pub [u8; 16]);

impl Etag {
    /// The tag of a content.
    pub fn of(sha256: &[u8; 32]) -> Self {
        let [half @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = *sha256;
        Self(half)
    }
}

/// A calendar's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    /// Its id.
    pub id: CalendarId,
    /// Its name.
    pub name: ResourceName,
    /// Its properties.
    pub properties: Properties,
    /// Changes with every change of its objects.
    pub modseq: ModSeq,
    /// Its objects.
    pub objects: u64,
}

impl Calendar {
    /// What a client that has all of it synchronises from (RFC 6578, 4).
    pub fn sync_token(&self) -> SyncToken {
        SyncToken {
            calendar: self.id,
            changed: self.modseq,
            removed: self.modseq,
        }
    }
}

/// A calendar object's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalendarObject {
    /// Its name.
    pub name: ResourceName,
    /// Its UID.
    pub uid: CalendarUid,
    /// What it consists of.
    pub component: Component,
    /// When it takes place.
    pub span: Span,
    /// Its entity tag.
    pub etag: Etag,
    /// Its body. The moment in the id is when it was put: `DAV:getlastmodified`.
    pub object: ObjectId,
    /// The size of its body in octets.
    pub size: u64,
    /// The MODSEQ with which it was put.
    pub modseq: ModSeq,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_segments_of_urls() {
        for good in ["a", "5f2c.ics", "Ünï cödé", "...", &"x".repeat(255)] {
            assert_eq!(ResourceName::new(good).unwrap().as_str(), good);
        }
        for bad in ["", ".", "..", "a/b", "a\nb", "\u{7f}", "\u{85}", &"x".repeat(256)] {
            assert_eq!(ResourceName::new(bad), None, "{bad:?}");
        }
        assert!(CalendarUid::new(&"u/".repeat(500)).is_some());
        for bad in ["", "a\tb", &"x".repeat(1001)] {
            assert_eq!(CalendarUid::new(bad), None, "{bad:?}");
        }
        assert!(Properties::new(Bytes::from(vec![0; 16_000])).is_some());
        assert!(Properties::new(Bytes::from(vec![0; 16_001])).is_none());
    }

    #[test]
    fn stored_numbers_are_components() {
        for component in Component::ALL {
            assert_eq!(Component::from_stored(component as i64), Some(component));
            assert!(component.name().starts_with('V'));
        }
        assert_eq!(Component::from_stored(0), None);
    }

    /// The conditions of RFC 4791, 9.9, as the table says, against spans made as [`Span`] says.
    #[test]
    fn spans_overlap_as_the_tables_of_the_rfc_say() {
        let span = |from_s, to_s| Span { from_s, to_s };
        type Condition = fn(i64, i64) -> bool;
        let cases: [(&str, Span, Condition); 12] = [
            ("event with DTEND", span(4, 7), |start, end| start < 7 && end > 4),
            ("event of no duration", span(4, 4), |start, end| {
                start <= 4 && end > 4
            }),
            ("free-busy time", span(4, 8), |start, end| start <= 7 && end > 4),
            ("to-do with DTSTART and DURATION", span(4, 8), |start, end| {
                start <= 7 && (end > 4 || end >= 7)
            }),
            ("to-do with DTSTART and DUE", span(4, 7), |start, end| {
                (start < 7 || start <= 4) && (end > 4 || end >= 7)
            }),
            ("to-do due when it starts", span(3, 5), |start, end| {
                (start < 4 || start <= 4) && (end > 4 || end >= 4)
            }),
            ("to-do with DTSTART", span(4, 4), |start, end| {
                start <= 4 && end > 4
            }),
            ("to-do with DUE", span(6, 7), |start, end| start < 7 && end >= 7),
            ("to-do created and completed", span(3, 8), |start, end| {
                (start <= 4 || start <= 7) && (end >= 4 || end >= 7)
            }),
            ("to-do completed", span(6, 8), |start, end| start <= 7 && end >= 7),
            ("to-do created", span(4, Span::END), |_, end| end > 4),
            ("to-do without times", Span::ALWAYS, |_, _| true),
        ];
        for (what, span, condition) in cases {
            let moments = || (0..12).chain([i64::MIN, i64::MAX]);
            for (start, end) in moments().flat_map(|start| moments().map(move |end| (start, end))) {
                if start < end {
                    let range = Span {
                        from_s: start,
                        to_s: end,
                    };
                    assert_eq!(
                        span.overlaps(range),
                        condition(start, end),
                        "{what}: {start} to {end}"
                    );
                    assert!(!Span::NEVER.overlaps(range));
                }
            }
        }
    }
}
