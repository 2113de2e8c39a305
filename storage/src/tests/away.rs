//! A database that goes away, in each way that it can: nothing acknowledged is lost, nothing is there twice, and it is used again
//! as soon as it is back.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use futures_lite::future::block_on;
use lightmail_core::config::{Config, Database, FilePath, Port};
use lightmail_core::store::{Failure, MailboxName, NewMailbox, Reply, Request};
use sqlx::{Executor, Row};

use super::proxy::{Cut, Proxy};
use super::town::{Home, Kind, Town, exists};
use crate::Storage;
use crate::sql::trouble::Trouble;

/// A town whose database is reached through a proxy.
async fn behind_proxy() -> (Town, Proxy, Home) {
    let mut town = Town::new(Kind::MySql).await;
    let proxy = Proxy::start();
    let config = with_database(&town, |database| {
        database.socket = None;
        database.port = Port(Some(proxy.port()));
    });
    town.storage.close().await;
    town.storage = Storage::open(&config).await.unwrap();
    let home = town.settle("a@example.com").await;
    (town, proxy, home)
}

fn with_database(town: &Town, change: impl FnOnce(&mut Database)) -> Config {
    let mut config = town.server.as_ref().unwrap().config(town.path());
    change(config.database.as_mut().unwrap());
    config
}

fn status() -> Request {
    Request::StatusMailbox {
        name: MailboxName::inbox(),
        recent: false,
    }
}

#[test]
fn a_commit_whose_answer_is_lost_is_found_out() {
    block_on(async {
        let (town, proxy, home) = behind_proxy().await;
        for (round, cut) in [Cut::AfterCommit, Cut::BeforeCommit, Cut::AfterCommit]
            .into_iter()
            .enumerate()
        {
            proxy.cut(cut);
            let answers = town
                .deliver(&format!("Subject: {round}\r\n\r\n"), &[home])
                .await
                .unwrap();
            assert!(!answers[0].unwrap().repeated, "{cut:?}");
            assert!(proxy.was_cut(), "{cut:?}");
            assert_eq!(exists(&town.storage, home).await, round as u64 + 1, "{cut:?}");
            // What has no key of its own is found out as well.
            proxy.cut(cut);
            let create = Request::CreateMailbox {
                mailbox: NewMailbox {
                    id: super::town::seed().mailbox(),
                    name: MailboxName::new(&format!("box{round}")).unwrap(),
                    special_use: None,
                    object_id: super::town::seed().half(),
                },
                superiors: vec![],
                at_s: 1,
            };
            let created = town.storage.run(home.actor(), create).await;
            assert_eq!(created, Ok(Reply::Created), "{cut:?}");
        }
        assert_eq!(town.check().await, [""; 0]);
    });
}

#[test]
fn a_database_that_is_away_is_told_and_used_again_when_it_is_back() {
    block_on(async {
        let (town, proxy, home) = behind_proxy().await;
        town.deliver("Subject: 1\r\n\r\n", &[home]).await.unwrap();
        proxy.close();
        let away = Err(Failure::Unavailable { retry_after_s: 5 });
        assert_eq!(town.deliver("Subject: 2\r\n\r\n", &[home]).await, away);
        assert_eq!(
            town.storage.run(home.actor(), status()).await.map(drop),
            away.map(drop)
        );
        assert_eq!(town.storage.inner().database.health.now(), Some(Trouble::Away));
        proxy.open();
        town.deliver("Subject: 2\r\n\r\n", &[home]).await.unwrap();
        assert_eq!(town.storage.inner().database.health.now(), None);
        assert_eq!(exists(&town.storage, home).await, 2);
    });
}

/// Every connection to a town's database is killed again and again while mail comes.
#[test]
fn killed_connections_lose_nothing_and_double_nothing() {
    const MAILS: u64 = 120;
    let town = block_on(Town::new(Kind::MySql));
    let home = block_on(town.settle("a@example.com"));
    let over = AtomicBool::new(false);
    let kills = thread::scope(|scope| {
        let killer = scope.spawn(|| block_on(kill_until(&town, &over)));
        let senders: Vec<_> = (0..4)
            .map(|sender| {
                let town = &town;
                scope.spawn(move || {
                    for mail in (0..MAILS).filter(|mail| mail % 4 == sender) {
                        send_until_taken(town, home, mail);
                    }
                })
            })
            .collect();
        senders.into_iter().for_each(|sender| sender.join().unwrap());
        over.store(true, Ordering::Relaxed);
        killer.join().unwrap()
    });
    assert!(kills > 0);
    assert_eq!(
        block_on(exists(&town.storage, home)),
        MAILS,
        "after {kills} kills"
    );
    assert_eq!(block_on(town.check()), [""; 0]);
}

