//! Many at once, and nobody sees another's mail.

use std::collections::BTreeSet;

use futures_lite::future::block_on;
use lightmail_core::store::{
    Actor, DeliveryKey, Failure, Flag, FlagChange, MailboxName, ModSeq, Refusal, Reply, Request, UidSet,
};

use super::town::{Home, Kind, NOW, Town, exists, on_each, read, seed, settle};

/// The one message of an INBOX, read as its owner.
async fn only_message(town: &Town, home: Home) -> String {
    let uids = UidSet::range(1..=u32::MAX);
    let page = town
        .storage
        .run(
            home.actor(),
            Request::FetchPage {
                mailbox: home.inbox,
                uids,
            },
        )
        .await
        .unwrap();
    let Reply::Page(page) = page else {
        panic!("{page:?}")
    };
    assert_eq!(page.rows.len(), 1, "{home:?}");
    let row = &page.rows[0];
    String::from_utf8(read(&town.storage, row.object, 0..row.object_size).await.unwrap()).unwrap()
}

#[test]
fn a_thousand_accounts_made_at_once_read_their_own_mail_only() {
    for kind in Kind::ALL {
        a_thousand_accounts(kind);
    }
}

fn a_thousand_accounts(kind: Kind) {
    let town = block_on(Town::new(kind));
    let neighbour = block_on(town.neighbour());
    let homes: Vec<(usize, Home)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..20)
            .map(|thread| {
                let town = if thread % 2 == 0 { &town } else { &neighbour };
                scope.spawn(move || {
                    block_on(async {
                        // Each connection has a seed of its own from the operating system.
                        let mut seed = seed();
                        let mut homes = Vec::new();
                        for n in (0..50).map(|n| thread * 50 + n) {
                            let home = settle(&town.storage, &format!("u{n}@example.com"), &mut seed)
                                .await
                                .unwrap();
                            homes.push((n, home));
                        }
                        homes
                    })
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    let inboxes: BTreeSet<_> = homes.iter().map(|(_, home)| home.inbox).collect();
    assert_eq!(inboxes.len(), 1000);
    std::thread::scope(|scope| {
        for share in homes.chunks(125) {
            let town = &town;
            scope.spawn(move || {
                block_on(async {
                    for (n, home) in share {
                        town.deliver(&format!("Subject: for u{n}\r\n\r\n"), &[*home])
                            .await
                            .unwrap();
                    }
                });
            });
        }
    });
    block_on(async {
        for (n, home) in homes.iter().step_by(10) {
            assert_eq!(
                only_message(&neighbour, *home).await,
                format!("Subject: for u{n}\r\n\r\n")
            );
        }
        assert!(town.check().await.is_empty());
        assert!(town.check_bodies(0).await.is_empty());
    });
}

#[test]
fn anothers_mailbox_is_one_that_there_is_not() {
    on_each(async |kind| {
        let town = Town::new(kind).await;
        let (mine, other) = (
            town.settle("a@example.com").await,
            town.settle("b@example.com").await,
        );
        town.deliver("Subject: secret\r\n\r\n", &[other]).await.unwrap();
        let uids = UidSet::range(1..=u32::MAX);
        let since = ModSeq(1);
        let requests = |mailbox| {
            vec![
                Request::Refresh {
                    mailbox,
                    since,
                    claim_recent: true,
                },
                Request::FetchPage {
                    mailbox,
                    uids: uids.clone(),
                },
                Request::ChangeFlags {
                    mailbox,
                    uids: uids.clone(),
                    change: FlagChange::Add,
                    flags: Flag::Seen.into(),
                    keywords: vec![],
                    unchanged_since: None,
                    since,
                },
                Request::Expunge {
                    mailbox,
                    within: None,
                    at_ms: NOW.unix_ms,
                    since,
                },
                Request::Copy {
                    from: mailbox,
                    uids: uids.clone(),
                    whole: false,
                    to: MailboxName::inbox(),
                    moving: true,
                    key: DeliveryKey([9; 16]),
                    at_ms: NOW.unix_ms,
                    since,
                },
            ]
        };
        for (foreign, missing) in requests(other.inbox).into_iter().zip(requests(seed().mailbox())) {
            let (foreign, missing) = (
                town.storage.run(mine.actor(), foreign).await,
                town.storage.run(mine.actor(), missing).await,
            );
            assert_eq!(foreign, Err(Failure::Refused(Refusal::NoSuchMailbox)));
            assert_eq!(foreign, missing);
        }
        assert_eq!(exists(&town.storage, other).await, 1);
    });
}

#[test]
fn concurrent_deliveries_to_one_mailbox_are_all_there_in_order() {
    for kind in Kind::ALL {
        concurrent_deliveries(kind);
    }
}

fn concurrent_deliveries(kind: Kind) {
    let town = block_on(Town::new(kind));
    let home = block_on(town.settle("a@example.com"));
    let neighbour = block_on(town.neighbour());
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let town = if thread % 2 == 0 { &town } else { &neighbour };
            scope.spawn(move || {
                block_on(async {
                    let mut last = 0;
                    for n in 0..25 {
                        let answers = town
                            .deliver(&format!("Subject: {thread} {n}\r\n\r\n"), &[home])
                            .await
                            .unwrap();
                        let uid = answers[0].unwrap().uid.0;
                        assert!(uid > last, "UIDs ascend for whoever waits");
                        last = uid;
                    }
                });
            });
        }
        // A reader that goes from MODSEQ to MODSEQ misses nothing.
        let town = &town;
        scope.spawn(move || {
            block_on(async {
                let (mut seen, mut since) = (BTreeSet::new(), ModSeq(0));
                while seen.len() < 200 {
                    let refresh = Request::Refresh {
                        mailbox: home.inbox,
                        since,
                        claim_recent: false,
                    };
                    let Ok(Reply::Refreshed(news)) = town.storage.run(home.actor(), refresh).await else {
                        panic!()
                    };
                    since = news.view.highest_modseq;
                    seen.extend(news.changed.iter());
                    assert_eq!(seen.len(), news.view.len(), "at {since:?}");
                }
            });
        });
    });
    assert!(block_on(town.check()).is_empty());
}

#[test]
fn what_another_process_changes_is_seen_by_the_next_refresh() {
    on_each(async |kind| {
        let town = Town::new(kind).await;
        let home = town.settle("a@example.com").await;
        let neighbour = town.neighbour().await;
        town.deliver("Subject: 1\r\n\r\n", &[home]).await.unwrap();
        let refresh = async |town: &Town, since| {
            let request = Request::Refresh {
                mailbox: home.inbox,
                since,
                claim_recent: false,
            };
            match town.storage.run(home.actor(), request).await.unwrap() {
                Reply::Refreshed(news) => news,
                other => panic!("{other:?}"),
            }
        };
        let first = refresh(&town, ModSeq(0)).await;
        neighbour.deliver("Subject: 2\r\n\r\n", &[home]).await.unwrap();
        let second = refresh(&town, first.view.highest_modseq).await;
        assert_eq!((second.view.len(), second.changed), (2, UidSet::range(2..=2)));
        let login = "b@example.com";
        neighbour.settle(login).await;
        let found = town
            .storage
            .run(Actor::Operator, Request::FindAccount { login: login.into() })
            .await
            .unwrap();
        assert!(matches!(found, Reply::AccountFound(Some(_))));
    });
}
