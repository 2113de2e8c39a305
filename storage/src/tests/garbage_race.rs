//! Mutators on two nodes against two garbage workers that work at the same time, against all leases: in the end no message is
//! without its body, and no body without a row.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use futures_lite::future::block_on;
use lightmail_core::garbage::Settings;
use lightmail_core::machine::Time;
use lightmail_core::store::calendar::Precondition;
use lightmail_core::store::{
    Actor, CalendarRequest, DeliveryKey, Failure, Flag, FlagChange, GarbageCounts, MailboxId, MailboxName,
    ModSeq, Refusal, Reply, Request, UidSet, Undelete,
};

use super::calendars;
use super::garbage::{LATER, fill, mailbox, waiting};
use super::nodes::Dice;
use super::shift::Shift;
use crate::sql::conn::Conn;
use sqlx::Executor as _;

use super::town::{Home, Kind, NOW, Town, read};

const SETTINGS: Settings = Settings {
    batch: 20,
    idle_ms: 1,
    pause_ms: 1,
    grace_ms: 0,
};

/// How much longer a slow machine may take until there was garbage enough.
const PATIENCE: Duration = Duration::from_secs(30);

/// Time that all share: each look at it is a millisecond later.
struct Clock(AtomicU64);

impl Clock {
    fn now(&self) -> Time {
        let ms = self.0.fetch_add(1, Ordering::SeqCst);
        Time {
            mono_ms: ms,
            unix_ms: NOW.unix_ms + ms,
        }
    }
}

struct Race {
    nodes: [Town; 2],
    homes: Vec<Home>,
    clock: Clock,
    over: AtomicBool,
    /// Bodies that the workers have deleted.
    collected: AtomicU64,
}

const ICS: [&str; 3] = ["a.ics", "b.ics", "c.ics"];

fn name(n: u64) -> MailboxName {
    MailboxName::new(["INBOX", "One", "Two"][n as usize % 3]).unwrap()
}

impl Race {
    async fn new(kind: Kind) -> Self {
        let town = Town::new(kind).await;
        let mut homes = Vec::new();
        for login in ["a@example.com", "b@example.com"] {
            homes.push(town.settle(login).await);
        }
        for home in &homes {
            let create = calendars::create("home");
            calendars::ask(&town, *home, create).await.unwrap();
        }
        Self {
            nodes: [town.neighbour().await, town],
            homes,
            clock: Clock(AtomicU64::new(0)),
            over: AtomicBool::new(false),
            collected: AtomicU64::new(0),
        }
    }

    async fn find(&self, town: &Town, home: Home, name: MailboxName) -> Option<MailboxId> {
        match town
            .storage
            .run(home.actor(), Request::StatusMailbox { name, recent: false })
            .await
        {
            Ok(Reply::Status(status)) => Some(status.mailbox.id),
            Err(Failure::Refused(Refusal::NoSuchMailbox)) => None,
            other => panic!("{other:?}"),
        }
    }

    /// One thing that somebody does.
    async fn mutate(&self, town: &Town, dice: &mut Dice) {
        let home = self.homes[dice.below(2) as usize];
        let at_ms = self.clock.now().unix_ms;
        let request = match dice.below(14) {
            0..=2 => {
                let text = format!("Subject: {} {}\r\n\r\n", at_ms, dice.below(u64::MAX >> 40));
                let answers = town.deliver(&text, &self.homes).await.unwrap();
                assert!(answers.iter().all(Result::is_ok), "{answers:?}");
                return;
            }
            12 => return self.put(town, home, dice).await,
            13 => Request::Calendar(CalendarRequest::Remove {
                calendar: calendars::name("home"),
                name: calendars::name(ICS[dice.below(3) as usize]),
                precondition: Precondition::None,
                at_ms,
            }),
            3 => mailbox(name(1 + dice.below(2)).as_str()),
            4 if dice.below(3) == 0 => Request::DeleteMailbox {
                name: name(1 + dice.below(2)),
                at_ms,
            },
            _ => match self.find(town, home, name(dice.below(3))).await {
                Some(mailbox) if dice.below(10) == 0 => self.undelete(home, mailbox, dice, at_ms),
                Some(mailbox) => self.change(mailbox, dice, at_ms),
                None => return,
            },
        };
        let actor = match request {
            Request::Undelete(_) => Actor::Operator,
            _ => home.actor(),
        };
        match town.storage.run(actor, request.clone()).await {
            Ok(_) | Err(Failure::Refused(_)) => {}
            Err(failure) => panic!("{failure:?}: {request:?}"),
        }
    }

