//! How a MySQL database is opened: what is made, what is refused and with which words.

use std::thread;

use futures_lite::future::block_on;
use lightmail_core::config::{Database, Port};
use lightmail_core::machine::Secret;
use lightmail_core::store::{Access, Actor, Reply, Request};
use sqlx::{AssertSqlSafe, Executor, Row};

use super::scratch::Scratch;
use super::server::TestDatabase;
use super::town::{Kind, Town};
use crate::Storage;
use crate::sql::settings;

const SCHEMA: &str = include_str!("../../../sql/schema.sql");

/// A database as `mysql < sql/schema.sql` makes it, under another name.
async fn as_schema_says() -> TestDatabase {
    let server = TestDatabase::new().await;
    let text = SCHEMA.replace("/*! CREATE DATABASE maildb */;", "");
    server.admin(&text.replace("maildb", server.name())).await;
    server
}

/// Every table as the server describes it.
async fn shape(server: &TestDatabase) -> Vec<String> {
    let mut conn = server.connect().await;
    let tables = conn.fetch_all("SHOW TABLES").await.unwrap();
    let mut shape = Vec::new();
    for table in tables {
        let text = AssertSqlSafe(format!("SHOW CREATE TABLE {}", table.get::<String, _>(0)));
        let row = conn.fetch_one(sqlx::raw_sql(text)).await.unwrap();
        shape.push(row.get::<String, _>(1));
    }
    shape.push(version(server).await);
    shape
}

async fn version(server: &TestDatabase) -> String {
    let mut conn = server.connect().await;
    let row = conn
        .fetch_one("SELECT v FROM meta WHERE k = 'schema_version'")
        .await
        .unwrap();
    String::from_utf8(row.get(0)).unwrap()
}

#[test]
fn the_steps_lead_to_what_schema_sql_says() {
    block_on(async {
        let (whole, stepped) = (as_schema_says().await, TestDatabase::new().await);
        let scratch = Scratch::new();
        assert_eq!(
            Storage::migrate(&stepped.config(scratch.path())).await.unwrap(),
            (0, crate::sql::schema::STEPS.len())
        );
        assert_eq!(shape(&stepped).await, shape(&whole).await);
        assert_eq!(
            Storage::migrate(&whole.config(scratch.path())).await.unwrap(),
            (crate::sql::schema::STEPS.len(), crate::sql::schema::STEPS.len())
        );
        assert_eq!(shape(&stepped).await, shape(&whole).await);
    });
}

#[test]
fn the_seeded_account_is_local_until_it_has_another_password() {
    block_on(async {
        let (server, scratch) = (as_schema_says().await, Scratch::new());
        let storage = Storage::open(&server.config(scratch.path())).await.unwrap();
        let login = "user@example.com".to_owned();
        let find = async || {
            let find = Request::FindAccount { login: login.clone() };
            match storage.run(Actor::Operator, find).await.unwrap() {
                Reply::AccountFound(Some(account)) => account,
                other => panic!("{other:?}"),
            }
        };
        let account = find().await;
        assert_eq!(account.access, Access::Local);
        assert!(bcrypt::verify("change-me-now", &account.pw_hash.0).unwrap());
        let mailboxes = storage
            .run(
                Actor::Account(account.id),
                Request::ListMailboxes { recent: false },
            )
            .await;
        let Ok(Reply::Mailboxes(mailboxes)) = mailboxes else {
            panic!("{mailboxes:?}")
        };
        let names: Vec<_> = mailboxes
            .iter()
            .map(|status| status.mailbox.name.as_str())
            .collect();
        assert_eq!(names, ["Archive", "Drafts", "INBOX", "Junk", "Sent", "Trash"]);
        let set = Request::SetPassword {
            login: login.clone(),
            password: Secret("another".to_owned()).into(),
        };
        storage.run(Actor::Operator, set).await.unwrap();
        assert_eq!(find().await.access, Access::Anywhere);
    });
}

/// A migration that is killed anywhere, before or after a statement is recorded, is made up for by the next.
#[test]
fn a_killed_migration_goes_on_where_it_was() {
    block_on(async {
        let whole = as_schema_says().await;
        let (expected, scratch) = (shape(&whole).await, Scratch::new());
        let first =
            crate::sql::schema_mysql::statements(include_str!("../../../sql/migrations/0001-first.sql"));
        let second =
            crate::sql::schema_mysql::statements(include_str!("../../../sql/migrations/0002-commits.sql"));
        let all = first.len() + second.len();
        for done in 1..=all {
            for recorded in [done - 1, done] {
                let server = TestDatabase::new().await;
                let mut conn = server.connect().await;
                for statement in first.iter().chain(&second).take(done) {
                    conn.execute(sqlx::raw_sql(AssertSqlSafe(statement.clone())))
                        .await
                        .unwrap();
                }
                for text in record(recorded, first.len()) {
                    conn.execute(sqlx::raw_sql(AssertSqlSafe(text))).await.unwrap();
                }
                let migrated = Storage::migrate(&server.config(scratch.path())).await;
                assert!(migrated.is_ok(), "{done} done, {recorded} recorded: {migrated:?}");
                assert_eq!(shape(&server).await, expected, "{done} done, {recorded} recorded");
            }
        }
    });
}

