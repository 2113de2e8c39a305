//! Calendar objects on the disk and in the database, and what requests about them cost.

use futures_lite::future::block_on;
use lightmail_core::machine::ObjectKind;
use lightmail_core::store::calendar::{
    CalendarKey, CalendarUid, Component, NewCalendar, NewCalendarObject, Precondition, Properties,
    ResourceName, Span, SyncToken,
};
use lightmail_core::store::{
    Actor, CalendarReply, CalendarRequest, Failure, ObjectId, Refusal, Reply, Request,
};
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;

use super::group::together;
use super::town::{Home, Kind, NOW, Town, on_each, read, seed, upload_as};

pub(super) fn name(of: &str) -> ResourceName {
    ResourceName::new(of).unwrap()
}

fn uid(of: &str) -> CalendarUid {
    CalendarUid::new(of).unwrap()
}

/// A town in which someone has the calendar `home` with so many objects.
async fn with_objects(kind: Kind, count: usize) -> (Town, Home) {
    let town = Town::new(kind).await;
    let home = town.settle("a@example.com").await;
    fill_calendar(&town, home, count).await;
    (town, home)
}

/// Makes the calendar `home` with so many objects.
pub(super) async fn fill_calendar(town: &Town, home: Home, count: usize) {
    ask(town, home, create("home")).await.unwrap();
    for n in 0..count {
        put(town, home, &format!("{n:03}.ics"), "BEGIN:VCALENDAR").await;
    }
}

pub(super) fn create(calendar: &str) -> CalendarRequest {
    CalendarRequest::Create(NewCalendar {
        id: seed().calendar(),
        name: name(calendar),
        properties: Properties::default(),
    })
}

pub(super) async fn ask(town: &Town, home: Home, request: CalendarRequest) -> Result<CalendarReply, Failure> {
    match town.storage.run(home.actor(), Request::Calendar(request)).await? {
        Reply::Calendar(reply) => Ok(reply),
        other => panic!("{other:?}"),
    }
}

/// An object whose UID is its name.
pub(super) async fn new(town: &Town, of: &str, octets: &str) -> NewCalendarObject {
    let stored = upload_as(&mut town.storage.desk(), ObjectKind::Calendar, octets.as_bytes()).await;
    NewCalendarObject {
        calendar: name("home"),
        name: name(of),
        uid: uid(of),
        component: Component::Event,
        span: Span { from_s: 10, to_s: 20 },
        stored: stored.unwrap(),
        precondition: Precondition::None,
        at_ms: NOW.unix_ms,
    }
}

pub(super) async fn put(town: &Town, home: Home, of: &str, octets: &str) -> ObjectId {
    let new = new(town, of, octets).await;
    let object = new.stored.object;
    ask(town, home, CalendarRequest::Put(Box::new(new)))
        .await
        .unwrap();
    object
}

async fn token(town: &Town, home: Home) -> SyncToken {
    match ask(town, home, CalendarRequest::List).await {
        Ok(CalendarReply::Listed(lines)) => lines[0].sync_token(),
        other => panic!("{other:?}"),
    }
}

/// Statements that a request takes.
async fn cost(town: &Town, actor: Actor, request: Request) -> u64 {
    let name = request.name();
    let before = town.storage.statements().of(name);
    town.storage.run(actor, request).await.unwrap();
    town.storage.statements().of(name) - before
}

async fn sound(town: &Town) {
    assert_eq!(town.check().await, Vec::<String>::new());
    assert_eq!(town.check_bodies(0).await, Vec::<String>::new());
}

