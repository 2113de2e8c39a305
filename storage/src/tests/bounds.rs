//! What requests cost where there is much of something: trips to the server, rows that stay, plans that use an index.

use std::sync::atomic::Ordering;

use lightmail_core::store::{
    Actor, DeliveryKey, Failure, Flag, FlagChange, Keyword, MailboxName, ModSeq, Reply, Request, UidSet,
};

use sqlx::mysql::MySqlRow;
use sqlx::{AssertSqlSafe, Row as _};

use super::check::count;
use super::garbage::{LATER, expunge, mailbox};
use super::town::{Home, Kind, NOW, Town, on_each, seed};
use crate::Faults;
use crate::fsck::{Wish, mailboxes_of_pages, row_rule};
use crate::sql::conn::Conn;
use crate::sql::db::{Db, sql};
use crate::sql::tx::{Caches, Tx};

/// Runs statements as nobody's request.
async fn plant(town: &Town, text: &'static str) {
    let mut conn = town.storage.inner().database.writer().await.unwrap();
    Db::new(&mut conn, &Faults::default())
        .run(sql(text))
        .await
        .unwrap();
    conn.close().await.unwrap();
}

async fn with_mail(kind: Kind, messages: u32) -> (Town, Home) {
    let town = Town::new(kind).await;
    let home = town.settle("a@example.com").await;
    town.storage.run(home.actor(), mailbox("Archive")).await.unwrap();
    for n in 0..messages {
        town.deliver(&format!("Subject: {n}\r\n\r\n"), &[home])
            .await
            .unwrap();
    }
    (town, home)
}

fn store(home: Home, uids: UidSet, flag: Option<Flag>, keyword: Option<&str>) -> Request {
    Request::ChangeFlags {
        mailbox: home.inbox,
        uids,
        change: FlagChange::Add,
        flags: flag.map(Into::into).unwrap_or_default(),
        keywords: keyword
            .map(|word| Keyword::new(word).unwrap())
            .into_iter()
            .collect(),
        unchanged_since: None,
        since: ModSeq(1),
    }
}

fn copy(home: Home, uids: UidSet) -> Request {
    Request::Copy {
        from: home.inbox,
        uids,
        whole: false,
        to: MailboxName::new("Archive").unwrap(),
        moving: false,
        key: DeliveryKey(seed().half()),
        at_ms: NOW.unix_ms,
        since: ModSeq(1),
    }
}

/// Every second message, each with one of four lists of keywords: ranges travel together, and a range asks for the keywords that
/// its messages have.
#[test]
fn many_ranges_take_few_trips() {
    on_each(async |kind| {
        let (town, home) = with_mail(kind, 40).await;
        for n in 1..=4 {
            let uids = (n..=40).step_by(4).collect();
            let word = format!("$Word{n}");
            let request = store(home, uids, None, Some(&word));
            town.storage.run(home.actor(), request).await.unwrap();
        }
        let odd: UidSet = (1..=40).step_by(2).collect();
        let expunge = Request::Expunge {
            mailbox: home.inbox,
            within: Some(odd.clone()),
            at_ms: NOW.unix_ms,
            since: ModSeq(1),
        };
        for (request, statements) in [
            (copy(home, odd.clone()), 9 + 2 * 19),
            (store(home, odd, Some(Flag::Deleted), None), 4 + 19),
            (expunge, 5 + 19),
        ] {
            let (name, before) = (request.name(), town.storage.statements());
            town.storage.run(home.actor(), request).await.unwrap();
            let after = town.storage.statements();
            assert_eq!(after.of(name) - before.of(name), statements, "{name}");
            let trips = after.trips(name) - before.trips(name);
            assert!(kind == Kind::Sqlite || trips <= 7, "{name}: {trips}");
        }
        assert_eq!(town.check().await, [""; 0]);
    });
}