async fn kill_until(town: &Town, over: &AtomicBool) -> u64 {
    let mut conn = town.server.as_ref().unwrap().connect().await;
    let mut kills = 0;
    while !over.load(Ordering::Relaxed) {
        let others =
            "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()";
        let ids: Vec<i64> = conn
            .fetch_all(others)
            .await
            .unwrap()
            .iter()
            .map(|row| row.get(0))
            .collect();
        for id in ids {
            let text = sqlx::AssertSqlSafe(format!("KILL CONNECTION {id}"));
            // It may be gone already.
            kills += u64::from(conn.execute(sqlx::raw_sql(text)).await.is_ok());
        }
        thread::sleep(std::time::Duration::from_millis(3));
    }
    kills
}

/// As a mail transfer agent does: the same mail again, until it is taken.
fn send_until_taken(town: &Town, home: Home, mail: u64) {
    let text = format!("Subject: {mail}\r\n\r\n");
    for _ in 0..200 {
        match block_on(town.deliver(&text, &[home])) {
            Ok(answers) => return assert!(answers[0].is_ok()),
            Err(Failure::Unavailable { .. }) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    panic!("mail {mail} was never taken");
}

/// A user of its own, without the rights of an administrator.
async fn with_user(town: &Town, limits: &str) -> (Config, String) {
    let server = town.server.as_ref().unwrap();
    let user = format!("u{}", &server.name()[3..]);
    let text = format!(
        "CREATE USER {user}@localhost IDENTIFIED BY 'secret' {limits}; GRANT ALL ON {}.* TO {user}@localhost",
        server.name()
    );
    server.admin(&text).await;
    let file = town.path().join("password");
    std::fs::write(&file, "secret\n").unwrap();
    let config = with_database(town, |database| {
        database.user = user.clone();
        database.password_file = Some(FilePath(file.display().to_string()));
    });
    (config, format!("DROP USER {user}@localhost"))
}

#[test]
fn a_server_that_takes_no_writes_is_told_and_read_from() {
    block_on(async {
        let mut town = Town::new(Kind::MySql).await;
        let (config, drop_user) = with_user(&town, "").await;
        town.storage = Storage::open(&config).await.unwrap();
        let home = town.settle("a@example.com").await;
        let server = town.server.clone().unwrap();
        // Administrators, such as all other tests are, go on writing.
        server.admin("SET GLOBAL read_only = 1").await;
        let refused = town.deliver("Subject: x\r\n\r\n", &[home]).await;
        let read = town.storage.run(home.actor(), status()).await;
        let health = town.storage.inner().database.health.now();
        server.admin("SET GLOBAL read_only = 0").await;
        assert_eq!(refused, Err(Failure::Unavailable { retry_after_s: 5 }));
        assert_eq!(health, Some(Trouble::ReadOnly));
        assert!(read.is_ok(), "{read:?}");
        assert!(town.deliver("Subject: x\r\n\r\n", &[home]).await.unwrap()[0].is_ok());
        server.admin(&drop_user).await;
    });
}

#[test]
fn too_many_connections_are_told() {
    block_on(async {
        let mut town = Town::new(Kind::MySql).await;
        let (config, drop_user) = with_user(&town, "WITH MAX_USER_CONNECTIONS 1").await;
        town.storage = Storage::open(&config).await.unwrap();
        // The writer has the one connection; a reader gets none.
        let home = town.settle("a@example.com").await;
        let refused = town.storage.run(home.actor(), status()).await;
        assert_eq!(refused, Err(Failure::Unavailable { retry_after_s: 5 }));
        assert_eq!(town.storage.inner().database.health.now(), Some(Trouble::TooMany));
        town.server.as_ref().unwrap().admin(&drop_user).await;
    });
}

/// Values that do not fit are the fault of one request: the others of its group are served.
#[test]
fn what_the_database_refuses_of_one_request_hurts_no_other() {
    block_on(async {
        let town = Town::new(Kind::MySql).await;
        let home = town.settle("a@example.com").await;
        let long = format!("{}@example.com", "x".repeat(300));
        let refused = super::town::settle(&town.storage, &long, &mut super::town::seed()).await;
        assert!(matches!(refused, Err(Failure::Broken(_))), "{refused:?}");
        assert!(town.deliver("Subject: x\r\n\r\n", &[home]).await.unwrap()[0].is_ok());
        assert_eq!(town.check().await, [""; 0]);
    });
}
