//! How long the check of many rows takes: not a test, a measurement
//! (`LIGHTMAIL_PACE_MESSAGES=1000000 cargo test -p lightmail-storage pace_of_fsck -- --ignored --nocapture --test-threads 1`).

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Instant;

use futures_lite::future::block_on;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor};

use super::super::town::{Kind, NOW, Town};
use super::store::{Bodies, town};
use crate::fsck::{Event, Wish};

/// How the databases call what makes rows.
const WORDS: [(&str, [&str; 2]); 5] = [
    (
        "{numbers}",
        [
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {messages}) SELECT i FROM n",
            "SELECT seq AS i FROM seq_1_to_{messages}",
        ],
    ),
    (
        "{object}",
        [
            "CAST(CAST(printf('%08x', i) AS BLOB) || randomblob(8) AS BLOB)",
            "CONCAT(LPAD(LOWER(HEX(i)), 8, '0'), RANDOM_BYTES(8))",
        ],
    ),
    (
        "{login}",
        ["'u' || i || '@example.com'", "CONCAT('u', i, '@example.com')"],
    ),
    ("{random}", ["randomblob", "RANDOM_BYTES"]),
    ("{div}", ["/", "DIV"]),
];

fn rows(kind: Kind, messages: u64) -> AssertSqlSafe<String> {
    let words = WORDS.iter().map(|(word, [sqlite, mysql])| match kind {
        Kind::Sqlite => (word, sqlite),
        Kind::MySql => (word, mysql),
    });
    let text = words.fold(include_str!("rows.sql").to_owned(), |text, (word, own)| {
        text.replace(word, own)
    });
    let (before, after) = match kind {
        Kind::Sqlite => ("PRAGMA synchronous = OFF; BEGIN;", "COMMIT"),
        Kind::MySql => ("SET SESSION sql_log_bin = 0;", ""),
    };
    AssertSqlSafe(format!(
        "{before}\n{}{after}",
        text.replace("{messages}", &messages.to_string())
    ))
}

/// Puts the rows past all code of ours.
async fn load(town: &Town, kind: Kind, messages: u64) {
    let text = sqlx::raw_sql(rows(kind, messages));
    let loaded = match &town.server {
        None => {
            let options = SqliteConnectOptions::new().filename(town.path().join("lightmail.db"));
            options.connect().await.unwrap().execute(text).await.map(drop)
        }
        Some(server) => server.connect().await.execute(text).await.map(drop),
    };
    loaded.unwrap();
}

#[test]
#[ignore = "a measurement"]
fn pace_of_fsck_on_sqlite() {
    block_on(pace(Kind::Sqlite));
}

#[test]
#[ignore = "a measurement"]
fn pace_of_fsck_on_mariadb() {
    block_on(pace(Kind::MySql));
}

async fn pace(kind: Kind) {
    let asked = std::env::var("LIGHTMAIL_PACE_MESSAGES");
    let asked = asked.ok().and_then(|text| text.parse().ok());
    let messages: u64 = asked.unwrap_or(100_000);
    let town = town(kind, Bodies::Folder).await;
    load(&town, kind, messages).await;
    let (begun, mut at, mut times) = (Instant::now(), Instant::now(), BTreeMap::new());
    let at_bodies = AtomicBool::new(false);
    let mut tell = |event| match event {
        // There are no bodies, which is not what is measured.
        Event::Found(finding) => {
            assert_eq!(finding.rule.name, "body-missing", "{finding:?}");
            at_bodies.store(true, Ordering::Relaxed);
        }
        Event::Progress(progress) => {
            *times.entry(progress.what).or_insert(0.0) += at.elapsed().as_secs_f64();
            at = Instant::now();
        }
    };
    {
        let mut check = pin!(town.storage.fsck(Wish::new(NOW.unix_ms), &mut tell));
        poll_fn(|cx| match check.as_mut().poll(cx) {
            _ if at_bodies.load(Ordering::Relaxed) => Poll::Ready(()),
            done => done.map(|summary| assert_eq!(summary.unwrap().messages, messages)),
        })
        .await;
    }
    let whole = begun.elapsed().as_secs_f64();
    times
        .iter()
        .for_each(|(rule, time)| println!("{time:7.2} s {rule}"));
    println!("{kind:?}: {messages} messages' rows: {whole:.1} s");
}
