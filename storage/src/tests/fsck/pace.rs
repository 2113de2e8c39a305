//! How long the check of many rows takes: not a test, a measurement
//! (`LIGHTMAIL_PACE_MESSAGES=1000000 cargo test -p lightmail-storage pace_of_fsck -- --ignored --nocapture`).

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Instant;

use futures_lite::future::block_on;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor};

use super::super::town::{Kind, NOW};
use super::store::{Bodies, town};
use crate::fsck::{Event, Wish};

/// Messages of a mailbox.
const EACH: u64 = 1000;

/// Accounts with one mailbox each; messages with an index of 1,200 octets and an object each. Random keys as the real ones.
fn rows(messages: u64) -> String {
    let mailboxes = messages / EACH;
    format!(
        "PRAGMA synchronous = OFF; BEGIN;
         CREATE TEMP TABLE n AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {messages})
           SELECT i, CAST(printf('%08x', i) AS BLOB) || randomblob(8) AS object, randomblob(32) AS sha256 FROM n;
         INSERT INTO accounts (id, login, pw_hash, created_at, used_msgs, used_bytes)
           SELECT i, 'u' || i || '@example.com', '', 1, {EACH}, {EACH} * 5000 FROM n WHERE i <= {mailboxes};
         INSERT INTO uid_validity_seq SELECT id, 5 FROM accounts;
         INSERT INTO mailboxes (id, account_id, name, name_hash, uid_validity, uid_next, highest_modseq, msgs, unseen, bytes, object_id, keywords)
           SELECT id, id, X'494E424F58', randomblob(16), 5, {EACH} + 1, {EACH} + 2, {EACH}, {EACH}, {EACH} * 5000, randomblob(16), X'' FROM accounts;
         INSERT INTO object_keys (id, kind, size, sha256, refs, created_at) SELECT CAST(object AS BLOB), 1, 4900, sha256, 1, 1 FROM n;
         INSERT INTO messages (mailbox_id, uid, modseq, object_id, email_id, thread_id, internal_date, save_date, size, hdr_size)
           SELECT (i - 1) / {EACH} + 1, (i - 1) % {EACH} + 1, (i - 1) % {EACH} + 2, CAST(object AS BLOB), randomblob(16), randomblob(16), 1, 1, 5000, 600 FROM n;
         INSERT INTO message_index (mailbox_id, uid, head, sha256, cache)
           SELECT (i - 1) / {EACH} + 1, (i - 1) % {EACH} + 1, zeroblob(100), sha256, randomblob(1200) FROM n;
         COMMIT; DROP TABLE temp.n;"
    )
}

#[test]
#[ignore = "a measurement"]
fn pace_of_fsck() {
    let messages = std::env::var("LIGHTMAIL_PACE_MESSAGES")
        .ok()
        .and_then(|text| text.parse().ok());
    let messages: u64 = messages.unwrap_or(100_000);
    block_on(async {
        let town = town(Kind::Sqlite, Bodies::Folder).await;
        let options = SqliteConnectOptions::new().filename(town.path().join("lightmail.db"));
        let mut conn = options.connect().await.unwrap();
        conn.execute(sqlx::raw_sql(AssertSqlSafe(rows(messages))))
            .await
            .unwrap();
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
        println!("{messages} messages' rows: {whole:.1} s");
    });
}
