//! Uploads and reads: what is read is what was written, or nothing is.

use std::fs;

use bytes::Bytes;
use futures_lite::future::block_on;
use lightmail_core::machine::{Done, Effect, Needle, ObjectKind, Purpose, Scan, ScanTarget, Scope, Upload};
use lightmail_core::store::{Failure, ObjectId};
use sha2::{Digest, Sha256};

use super::scratch::Scratch;
use super::town::{Home, Kind, Town, object_id, read, upload};

fn octets(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n * 31 % 251) as u8).collect()
}

fn file(scratch: &Scratch, object: ObjectId) -> std::path::PathBuf {
    scratch.path().join(ObjectKind::Email.key(object))
}

/// A town, someone in it, and a delivered body.
async fn with_body(body: &[u8]) -> (Town, Home, ObjectId) {
    let town = Town::new(Kind::Sqlite).await;
    let home = town.settle("a@example.com").await;
    let stored = upload(&mut town.storage.desk(), body).await.unwrap();
    let object = stored.object;
    town.deliver_stored(stored, &[home]).await.unwrap();
    (town, home, object)
}

#[test]
fn bodies_of_any_size_come_back_whole_and_in_ranges() {
    block_on(async {
        for size in [1, 100, 65_535, 65_536, 65_537, 131_072, 262_144, 262_145, 700_001] {
            let body = octets(size);
            let (town, _, object) = with_body(&body).await;
            let end = size as u64;
            assert_eq!(read(&town.storage, object, 0..end).await.unwrap(), body, "{size}");
            for range in [0..end.min(10), end / 2..end, end / 3..end / 2, end - 1..end] {
                let expected = &body[range.start as usize..range.end as usize];
                assert_eq!(
                    read(&town.storage, object, range.clone()).await.unwrap(),
                    expected,
                    "{size} {range:?}"
                );
            }
            assert!(matches!(
                read(&town.storage, object, 0..end + 1).await,
                Err(Failure::Broken(_))
            ));
        }
    });
}

#[test]
fn what_is_stored_is_described_as_it_was_fed() {
    block_on(async {
        let town = Town::new(Kind::Sqlite).await;
        let body = b"Subject: hi\r\n\r\nbody\r\n".repeat(50_000);
        let stored = upload(&mut town.storage.desk(), &body).await.unwrap();
        assert_eq!(stored.size, body.len() as u64);
        assert_eq!(stored.sha256[..], Sha256::digest(&body)[..]);
        assert_eq!(stored.index.size, stored.size);
        assert_eq!(stored.index.summary.subject, "hi");
        assert_eq!(fs::read(file(&town.scratch, stored.object)).unwrap(), body);
    });
}

#[test]
fn a_damaged_body_is_never_sent_to_its_end() {
    block_on(async {
        for size in [1000_usize, 65_536, 300_000] {
            let body = octets(size);
            let (town, _, object) = with_body(&body).await;
            let mut damaged = body.clone();
            damaged[0] ^= 1;
            fs::write(file(&town.scratch, object), &damaged).unwrap();
            let mut reader = town.storage.desk().read(object, 0..size as u64);
            let mut sent = 0;
            let end = loop {
                match reader.next().await {
                    Some(Ok(piece)) => sent += piece.len(),
                    end => break end,
                }
            };
            assert!(matches!(end, Some(Err(Failure::Broken(_)))), "{size}: {end:?}");
            assert_eq!(
                sent,
                size.saturating_sub(65_536),
                "{size}: the last 64 KiB are held back"
            );
            assert_eq!(reader.next().await, None);
        }
    });
}

#[test]
fn a_missing_or_shorter_body_is_broken() {
    block_on(async {
        let (town, _, object) = with_body(&octets(1000)).await;
        fs::write(file(&town.scratch, object), octets(999)).unwrap();
        assert!(matches!(
            read(&town.storage, object, 0..1000).await,
            Err(Failure::Broken(_))
        ));
        assert!(
            matches!(read(&town.storage, object, 0..999).await, Err(Failure::Broken(_))),
            "999 is not its size"
        );
        fs::remove_file(file(&town.scratch, object)).unwrap();
        assert!(matches!(
            read(&town.storage, object, 0..10).await,
            Err(Failure::Broken(_))
        ));
    });
}

#[test]
fn objects_are_copied_together_and_a_missing_piece_fails_the_whole() {
    block_on(async {
        let (town, _, object) = with_body(b"Subject: part\r\n\r\n").await;
        let mut desk = town.storage.desk();
        for (source, works) in [(object, true), (object_id(), false)] {
            let purpose = Purpose {
                object: object_id(),
                kind: ObjectKind::Email,
            };
            desk.open_upload(Upload(1), purpose);
            desk.feed(Upload(1), Bytes::from_static(b"From: me\r\n")).await;
            desk.feed_object(Upload(1), source, 0..17).await;
            desk.feed(Upload(1), Bytes::from_static(b"text\r\n")).await;
            let done = desk.run(Effect::FinishUpload(Upload(1))).await;
            assert_eq!(done.is_ok(), works);
            if let Ok(Done::Stored(stored)) = done {
                let written = fs::read(file(&town.scratch, stored.object)).unwrap();
                assert_eq!(written, b"From: me\r\nSubject: part\r\n\r\ntext\r\n");
                assert_eq!(stored.index.summary.subject, "part");
            }
        }
    });
}

#[test]
fn a_dropped_or_unknown_upload_leaves_nothing() {
    block_on(async {
        let town = Town::new(Kind::Sqlite).await;
        let mut desk = town.storage.desk();
        desk.open_upload(
            Upload(1),
            Purpose {
                object: object_id(),
                kind: ObjectKind::Email,
            },
        );
        desk.feed(Upload(1), octets(600_000).into()).await;
        desk.drop_upload(Upload(1));
        assert!(matches!(
            desk.run(Effect::FinishUpload(Upload(1))).await,
            Err(Failure::Broken(_))
        ));
        desk.open_upload(
            Upload(2),
            Purpose {
                object: object_id(),
                kind: ObjectKind::Email,
            },
        );
        desk.feed(Upload(2), octets(600_000).into()).await;
        drop(desk);
        assert_eq!(fs::read_dir(town.path().join("emails")).unwrap().count(), 0);
    });
}

#[test]
fn words_are_found_in_stored_messages() {
    block_on(async {
        let mut text = "Subject: greetings\r\n\r\n".to_owned();
        text.push_str(&"filling\r\n".repeat(20_000));
        text.push_str("the needle at the end\r\n");
        let (town, _, object) = with_body(text.as_bytes()).await;
        let mut desk = town.storage.desk();
        let stored = upload(&mut desk, text.as_bytes()).await.unwrap();
        let target = ScanTarget {
            object,
            size: stored.size,
            head: Bytes::new(),
            index: stored.index,
        };
        let needle = |text: &str, scope| Needle {
            text: text.into(),
            scope,
        };
        let needles = vec![
            needle("needle at", Scope::Body),
            needle("greetings", Scope::Body),
            needle("greetings", Scope::Text),
            needle("absent", Scope::Text),
        ];
        let wanted = Effect::Scan(Scan {
            targets: vec![target],
            needles,
        });
        let found = desk.run(wanted.clone()).await;
        assert_eq!(found, Ok(Done::Scanned(vec![0b101])));
        let abandoned = desk.run(wanted);
        drop(desk);
        assert!(
            matches!(abandoned.await, Err(Failure::Broken(_))),
            "nobody waits, so nothing is read"
        );
    });
}
