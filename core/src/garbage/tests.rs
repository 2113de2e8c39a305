use std::collections::BTreeSet;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::*;
use crate::antivirus::Virus;
use crate::machine::Stored;
use crate::mime::{Limits, Scanner};
use crate::pair::{Fault, Talk, When, World};
use crate::store::calendar::*;
use crate::store::{AccountId, Flag, Flags, MailboxName, ModSeq, Refreshed, UidSet};

const HOUR_MS: u64 = 3_600_000;
const SETTINGS: Settings = Settings {
    batch: 2,
    idle_ms: 60_000,
    pause_ms: 5_000,
    grace_ms: 24 * HOUR_MS,
};

fn worker(seed: u8) -> Garbage {
    Garbage::new(SETTINGS, Seed::new([seed; 32]))
}

/// A world with an account whose INBOX has so many messages, `\Deleted` all.
fn town(messages: usize) -> (World, AccountId) {
    let mut world = World::new();
    let account = world.create_account("user@example.com", "secret");
    for n in 0..messages {
        let text = format!("Subject: {n}\r\n\r\nhello\r\n");
        let flags = Flags::from(Flag::Deleted);
        world
            .append(account, &MailboxName::inbox(), flags, text.as_bytes())
            .unwrap();
    }
    (world, account)
}

fn ask(world: &mut World, account: AccountId, request: Request) -> Reply {
    world.ask(Actor::Account(account), request).unwrap()
}

fn inbox(world: &mut World, account: AccountId) -> crate::store::Opened {
    let request = Request::OpenMailbox {
        name: MailboxName::inbox(),
        claim_recent: false,
    };
    match ask(world, account, request) {
        Reply::Opened(opened) => opened,
        other => panic!("{other:?}"),
    }
}

fn expunge(world: &mut World, account: AccountId) {
    let mailbox = inbox(world, account).mailbox.id;
    let at_ms = world.now().unix_ms;
    let request = Request::Expunge {
        mailbox,
        within: None,
        at_ms,
        since: ModSeq(0),
    };
    ask(world, account, request);
}

fn refreshed(world: &mut World, account: AccountId, since: ModSeq) -> Refreshed {
    let mailbox = inbox(world, account).mailbox.id;
    let request = Request::Refresh {
        mailbox,
        since,
        claim_recent: false,
    };
    match ask(world, account, request) {
        Reply::Refreshed(refreshed) => refreshed,
        other => panic!("{other:?}"),
    }
}

fn copy_to(world: &mut World, account: AccountId, name: &str) {
    let mailbox = inbox(world, account).mailbox.id;
    let at_ms = world.now().unix_ms;
    let request = Request::Copy {
        from: mailbox,
        uids: UidSet::range(1..=u32::MAX),
        whole: false,
        to: MailboxName::new(name).unwrap(),
        moving: false,
        key: crate::store::DeliveryKey([9; 16]),
        at_ms,
        since: ModSeq(0),
    };
    ask(world, account, request);
}

/// Makes the calendar `home`, if there is none, and puts an object of this name into it.
fn put(world: &mut World, account: AccountId, name: &str, octets: &'static str) {
    let segment = |of| ResourceName::new(of).unwrap();
    let new = NewCalendar {
        id: CalendarId(1),
        name: segment("home"),
        properties: Properties::default(),
    };
    let _ = world.ask(
        Actor::Account(account),
        Request::Calendar(CalendarRequest::Create(new)),
    );
    let sha256: [u8; 32] = Sha256::digest(octets).into();
    let object = Seed::new(sha256).object(world.now());
    world.stage.objects.insert(object, octets.into());
    let new = NewCalendarObject {
        calendar: segment("home"),
        name: segment(name),
        uid: CalendarUid::new(name).unwrap(),
        component: Component::Event,
        span: Span::ALWAYS,
        stored: Stored {
            object,
            size: octets.len() as u64,
            sha256,
            received_sha256: sha256,
            index: Arc::new(Scanner::new(Limits::default()).finish()),
            durable_ms: world.now().mono_ms,
            virus: Virus::NotScanned,
        },
        precondition: Precondition::None,
        at_ms: world.now().unix_ms,
    };
    ask(
        world,
        account,
        Request::Calendar(CalendarRequest::Put(Box::new(new))),
    );
}

