//! The garbage worker on a real storage: whatever fails and wherever it is cut, what was deleted is gone in the end, and nothing
//! else; and what its requests cost.

use std::io::ErrorKind;

use lightmail_core::garbage::Settings;
use lightmail_core::machine::Time;
use lightmail_core::store::{
    Actor, CalendarRequest, DeliveryKey, Flag, FlagChange, GarbageCounts, MailboxName, ModSeq, NewMailbox,
    Reply, Request, UidSet, Work,
};

use super::calendars;
use super::shift::{HOUR_MS, Lie, Shift};
use super::town::{Home, Kind, NOW, Town, exists, on_each, seed};
use crate::Point;

pub(super) const SETTINGS: Settings = Settings {
    batch: 4,
    idle_ms: 60_000,
    pause_ms: 5_000,
    grace_ms: 24 * HOUR_MS,
};

/// A day and an hour later.
pub(super) const LATER: Time = Time {
    mono_ms: 25 * HOUR_MS,
    unix_ms: NOW.unix_ms + 25 * HOUR_MS,
};

/// Rounds that are enough for a scene, with one that fails.
const ROUNDS: usize = 5;
/// Scenes of one town; then there is another one, as looking through a full town takes long.
const SCENES: usize = 8;

pub(super) fn mailbox(name: &str) -> Request {
    Request::CreateMailbox {
        mailbox: NewMailbox {
            id: seed().mailbox(),
            name: MailboxName::new(name).unwrap(),
            special_use: None,
            object_id: seed().half(),
        },
        superiors: vec![],
        at_s: NOW.unix_s(),
    }
}

fn copy(home: Home, uid: u32, to: &str) -> Request {
    Request::Copy {
        from: home.inbox,
        uids: UidSet::range(uid..=uid),
        whole: false,
        to: MailboxName::new(to).unwrap(),
        moving: false,
        key: DeliveryKey(seed().half()),
        at_ms: NOW.unix_ms,
        since: ModSeq(0),
    }
}

/// Deletes all messages of an INBOX up to a UID.
pub(super) async fn expunge(town: &Town, home: Home, last: u32) {
    let uids = UidSet::range(1..=last);
    let store = Request::ChangeFlags {
        mailbox: home.inbox,
        uids: uids.clone(),
        change: FlagChange::Add,
        flags: Flag::Deleted.into(),
        keywords: vec![],
        unchanged_since: None,
        since: ModSeq(0),
    };
    let expunge = Request::Expunge {
        mailbox: home.inbox,
        within: Some(uids),
        at_ms: NOW.unix_ms,
        since: ModSeq(0),
    };
    for request in [store, expunge] {
        town.storage.run(home.actor(), request).await.unwrap();
    }
}

/// An INBOX with one message left of six; a copy of the first elsewhere; a deleted mailbox with a copy of the second; a
/// calendar with an object that was replaced; one that is deleted. Three bodies live.
pub(super) async fn fill(town: &Town, home: Home) {
    for n in 1..=6 {
        town.deliver(&format!("Subject: {n}\r\n\r\n"), &[home])
            .await
            .unwrap();
    }
    for request in [
        mailbox("Kept"),
        mailbox("Lost"),
        copy(home, 1, "Kept"),
        copy(home, 2, "Lost"),
        Request::DeleteMailbox {
            name: MailboxName::new("Lost").unwrap(),
            at_ms: NOW.unix_ms,
        },
    ] {
        town.storage.run(home.actor(), request).await.unwrap();
    }
    expunge(town, home, 5).await;
    for calendar in ["gone", "home"] {
        calendars::ask(town, home, calendars::create(calendar))
            .await
            .unwrap();
    }
    for octets in ["BEGIN:VCALENDAR 1", "BEGIN:VCALENDAR 2"] {
        calendars::put(town, home, "a.ics", octets).await;
    }
    let delete = CalendarRequest::Delete {
        calendar: calendars::name("gone"),
        at_ms: NOW.unix_ms,
    };
    calendars::ask(town, home, delete).await.unwrap();
}

/// What waits to be removed a day later.
pub(super) async fn waiting(town: &Town) -> GarbageCounts {
    waiting_at(town, LATER.unix_ms).await
}

pub(super) async fn waiting_at(town: &Town, before_ms: u64) -> GarbageCounts {
    match town
        .storage
        .run(Actor::Operator, Request::CountGarbage { before_ms })
        .await
    {
        Ok(Reply::GarbageCounted(counts)) => counts,
        other => panic!("{other:?}"),
    }
}

/// A town with such a scene for each of its accounts.
struct Scene {
    kind: Kind,
    town: Town,
    homes: Vec<Home>,
}

impl Scene {
    async fn new(kind: Kind) -> Self {
        Self {
            kind,
            town: Town::new(kind).await,
            homes: Vec::new(),
        }
    }

