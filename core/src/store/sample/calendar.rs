//! Random requests about calendars: two calendars, four names, three UIDs, times of one day, so that they collide often.

use bytes::Bytes;
use proptest::prelude::*;

use super::script::{Script, pick};
use crate::store::calendar::{
    CalendarId, CalendarKey, CalendarReply, CalendarRequest as Request, CalendarUid, Component, Etag,
    NewCalendar, NewCalendarObject, Precondition, Properties, ResourceName, Span, SyncToken,
};
use crate::store::{AccountId, Actor, ModSeq, Reply};

const CALENDARS: [&str; 2] = ["home", "work"];
/// In octets, `Z` comes before `a`, and `ä` behind both.
const NAMES: [&str; 4] = ["a.ics", "b.ics", "Z.ics", "ä.ics"];
const UIDS: [&str; 3] = ["1@example.com", "2@example.com", "A@example.com"];

/// A request about calendars, roughly.
#[derive(Clone, Debug)]
pub(super) struct Verb {
    calendar: u8,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Create,
    List,
    SetProperties(u8),
    Delete,
    Put {
        name: u8,
        uid: u8,
        component: u8,
        span: (i64, i64),
        condition: u8,
        letter: u16,
    },
    Find {
        uid: bool,
        which: u8,
    },
    Objects {
        component: Option<u8>,
        range: Option<(i64, i64)>,
        after: Option<u8>,
        limit: u32,
    },
    Sync {
        since: Option<(u8, u8)>,
        limit: u32,
    },
    Remove {
        name: u8,
        condition: u8,
    },
}

impl Verb {
    /// Makes the first calendar.
    pub(super) fn create() -> Self {
        Self {
            calendar: 0,
            what: What::Create,
        }
    }
}

pub(super) fn verb() -> impl Strategy<Value = Verb> {
    let moment = || prop_oneof![8 => 0i64..9, 1 => Just(i64::MAX), 1 => Just(i64::MIN)];
    let span = move || (moment(), moment()).prop_map(|(a, b)| (a.min(b), a.max(b)));
    let some = |strategy| proptest::option::weighted(0.5, strategy);
    let what = prop_oneof![
        3 => Just(What::Create),
        2 => Just(What::List),
        1 => any::<u8>().prop_map(What::SetProperties),
        1 => Just(What::Delete),
        12 => (any::<u8>(), any::<u8>(), 0u8..4, span(), any::<u8>(), 0u16..200).prop_map(
            |(name, uid, component, span, condition, letter)| What::Put {
                name, uid, component, span, condition, letter,
            }),
        3 => (any::<bool>(), any::<u8>()).prop_map(|(uid, which)| What::Find { uid, which }),
        4 => (some(0u8..4), proptest::option::of(span()), proptest::option::weighted(0.3, any::<u8>()), 0u32..5).prop_map(
            |(component, range, after, limit)| What::Objects { component, range, after, limit }),
        5 => (proptest::option::weighted(0.8, (0u8..15, 0u8..15)), 0u32..6)
            .prop_map(|(since, limit)| What::Sync { since, limit }),
        5 => (any::<u8>(), any::<u8>()).prop_map(|(name, condition)| What::Remove { name, condition }),
    ];
    (prop_oneof![3 => Just(0u8), 1 => Just(1)], what).prop_map(|(calendar, what)| Verb { calendar, what })
}

impl Script {
    pub(super) fn calendar(&mut self, me: AccountId, verb: Verb) -> Request {
        self.about_calendar(me, verb).unwrap_or(Request::List)
    }