    /// Rows that the workers may be at give their bodies to new ones.
    fn undelete(&self, home: Home, from: MailboxId, dice: &mut Dice, at_ms: u64) -> Request {
        Request::Undelete(Undelete {
            account: home.account,
            from,
            uids: UidSet::range(1..=1 + dice.below(200) as u32),
            to: name(dice.below(3)),
            at_ms,
        })
    }

    /// Puts an object, mostly in the place of another.
    async fn put(&self, town: &Town, home: Home, dice: &mut Dice) {
        let text = format!("BEGIN:VCALENDAR {}", dice.below(u64::MAX >> 40));
        let mut new = calendars::new(town, ICS[dice.below(3) as usize], &text).await;
        new.at_ms = self.clock.now().unix_ms;
        let put = CalendarRequest::Put(Box::new(new));
        calendars::ask(town, home, put).await.unwrap();
    }

    fn change(&self, from: MailboxId, dice: &mut Dice, at_ms: u64) -> Request {
        let since = ModSeq(1);
        let uids = UidSet::range(1..=u32::MAX);
        match dice.below(4) {
            0 => Request::ChangeFlags {
                mailbox: from,
                uids,
                change: FlagChange::Add,
                flags: [Flag::Deleted, Flag::Seen][dice.below(2) as usize].into(),
                keywords: vec![],
                unchanged_since: None,
                since,
            },
            1 => Request::Expunge {
                mailbox: from,
                within: None,
                at_ms,
                since,
            },
            moving => Request::Copy {
                from,
                uids: UidSet::range(1..=1 + dice.below(200) as u32),
                whole: false,
                to: name(dice.below(3)),
                moving: moving == 2,
                key: DeliveryKey(super::town::seed().half()),
                at_ms,
                since,
            },
        }
    }

    async fn mutate_until_over(&self, thread: usize) -> u64 {
        let mut dice = Dice(thread as u64 + 1);
        let mut many = 0;
        while !self.over.load(Ordering::SeqCst) {
            self.mutate(&self.nodes[thread % 2], &mut dice).await;
            many += 1;
        }
        many
    }

    fn worker(&self, number: u8) -> Shift {
        let town = &self.nodes[usize::from(number) % 2];
        let mut shift = Shift::new(&town.storage, SETTINGS, number, self.clock.now());
        shift.leads_always = true;
        shift
    }

    async fn collect_until_over(&self, mut worker: Shift) {
        while !self.over.load(Ordering::SeqCst) {
            let before = worker.deleted;
            worker.now = self.clock.now();
            worker.round(None).await;
            let deleted = worker.deleted - before;
            self.collected.fetch_add(deleted as u64, Ordering::SeqCst);
        }
    }

    /// Rounds until nothing waits.
    async fn clean(&self, mut worker: Shift) -> usize {
        while super::garbage::waiting_at(&self.nodes[0], u64::MAX >> 1).await != GarbageCounts::default() {
            worker.now = self.clock.now();
            worker.round(None).await;
        }
        worker.deleted
    }

    /// Reads every message whole, soft-deleted ones too; how many live.
    async fn read_all(&self) -> u64 {
        let mut live = 0;
        for (home, n) in self.homes.iter().flat_map(|home| (0..3).map(move |n| (*home, n))) {
            let storage = &self.nodes[0].storage;
            let status = Request::StatusMailbox {
                name: name(n),
                recent: false,
            };
            let Ok(Reply::Status(status)) = storage.run(home.actor(), status).await else {
                continue;
            };
            let mut here = 0;
            let mut uids = UidSet::range(1..=u32::MAX);
            while !uids.is_empty() {
                let mailbox = status.mailbox.id;
                let request = Request::FetchPage { mailbox, uids };
                let Ok(Reply::Page(page)) = storage.run(home.actor(), request).await else {
                    panic!("no page")
                };
                for row in &page.rows {
                    let octets = read(storage, row.object, 0..row.object_size).await.unwrap();
                    assert!(octets.starts_with(b"Subject: "));
                }
                here += page.rows.len() as u64;
                uids = page.rest;
            }
            assert!(here >= status.mailbox.msgs);
            live += status.mailbox.msgs;
        }
        live
    }
}

