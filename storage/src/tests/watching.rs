//! Change notices.

use futures_lite::future::poll_once;
use lightmail_core::machine::Watched;
use lightmail_core::store::{AccountId, Flag, FlagChange, MailboxId, ModSeq, Request, UidSet};

use super::town::{Home, Town, on_each};
use crate::Watcher;
use crate::poll::{self, Wanted};

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
        until(&mut watcher, ModSeq(2)).await;
        assert_eq!(super::town::exists(&town.storage, home).await, 1);
    });
}

/// Makes a poll come now instead of within a second.
fn ring(town: &Town) {
    town.storage.inner().hub.bell().ring();
}

/// Waits for this news. What is older may be told as well, or again: a machine ignores what it knows.
async fn until(watcher: &mut Watcher, modseq: ModSeq) {
    while watcher.changed().await.1 != modseq {}
}

fn flag(home: Home) -> Request {
    Request::ChangeFlags {
        mailbox: home.inbox,
        uids: UidSet::range(1..=1),
        change: FlagChange::Add,
        flags: Flag::Seen.into(),
        keywords: vec![],
        unchanged_since: None,
        since: ModSeq(1),
    }
}

#[test]
fn what_another_process_changes_is_told() {
    on_each(async |kind| {
        let town = Town::new(kind).await;
        let neighbour = town.neighbour().await;
        let home = town.settle("a@example.com").await;
        let mut mailbox = town.storage.watch(Watched::Mailbox {
            id: home.inbox,
            since: ModSeq(1),
        });
        let mut account = town.storage.watch(Watched::Account(home.account));
        // What the account has is told with the first poll.
        until(&mut account, ModSeq(1)).await;
        neighbour.deliver("Subject: 1\r\n\r\n", &[home]).await.unwrap();
        ring(&town);
        until(&mut mailbox, ModSeq(2)).await;
        until(&mut account, ModSeq(2)).await;
        neighbour.storage.run(home.actor(), flag(home)).await.unwrap();
        ring(&town);
        until(&mut mailbox, ModSeq(3)).await;
        until(&mut account, ModSeq(3)).await;
        // Our own change is told once: the polls find nothing new.
        town.deliver("Subject: 2\r\n\r\n", &[home]).await.unwrap();
        until(&mut mailbox, ModSeq(4)).await;
        let own = poll::ask(town.storage.inner(), &wanted(1, home.inbox))
            .await
            .unwrap();
        town.storage.inner().hub.tell(&own);
        assert_eq!(poll_once(mailbox.changed()).await, None);
    });
}

/// So many mailboxes, all but one of which do not exist.
fn wanted(many: i64, mailbox: MailboxId) -> Wanted {
    let mailboxes = std::iter::once(mailbox).chain((1..many).map(MailboxId));
    Wanted {
        mailboxes: mailboxes.collect(),
        accounts: vec![],
    }
}

#[test]
fn a_poll_takes_one_statement_for_many_mailboxes() {
    on_each(async |kind| {
        let town = Town::new(kind).await;
        let home = town.settle("a@example.com").await;
        let inner = town.storage.inner();
        for (many, statements) in [
            (1, 1),
            (8, 1),
            (9, 1),
            (64, 1),
            (500, 1),
            (512, 1),
            (513, 2),
            (1000, 2),
        ] {
            let before = inner.counts.now().of("poll");
            let found = poll::ask(inner, &wanted(many, home.inbox)).await.unwrap();
            assert_eq!(inner.counts.now().of("poll") - before, statements, "{many}");
            let found: Vec<_> = found
                .iter()
                .map(|notice| (notice.mailbox, notice.modseq))
                .collect();
            assert_eq!(found, [(home.inbox, ModSeq(1))], "{many}");
        }
        let accounts = Wanted {
            mailboxes: vec![],
            accounts: [home.account].into_iter().chain((1..64).map(AccountId)).collect(),
        };
        let before = inner.counts.now().of("poll");
        assert_eq!(poll::ask(inner, &accounts).await.unwrap().len(), 1);
        assert_eq!(inner.counts.now().of("poll") - before, 1);
    });
}

#[test]
fn nobody_is_asked_when_nobody_watches() {
    on_each(async |kind| {
        let town = Town::new(kind).await;
        let home = town.settle("a@example.com").await;
        let watch = || town.storage.watch(Watched::Account(home.account));
        let (mut first, second) = (watch(), watch());
        first.changed().await;
        drop(first);
        assert!(town.storage.inner().hub.wanted_or_end().is_some());
        drop(second);
        assert!(town.storage.inner().hub.wanted_or_end().is_none());
        // Who comes later is told again.
        watch().changed().await;
    });
}

#[test]
#[ignore = "a measurement"]
fn what_a_second_of_polling_costs() {
    on_each(async |kind| {
        let town = Town::new(kind).await;
        let mut mailboxes = Vec::new();
        for n in 0..1000 {
            mailboxes.push(town.settle(&format!("u{n}@example.com")).await.inbox);
        }
        let wanted = Wanted {
            mailboxes,
            accounts: vec![],
        };
        let begun = std::time::Instant::now();
        for _ in 0..100 {
            assert_eq!(
                poll::ask(town.storage.inner(), &wanted).await.unwrap().len(),
                1000
            );
        }
        println!(
            "{kind:?}: {:?} for a poll of 1,000 mailboxes",
            begun.elapsed() / 100
        );
    });
}
