//! Two nodes on one database: whatever they do at the same time, the invariants hold and nothing is refused that should not be.

use std::thread;

use futures_lite::future::block_on;
use lightmail_core::machine::Seed;
use lightmail_core::store::{
    Actor, DeliveryKey, Failure, Flag, FlagChange, Keyword, MailboxId, MailboxName, ModSeq, NewMailbox,
    Refusal, Reply, Request, UidSet, Work,
};
use sqlx::Executor;

use super::town::{Home, Kind, NOW, Town, exists, on_each, seed};

/// Random numbers that a line in a failure can bring back.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % n
    }
}

fn name(n: u64) -> MailboxName {
    MailboxName::new(["INBOX", "One", "Two", "One/Deep"][n as usize % 4]).unwrap()
}

fn new_mailbox(name: MailboxName, seed: &mut Seed) -> NewMailbox {
    NewMailbox {
        id: seed.mailbox(),
        name,
        special_use: None,
        object_id: seed.half(),
    }
}

async fn mailbox(town: &Town, home: Home, name: MailboxName) -> Option<MailboxId> {
    let status = Request::StatusMailbox { name, recent: false };
    match town.storage.run(home.actor(), status).await {
        Ok(Reply::Status(status)) => Some(status.mailbox.id),
        Err(Failure::Refused(_)) => None,
        other => panic!("{other:?}"),
    }
}

fn change(mailbox: MailboxId, dice: &mut Dice) -> Request {
    let low = dice.below(8) as u32 + 1;
    let (uids, since) = (UidSet::range(low..=low + 5), ModSeq(1));
    match dice.below(4) {
        0 => Request::ChangeFlags {
            mailbox,
            uids,
            change: [FlagChange::Add, FlagChange::Remove, FlagChange::Replace][dice.below(3) as usize],
            flags: [Flag::Seen, Flag::Deleted][dice.below(2) as usize].into(),
            keywords: vec![Keyword::new(["$A", "$B"][dice.below(2) as usize]).unwrap()],
            unchanged_since: None,
            since,
        },
        1 => Request::Expunge {
            mailbox,
            within: None,
            at_ms: NOW.unix_ms,
            since,
        },
        moving => Request::Copy {
            from: mailbox,
            uids,
            whole: false,
            to: name(dice.below(4)),
            moving: moving == 2,
            key: DeliveryKey(seed().half()),
            at_ms: NOW.unix_ms,
            since,
        },
    }
}

/// One random thing that somebody does.
async fn act(town: &Town, homes: &[Home], dice: &mut Dice, seed: &mut Seed) {
    let home = homes[dice.below(homes.len() as u64) as usize];
    let request = match dice.below(8) {
        0..=2 => {
            // To all, in a random order.
            let mut to = homes.to_vec();
            to.rotate_left(dice.below(homes.len() as u64) as usize);
            let text = format!("Subject: {}\r\n\r\n", dice.0);
            let answers = town.deliver(&text, &to).await.unwrap();
            assert!(answers.iter().all(Result::is_ok), "{answers:?}");
            return;
        }
        3 => {
            let name = name(1 + dice.below(3));
            let superior = name
                .as_str()
                .contains('/')
                .then(|| MailboxName::new("One").unwrap());
            Request::CreateMailbox {
                mailbox: new_mailbox(name, seed),
                superiors: superior.map(|name| new_mailbox(name, seed)).into_iter().collect(),
                at_s: NOW.unix_s(),
            }
        }
        4 => Request::RenameMailbox {
            from: name(dice.below(4)),
            to: new_mailbox(name(1 + dice.below(3)), seed),
            superiors: vec![],
            at_s: NOW.unix_s(),
        },
        5 if dice.below(2) == 0 => Request::DeleteMailbox {
            name: name(1 + dice.below(3)),
            at_ms: NOW.unix_ms,
        },
        5 => Request::Subscribe {
            name: name(dice.below(4)),
        },
        _ => match mailbox(town, home, name(dice.below(4))).await {
            Some(mailbox) => change(mailbox, dice),
            None => return,
        },
    };
    match town.storage.run(home.actor(), request.clone()).await {
        Ok(_) | Err(Failure::Refused(_)) => {}
        Err(failure) => panic!("{failure:?}: {request:?}"),
    }
}

#[test]
fn nodes_that_do_everything_at_once_leave_a_sound_database() {
    let town = block_on(Town::new(Kind::MySql));
    let nodes = [block_on(town.neighbour()), block_on(town.neighbour())];
    let homes = block_on(async {
        let mut homes = Vec::new();
        for login in ["a@example.com", "b@example.com", "c@example.com"] {
            homes.push(town.settle(login).await);
        }
        homes
    });
    thread::scope(|scope| {
        for thread in 0..8 {
            let (node, homes) = (&nodes[thread % 2], &homes);
            scope.spawn(move || {
                let mut dice = Dice(thread as u64 + 1);
                block_on(async {
                    for _ in 0..50 {
                        act(node, homes, &mut dice, &mut seed()).await;
                    }
                });
            });
        }
    });
    block_on(async {
        assert_eq!(town.check().await, [""; 0]);
        assert_eq!(town.check_bodies(0).await, [""; 0]);
    });
}

