//! A delivery that is cut between any two of its steps: nothing acknowledged is lost, nothing is doubled by a retry.

use std::io::ErrorKind;

use futures_lite::future::block_on;
use lightmail_core::store::{Budget, Failure, MailboxName, ModSeq, Refusal, Reply, Request, Uid};

use super::town::{Kind, Town, exists, on_each};
use crate::Point;

const MAIL: &str = "Subject: once\r\n\r\nonly\r\n";

async fn assert_sound(town: &Town, orphans: usize, why: Point) {
    let mut findings = town.check().await;
    findings.extend(town.check_bodies(orphans).await);
    assert!(findings.is_empty(), "{why:?}: {findings:#?}");
}

/// On MySQL a COMMIT without an answer is no failure: it is found out what became of it.
fn finds_out(kind: Kind, point: Point) -> bool {
    kind == Kind::MySql && matches!(point, Point::Commit | Point::Committed)
}

#[test]
fn a_delivery_cut_anywhere_is_made_once_by_the_retry() {
    on_each(async |kind| {
        for point in Point::ALL {
            let town = Town::new(kind).await;
            let homes = [
                town.settle("a@example.com").await,
                town.settle("b@example.com").await,
            ];
            town.deliver("Subject: before\r\n\r\n", &homes).await.unwrap();
            town.storage.faults().fail_once(point, ErrorKind::Other);
            let cut = town.deliver(MAIL, &homes).await;
            if finds_out(kind, point) {
                assert!(cut.unwrap().iter().flatten().all(|delivered| !delivered.repeated));
            } else {
                assert!(matches!(cut, Err(Failure::Broken(_))), "{point:?}: {cut:?}");
            }
            assert!(!town.storage.faults().is_armed(), "{point:?} was never passed");

            let town = town.reopened().await;
            assert_sound(&town, 1, point).await;
            let retried = town.deliver(MAIL, &homes).await.unwrap();
            assert!(retried.iter().all(Result::is_ok), "{point:?}: {retried:?}");
            let repeated = retried.iter().flatten().all(|delivered| delivered.repeated);
            assert_eq!(
                repeated,
                point == Point::Committed || finds_out(kind, point),
                "{point:?}"
            );
            for home in homes {
                assert_eq!(exists(&town.storage, home).await, 2, "{point:?}");
            }
            assert_sound(&town, 2, point).await;
        }
    });
}

#[test]
fn a_full_disk_is_told_and_leaves_nothing() {
    on_each(async |kind| {
        let town = Town::new(kind).await;
        let home = town.settle("a@example.com").await;
        let big = "x".repeat(600 * 1024);
        for point in [Point::Create, Point::Write, Point::SyncFile] {
            for text in [MAIL, &big] {
                town.storage.faults().fail_once(point, ErrorKind::StorageFull);
                let full = town.deliver(text, &[home]).await;
                assert_eq!(full, Err(Refusal::Limit(Budget::Space).into()), "{point:?}");
                assert_sound(&town, 0, point).await;
            }
        }
        let point = match kind {
            Kind::Sqlite => Point::Commit,
            Kind::MySql => Point::Statement,
        };
        town.storage.faults().fail_once(point, ErrorKind::StorageFull);
        assert_eq!(
            town.deliver(MAIL, &[home]).await,
            Err(Refusal::Limit(Budget::Space).into())
        );
        assert!(
            town.deliver(MAIL, &[home]).await.unwrap()[0].is_ok(),
            "and it works again when there is room"
        );
        assert_eq!(exists(&town.storage, home).await, 1);
    });
}

#[test]
fn a_failed_sync_is_no_success_later() {
    on_each(async |kind| {
        let town = Town::new(kind).await;
        let home = town.settle("a@example.com").await;
        for point in [Point::SyncFile, Point::SyncFolder] {
            town.storage.faults().fail_once(point, ErrorKind::Other);
            assert!(
                matches!(town.deliver(MAIL, &[home]).await, Err(Failure::Broken(_))),
                "{point:?}"
            );
        }
        assert_eq!(exists(&town.storage, home).await, 0);
    });
}

/// A group whose commit fails answers all of them; the next one is made on a sound connection.
#[test]
fn a_failed_commit_answers_the_whole_group_and_changes_nothing() {
    on_each(async |kind| {
        let town = Town::new(kind).await;
        let home = town.settle("a@example.com").await;
        for point in [Point::Begin, Point::Commit, Point::Committed] {
            town.storage.faults().fail_once(point, ErrorKind::Other);
            let before = exists(&town.storage, home).await;
            let text = format!("Subject: {point:?}\r\n\r\n");
            let answer = town.deliver(&text, &[home]).await;
            assert_eq!(answer.is_ok(), finds_out(kind, point), "{point:?}");
            let kept = u64::from(point == Point::Committed || finds_out(kind, point));
            assert_eq!(exists(&town.storage, home).await, before + kept, "{point:?}");
            assert!(town.deliver(&text, &[home]).await.unwrap()[0].is_ok());
            assert_eq!(exists(&town.storage, home).await, before + 1, "{point:?}");
        }
        assert_sound(&town, 6, Point::Committed).await;
    });
}