fn sound(world: &World) {
    assert_eq!(world.check(), Vec::<String>::new());
}

fn effects(world: &World, talk: Talk) -> Vec<&'static str> {
    let mine = world.log().iter().filter(|one| one.talk == talk);
    mine.map(|one| one.effect.name()).collect()
}

#[test]
fn what_was_deleted_is_kept_for_the_grace_time_and_then_gone() {
    let (mut world, account) = town(3);
    let since = inbox(&mut world, account).view.highest_modseq;
    expunge(&mut world, account);
    world.join(worker(1));
    world.advance(23 * HOUR_MS);
    assert_eq!(world.stage.objects.len(), 3, "grace");
    world.advance(2 * HOUR_MS);
    assert_eq!(world.stage.objects.len(), 0);
    assert_eq!(world.stage.store.objects().count(), 0);
    sound(&world);
    let told = refreshed(&mut world, account, since);
    assert_eq!(
        told.vanished,
        UidSet::range(1..=3),
        "a session hears of them even later"
    );
    let told = refreshed(&mut world, account, told.view.highest_modseq);
    assert!(told.vanished.is_empty());
}

#[test]
fn a_body_lives_as_long_as_one_message_has_it() {
    let (mut world, account) = town(2);
    copy_to(&mut world, account, "Archive");
    expunge(&mut world, account);
    world.join(worker(1));
    world.advance(30 * HOUR_MS);
    assert_eq!(world.stage.objects.len(), 2);
    sound(&world);
    let name = MailboxName::new("Archive").unwrap();
    let at_ms = world.now().unix_ms;
    ask(&mut world, account, Request::DeleteMailbox { name, at_ms });
    world.advance(30 * HOUR_MS);
    assert_eq!(world.stage.objects.len(), 0);
    sound(&world);
}

#[test]
fn deleted_mailboxes_go_when_they_are_empty() {
    let (mut world, account) = town(5);
    copy_to(&mut world, account, "Archive");
    let archive = MailboxName::new("Archive").unwrap();
    let at_ms = world.now().unix_ms;
    ask(
        &mut world,
        account,
        Request::DeleteMailbox { name: archive, at_ms },
    );
    let before = world.stage.store.modseqs(account).count();
    world.join(worker(1));
    world.advance(25 * HOUR_MS);
    assert_eq!(world.stage.store.modseqs(account).count(), before - 1);
    sound(&world);
}

#[test]
fn calendar_objects_that_were_replaced_go_and_so_does_a_deleted_calendar() {
    let (mut world, account) = town(0);
    put(&mut world, account, "a.ics", "BEGIN:VCALENDAR one");
    put(&mut world, account, "a.ics", "BEGIN:VCALENDAR two");
    world.join(worker(1));
    world.advance(23 * HOUR_MS);
    assert_eq!(world.stage.objects.len(), 2, "grace");
    world.advance(2 * HOUR_MS);
    let left: Vec<_> = world.stage.objects.values().cloned().collect();
    assert_eq!(left, ["BEGIN:VCALENDAR two"]);
    sound(&world);
    let calendar = ResourceName::new("home").unwrap();
    let at_ms = world.now().unix_ms;
    let delete = CalendarRequest::Delete { calendar, at_ms };
    ask(&mut world, account, Request::Calendar(delete));
    world.advance(25 * HOUR_MS);
    assert!(world.stage.objects.is_empty());
    let kept = format!("{:?}", world.stage.store);
    assert!(!kept.contains("\"home\""), "the row too");
    sound(&world);
}

