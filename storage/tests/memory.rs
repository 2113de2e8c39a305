//! Resident memory does not follow the size of a message. Alone in its process, so that nobody else's memory is counted.

use std::fs;

use bytes::Bytes;
use futures_lite::future::block_on;
use lightmail_core::machine::{Done, Effect, ObjectKind, Purpose, Upload};
use lightmail_core::store::ObjectId;
use lightmail_storage::Storage;

/// Pages of this process that are no file's, in KiB.
fn resident_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn an_upload_of_100_mib_takes_less_than_8_mib() {
    let mut octets = [0; 8];
    getrandom::fill(&mut octets).unwrap();
    let folder = std::env::temp_dir().join(format!("lightmail-memory-{:016x}", u64::from_be_bytes(octets)));
    block_on(async {
        let storage = Storage::open_at(&folder, 4).await.unwrap();
        let mut desk = storage.desk();
        let piece = Bytes::from(b"Subject: large\r\n\r\n".repeat(3640));
        let before = resident_kib();
        let mut most = before;
        desk.open_upload(
            Upload(1),
            Purpose {
                object: ObjectId([1; 16]),
                kind: ObjectKind::Email,
            },
        );
        for n in 0..1600 {
            desk.feed(Upload(1), piece.clone()).await;
            if n % 16 == 0 {
                most = most.max(resident_kib());
            }
        }
        let done = desk.run(Effect::FinishUpload(Upload(1))).await.unwrap();
        most = most.max(resident_kib());
        let Done::Stored(stored) = done else {
            panic!("{done:?}")
        };
        assert_eq!(stored.size, piece.len() as u64 * 1600);
        assert!(
            most - before < 8 * 1024,
            "{before} KiB before, {most} KiB at most"
        );
        storage.close().await;
    });
    fs::remove_dir_all(&folder).unwrap();
}