/// So long, and until so many bodies have been deleted meanwhile.
fn race(kind: Kind, time: Duration, least: u64) {
    let race = block_on(Race::new(kind));
    let begun = Instant::now();
    let done: u64 = thread::scope(|scope| {
        let race = &race;
        let mutators: Vec<_> = (0..4)
            .map(|thread| scope.spawn(move || block_on(race.mutate_until_over(thread))))
            .collect();
        for number in 1..=2 {
            scope.spawn(move || block_on(race.collect_until_over(race.worker(number))));
        }
        let is_done = || {
            let many = race.collected.load(Ordering::SeqCst) >= least;
            begun.elapsed() > if many { time } else { time + PATIENCE }
        };
        while !is_done() && !mutators.iter().any(|thread| thread.is_finished()) {
            thread::sleep(Duration::from_millis(10));
        }
        race.over.store(true, Ordering::SeqCst);
        mutators.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    let collected = race.collected.load(Ordering::SeqCst);
    block_on(async {
        let town = &race.nodes[0];
        let live = race.read_all().await;
        assert_eq!(town.check().await, [""; 0]);
        let last = race.clean(race.worker(3)).await;
        assert_eq!(race.read_all().await, live);
        assert_eq!(town.check().await, [""; 0]);
        assert_eq!(town.check_bodies(0).await, [""; 0]);
        println!(
            "{kind:?}: {done} changes, {collected} bodies collected meanwhile, {last} in the end, {live} messages live"
        );
        assert!(
            collected >= least,
            "{collected} bodies collected meanwhile, {last} in the end"
        );
    });
}

#[test]
fn no_message_loses_its_body_to_the_garbage_worker() {
    for kind in Kind::ALL {
        race(kind, Duration::from_millis(1500), 10);
    }
}

/// Both workers have seen the same rows when the first one commits: the second takes none of them once more.
#[test]
fn what_one_worker_has_taken_the_other_leaves() {
    block_on(async {
        let town = Town::new(Kind::MySql).await;
        let home = town.settle("a@example.com").await;
        fill(&town, home).await;
        let (before_ms, at_ms, limit) = (LATER.unix_ms, LATER.unix_ms, 100);
        let collect = Request::CollectCalendarObjects {
            before_ms,
            limit,
            at_ms,
        };
        let Conn::MySql(mut first) = town.eye().await else {
            panic!()
        };
        first
            .execute(
                "START TRANSACTION; UPDATE object_keys SET refs = refs - 1, zero_at = 1 \
                 WHERE id IN (SELECT object_id FROM calendar_objects WHERE deleted_at > 0); \
                 DELETE FROM calendar_objects WHERE deleted_at > 0",
            )
            .await
            .unwrap();
        let second = thread::scope(|scope| {
            let second = scope.spawn(|| block_on(town.storage.run(Actor::Worker, collect)));
            block_on(async {
                town.await_lock().await;
                first.execute("COMMIT").await.unwrap();
            });
            second.join().unwrap()
        });
        assert_eq!(second, Ok(Reply::CalendarObjectsCollected(0)));
        assert_eq!(town.check().await, [""; 0]);
        assert_eq!(waiting(&town).await.calendar_objects.due, 0);
    });
}

/// The long form: `cargo test -p lightmail-storage race_of_30_s -- --ignored --nocapture`.
#[test]
#[ignore = "30 s for each database"]
fn race_of_30_s() {
    for kind in Kind::ALL {
        race(kind, Duration::from_secs(30), 200);
    }
}