#[test]
fn it_pauses_between_rounds_and_idles_when_there_is_nothing() {
    let (mut world, account) = town(3);
    expunge(&mut world, account);
    world.advance(25 * HOUR_MS);
    let talk = world.join(worker(1));
    world.advance(0);
    let removed = |world: &World| 3 - world.stage.store.objects().count();
    assert_eq!(removed(&world), 2, "one batch");
    world.advance(SETTINGS.pause_ms - 1);
    assert_eq!(removed(&world), 2);
    world.advance(1);
    assert_eq!(removed(&world), 3);
    world.advance(HOUR_MS);
    let rounds = effects(&world, talk)
        .iter()
        .filter(|name| **name == "store.CollectMessages")
        .count();
    assert!((60..=66).contains(&rounds), "{rounds} rounds in an hour");
}

/// Whatever fails, in whatever way, everything is removed in the end, and nothing that lives.
#[test]
fn what_fails_is_tried_again() {
    for name in [
        "store.TakeLease",
        "store.CollectMessages",
        "store.CollectCalendarObjects",
        "store.ClaimObjects",
        "DeleteObjects",
        "store.ForgetObjects",
        "store.CollectMailboxes",
        "store.CollectCalendars",
        "SweepUploads",
        "ListObjects",
    ] {
        for when in [When::Before, When::After] {
            let (mut world, account) = town(3);
            copy_to(&mut world, account, "Archive");
            put(&mut world, account, "a.ics", "BEGIN:VCALENDAR one");
            let calendar = ResourceName::new("home").unwrap();
            let at_ms = world.now().unix_ms;
            let delete = CalendarRequest::Delete { calendar, at_ms };
            ask(&mut world, account, Request::Calendar(delete));
            let name_of_archive = MailboxName::new("Archive").unwrap();
            expunge(&mut world, account);
            let at_ms = world.now().unix_ms;
            world
                .append(
                    account,
                    &MailboxName::inbox(),
                    Flags::NONE,
                    b"Subject: stays\r\n\r\n",
                )
                .unwrap();
            ask(
                &mut world,
                account,
                Request::DeleteMailbox {
                    name: name_of_archive,
                    at_ms,
                },
            );
            world.advance(25 * HOUR_MS);
            (1..=2).for_each(|nth| {
                world.fail(Fault {
                    when,
                    ..Fault::before(name, nth)
                })
            });
            world.join(worker(1));
            for _ in 0..10 {
                world.advance(SETTINGS.idle_ms);
                let findings = world.check();
                // Between deleting a body and forgetting it the row is claimed, so nothing counts on it.
                assert_eq!(findings, Vec::<String>::new(), "{name} {when:?}");
            }
            assert_eq!(world.stage.objects.len(), 1, "{name} {when:?}");
            assert_eq!(world.stage.store.objects().count(), 1, "{name} {when:?}");
        }
    }
}

#[test]
fn one_worker_works_and_another_takes_over() {
    let (mut world, account) = town(1);
    expunge(&mut world, account);
    let (first, second) = (world.join(worker(1)), world.join(worker(2)));
    world.advance(25 * HOUR_MS);
    assert_eq!(world.stage.objects.len(), 0);
    let only_asked = |world: &World, talk| effects(world, talk).iter().all(|name| *name == "store.TakeLease");
    assert!(only_asked(&world, second) && !only_asked(&world, first));
    world.close(first);
    world.advance(RENEW_MS);
    assert!(!only_asked(&world, second), "the lease was given back");
}

#[test]
fn behind_a_node_that_was_killed_others_wait_two_minutes_at_most() {
    let (mut world, account) = town(1);
    expunge(&mut world, account);
    world.advance(25 * HOUR_MS);
    // What the dead one has left.
    let lease = Request::TakeLease {
        work: Work::Garbage,
        owner: [9; 16],
        for_ms: LEASE_MS,
        at_ms: world.now().unix_ms,
    };
    world.ask(Actor::Worker, lease).unwrap();
    world.join(worker(1));
    world.advance(LEASE_MS - 1);
    assert_eq!(world.stage.objects.len(), 1, "nobody knows that it is dead");
    world.advance(RENEW_MS + 1);
    assert_eq!(world.stage.objects.len(), 0);
    sound(&world);
}

