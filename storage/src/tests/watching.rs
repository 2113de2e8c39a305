//! Change notices.

use futures_lite::future::poll_once;
use lightmail_core::machine::Watched;
use lightmail_core::store::ModSeq;

use super::town::{Town, on_each};

#[test]
fn a_watched_mailbox_tells_of_changes_and_gathers_them() {
    on_each(async |kind| {
        let town = Town::new(kind).await;
        let (home, other) = (
            town.settle("a@example.com").await,
            town.settle("b@example.com").await,
        );
        let mut watcher = town.storage.watch(Watched::Mailbox {
            id: home.inbox,
            since: ModSeq(1),
        });
        let mut account = town.storage.watch(Watched::Account(home.account));
        let mut nothing = town.storage.watch(Watched::Nothing);
        town.deliver("Subject: 1\r\n\r\n", &[home]).await.unwrap();
        town.deliver("Subject: 2\r\n\r\n", &[home, other]).await.unwrap();
        assert_eq!(watcher.changed().await, (home.inbox, ModSeq(3)));
        assert_eq!(account.changed().await, (home.inbox, ModSeq(3)));
        town.deliver("Subject: 3\r\n\r\n", &[other]).await.unwrap();
        assert_eq!(poll_once(watcher.changed()).await, None);
        assert_eq!(poll_once(account.changed()).await, None);
        assert_eq!(poll_once(nothing.changed()).await, None);
    });
}

#[test]
fn what_is_newer_than_the_watch_is_told_at_once() {
    on_each(async |kind| {
        let town = Town::new(kind).await;
        let home = town.settle("a@example.com").await;
        town.deliver("Subject: 1\r\n\r\n", &[home]).await.unwrap();
        let mut late = town.storage.watch(Watched::Mailbox {
            id: home.inbox,
            since: ModSeq(1),
        });
        assert_eq!(late.changed().await, (home.inbox, ModSeq(2)));
    });
}

#[test]
fn a_wait_that_is_dropped_loses_nothing() {
    on_each(async |kind| {
        let town = Town::new(kind).await;
        let home = town.settle("a@example.com").await;
        let mut watcher = town.storage.watch(Watched::Mailbox {
            id: home.inbox,
            since: ModSeq(1),
        });
        let _ = poll_once(watcher.changed()).await;
        town.deliver("Subject: 1\r\n\r\n", &[home]).await.unwrap();
        assert_eq!(watcher.changed().await, (home.inbox, ModSeq(2)));
    });
}

#[test]
fn a_request_whose_answer_nobody_waits_for_is_carried_out() {
    on_each(async |kind| {
        let town = Town::new(kind).await;
        let home = town.settle("a@example.com").await;
        let mut watcher = town.storage.watch(Watched::Account(home.account));
        let stored = super::town::upload(&mut town.storage.desk(), b"Subject: x\r\n\r\n")
            .await
            .unwrap();
        let request = super::town::delivery(stored, &[home]);
        let mut running = Box::pin(town.storage.run(lightmail_core::store::Actor::Door, request));
        let _ = poll_once(&mut running).await;
        drop(running);
        assert_eq!(watcher.changed().await, (home.inbox, ModSeq(2)));
        assert_eq!(super::town::exists(&town.storage, home).await, 1);
    });
}