    /// One more account, with something to be removed.
    async fn set(&mut self) {
        if self.homes.len() == SCENES {
            *self = Self::new(self.kind).await;
        }
        let home = self
            .town
            .settle(&format!("u{}@example.com", self.homes.len()))
            .await;
        self.homes.push(home);
        fill(&self.town, home).await;
    }

    /// Nothing waits, everything else is as it was.
    async fn assert_clean(&self, why: &str) {
        let Self { town, homes, .. } = self;
        assert_eq!(waiting(town).await, GarbageCounts::default(), "{why}");
        let mut findings = town.check().await;
        findings.extend(town.check_bodies(0).await);
        assert!(findings.is_empty(), "{why}: {findings:#?}");
        for home in homes {
            assert_eq!(exists(&town.storage, *home).await, 1, "{why}");
        }
        let files = |folder| std::fs::read_dir(town.path().join(folder)).unwrap().count();
        let expected = (2 * homes.len(), homes.len());
        assert_eq!((files("emails"), files("calendars")), expected, "{why}");
    }

    /// A worker that has the lease of the one before.
    fn shift(&self) -> Shift {
        Shift::new(&self.town.storage, SETTINGS, 1, LATER)
    }
}

/// Rounds enough, all of them sound in between.
async fn rounds(town: &Town, shift: &mut Shift, why: &str) {
    for _ in 0..ROUNDS {
        shift.round(None).await;
        let findings = town.check().await;
        assert!(findings.is_empty(), "{why}: {findings:#?}");
    }
}

#[test]
fn what_was_deleted_is_counted_and_goes() {
    on_each(async |kind| {
        let mut scene = Scene::new(kind).await;
        scene.set().await;
        let counts = waiting(&scene.town).await;
        let deleted = [
            counts.messages,
            counts.mailboxes,
            counts.calendar_objects,
            counts.calendars,
        ];
        assert_eq!(
            deleted.map(|of| (of.due, of.kept)),
            [(6, 0), (1, 0), (1, 0), (1, 0)]
        );
        assert_eq!((counts.unnamed, counts.claimed), (0, 0));
        let mut early = Shift::new(&scene.town.storage, SETTINGS, 1, NOW);
        early.round(None).await;
        assert_eq!(
            waiting(&scene.town).await,
            counts,
            "all is kept for the grace time"
        );
        let mut shift = scene.shift();
        rounds(&scene.town, &mut shift, "nothing fails").await;
        assert_eq!(shift.deleted, 5);
        scene.assert_clean("nothing fails").await;
    });
}

/// A worker that is killed behind any of its effects, and another one that takes up the work.
#[test]
fn one_that_is_cut_anywhere_is_followed_by_another() {
    on_each(async |kind| {
        let mut scene = Scene::new(kind).await;
        for cut in 1.. {
            scene.set().await;
            let mut first = scene.shift();
            let mut left = ROUNDS;
            while left > 0 && first.round(Some(cut)).await {
                left -= 1;
            }
            let why = format!("cut behind effect {cut}: {:?}", first.asked.last());
            if left == 0 {
                assert!(cut > 20, "{why}");
                break;
            }
            drop(first);
            scene.town = scene.town.reopened().await;
            rounds(&scene.town, &mut scene.shift(), &why).await;
            scene.assert_clean(&why).await;
        }
    });
}

/// Each effect of all rounds is said to have failed, run or not.
#[test]
fn effects_that_fail_are_asked_for_again() {
    on_each(async |kind| {
        let mut scene = Scene::new(kind).await;
        for lie in [Lie::Before, Lie::After] {
            for nth in 1.. {
                scene.set().await;
                let mut shift = scene.shift();
                shift.wrong = Some((nth, lie));
                rounds(&scene.town, &mut shift, "").await;
                let why = format!("{lie:?} effect {nth}: {:?}", shift.asked.get(nth - 1));
                scene.assert_clean(&why).await;
                if nth > shift.asked.len() {
                    assert!(nth > 20, "{why}");
                    break;
                }
            }
        }
    });
}

/// Each step within the storage fails once: every statement, commit and file of all rounds.
#[test]
fn steps_that_fail_are_taken_again() {
    on_each(async |kind| {
        let mut scene = Scene::new(kind).await;
        for (point, error, at_least) in [
            (Point::Begin, ErrorKind::Other, 10),
            (Point::Statement, ErrorKind::Other, 40),
            (Point::Commit, ErrorKind::Other, 10),
            (Point::Committed, ErrorKind::Other, 10),
            (Point::Remove, ErrorKind::PermissionDenied, 5),
        ] {
            let mut passes = 0;
            while fails_at(&mut scene, point, passes, error).await {
                passes += 1;
            }
            assert!(passes >= at_least, "{point:?}: {passes}");
        }
        // What is tried again within the storage is so for all requests alike: every third statement is enough.
        for error in [ErrorKind::Deadlock, ErrorKind::ConnectionReset] {
            let mut passes = 0;
            while fails_at(&mut scene, Point::Statement, passes, error).await {
                passes += 3;
            }
        }
    });
}