/// The same login, mailbox and mail on two nodes at once: one of both makes it, the other is told so.
#[test]
fn of_two_nodes_that_make_the_same_one_does() {
    let town = block_on(Town::new(Kind::MySql));
    let other = block_on(town.neighbour());
    for round in 0..10 {
        let login = format!("u{round}@example.com");
        let made: Vec<_> = thread::scope(|scope| {
            let threads = [&town, &other].map(|node| {
                let login = &login;
                scope.spawn(move || block_on(super::town::settle(&node.storage, login, &mut seed())))
            });
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let refused = Err(Failure::Refused(Refusal::AlreadyExists));
        assert_eq!(made.iter().filter(|made| made.is_ok()).count(), 1, "{made:?}");
        assert!(
            made.iter()
                .any(|made| made.as_ref().map(drop).map_err(Clone::clone) == refused)
        );
        let home = *made.iter().flatten().next().unwrap();
        let stored = block_on(super::town::upload(
            &mut town.storage.desk(),
            b"Subject: x\r\n\r\n",
        ))
        .unwrap();
        thread::scope(|scope| {
            for node in [&town, &other] {
                let stored = stored.clone();
                scope.spawn(move || block_on(node.deliver_stored(stored, &[home])).unwrap());
            }
        });
        assert_eq!(block_on(exists(&town.storage, home)), 1);
    }
    assert_eq!(block_on(town.check()), [""; 0]);
}

/// A transaction that the database ends because of a deadlock is run again, whole.
#[test]
fn a_deadlock_costs_nobody_an_answer() {
    let town = block_on(Town::new(Kind::MySql));
    let home = block_on(town.settle("a@example.com"));
    let mut rival = block_on(town.server.as_ref().unwrap().connect());
    block_on(async {
        // It has more to lose, so the delivery is what InnoDB ends.
        rival.execute("BEGIN").await.unwrap();
        let rows: Vec<_> = (0..200).map(|n| format!("({n}, 1)")).collect();
        let text = format!(
            "INSERT INTO uid_validity_seq (account_id, last) VALUES {}",
            rows.join(", ")
        );
        rival
            .execute(sqlx::raw_sql(sqlx::AssertSqlSafe(text)))
            .await
            .unwrap();
        rival.execute("UPDATE mailboxes SET bytes = bytes").await.unwrap();
    });
    thread::scope(|scope| {
        let delivery = scope.spawn(|| block_on(town.deliver("Subject: x\r\n\r\n", &[home])));
        block_on(async {
            // Until the delivery waits for the mailbox it holds the account.
            loop {
                let waiting = "SELECT 1 FROM information_schema.processlist WHERE db = DATABASE() \
                     AND info LIKE 'UPDATE mailboxes SET uid_next%'";
                if rival.fetch_optional(waiting).await.unwrap().is_some() {
                    break;
                }
            }
            rival
                .execute("UPDATE accounts SET used_msgs = used_msgs")
                .await
                .unwrap();
            rival.execute("COMMIT").await.unwrap();
        });
        let answers = delivery.join().unwrap().unwrap();
        assert!(!answers[0].unwrap().repeated);
    });
    assert_eq!(block_on(exists(&town.storage, home)), 1);
}

/// Who took the garbage worker's lease and was killed gives nothing back: it ends by itself, whoever asks meanwhile.
#[test]
fn the_lease_of_a_killed_node_ends_by_itself() {
    const HOUR_MS: u64 = 3_600_000;
    on_each(async |kind| {
        let first = Town::new(kind).await;
        let take = |owner, at_ms| Request::TakeLease {
            work: Work::Garbage,
            owner: [owner; 16],
            for_ms: HOUR_MS,
            at_ms,
        };
        let taken = async |town: &Town, owner, at_ms| {
            let reply = town.storage.run(Actor::Worker, take(owner, at_ms)).await;
            reply == Ok(Reply::LeaseTaken(true))
        };
        assert!(taken(&first, 1, NOW.unix_ms).await);
        let second = first.reopened().await;
        for minute in 1..60 {
            // Asking does not make it longer.
            assert!(
                !taken(&second, 2, NOW.unix_ms + minute * 60_000).await,
                "{minute}"
            );
        }
        if let Some(server) = &second.server {
            // Its time is the database's, which passes for nobody's sake.
            let later = format!(
                "UPDATE {}.leases SET until_ms = until_ms - {HOUR_MS}",
                server.name()
            );
            server.admin(&later).await;
        }
        assert!(taken(&second, 2, NOW.unix_ms + HOUR_MS).await);
    });
}