#[test]
fn a_long_rest_keeps_the_lease() {
    let (mut world, account) = town(1);
    let settings = Settings {
        idle_ms: HOUR_MS,
        ..SETTINGS
    };
    let first = world.join(Garbage::new(settings, Seed::new([1; 32])));
    world.advance(0);
    let second = world.join(worker(2));
    world.advance(10 * HOUR_MS);
    assert!(
        effects(&world, second)
            .iter()
            .all(|name| *name == "store.TakeLease")
    );
    let rounds = effects(&world, first);
    let rounds = rounds.iter().filter(|name| **name == "store.CollectMessages");
    assert!((10..=12).contains(&rounds.count()), "a rest is as long as it was");
    // A renewal that fails ends no rest, and one more is in time.
    world.fail(Fault::before("store.TakeLease", 1));
    world.advance(HOUR_MS / 2);
    assert!(
        effects(&world, second)
            .iter()
            .all(|name| *name == "store.TakeLease")
    );
    sound(&world);
    assert_eq!(inbox(&mut world, account).mailbox.msgs, 1);
}

/// Whichever bodies cannot be deleted, all others go, and these too once they can.
#[test]
fn what_cannot_be_deleted_keeps_nobody_waiting_for_ever() {
    const MESSAGES: usize = 6;
    for stuck in 0..1_u32 << MESSAGES {
        for once in [false, true] {
            let (mut world, account) = town(MESSAGES);
            let all = world.stage.objects.keys().copied().enumerate();
            let refused = all.filter(|(nth, _)| stuck >> nth & 1 == 1);
            world.stage.stuck = refused.map(|(_, object)| object).collect();
            let expected = world.stage.stuck.clone();
            expunge(&mut world, account);
            world.advance(25 * HOUR_MS);
            let seed = Seed::new([1; 32]);
            let talk = match once {
                false => world.join(Garbage::new(SETTINGS, seed)),
                true => world.join(Garbage::until_done(SETTINGS, seed)),
            };
            // Three rounds collect all rows; as many more go once through all bodies, and one begins there.
            world.advance(7 * SETTINGS.idle_ms);
            let left = |world: &World| world.stage.objects.keys().copied().collect::<BTreeSet<_>>();
            assert_eq!(left(&world), expected, "stuck {stuck:b}, once {once}");
            assert_eq!(world.is_over(talk), once);
            sound(&world);
            world.stage.stuck.clear();
            if once {
                world.join(Garbage::until_done(SETTINGS, Seed::new([2; 32])));
            }
            world.advance(4 * SETTINGS.idle_ms);
            assert_eq!(left(&world), BTreeSet::new(), "stuck {stuck:b}, once {once}");
            sound(&world);
        }
    }
}

/// An object that nobody has named, drawn so long ago.
fn orphan(world: &mut World, age_ms: u64) -> ObjectId {
    let then = Time {
        unix_ms: world.now().unix_ms - age_ms,
        ..world.now()
    };
    let object = Seed::new([3; 32]).object(then);
    world.stage.objects.insert(object, "Subject: lost\r\n\r\n".into());
    object
}

#[test]
fn orphans_are_deleted_when_they_are_old_and_stay_orphans() {
    let (mut world, _) = town(1);
    let (old, young) = (orphan(&mut world, 25 * HOUR_MS), orphan(&mut world, HOUR_MS));
    world.join(worker(1));
    world.advance(HOUR_MS / 2);
    assert!(world.stage.objects.contains_key(&old), "suspected only");
    world.advance(HOUR_MS);
    assert!(!world.stage.objects.contains_key(&old));
    world.advance(20 * HOUR_MS);
    assert!(world.stage.objects.contains_key(&young), "younger than a day");
    assert_eq!(world.stage.objects.len(), 2);
    world.advance(30 * HOUR_MS);
    assert!(!world.stage.objects.contains_key(&young));
    sound(&world);
}

