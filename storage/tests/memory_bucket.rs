//! Resident memory does not follow the size of a message on its way to a bucket and back. Alone in its process, so that
//! nobody else's memory is counted.

use std::fs;
use std::path::Path;

use bytes::Bytes;
use futures_lite::future::block_on;
use lightmail_core::config;
use lightmail_core::machine::{Done, Effect, ObjectKind, Purpose, Secret, Stored, Upload};
use lightmail_core::store::{
    AccountId, Actor, DeliveryKey, MailboxId, MailboxName, NewAccount, NewMailbox, ObjectId, Recipient,
    Request,
};
use lightmail_storage::Storage;

/// Pages of this process that are no file's, in KiB.
fn resident_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// A configuration for the tests' S3 server and a data folder.
fn config(folder: &Path) -> config::Config {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/services/s3/env");
    let text = fs::read_to_string(file).expect("this test needs an S3 server: run scripts/services/s3 up");
    let keys = text
        .lines()
        .filter_map(|line| line.strip_prefix("LIGHTMAIL_TEST_S3_"));
    let keys: String = keys.map(|line| line.to_lowercase() + "\n").collect();
    let text = format!(
        "[server]\ndata_dir = {}\n[s3]\nprefix = {}/\n{keys}",
        folder.display(),
        folder.file_name().unwrap().display(),
    );
    config::parse("test.ini", &text).unwrap()
}

async fn store(storage: &Storage, n: u8, piece: &Bytes, pieces: u64, most: &mut u64) -> Stored {
    let mut desk = storage.desk();
    let purpose = Purpose {
        object: ObjectId([n; 16]),
        kind: ObjectKind::Email,
    };
    desk.open_upload(Upload(1), purpose);
    for _ in 0..pieces {
        desk.feed(Upload(1), piece.clone()).await;
    }
    let done = desk.run(Effect::FinishUpload(Upload(1))).await.unwrap();
    *most = resident_kib().max(*most);
    let Done::Stored(stored) = done else {
        panic!("{done:?}")
    };
    assert_eq!(stored.size, piece.len() as u64 * pieces);
    stored
}

/// Gives a body its row: somebody gets it as a message.
async fn deliver(storage: &Storage, stored: Stored) {
    let (account, mailbox) = (AccountId(1), MailboxId(1));
    let inbox = NewMailbox {
        id: mailbox,
        name: MailboxName::inbox(),
        special_use: None,
        object_id: [1; 16],
    };
    let new = NewAccount {
        id: account,
        login: "a@example.com".into(),
        password: Secret(String::new()).into(),
        quota_bytes: 0,
        mailboxes: vec![inbox],
        at_ms: 1,
    };
    let recipient = Recipient {
        key: DeliveryKey::new("a@example.com", account, "", &stored.received_sha256),
        account,
        mailbox,
        instead: None,
        keywords: vec![],
        head: Bytes::new(),
        email_id: [1; 16],
    };
    let deliver = Request::Deliver {
        recipients: vec![recipient],
        stored,
        at_ms: 1,
    };
    storage
        .run(Actor::Operator, Request::CreateAccount(new))
        .await
        .unwrap();
    storage.run(Actor::Door, deliver).await.unwrap();
}

#[test]
fn a_body_of_48_mib_takes_less_than_8_mib() {
    let mut octets = [0; 8];
    getrandom::fill(&mut octets).unwrap();
    let name = format!("lightmail-memory-{:016x}", u64::from_be_bytes(octets));
    let folder = std::env::temp_dir().join(name);
    block_on(async {
        let storage = Storage::open(&config(&folder)).await.unwrap();
        let piece = Bytes::from(b"Subject: large\r\n\r\n".repeat(3640));
        let mut most = 0;
        // What the SDK needs once, it has after a first body.
        store(&storage, 1, &piece, 160, &mut most).await;
        let before = resident_kib();
        most = before;
        let stored = store(&storage, 2, &piece, 768, &mut most).await;
        deliver(&storage, stored).await;
        let end = piece.len() as u64 * 768;
        let mut reader = storage.desk().read(ObjectId([2; 16]), 0..end);
        let mut read = 0;
        while let Some(piece) = reader.next().await {
            read += piece.unwrap().len() as u64;
            most = most.max(resident_kib());
        }
        assert_eq!(read, end);
        assert!(
            most - before < 8 * 1024,
            "{before} KiB before, {most} KiB at most"
        );
        storage.close().await;
    });
    fs::remove_dir_all(&folder).unwrap();
}
