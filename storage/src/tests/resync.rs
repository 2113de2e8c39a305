//! What a client costs that comes back to a large mailbox.

use std::sync::Arc;

use futures_lite::future::block_on;
use lightmail_core::imap::{Session, Settings};
use lightmail_core::machine::{Action, Done, Effect, Input, Machine, Peer, Step, Verdict};
use lightmail_core::store::{Flag, FlagChange, ModSeq, Request, UidSet};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor};

use super::town::{Home, Kind, NOW, Town, seed};

/// Messages of the large mailbox.
const MESSAGES: u32 = 100_000;

/// Fills INBOX behind the storage's back, in one statement: nothing is asked for but their rows.
async fn fill(town: &Town, home: Home) {
    let (inbox, account) = (home.inbox.0, home.account.0);
    let text = format!(
        "BEGIN;
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MESSAGES})
           INSERT INTO messages (mailbox_id, uid, modseq, object_id, email_id, thread_id, internal_date, save_date, size, hdr_size)
           SELECT {inbox}, i, i + 1, zeroblob(16), zeroblob(16), zeroblob(16), 1, 1, 5000, 600 FROM n;
         UPDATE mailboxes SET uid_next = {MESSAGES} + 1, recent_from = {MESSAGES} + 1, highest_modseq = {MESSAGES} + 1,
           msgs = {MESSAGES}, unseen = {MESSAGES}, bytes = {MESSAGES} * 5000 WHERE id = {inbox};
         UPDATE accounts SET used_msgs = {MESSAGES}, used_bytes = {MESSAGES} * 5000 WHERE id = {account};
         COMMIT"
    );
    let options = SqliteConnectOptions::new().filename(town.scratch.path().join("lightmail.db"));
    let mut conn = options.connect().await.unwrap();
    conn.execute(sqlx::raw_sql(AssertSqlSafe(text))).await.unwrap();
}

/// What a session says to some lines; what it asks is answered by the storage, passwords always fit.
async fn talk(town: &Town, session: &mut Session, lines: &str) -> String {
    let octets = lines.as_bytes().to_vec().into();
    session.handle(NOW, Input::Bytes { octets, waited: true });
    let mut said = Vec::new();
    loop {
        match session.poll() {
            Step::Act(Action::Send(octets)) => said.extend_from_slice(&octets),
            Step::Act(Action::Do(token, Effect::Store(actor, request))) => {
                let reply = town.storage.run(actor, request).await;
                session.handle(NOW, Input::Outcome(token, reply.map(Done::Reply)));
            }
            Step::Act(Action::Do(token, Effect::VerifyPassword { .. })) => {
                session.handle(
                    NOW,
                    Input::Outcome(token, Ok(Done::Verified(Verdict::AppPassword))),
                );
            }
            Step::Act(Action::Do(token, Effect::TakePlace(_))) => {
                session.handle(NOW, Input::Outcome(token, Ok(Done::PlaceTaken)));
            }
            Step::Act(other) => panic!("{other:?}"),
            Step::Wait { .. } | Step::Over => return String::from_utf8(said).unwrap(),
        }
    }
}

/// Rows that were read so far to open mailboxes and to bring them up to date.
fn rows(town: &Town) -> u64 {
    let statements = town.storage.statements();
    statements.rows_of("store.OpenMailbox") + statements.rows_of("store.Refresh")
}

fn session() -> Session {
    let peer = Peer {
        address: Some([127, 0, 0, 1].into()),
        tls: None,
    };
    Session::new(peer, Arc::new(Settings::default()), seed())
}

/// Sets a flag on nine messages, and expunges a tenth.
async fn change(town: &Town, home: Home) {
    let flags = |uids, flag: Flag| Request::ChangeFlags {
        mailbox: home.inbox,
        uids,
        change: FlagChange::Add,
        flags: flag.into(),
        keywords: vec![],
        unchanged_since: None,
        since: ModSeq(u64::from(MESSAGES) + 1),
    };
    let flagged: UidSet = (1..10).map(|n| n * 10_000).collect();
    let expunge = Request::Expunge {
        mailbox: home.inbox,
        within: None,
        at_ms: NOW.unix_ms,
        since: ModSeq(u64::from(MESSAGES) + 1),
    };
    let deleted = flags(UidSet::range(77_777..=77_777), Flag::Deleted);
    for request in [flags(flagged, Flag::Flagged), deleted, expunge] {
        town.storage.run(home.actor(), request).await.unwrap();
    }
}

/// The view of the mailbox is in memory, as it is where anybody has it open; else it is read once, a row a message, for all sessions.
#[test]
fn a_client_that_comes_back_to_a_large_mailbox_costs_little() {
    block_on(async {
        let town = Town::new(Kind::Sqlite).await;
        let home = town.settle("a@example.com").await;
        fill(&town, home).await;
        let mut client = session();
        let first = "a LOGIN a@example.com secret\r\nb ENABLE QRESYNC\r\nc SELECT INBOX\r\n";
        let said = talk(&town, &mut client, first).await;
        assert!(said.contains("* 100000 EXISTS\r\n"), "{said}");
        let behind = said.split_once("[UIDVALIDITY ").unwrap().1;
        let uid_validity = behind.split_once(']').unwrap().0;
        let known = format!("{uid_validity} {}", MESSAGES + 1);
        change(&town, home).await;

        let before = rows(&town);
        let said = talk(
            &town,
            &mut client,
            &format!("d SELECT INBOX (QRESYNC ({known}))\r\n"),
        )
        .await;
        assert!(said.contains("* VANISHED (EARLIER) 77777\r\n"), "{said}");
        assert_eq!(said.matches(" FETCH (").count(), 9, "{said}");
        assert!(said.contains("d OK [READ-WRITE]"), "{said}");
        let read = rows(&town) - before;
        assert!(said.len() < 2000, "{} octets: {said}", said.len());
        assert!(read < 100, "{read} rows");
    });
}