/// What `meta` says once so many statements are recorded.
fn record(statements: usize, first: usize) -> Vec<String> {
    let insert = |k: &str, v: String| format!("INSERT INTO meta (k, v) VALUES ('{k}', '{v}')");
    match statements {
        0 => vec![],
        n if n < first => vec![insert("migrating", format!("1 {n}"))],
        n => vec![
            insert("schema_version", "1".to_owned()),
            insert("migrating", format!("2 {}", n - first)),
        ],
    }
}

#[test]
fn nodes_that_start_at_once_make_one_database() {
    let (server, scratch) = (block_on(TestDatabase::new()), Scratch::new());
    let config = server.config(scratch.path());
    thread::scope(|scope| {
        let nodes: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| block_on(Storage::migrate(&config)).unwrap()))
            .collect();
        let migrated: Vec<_> = nodes.into_iter().map(|node| node.join().unwrap()).collect();
        assert_eq!(
            migrated.iter().filter(|(from, _)| *from == 0).count(),
            1,
            "{migrated:?}"
        );
    });
}

/// Why a changed configuration cannot be opened.
async fn refusal(change: impl FnOnce(&mut Database)) -> String {
    let (server, scratch) = (TestDatabase::new().await, Scratch::new());
    let mut config = server.config(scratch.path());
    change(config.database.as_mut().unwrap());
    Storage::open(&config).await.unwrap_err().to_string()
}

#[test]
fn what_cannot_be_opened_is_told_with_place_and_remedy() {
    block_on(async {
        let nobody = |database: &mut Database| database.socket = Some("/nowhere/s.sock".to_owned());
        let closed = |database: &mut Database| (database.socket, database.port) = (None, Port(Some(1)));
        let stranger = |database: &mut Database| database.user = "stranger".to_owned();
        let unknown = |database: &mut Database| database.database = "lm_unknown".to_owned();
        let no_file = |database: &mut Database| {
            database.password_file = Some(lightmail_core::config::FilePath("/nowhere/password".to_owned()));
        };
        for (refusal, words) in [
            (
                refusal(nobody).await,
                ["/nowhere/s.sock/lm_", "start the database server"],
            ),
            (
                refusal(closed).await,
                ["127.0.0.1:1/lm_", "start the database server"],
            ),
            (
                refusal(stranger).await,
                ["Access denied", "correct [database] user and password"],
            ),
            (
                refusal(unknown).await,
                ["Unknown database 'lm_unknown'", "sql/schema.sql"],
            ),
            (
                refusal(no_file).await,
                ["/nowhere/password", "make the file readable"],
            ),
        ] {
            assert!(words.iter().all(|word| refusal.contains(word)), "{refusal}");
        }
    });
}

#[test]
fn a_database_of_a_later_version_is_left_alone() {
    block_on(async {
        let town = Town::new(Kind::MySql).await;
        let server = town.server.as_ref().unwrap();
        let later = format!(
            "UPDATE {}.meta SET v = '99' WHERE k = 'schema_version'",
            server.name()
        );
        server.admin(&later).await;
        let refused = Storage::open(&server.config(town.path()))
            .await
            .unwrap_err()
            .to_string();
        assert!(refused.contains("its schema is version 99"), "{refused}");
        assert_eq!(version(server).await, "99");
    });
}

#[test]
fn unsafe_settings_are_found() {
    block_on(async {
        let server = TestDatabase::new().await;
        let mut conn = server.connect().await;
        assert_eq!(settings::check(&mut conn).await.unwrap().unwrap(), []);
        server
            .admin("SET GLOBAL sync_binlog = 0, GLOBAL innodb_flush_log_at_trx_commit = 2")
            .await;
        let found = settings::check(&mut conn).await.unwrap().unwrap();
        server
            .admin("SET GLOBAL sync_binlog = 1, GLOBAL innodb_flush_log_at_trx_commit = 1")
            .await;
        let found: Vec<_> = found.iter().map(|setting| setting.setting).collect();
        assert_eq!(found, ["innodb_flush_log_at_trx_commit", "sync_binlog"]);
    });
}
