//! A check beside work in flight: what is under way is no finding.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use futures_lite::future::block_on;
use lightmail_core::machine::Effect;
use lightmail_core::store::{Actor, Failure, Flag, FlagChange, ModSeq, Refusal, Reply, Request, UidSet};

use super::super::town::{Home, NOW, Town, on_each};
use super::store::{Bodies, town};
use crate::fsck::{Event, Finding, Wish};

/// What each mutator does, so many times.
const ROUNDS: usize = 40;

/// Delivers and expunges.
async fn mutate(town: &Town, home: Home, who: usize) {
    for round in 0..ROUNDS {
        town.deliver(&format!("Subject: {who} {round}\r\n\r\n"), &[home])
            .await
            .unwrap();
        if round % 4 == 0 {
            for request in clear(home) {
                match town.storage.run(home.actor(), request).await {
                    Ok(_) | Err(Failure::Refused(Refusal::Gone)) => {}
                    other => panic!("{other:?}"),
                }
            }
        }
    }
}

/// Marks all and expunges it.
fn clear(home: Home) -> [Request; 2] {
    let (mailbox, uids, since) = (home.inbox, UidSet::range(1..=u32::MAX), ModSeq(1));
    [
        Request::ChangeFlags {
            mailbox,
            uids,
            change: FlagChange::Add,
            flags: Flag::Deleted.into(),
            keywords: Vec::new(),
            unchanged_since: None,
            since,
        },
        Request::Expunge {
            mailbox,
            within: None,
            at_ms: NOW.unix_ms,
            since,
        },
    ]
}

/// What the garbage worker does, without its pauses; how many bodies it deleted.
async fn collect(town: &Town, stop: &AtomicBool) -> usize {
    let mut deleted = 0;
    while !stop.load(Ordering::Relaxed) {
        let collect = Request::CollectMessages {
            before_ms: NOW.unix_ms + 1,
            limit: 20,
            at_ms: NOW.unix_ms,
        };
        town.storage.run(Actor::Worker, collect).await.unwrap();
        let claim = Request::ClaimObjects {
            after: None,
            limit: 20,
        };
        let Reply::ObjectsClaimed { objects: claimed, .. } =
            town.storage.run(Actor::Worker, claim).await.unwrap()
        else {
            panic!("no claim");
        };
        deleted += claimed.len();
        let gone = claimed.iter().map(|(_, object)| *object).collect();
        town.storage
            .desk()
            .run(Effect::DeleteObjects(claimed))
            .await
            .unwrap();
        town.storage
            .run(Actor::Worker, Request::ForgetObjects { objects: gone })
            .await
            .unwrap();
    }
    deleted
}

async fn check(town: &Town, found: &mut Vec<Finding>) {
    let mut tell = |event| {
        if let Event::Found(finding) = event {
            found.push(finding);
        }
    };
    let wish = Wish {
        bodies: true,
        ..Wish::new(NOW.unix_ms)
    };
    town.storage.fsck(wish, &mut tell).await.unwrap();
}

#[test]
fn a_clean_store_under_load_has_no_findings() {
    on_each(async |kind| {
        let town = town(kind, Bodies::Folder).await;
        let homes = [
            town.settle("a@example.com").await,
            town.settle("b@example.com").await,
        ];
        let stop = AtomicBool::new(false);
        let (town, stop) = (&town, &stop);
        let (found, checks, deleted) = thread::scope(|scope| {
            let mutate = |(who, home)| scope.spawn(move || block_on(mutate(town, home, who)));
            let work: Vec<_> = homes.into_iter().enumerate().map(mutate).collect();
            let garbage = scope.spawn(move || block_on(collect(town, stop)));
            let (mut found, mut checks) = (Vec::new(), 0);
            while !work.iter().all(|thread| thread.is_finished()) {
                block_on(check(town, &mut found));
                checks += 1;
            }
            stop.store(true, Ordering::Relaxed);
            work.into_iter().for_each(|thread| thread.join().unwrap());
            (found, checks, garbage.join().unwrap())
        });
        assert!(found.is_empty(), "{kind:?}: {found:#?}");
        assert!(
            checks > 0 && deleted > 0,
            "{checks} checks, {deleted} bodies deleted"
        );
        assert_eq!(town.check().await, [""; 0]);
        assert_eq!(town.check_bodies(0).await, [""; 0]);
    });
}