/// Works in a new scene where a step fails once, after it has been passed so many times. Whether that was met.
async fn fails_at(scene: &mut Scene, point: Point, passes: usize, error: ErrorKind) -> bool {
    scene.set().await;
    let faults = scene.town.storage.faults();
    faults.fail_after(point, passes, error);
    let mut shift = scene.shift();
    for _ in 0..ROUNDS {
        shift.round(None).await;
    }
    let met = !faults.is_armed();
    faults.disarm();
    scene
        .assert_clean(&format!("{error:?} at {point:?} after {passes}"))
        .await;
    met
}

/// A panic in a request or in a removal is a failure like others.
#[test]
fn steps_that_panic_are_taken_again() {
    on_each(async |kind| {
        let mut scene = Scene::new(kind).await;
        for point in [
            Point::Begin,
            Point::Statement,
            Point::Commit,
            Point::Committed,
            Point::Remove,
        ] {
            scene.set().await;
            let faults = scene.town.storage.faults();
            faults.panic_once(point);
            rounds(&scene.town, &mut scene.shift(), "a panic").await;
            assert!(!faults.is_armed(), "{point:?}");
            scene.assert_clean(&format!("a panic at {point:?}")).await;
        }
    });
}

/// Statements that a request takes.
async fn cost(town: &Town, actor: Actor, request: Request) -> u64 {
    let name = request.name();
    let before = town.storage.statements().of(name);
    town.storage.run(actor, request).await.unwrap();
    town.storage.statements().of(name) - before
}

#[test]
fn requests_take_as_few_statements_as_the_table_says() {
    on_each(async |kind| {
        for many in [1, 40] {
            let town = Town::new(kind).await;
            let home = town.settle("a@example.com").await;
            for n in 0..many {
                town.deliver(&format!("Subject: {n}\r\n\r\n"), &[home])
                    .await
                    .unwrap();
            }
            expunge(&town, home, many as u32).await;
            let (before_ms, limit, at_ms) = (LATER.unix_ms, 100, LATER.unix_ms);
            let lease = Request::TakeLease {
                work: Work::Garbage,
                owner: [1; 16],
                for_ms: HOUR_MS,
                at_ms,
            };
            // Where nodes share it, the database is asked for the time.
            let time = u64::from(kind == Kind::MySql);
            let collect = Request::CollectMessages {
                before_ms,
                limit,
                at_ms,
            };
            let count = Request::CountGarbage { before_ms };
            let worker = Actor::Worker;
            assert_eq!(
                cost(&town, worker, lease.clone()).await,
                2 + time,
                "the first lease"
            );
            assert_eq!(cost(&town, worker, lease).await, 1 + time, "a lease that is kept");
            assert_eq!(cost(&town, Actor::Operator, count).await, 1);
            assert_eq!(
                cost(&town, worker, collect.clone()).await,
                5 + time + many,
                "a body each, a range of UIDs"
            );
            assert_eq!(cost(&town, worker, collect).await, 1 + time, "nothing");
            let claim = Request::ClaimObjects { after: None, limit };
            assert_eq!(cost(&town, worker, claim.clone()).await, 1 + many);
            let Ok(Reply::ObjectsClaimed { objects: claimed, .. }) = town.storage.run(worker, claim).await
            else {
                panic!()
            };
            let objects: Vec<_> = claimed.into_iter().map(|(_, object)| object).collect();
            let find = Request::FindObjects {
                from: objects[0],
                to: objects[objects.len() - 1],
            };
            assert_eq!(cost(&town, worker, find).await, 1);
            assert_eq!(
                cost(&town, worker, Request::ForgetObjects { objects }).await,
                many
            );
            let mailboxes = Request::CollectMailboxes { before_ms, limit };
            assert_eq!(cost(&town, worker, mailboxes).await, 1, "nothing");
        }
    });
}

/// The grace time is everybody's: it is counted by the clock that all nodes share, if they share one.
#[test]
fn a_node_whose_clock_is_ahead_takes_nothing_before_its_time() {
    on_each(async |kind| {
        let town = Town::new(kind).await;
        let home = town.settle("a@example.com").await;
        town.deliver("Subject: 1\r\n\r\n", &[home]).await.unwrap();
        let today_ms = std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() as u64;
        let delete = Request::DeleteMessages {
            mailbox: home.inbox,
            uids: UidSet::range(1..=1),
            at_ms: today_ms,
        };
        town.storage.run(home.actor(), delete).await.unwrap();
        let ahead_ms = today_ms + 1000 * HOUR_MS;
        let collect = Request::CollectMessages {
            before_ms: ahead_ms - SETTINGS.grace_ms,
            limit: 10,
            at_ms: ahead_ms,
        };
        let collected = town.storage.run(Actor::Worker, collect).await.unwrap();
        let expected = if kind == Kind::MySql { 0 } else { 1 };
        assert_eq!(collected, Reply::MessagesCollected(expected));
    });
}