    fn about_calendar(&mut self, me: AccountId, verb: Verb) -> Option<Request> {
        let calendar = name(&CALENDARS, verb.calendar)?;
        Some(match verb.what {
            What::Create => Request::Create(NewCalendar {
                id: CalendarId(i64::from(self.draw())),
                name: calendar,
                properties: Properties::default(),
            }),
            What::List => Request::List,
            What::SetProperties(octet) => Request::SetProperties {
                calendar,
                properties: Properties::new(Bytes::from(vec![octet; 3])).unwrap_or_default(),
            },
            What::Delete => Request::Delete {
                calendar,
                at_ms: self.now_ms(),
            },
            What::Put {
                name: which,
                uid: whose,
                component,
                span,
                condition,
                letter,
            } => Request::Put(Box::new(NewCalendarObject {
                precondition: self.precondition(me, &calendar, which, condition)?,
                calendar,
                name: name(&NAMES, which)?,
                // Mostly the one that belongs to the name, so that objects are replaced.
                uid: uid(if whose.is_multiple_of(4) { whose } else { which })?,
                component: pick(&Component::ALL, component).unwrap_or(Component::Event),
                span: to_span(span),
                stored: self.upload(letter),
                at_ms: self.now_ms(),
            })),
            What::Remove {
                name: which,
                condition,
            } => Request::Remove {
                precondition: self.precondition(me, &calendar, which, condition)?,
                calendar,
                name: name(&NAMES, which)?,
                at_ms: self.now_ms(),
            },
            what => return self.calendar_reading(me, calendar, what),
        })
    }

    fn calendar_reading(&mut self, me: AccountId, calendar: ResourceName, what: What) -> Option<Request> {
        Some(match what {
            What::Find { uid: by_uid, which } => Request::Find {
                calendar,
                key: if by_uid {
                    CalendarKey::Uid(uid(which)?)
                } else {
                    CalendarKey::Name(name(&NAMES, which)?)
                },
            },
            What::Objects {
                component,
                range,
                after,
                limit,
            } => Request::Objects {
                calendar,
                component: component.and_then(|choice| pick(&Component::ALL, choice)),
                range: range.map(to_span),
                after: after.and_then(|choice| name(&NAMES, choice)),
                limit,
            },
            What::Sync { since, limit } => Request::Sync {
                since: since.and_then(|(changed, removed)| self.sync_token(me, &calendar, changed, removed)),
                calendar,
                limit,
            },
            _ => Request::List,
        })
    }

    /// A token of the calendar as it is, back by some changes; if there is no such calendar, of none.
    fn sync_token(
        &mut self,
        me: AccountId,
        calendar: &ResourceName,
        back: u8,
        more: u8,
    ) -> Option<SyncToken> {
        let lines = match self.ask_calendar(me, Request::List) {
            Some(CalendarReply::Listed(lines)) => lines,
            _ => Vec::new(),
        };
        let now = lines.iter().find(|line| line.name == *calendar)?.sync_token();
        let minus = |modseq: ModSeq, n: u8| ModSeq(modseq.0.saturating_sub(u64::from(n)));
        let changed = minus(now.changed, back);
        Some(match more {
            0 => SyncToken {
                calendar: CalendarId(i64::MAX),
                ..now
            },
            1 => SyncToken {
                changed: ModSeq(99_999),
                ..now
            },
            2..=4 => SyncToken { changed, ..now },
            _ => SyncToken {
                changed,
                removed: changed,
                ..now
            },
        })
    }

    /// One that holds more often than not.
    fn precondition(
        &mut self,
        me: AccountId,
        calendar: &ResourceName,
        which: u8,
        choice: u8,
    ) -> Option<Precondition> {
        let find = Request::Find {
            calendar: calendar.clone(),
            key: CalendarKey::Name(name(&NAMES, which)?),
        };
        Some(match (choice % 8, self.ask_calendar(me, find)) {
            (0, _) => Precondition::Absent,
            (1, _) => Precondition::Present,
            (2, _) => Precondition::Match(Etag([7; 16])),
            (3 | 4, Some(CalendarReply::Found(object))) => Precondition::Match(object.etag),
            _ => Precondition::None,
        })
    }

    fn ask_calendar(&mut self, me: AccountId, request: Request) -> Option<CalendarReply> {
        match self
            .store
            .run(Actor::Account(me), crate::store::Request::Calendar(request))
        {
            Ok(Reply::Calendar(reply)) => Some(reply),
            _ => None,
        }
    }
}

fn name(of: &[&str], choice: u8) -> Option<ResourceName> {
    pick(of, choice).and_then(ResourceName::new)
}

fn uid(choice: u8) -> Option<CalendarUid> {
    pick(&UIDS, choice).and_then(CalendarUid::new)
}

fn to_span((from_s, to_s): (i64, i64)) -> Span {
    Span { from_s, to_s }
}
