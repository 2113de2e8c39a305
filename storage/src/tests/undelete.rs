//! Undelete and import beside everybody else.

use futures_lite::future::block_on;
use lightmail_core::machine::Stored;
use lightmail_core::store::{
    Actor, DeliveryKey, Flag, FlagChange, Flags, Import, MailboxName, ModSeq, NewMessage, Reply, Request,
    UidSet, Undelete,
};

use super::town::{Home, Kind, NOW, Town, exists, on_each, read, seed, upload};
use crate::Storage;

const MESSAGES: u32 = 60;

/// Deliveries that were expunged.
async fn buried(town: &Town) -> Home {
    let home = town.settle("a@example.com").await;
    for n in 0..MESSAGES {
        town.deliver(&format!("Subject: {n}\r\n\r\n"), &[home])
            .await
            .unwrap()[0]
            .unwrap();
    }
    let mark = Request::ChangeFlags {
        mailbox: home.inbox,
        uids: UidSet::range(1..=MESSAGES),
        change: FlagChange::Add,
        flags: Flag::Deleted.into(),
        keywords: vec![],
        unchanged_since: None,
        since: ModSeq(0),
    };
    let expunge = Request::Expunge {
        mailbox: home.inbox,
        within: None,
        at_ms: NOW.unix_ms,
        since: ModSeq(0),
    };
    for request in [mark, expunge] {
        town.storage.run(home.actor(), request).await.unwrap();
    }
    home
}

/// How many came back, how many were gone.
async fn undelete_all(storage: &Storage, home: Home) -> (u64, u64) {
    let (mut restored, mut gone) = (0, 0);
    for low in (1..=MESSAGES).step_by(3) {
        let undelete = Undelete {
            account: home.account,
            from: home.inbox,
            uids: UidSet::range(low..=low + 2),
            to: MailboxName::inbox(),
            at_ms: NOW.unix_ms,
        };
        match storage.run(Actor::Operator, Request::Undelete(undelete)).await {
            Ok(Reply::Undeleted(done)) => {
                restored += done.restored.len();
                gone += done.gone.len();
            }
            other => panic!("{other:?}"),
        }
    }
    (restored, gone)
}

async fn collect_all(storage: &Storage) {
    let collect = Request::CollectMessages {
        before_ms: u64::MAX >> 1,
        limit: 4,
        at_ms: NOW.unix_ms,
    };
    let claim = Request::ClaimObjects {
        after: None,
        limit: 100,
    };
    loop {
        let collected = storage.run(Actor::Worker, collect.clone()).await.unwrap();
        storage.run(Actor::Worker, claim.clone()).await.unwrap();
        if collected == Reply::MessagesCollected(0) {
            return;
        }
    }
}

#[test]
fn what_comes_back_keeps_its_body_whatever_the_garbage_worker_does_meanwhile() {
    for kind in Kind::ALL {
        let town = block_on(Town::new(kind));
        let neighbour = block_on(town.neighbour());
        let home = block_on(buried(&town));
        let (restored, gone) = std::thread::scope(|scope| {
            scope.spawn(|| block_on(collect_all(&neighbour.storage)));
            block_on(undelete_all(&town.storage, home))
        });
        assert_eq!(restored + gone, u64::from(MESSAGES), "{kind:?}");
        block_on(async {
            assert_eq!(town.check().await, [""; 0]);
            assert_eq!(exists(&town.storage, home).await, restored);
            let fetch = Request::FetchPage {
                mailbox: home.inbox,
                uids: UidSet::range(MESSAGES + 1..=u32::MAX),
            };
            let Ok(Reply::Page(page)) = town.storage.run(home.actor(), fetch).await else {
                panic!("no page")
            };
            for row in page.rows {
                assert!(read(&town.storage, row.object, 0..row.object_size).await.is_ok());
            }
        });
    }
}

