//! Calendars: the rules one by one.

use bytes::Bytes;

use super::bench::{Bench, refused};
use crate::store::calendar::*;
use crate::store::*;

/// An account with the calendar `home`.
struct Diary {
    bench: Bench,
}

impl Diary {
    fn new() -> Self {
        let mut diary = Self { bench: Bench::new(0) };
        diary.create("home").unwrap();
        diary
    }

    fn ask(&mut self, request: CalendarRequest) -> Result<CalendarReply, Failure> {
        match self.bench.user(Request::Calendar(request))? {
            Reply::Calendar(reply) => Ok(reply),
            other => panic!("{other:?}"),
        }
    }

    fn create(&mut self, of: &str) -> Result<CalendarReply, Failure> {
        let id = CalendarId(i64::from(self.bench.draw()));
        self.ask(CalendarRequest::Create(NewCalendar {
            id,
            name: name(of),
            properties: Properties::default(),
        }))
    }

    fn event(&mut self, of: &str, uid: &str) -> NewCalendarObject {
        let octets = 50 + self.bench.draw() as usize;
        NewCalendarObject {
            calendar: name("home"),
            name: name(of),
            uid: CalendarUid::new(uid).unwrap(),
            component: Component::Event,
            span: Span { from_s: 10, to_s: 20 },
            stored: self.bench.stored(octets),
            precondition: Precondition::None,
            at_ms: 5_000,
        }
    }

    /// Puts an object whose UID is its name; its tag, and whether it is new.
    fn put(&mut self, of: &str) -> (Etag, bool) {
        let new = self.event(of, of);
        self.put_new(new).unwrap()
    }

    fn put_new(&mut self, new: NewCalendarObject) -> Result<(Etag, bool), Failure> {
        match self.ask(CalendarRequest::Put(Box::new(new)))? {
            CalendarReply::Put { etag, created } => Ok((etag, created)),
            other => panic!("{other:?}"),
        }
    }

    fn remove(&mut self, of: &str, precondition: Precondition, at_ms: u64) -> Result<CalendarReply, Failure> {
        self.ask(CalendarRequest::Remove {
            calendar: name("home"),
            name: name(of),
            precondition,
            at_ms,
        })
    }

    fn delete(&mut self, of: &str) -> Result<CalendarReply, Failure> {
        self.ask(CalendarRequest::Delete {
            calendar: name(of),
            at_ms: 5_000,
        })
    }

    fn calendars(&mut self) -> Vec<Calendar> {
        match self.ask(CalendarRequest::List) {
            Ok(CalendarReply::Listed(lines)) => lines,
            other => panic!("{other:?}"),
        }
    }

    fn token(&mut self) -> SyncToken {
        self.calendars()[0].sync_token()
    }

    fn sync(&mut self, since: Option<SyncToken>, limit: u32) -> Result<CalendarSynced, Failure> {
        let calendar = name("home");
        match self.ask(CalendarRequest::Sync {
            calendar,
            since,
            limit,
        })? {
            CalendarReply::Synced(page) => Ok(page),
            other => panic!("{other:?}"),
        }
    }

    /// What has changed since, in words: `+` before what was put, `-` before what is gone.
    fn news(&mut self, since: Option<SyncToken>) -> String {
        words(&self.sync(since, 100).unwrap())
    }

    fn list(&mut self, component: Option<Component>, range: Option<Span>) -> String {
        self.page(component, range, None, 100).0
    }

    fn page(
        &mut self,
        component: Option<Component>,
        range: Option<Span>,
        after: Option<&str>,
        limit: u32,
    ) -> (String, bool) {
        match self.ask(CalendarRequest::Objects {
            calendar: name("home"),
            component,
            range,
            after: after.map(name),
            limit,
        }) {
            Ok(CalendarReply::Objects { objects, more }) => {
                let names: Vec<_> = objects.iter().map(|object| object.name.as_str()).collect();
                (names.join(" "), more)
            }
            other => panic!("{other:?}"),
        }
    }

    fn find(&mut self, key: CalendarKey) -> Result<CalendarObject, Failure> {
        let calendar = name("home");
        match self.ask(CalendarRequest::Find { calendar, key })? {
            CalendarReply::Found(object) => Ok(object),
            other => panic!("{other:?}"),
        }
    }

    fn collect(&mut self, before_ms: u64) -> u32 {
        let request = Request::CollectCalendarObjects {
            before_ms,
            limit: 100,
            at_ms: before_ms,
        };
        match self.bench.ask(Actor::Worker, request) {
            Ok(Reply::CalendarObjectsCollected(many)) => many,
            other => panic!("{other:?}"),
        }
    }