/// The wall clock goes wrong by two days while a message is between its upload and its row.
#[test]
fn a_wrong_clock_deletes_no_body_whose_row_is_being_written() {
    let (mut world, account) = town(0);
    world.join(worker(1));
    world.advance(48 * HOUR_MS);
    let appended = world
        .append(
            account,
            &MailboxName::inbox(),
            Flags::NONE,
            b"Subject: late\r\n\r\n",
        )
        .unwrap();
    assert_eq!(appended.uids.len(), 1);
    // What the sweep saw before: the body, and no row of it.
    let mut sweep = Sweep::default();
    let object = *world.stage.objects.keys().next().unwrap();
    let wrong = |mono_ms| Time {
        mono_ms,
        unix_ms: world.now().unix_ms + 48 * HOUR_MS,
    };
    let listed = crate::machine::Listed {
        object,
        size: 17,
        modified_ms: world.now().unix_ms,
    };
    assert!(matches!(sweep.next(wrong(0)), Some(Effect::SweepUploads { .. })));
    assert_eq!(sweep.on(wrong(0), Done::UploadsSwept(0)), None);
    assert!(matches!(sweep.next(wrong(0)), Some(Effect::ListObjects { .. })));
    assert!(sweep.on(wrong(0), Done::ObjectsListed(vec![listed])).is_some());
    assert_eq!(sweep.on(wrong(0), Done::Reply(Reply::ObjectsFound(vec![]))), None);
    // An hour later the row is there.
    let confirm = sweep.next(wrong(2 * HOUR_MS));
    assert!(matches!(confirm, Some(Effect::Store(..))), "{confirm:?}");
    let found = Done::Reply(Reply::ObjectsFound(vec![object]));
    assert_eq!(sweep.on(wrong(2 * HOUR_MS), found), None);
}

/// An input, and all actions that come of it.
fn give(worker: &mut Garbage, input: Input) -> Vec<Step> {
    worker.handle(Time::default(), input);
    let mut steps = Vec::new();
    loop {
        let step = worker.poll();
        let more = matches!(step, Step::Act(_));
        steps.push(step);
        if !more {
            return steps;
        }
    }
}

#[test]
fn it_stops_at_once_when_it_rests_and_else_behind_the_effect() {
    let mut resting = worker(1);
    assert_eq!(give(&mut resting, Input::Shutdown), [Step::Over]);
    let mut working = worker(1);
    let steps = give(&mut working, Input::Tick);
    let [Step::Act(Action::Do(token, _)), Step::Wait { until: None, .. }] = steps.as_slice() else {
        panic!("{steps:?}");
    };
    assert!(matches!(
        give(&mut working, Input::Shutdown).as_slice(),
        [Step::Wait { until: None, .. }]
    ));
    let answer = Ok(Done::Reply(Reply::LeaseTaken(true)));
    let steps = give(&mut working, Input::Outcome(*token, answer));
    let [
        Step::Act(Action::Do(token, Effect::Store(_, Request::TakeLease { for_ms: 0, .. }))),
        _,
    ] = &steps[..]
    else {
        panic!("the lease is not given back: {steps:?}");
    };
    let failed = Err(crate::store::Failure::broken("on purpose"));
    assert_eq!(give(&mut working, Input::Outcome(*token, failed)), [Step::Over]);
}

#[test]
fn one_that_works_until_done_ends_and_gives_its_lease_back() {
    let (mut world, account) = town(5);
    expunge(&mut world, account);
    world.advance(25 * HOUR_MS);
    let lost = orphan(&mut world, 50 * HOUR_MS);
    let once = |seed| Garbage::until_done(SETTINGS, Seed::new([seed; 32]));
    let first = world.join(once(1));
    world.advance(10 * SETTINGS.pause_ms);
    assert!(world.is_over(first));
    assert_eq!(
        world.stage.objects.keys().collect::<Vec<_>>(),
        [&lost],
        "no sweep"
    );
    sound(&world);
    // The next one need not wait.
    expunge(&mut world, account);
    let second = world.join(once(2));
    world.advance(SETTINGS.pause_ms);
    assert!(world.is_over(second));
    assert!(effects(&world, second).contains(&"store.CollectMessages"));
    // One that others work beside ends at once, and takes nothing from them.
    world.join(worker(3));
    world.advance(0);
    let third = world.join(once(4));
    world.advance(0);
    assert!(world.is_over(third));
    assert_eq!(effects(&world, third), ["store.TakeLease"]);
}