#[test]
fn two_that_undelete_at_once_bring_each_message_back_once() {
    for kind in Kind::ALL {
        let town = block_on(Town::new(kind));
        let neighbour = block_on(town.neighbour());
        let home = block_on(buried(&town));
        let (here, there) = std::thread::scope(|scope| {
            let there = scope.spawn(|| block_on(undelete_all(&neighbour.storage, home)));
            (block_on(undelete_all(&town.storage, home)), there.join().unwrap())
        });
        assert_eq!(
            (here.0 + there.0, here.1 + there.1),
            (u64::from(MESSAGES), 0),
            "{kind:?}"
        );
        assert_eq!(block_on(exists(&town.storage, home)), u64::from(MESSAGES));
        assert_eq!(block_on(town.check()), [""; 0]);
    }
}

async fn imported(town: &Town, home: Home, at_ms: u64) -> usize {
    let mut messages = Vec::new();
    for n in 0..20_u8 {
        let stored: Stored = upload(
            &mut town.storage.desk(),
            format!("Subject: {n}\r\n\r\n").as_bytes(),
        )
        .await
        .unwrap();
        let new = NewMessage {
            email_id: seed().half(),
            stored,
            flags: Flags::NONE,
            keywords: vec![],
            internal_date_s: 0,
        };
        messages.push((DeliveryKey([n; 16]), new));
    }
    let mut new = 0;
    for some in messages.chunks(3) {
        let import = Import {
            account: home.account,
            mailbox: MailboxName::inbox(),
            messages: some.to_vec(),
            ignore_quota: false,
            at_ms,
        };
        match town.storage.run(Actor::Operator, Request::Import(import)).await {
            Ok(Reply::Imported(answers)) => {
                new += answers.iter().filter(|answer| !answer.unwrap().repeated).count();
            }
            other => panic!("{other:?}"),
        }
    }
    new
}

#[test]
fn two_imports_at_once_bring_each_message_once() {
    for kind in Kind::ALL {
        let town = block_on(Town::new(kind));
        let neighbour = block_on(town.neighbour());
        let home = block_on(town.settle("a@example.com"));
        let new = std::thread::scope(|scope| {
            let there = scope.spawn(|| block_on(imported(&neighbour, home, NOW.unix_ms)));
            block_on(imported(&town, home, NOW.unix_ms)) + there.join().unwrap()
        });
        assert_eq!((new, block_on(exists(&town.storage, home))), (20, 20), "{kind:?}");
        assert_eq!(block_on(town.check()), [""; 0]);
    }
}

#[test]
fn keys_of_imports_do_not_grow_old_as_those_of_deliveries_do() {
    on_each(async |kind| {
        const YEAR_MS: u64 = 365 * 24 * 3600 * 1000;
        let town = Town::new(kind).await;
        let home = town.settle("a@example.com").await;
        assert_eq!(imported(&town, home, NOW.unix_ms).await, 20);
        // Another delivery makes the store look for old keys.
        let stored = upload(&mut town.storage.desk(), b"Subject: x\r\n\r\n")
            .await
            .unwrap();
        let mut delivery = super::town::delivery(stored, &[home]);
        if let Request::Deliver { at_ms, .. } = &mut delivery {
            *at_ms += YEAR_MS;
        }
        town.storage.run(Actor::Door, delivery).await.unwrap();
        assert_eq!(imported(&town, home, NOW.unix_ms + YEAR_MS).await, 0);
    });
}

#[test]
fn keys_of_imports_go_with_their_mailbox() {
    on_each(async |kind| {
        let town = Town::new(kind).await;
        let home = town.settle("a@example.com").await;
        assert_eq!(imported(&town, home, NOW.unix_ms).await, 20);
        let before_ms = u64::MAX >> 1;
        let delete = Request::DeleteAccount {
            login: "a@example.com".to_owned(),
            at_ms: NOW.unix_ms,
        };
        town.storage.run(Actor::Operator, delete).await.unwrap();
        collect_all(&town.storage).await;
        let keys = || Request::FindImported {
            keys: vec![DeliveryKey([0; 16])],
        };
        let known = town.storage.run(Actor::Operator, keys()).await;
        assert_eq!(
            known,
            Ok(Reply::ImportedFound(vec![true])),
            "the mailbox is still there"
        );
        let collect = Request::CollectMailboxes { before_ms, limit: 9 };
        town.storage.run(Actor::Worker, collect).await.unwrap();
        let mut eye = town.eye().await;
        assert_eq!(
            super::check::count(&mut eye, "SELECT COUNT(*) FROM deliveries").await,
            0
        );
    });
}