    fn unnamed(&mut self) -> usize {
        match self.bench.ask(
            Actor::Worker,
            Request::ClaimObjects {
                after: None,
                limit: 100,
            },
        ) {
            Ok(Reply::ObjectsClaimed { objects, .. }) => {
                assert!(
                    objects
                        .iter()
                        .all(|(kind, _)| *kind == crate::machine::ObjectKind::Calendar)
                );
                objects.len()
            }
            other => panic!("{other:?}"),
        }
    }
}

fn name(of: &str) -> ResourceName {
    ResourceName::new(of).unwrap()
}

fn words(page: &CalendarSynced) -> String {
    let put = page
        .changed
        .iter()
        .map(|object| format!("+{}", object.name.as_str()));
    let gone = page.removed.iter().map(|name| format!("-{}", name.as_str()));
    put.chain(gone).collect::<Vec<_>>().join(" ")
}

#[test]
fn calendars_are_listed_by_name_with_what_they_hold() {
    let mut diary = Diary::new();
    for of in ["work", "Zoo", "ärzte"] {
        diary.create(of).unwrap();
    }
    assert_eq!(refused(diary.create("work")), Refusal::AlreadyExists);
    diary.put("a.ics");
    let lines = diary.calendars();
    let names: Vec<_> = lines.iter().map(|line| line.name.as_str()).collect();
    assert_eq!(names, ["Zoo", "home", "work", "ärzte"], "octet by octet");
    assert_eq!((lines[1].objects, lines[1].modseq), (1, ModSeq(2)));
    let properties = Properties::new(Bytes::from_static(b"red")).unwrap();
    let set = |calendar| CalendarRequest::SetProperties {
        calendar,
        properties: properties.clone(),
    };
    diary.ask(set(name("home"))).unwrap();
    assert_eq!(refused(diary.ask(set(name("none")))), Refusal::NoSuchCalendar);
    let line = diary.calendars()[1].clone();
    assert_eq!((line.properties, line.modseq), (properties, ModSeq(2)));
}

#[test]
fn an_account_has_its_own_calendars_and_so_many() {
    let mut diary = Diary::new();
    for n in 1..CALENDARS_MAX {
        diary.create(&format!("c{n}")).unwrap();
    }
    assert_eq!(refused(diary.create("more")), Refusal::Limit(Budget::Calendars));
    let other = diary.bench.account("other@example.com", 0);
    let list = Request::Calendar(CalendarRequest::List);
    let lines = diary.bench.ask(Actor::Account(other), list.clone());
    assert_eq!(lines, Ok(Reply::Calendar(CalendarReply::Listed(vec![]))));
    for actor in [Actor::Door, Actor::Operator, Actor::Worker] {
        assert_eq!(
            refused(diary.bench.ask(actor, list.clone())),
            Refusal::NotPermitted
        );
    }
}

#[test]
fn a_calendar_holds_so_many_objects_and_replacing_one_is_no_more() {
    let mut diary = Diary::new();
    let me = Actor::Account(diary.bench.me);
    diary.put("1");
    let calendar = diary.bench.store.calendars.values_mut().next().unwrap();
    calendar.line.objects = CALENDAR_OBJECTS_MAX as u64;
    let request = |new| Request::Calendar(CalendarRequest::Put(Box::new(new)));
    let new = diary.event("new", "new");
    let full = diary.bench.store.run(me, request(new));
    assert_eq!(refused(full), Refusal::Limit(Budget::CalendarObjects));
    let again = diary.event("1", "1");
    assert!(diary.bench.store.run(me, request(again)).is_ok());
}

#[test]
fn preconditions_are_looked_at_before_anything_else() {
    let mut diary = Diary::new();
    let put = |diary: &mut Diary, precondition| {
        let new = diary.event("a.ics", "a");
        diary.put_new(NewCalendarObject { precondition, ..new })
    };
    for wrong in [Precondition::Present, Precondition::Match(Etag([0; 16]))] {
        assert_eq!(refused(put(&mut diary, wrong)), Refusal::Changed);
        assert_eq!(refused(diary.remove("a.ics", wrong, 1)), Refusal::NoSuchObject);
    }
    let (first, created) = put(&mut diary, Precondition::Absent).unwrap();
    assert!(created);
    assert_eq!(refused(put(&mut diary, Precondition::Absent)), Refusal::Changed);
    let (second, created) = put(&mut diary, Precondition::Match(first)).unwrap();
    assert!(!created && second != first);
    assert_eq!(
        refused(put(&mut diary, Precondition::Match(first))),
        Refusal::Changed
    );
    put(&mut diary, Precondition::Present).unwrap();
    for wrong in [Precondition::Absent, Precondition::Match(second)] {
        assert_eq!(refused(diary.remove("a.ics", wrong, 1)), Refusal::Changed);
    }
    let now = diary.find(CalendarKey::Name(name("a.ics"))).unwrap().etag;
    diary.remove("a.ics", Precondition::Match(now), 1).unwrap();
    let now = CalendarKey::Name(name("a.ics"));
    assert_eq!(refused(diary.find(now)), Refusal::NoSuchObject);
}