/// Should a body be on its way out although a message names it, nothing names it once more.
#[test]
fn a_message_whose_body_is_being_deleted_is_not_copied() {
    on_each(async |kind| {
        let (town, home) = with_mail(kind, 3).await;
        plant(
            &town,
            "UPDATE object_keys SET state = 2 WHERE id = (SELECT object_id FROM messages WHERE uid = 2)",
        )
        .await;
        let answer = town
            .storage
            .run(home.actor(), copy(home, UidSet::range(1..=3)))
            .await;
        assert!(matches!(answer, Err(Failure::Broken(_))), "{answer:?}");
        let mut eye = town.eye().await;
        assert_eq!(
            count(&mut eye, "SELECT CAST(SUM(refs) AS SIGNED) FROM object_keys").await,
            3
        );
        assert_eq!(count(&mut eye, "SELECT COUNT(*) FROM messages").await, 3);
        let others = [1, 3].into_iter().collect();
        town.storage.run(home.actor(), copy(home, others)).await.unwrap();
    });
}

/// Whatever was expunged by how many commands: what is remembered is a row for each gap. Nobody misses what has gone.
#[test]
fn ranges_of_uids_that_are_gone_become_one() {
    on_each(async |kind| {
        let (town, home) = with_mail(kind, 12).await;
        let collect = Request::CollectMessages {
            before_ms: LATER.unix_ms,
            limit: 2,
            at_ms: LATER.unix_ms,
        };
        for uid in [1, 3, 11, 5, 2, 9, 7, 6, 4] {
            let uids = UidSet::range(uid..=uid);
            let store = store(home, uids.clone(), Some(Flag::Deleted), None);
            let expunge = Request::Expunge {
                mailbox: home.inbox,
                within: Some(uids),
                at_ms: NOW.unix_ms,
                since: ModSeq(1),
            };
            for request in [store, expunge] {
                town.storage.run(home.actor(), request).await.unwrap();
            }
            town.storage.run(Actor::Worker, collect.clone()).await.unwrap();
            assert_eq!(town.check().await, [""; 0]);
        }
        let mut eye = town.eye().await;
        assert_eq!(count(&mut eye, "SELECT COUNT(*) FROM expunged").await, 3);
        let newest = count(&mut eye, "SELECT MAX(highest_modseq) FROM mailboxes").await;
        let told = async |since: i64| {
            let refresh = Request::Refresh {
                mailbox: home.inbox,
                since: ModSeq(since as u64),
                claim_recent: false,
            };
            match town.storage.run(home.actor(), refresh).await {
                Ok(Reply::Refreshed(refreshed)) => refreshed.vanished.to_string(),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(told(13).await, "1:7,9,11");
        // The last was UID 4: the run that it closed is told again, those beside it are not.
        assert_eq!(told(newest - 1).await, "1:7");
        assert_eq!(told(newest).await, "");
    });
}

/// What waits for the worker costs as few trips as packets.
#[test]
fn a_round_of_the_worker_takes_few_trips() {
    on_each(async |kind| {
        let (town, home) = with_mail(kind, 40).await;
        expunge(&town, home, 40).await;
        let (before_ms, at_ms, limit) = (LATER.unix_ms, LATER.unix_ms, 100);
        let collect = Request::CollectMessages {
            before_ms,
            limit,
            at_ms,
        };
        let trips = async |request: Request| {
            let name = request.name();
            let before = town.storage.statements().trips(name);
            let reply = town.storage.run(Actor::Worker, request).await.unwrap();
            (town.storage.statements().trips(name) - before, reply)
        };
        let (collecting, _) = trips(collect).await;
        let (_, Reply::ObjectsClaimed { objects: claimed, .. }) =
            trips(Request::ClaimObjects { after: None, limit }).await
        else {
            panic!()
        };
        assert_eq!(claimed.len(), 40);
        let objects = claimed.into_iter().map(|(_, object)| object).collect();
        let (forgetting, _) = trips(Request::ForgetObjects { objects }).await;
        if kind == Kind::MySql {
            assert_eq!(
                (collecting, forgetting),
                (5, 0),
                "those of COMMIT's packet not counted"
            );
        }
        assert_eq!(town.check().await, [""; 0]);
    });
}

/// A check takes the time that it needs, whatever requests are given.
#[test]
fn a_check_is_not_given_up_when_a_request_would_be() {
    on_each(async |kind| {
        let (town, _) = with_mail(kind, 3).await;
        let impatient = &town.storage.inner().database.impatient;
        impatient.store(true, Ordering::Relaxed);
        let request = town.storage.run(Actor::Operator, Request::ListAccounts).await;
        assert_eq!(request.is_ok(), kind == Kind::Sqlite, "{request:?}");
        let wish = Wish::new(NOW.unix_ms);
        let summary = town.storage.fsck(wish, &mut |_| {}).await.unwrap();
        assert_eq!((summary.found, summary.messages), (0, 3));
        impatient.store(false, Ordering::Relaxed);
    });
}

/// How a statement is run, one line a step: on SQLite in words; on MySQL the table, the way to it, the index.
async fn plan(town: &Town, text: &str) -> String {
    let text = text.replace('?', "0");
    match town.eye().await {
        Conn::Sqlite(mut eye) => {
            let explain = sqlx::raw_sql(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {text}")));
            let steps = explain.fetch_all(&mut eye).await.unwrap();
            let steps = steps.iter().map(|step| step.get::<String, _>(3));
            steps.collect::<Vec<_>>().join("\n")
        }
        Conn::MySql(mut eye) => {
            let explain = sqlx::raw_sql(AssertSqlSafe(format!("EXPLAIN {text}")));
            let steps = explain.fetch_all(&mut eye).await.unwrap();
            let cell = |step: &MySqlRow, name: &str| {
                step.try_get_unchecked::<Option<String>, _>(name)
                    .unwrap()
                    .unwrap_or_default()
            };
            let steps = steps
                .iter()
                .map(|step| ["table", "type", "key"].map(|name| cell(step, name)).join(" "));
            steps.collect::<Vec<_>>().join("\n")
        }
    }
}

#[test]
fn what_is_looked_up_very_often_has_an_index() {
    on_each(async |kind| {
        let (town, _) = with_mail(kind, 1).await;
        plant(
            &town,
            "INSERT INTO expunged (mailbox_id, modseq, uid_lo, uid_hi) WITH RECURSIVE n (i) AS \
             (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900) SELECT 7, i, 2 * i, 2 * i FROM n",
        )
        .await;
        let next_account = plan(&town, crate::bump::ACCOUNT).await;
        let walks = ["SCAN mailboxes", "SCAN calendars", "owners", "derived", "ALL"];
        assert!(
            walks.iter().all(|walk| !next_account.contains(walk)),
            "{next_account}"
        );
        let deliveries = plan(&town, row_rule("delivery-leads-nowhere")).await;
        let expunged = deliveries.lines().find(|line| line.contains("expunged_uid"));
        assert!(expunged.is_some(), "{deliveries}");
    });
}

/// Mailboxes that hold much make small pages of few; all pages together hold every mailbox.
#[test]
fn pages_of_a_check_are_bounded_by_messages() {
    on_each(async |kind| {
        let town = Town::new(kind).await;
        plant(
            &town,
            "INSERT INTO mailboxes (id, account_id, name, name_hash, uid_validity, object_id, keywords, msgs) \
             WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 260) \
             SELECT i, i, X'41', X'00', 1, X'00', X'', CASE WHEN i IN (3, 4, 250) THEN 49000 ELSE 1 END FROM n",
        )
        .await;
        let mut eye = town.eye().await;
        let (faults, caches) = (Faults::default(), Caches::default());
        let mut tx = Tx::new(Db::new(&mut eye, &faults), &caches);
        assert_eq!(mailboxes_of_pages(&mut tx).await, [3, 200, 57]);
    });
}