#[test]
fn a_calendar_object_lies_in_its_folder_as_it_was_put() {
    on_each(async |kind| {
        let (town, home) = with_objects(kind, 0).await;
        let text = "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n";
        let object = put(&town, home, "a.ics", text).await;
        let path = town.path().join(format!("calendars/{object}.ics"));
        assert_eq!(std::fs::read_to_string(path).unwrap(), text);
        sound(&town).await;
        let town = town.reopened().await;
        let find = CalendarRequest::Find {
            calendar: name("home"),
            key: CalendarKey::Uid(uid("a.ics")),
        };
        match ask(&town, home, find).await {
            Ok(CalendarReply::Found(found)) => {
                assert_eq!((found.object, found.size), (object, text.len() as u64));
            }
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn a_calendar_object_is_read_back_whole_verified_and_in_ranges() {
    on_each(async |kind| {
        let (town, home) = with_objects(kind, 0).await;
        let text = "BEGIN:VCALENDAR\r\n".repeat(10_000);
        let object = put(&town, home, "a.ics", &text).await;
        // Not from what this process remembers.
        let town = town.reopened().await;
        let end = text.len() as u64;
        let whole = read(&town.storage, object, 0..end).await;
        assert!(whole.unwrap() == text.as_bytes());
        let range = read(&town.storage, object, 6..70_000).await;
        assert!(range.unwrap() == text.as_bytes()[6..70_000]);
        let path = town.path().join(ObjectKind::Calendar.key(object));
        std::fs::write(path, text.to_ascii_lowercase()).unwrap();
        let damaged = read(&town.storage, object, 0..end).await;
        assert!(matches!(damaged, Err(Failure::Broken(_))), "{damaged:?}");
    });
}

#[test]
fn what_came_and_went_twice_is_told_once() {
    on_each(async |kind| {
        let (town, home) = with_objects(kind, 1).await;
        let since = Some(token(&town, home).await);
        for of in ["a.ics", "a.ics", "000.ics"] {
            put(&town, home, of, "BEGIN:VCALENDAR again").await;
            let remove = CalendarRequest::Remove {
                calendar: name("home"),
                name: name(of),
                precondition: Precondition::None,
                at_ms: NOW.unix_ms,
            };
            ask(&town, home, remove).await.unwrap();
        }
        let sync = CalendarRequest::Sync {
            calendar: name("home"),
            since,
            limit: 100,
        };
        match ask(&town, home, sync).await {
            Ok(CalendarReply::Synced(page)) => {
                assert_eq!(page.removed, [name("a.ics"), name("000.ics")]);
                assert_eq!((page.changed, page.more), (vec![], false));
                assert_eq!(page.token, token(&town, home).await);
            }
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn requests_take_as_few_statements_whatever_a_calendar_holds() {
    on_each(async |kind| {
        for count in [1, 40] {
            let (town, home) = with_objects(kind, count).await;
            let since = token(&town, home).await;
            let calendar = name("home");
            let cases = [
                (1, CalendarRequest::List),
                (
                    1,
                    CalendarRequest::Find {
                        calendar: calendar.clone(),
                        key: CalendarKey::Name(name("000.ics")),
                    },
                ),
                (
                    1,
                    CalendarRequest::Objects {
                        calendar: calendar.clone(),
                        component: Some(Component::Event),
                        range: Some(Span { from_s: 0, to_s: 30 }),
                        after: None,
                        limit: 100,
                    },
                ),
                (
                    1,
                    CalendarRequest::Sync {
                        calendar: calendar.clone(),
                        since: None,
                        limit: 100,
                    },
                ),
                (
                    1,
                    CalendarRequest::Sync {
                        calendar: calendar.clone(),
                        since: Some(since),
                        limit: 100,
                    },
                ),
                (
                    1,
                    CalendarRequest::SetProperties {
                        calendar: calendar.clone(),
                        properties: Properties::default(),
                    },
                ),
                (3, create("work")),
                (
                    4,
                    CalendarRequest::Put(Box::new(new(&town, "new.ics", "new").await)),
                ),
                (
                    5,
                    CalendarRequest::Put(Box::new(new(&town, "000.ics", "other").await)),
                ),
                (
                    3,
                    CalendarRequest::Remove {
                        calendar: calendar.clone(),
                        name: name("000.ics"),
                        precondition: Precondition::Present,
                        at_ms: NOW.unix_ms,
                    },
                ),
                (
                    3,
                    CalendarRequest::Delete {
                        calendar,
                        at_ms: NOW.unix_ms,
                    },
                ),
            ];
            for (expected, request) in cases {
                let what = format!("{count} objects: {request:?}");
                let found = cost(&town, home.actor(), Request::Calendar(request)).await;
                assert_eq!(found, expected, "{what}");
            }
            sound(&town).await;
        }
    });
}

#[test]
fn what_loses_a_precondition_in_one_group_leaves_the_others_alone() {
    on_each(async |kind| {
        let (town, home) = with_objects(kind, 0).await;
        let mut puts = Vec::new();
        for octets in ["one", "two", "three"] {
            let precondition = Precondition::Absent;
            puts.push(NewCalendarObject {
                precondition,
                ..new(&town, "a.ics", octets).await
            });
        }
        let requests = puts.into_iter().map(|put| {
            let request = Request::Calendar(CalendarRequest::Put(Box::new(put)));
            (home.actor(), request)
        });
        let mut won = 0;
        for answer in together(&town, requests.collect()).await {
            match answer {
                Ok(Reply::Calendar(CalendarReply::Put { created: true, .. })) => won += 1,
                other => assert_eq!(other, Err(Refusal::Changed.into())),
            }
        }
        assert_eq!(won, 1);
        assert_eq!(town.check().await, Vec::<String>::new());
    });
}

/// The second lock on the door: whatever `refs` says.
#[test]
fn a_body_that_a_calendar_object_has_is_never_claimed() {
    block_on(async {
        let (town, home) = with_objects(Kind::Sqlite, 1).await;
        let options = SqliteConnectOptions::new().filename(town.path().join("lightmail.db"));
        let mut conn = options.connect().await.unwrap();
        let wrong = sqlx::query("UPDATE object_keys SET refs = 0, zero_at = 1");
        wrong.execute(&mut conn).await.unwrap();
        let claim = Request::ClaimObjects {
            after: None,
            limit: 10,
        };
        let claimed = town.storage.run(Actor::Worker, claim).await;
        assert!(
            matches!(&claimed, Ok(Reply::ObjectsClaimed { objects, .. }) if objects.is_empty()),
            "{claimed:?}"
        );
        assert_eq!(token(&town, home).await.changed.0, 2);
    });
}