/// RFC 4791, 5.3.2.1: `CALDAV:no-uid-conflict`.
#[test]
fn a_uid_is_one_object_and_an_object_keeps_its_uid() {
    let mut diary = Diary::new();
    diary.put("a.ics");
    let twin = diary.event("b.ics", "a.ics");
    assert_eq!(refused(diary.put_new(twin)), Refusal::AlreadyExists);
    let other = diary.event("a.ics", "other");
    assert_eq!(refused(diary.put_new(other)), Refusal::AlreadyExists);
    let found = diary.find(CalendarKey::Uid(CalendarUid::new("a.ics").unwrap()));
    assert_eq!(found.unwrap().name, name("a.ics"));
    diary.remove("a.ics", Precondition::None, 1).unwrap();
    let free = diary.event("b.ics", "a.ics");
    assert!(diary.put_new(free).unwrap().1, "a UID that is gone is free");
    diary.create("work").unwrap();
    let elsewhere = NewCalendarObject {
        calendar: name("work"),
        ..diary.event("b.ics", "a.ics")
    };
    assert!(diary.put_new(elsewhere).unwrap().1);
}

#[test]
fn a_body_belongs_to_one_object() {
    let mut diary = Diary::new();
    let new = diary.event("a.ics", "a");
    diary.put_new(new.clone()).unwrap();
    let twin = NewCalendarObject {
        name: name("b.ics"),
        uid: CalendarUid::new("b").unwrap(),
        ..new
    };
    assert!(matches!(diary.put_new(twin), Err(Failure::Broken(_))));
}

#[test]
fn objects_are_listed_by_component_and_time_page_by_page() {
    let mut diary = Diary::new();
    let cases = [
        ("a", Component::Event, Span { from_s: 10, to_s: 20 }),
        ("b", Component::Todo, Span { from_s: 20, to_s: 30 }),
        (
            "c",
            Component::Event,
            Span {
                from_s: 25,
                to_s: Span::END,
            },
        ),
        ("d", Component::Journal, Span::NEVER),
        ("e", Component::Todo, Span::ALWAYS),
    ];
    for (of, component, span) in cases {
        let new = diary.event(of, of);
        diary
            .put_new(NewCalendarObject {
                component,
                span,
                ..new
            })
            .unwrap();
    }
    let range = |from_s, to_s| Some(Span { from_s, to_s });
    assert_eq!(diary.list(None, None), "a b c d e");
    assert_eq!(diary.list(None, Some(Span::ALWAYS)), "a b c e");
    assert_eq!(diary.list(None, range(0, 10)), "e");
    assert_eq!(diary.list(None, range(19, 21)), "a b e");
    assert_eq!(diary.list(None, range(20, 21)), "b e");
    assert_eq!(diary.list(None, range(1_000, 2_000)), "c e");
    assert_eq!(diary.list(Some(Component::Todo), range(29, 40)), "b e");
    assert_eq!(diary.list(Some(Component::FreeBusy), None), "");
    assert_eq!(diary.page(None, None, None, 2), ("a b".to_owned(), true));
    assert_eq!(diary.page(None, None, Some("b"), 2), ("c d".to_owned(), true));
    assert_eq!(diary.page(None, None, Some("d"), 2), ("e".to_owned(), false));
    assert_eq!(diary.page(None, None, Some("dd"), 1), ("e".to_owned(), false));
}

/// RFC 6578, 3.5.1 and 3.5.2.
#[test]
fn a_client_is_told_what_was_put_and_what_is_gone() {
    let mut diary = Diary::new();
    let empty = diary.token();
    diary.put("a");
    diary.put("b");
    let two = diary.token();
    assert_eq!(diary.news(Some(empty)), "+a +b");
    diary.put("a");
    diary.remove("b", Precondition::None, 1).unwrap();
    for _ in 0..2 {
        diary.put("c");
        diary.remove("c", Precondition::None, 1).unwrap();
    }
    assert_eq!(diary.news(Some(two)), "+a -b -c", "also what came and went");
    assert_eq!(diary.news(None), "+a", "who knows nothing misses nothing");
    let three = diary.token();
    diary.put("b");
    assert_eq!(diary.news(Some(two)), "+a +b -c", "what came again is no loss");
    assert_eq!(diary.news(Some(three)), "+b");
    let now = diary.token();
    let nothing = diary.sync(Some(now), 9).unwrap();
    assert_eq!(
        (words(&nothing), nothing.token, nothing.more),
        (String::new(), now, false)
    );
}