/// A panic costs the requests of its group an answer; a new leader on a new connection serves those after it.
#[test]
fn a_panic_in_a_commit_is_a_failure_like_others() {
    on_each(async |kind| {
        let town = Town::new(kind).await;
        let home = town.settle("a@example.com").await;
        for point in [Point::Begin, Point::Commit, Point::Committed] {
            town.storage.faults().panic_once(point);
            let text = format!("Subject: {point:?}\r\n\r\n");
            let before = exists(&town.storage, home).await;
            assert!(matches!(
                town.deliver(&text, &[home]).await,
                Err(Failure::Broken(_))
            ));
            assert!(town.deliver(&text, &[home]).await.unwrap()[0].is_ok());
            assert_eq!(exists(&town.storage, home).await, before + 1, "{point:?}");
        }
        assert_sound(&town, 3, Point::Commit).await;
    });
}

/// Requests wait behind a group that panics: nobody comes after them to start a leader.
#[test]
fn those_behind_a_panic_get_a_leader() {
    on_each(async |kind| {
        let town = Town::new(kind).await;
        let home = town.settle("a@example.com").await;
        let create = |n: u32| Request::Subscribe {
            name: MailboxName::new(&format!("box{n}")).unwrap(),
        };
        town.storage.faults().panic_once(Point::Begin);
        // More than one group, all in the queue before the first is done with.
        let many: Vec<_> = (0..200)
            .map(|n| crate::sql::commit::Queue::submit(town.storage.inner(), home.actor(), create(n)))
            .collect();
        let mut answered = 0;
        for taker in many {
            answered += u32::from(taker.take().await.is_some());
        }
        assert!((200 - 64..200).contains(&answered), "{answered} of 200");
    });
}

#[test]
fn mail_can_be_read_on_a_full_disk() {
    on_each(async |kind| {
        let town = Town::new(kind).await;
        let home = town.settle("a@example.com").await;
        town.deliver(MAIL, &[home]).await.unwrap();
        let open = || Request::OpenMailbox {
            name: MailboxName::inbox(),
            claim_recent: true,
        };
        let point = match kind {
            Kind::Sqlite => Point::Commit,
            Kind::MySql => Point::Begin,
        };
        town.storage.faults().fail_once(point, ErrorKind::StorageFull);
        let opened = town.storage.run(home.actor(), open()).await;
        let Ok(Reply::Opened(opened)) = opened else {
            panic!("{opened:?}")
        };
        assert_eq!((opened.view.len(), opened.recent_from), (1, Uid(1)));
        town.storage
            .faults()
            .fail_once(Point::Begin, ErrorKind::StorageFull);
        let refresh = Request::Refresh {
            mailbox: home.inbox,
            since: ModSeq(0),
            claim_recent: true,
        };
        let refreshed = town.storage.run(home.actor(), refresh).await;
        assert!(
            matches!(&refreshed, Ok(Reply::Refreshed(refreshed)) if refreshed.view.len() == 1),
            "{refreshed:?}"
        );
        // Nothing was claimed: the next session, with room, is told that it is recent.
        let opened = town.storage.run(home.actor(), open()).await;
        assert!(
            matches!(&opened, Ok(Reply::Opened(opened)) if opened.recent_from == Uid(1)),
            "{opened:?}"
        );
    });
}

#[test]
fn a_closed_database_is_one_file() {
    block_on(async {
        let town = Town::new(Kind::Sqlite).await;
        let home = town.settle("a@example.com").await;
        town.deliver(MAIL, &[home]).await.unwrap();
        exists(&town.storage, home).await;
        town.storage.close().await;
        for left in ["lightmail.db-wal", "lightmail.db-shm"] {
            assert!(!town.path().join(left).exists(), "{left}");
        }
        assert_eq!(exists(&town.reopened().await.storage, home).await, 1);
    });
}

#[test]
fn one_server_for_a_folder() {
    block_on(async {
        let town = Town::new(Kind::Sqlite).await;
        town.storage.occupy().unwrap();
        let neighbour = town.neighbour().await;
        let refused = neighbour.storage.occupy().unwrap_err().to_string();
        assert!(
            refused.contains(&format!("a server has it (process {})", std::process::id())),
            "{refused}"
        );
        drop(town);
        neighbour.storage.occupy().unwrap();
    });
}