/// RFC 6578, 3.6.
#[test]
fn pages_of_changes_are_whole_together() {
    let mut diary = Diary::new();
    let empty = diary.token();
    ["a", "b", "c", "d"].into_iter().for_each(|of| {
        diary.put(of);
    });
    diary.remove("b", Precondition::None, 1).unwrap();
    diary.put("a");
    let (mut since, mut told) = (empty, Vec::new());
    loop {
        let page = diary.sync(Some(since), 1).unwrap();
        told.push(words(&page));
        since = page.token;
        if !page.more {
            break;
        }
    }
    assert_eq!(told, ["+c", "+d", "-b", "+a"]);
    assert_eq!(since, diary.token());
}

#[test]
fn a_first_fetch_is_not_too_old_on_its_way() {
    let mut diary = Diary::new();
    ["a", "b", "c", "d"].into_iter().for_each(|of| {
        diary.put(of);
    });
    diary.remove("d", Precondition::None, 1_000).unwrap();
    assert_eq!(diary.collect(2_000), 1);
    let first = diary.sync(None, 1).unwrap();
    assert_eq!((words(&first).as_str(), first.more), ("+a", true));
    diary.remove("a", Precondition::None, 9_000).unwrap();
    let second = diary.sync(Some(first.token), 1).unwrap();
    assert_eq!(words(&second), "+b");
    let rest = diary.sync(Some(second.token), 9).unwrap();
    assert_eq!(words(&rest), "+c -a");
    assert_eq!(rest.token, diary.token());
}

#[test]
fn who_was_away_for_too_long_begins_anew() {
    let mut diary = Diary::new();
    diary.put("a");
    let before = diary.token();
    diary.put("a");
    diary.put("b");
    let then = diary.token();
    assert_eq!(diary.collect(6_000), 1, "what was replaced");
    assert_eq!(
        diary.news(Some(before)),
        "+a +b",
        "nothing is gone, so all can be told"
    );
    diary.remove("b", Precondition::None, 7_000).unwrap();
    assert_eq!(diary.news(Some(then)), "-b");
    assert_eq!(diary.collect(7_000), 0, "only what went before");
    assert_eq!(diary.collect(7_001), 1);
    assert_eq!(refused(diary.sync(Some(then), 9)), Refusal::InvalidSyncToken);
    assert_eq!(refused(diary.sync(Some(before), 9)), Refusal::InvalidSyncToken);
    assert_eq!(diary.news(None), "+a");
    let now = diary.token();
    assert_eq!(diary.news(Some(now)), "");
    let never_given = SyncToken {
        changed: ModSeq(50),
        removed: ModSeq(50),
        ..now
    };
    assert_eq!(
        refused(diary.sync(Some(never_given), 9)),
        Refusal::InvalidSyncToken
    );
}

#[test]
fn a_deleted_calendar_frees_its_name_and_another_is_not_it() {
    let mut diary = Diary::new();
    diary.put("a");
    let token = diary.token();
    diary.delete("home").unwrap();
    assert_eq!(refused(diary.delete("home")), Refusal::NoSuchCalendar);
    assert_eq!(refused(diary.sync(Some(token), 9)), Refusal::NoSuchCalendar);
    assert_eq!(
        refused(diary.remove("a", Precondition::None, 1)),
        Refusal::NoSuchCalendar
    );
    diary.create("home").unwrap();
    diary.put("a");
    assert_eq!(refused(diary.sync(Some(token), 9)), Refusal::InvalidSyncToken);
    assert_eq!(diary.news(None), "+a");
}

#[test]
fn bodies_live_as_long_as_a_row_names_them() {
    let mut diary = Diary::new();
    diary.put("a");
    diary.put("a");
    diary.put("b");
    assert_eq!(diary.unnamed(), 0);
    assert_eq!(diary.collect(5_000), 0);
    assert_eq!(diary.collect(5_001), 1);
    assert_eq!(diary.unnamed(), 1, "what was replaced");
    let collect = Request::CollectCalendars {
        before_ms: 9_000,
        limit: 9,
    };
    let calendars = |diary: &mut Diary| diary.bench.ask(Actor::Worker, collect.clone()).unwrap();
    let delete = Request::DeleteAccount {
        login: "user@example.com".to_owned(),
        at_ms: 8_000,
    };
    diary.bench.ask(Actor::Operator, delete).unwrap();
    assert_eq!(
        calendars(&mut diary),
        Reply::CalendarsCollected(0),
        "it has objects still"
    );
    assert_eq!(diary.collect(9_000), 2);
    assert_eq!(diary.unnamed(), 3);
    assert_eq!(calendars(&mut diary), Reply::CalendarsCollected(1));
    assert!(diary.bench.store.calendars.is_empty());
}
