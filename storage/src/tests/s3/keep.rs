//! Listing and removing, alike for a folder and a bucket.

use futures_lite::future::block_on;
use lightmail_core::machine::{Listed, ObjectKind};
use lightmail_core::store::{Failure, ObjectId};

use super::super::town::{Kind, Town, object_id, read, upload};
use super::proxy::Fault;
use super::service::{Coast, patient};
use crate::Storage;

async fn list(storage: &Storage, after: Option<ObjectId>, limit: usize) -> Vec<Listed> {
    storage
        .objects()
        .list(ObjectKind::Email, after, limit)
        .await
        .unwrap()
}

/// Stores so many, listed in windows, then removed.
async fn lists_and_removes(storage: &Storage) {
    let mut stored = Vec::new();
    for n in 1..=7 {
        stored.push(upload(&mut storage.desk(), &vec![b'x'; n]).await.unwrap());
    }
    stored.sort_by_key(|stored| stored.object);
    let all = list(storage, None, 100).await;
    let told: Vec<_> = all.iter().map(|listed| (listed.object, listed.size)).collect();
    let expected: Vec<_> = stored.iter().map(|stored| (stored.object, stored.size)).collect();
    assert_eq!(told, expected);
    assert!(
        all.iter().all(|listed| listed.modified_ms > 1_700_000_000_000),
        "{all:?}"
    );
    let (mut windows, mut after) = (Vec::new(), None);
    loop {
        let window = list(storage, after, 3).await;
        after = window.last().map(|listed| listed.object);
        let is_last = window.len() < 3;
        windows.extend(window);
        if is_last {
            break;
        }
    }
    assert_eq!(windows, all);
    assert!(list(storage, Some(all[6].object), 3).await.is_empty());
    assert!(list(storage, None, 0).await.is_empty());
    let calendars = storage.objects().list(ObjectKind::Calendar, None, 9).await;
    assert_eq!(calendars, Ok(Vec::new()));
    let doomed = [all[0].object, object_id(), all[3].object];
    let removed = storage.objects().delete(ObjectKind::Email, &doomed).await;
    assert_eq!(
        removed,
        [Ok(()), Ok(()), Ok(())],
        "one that is not there counts as removed"
    );
    assert_eq!(list(storage, None, 100).await.len(), 5);
    assert!(matches!(
        read(storage, all[0].object, 0..1).await,
        Err(Failure::Broken(_))
    ));
    let none = storage.objects().delete(ObjectKind::Email, &[]).await;
    assert!(none.is_empty());
}

#[test]
fn a_folder_lists_and_removes() {
    block_on(async {
        let town = Town::new(Kind::Sqlite).await;
        std::fs::write(town.path().join("emails/other.txt"), "x").unwrap();
        lists_and_removes(&town.storage).await;
        assert!(town.path().join("emails/other.txt").exists());
    });
}

#[test]
fn a_bucket_lists_and_removes() {
    block_on(async {
        let coast = Coast::new(patient()).await;
        lists_and_removes(coast.storage()).await;
    });
}

#[test]
fn many_are_removed_by_few_requests() {
    block_on(async {
        let coast = Coast::new(patient()).await;
        let stored = upload(&mut coast.storage().desk(), b"x").await.unwrap();
        let mut doomed: Vec<_> = (0..1500).map(|_| object_id()).collect();
        doomed.push(stored.object);
        let removed = coast.storage().objects().delete(ObjectKind::Email, &doomed).await;
        assert_eq!(removed, vec![Ok(()); 1501]);
        assert_eq!(coast.storage().objects().requests().deletes, 2);
        assert!(list(coast.storage(), None, 10).await.is_empty());
    });
}

#[test]
fn a_removal_that_fails_fails_for_each() {
    block_on(async {
        let coast = Coast::new(patient()).await;
        let stored = upload(&mut coast.storage().desk(), b"x").await.unwrap();
        coast.proxy.next("POST", Fault::Answer(403, "AccessDenied", "no"));
        let doomed = [stored.object, object_id()];
        let failed = coast.storage().objects().delete(ObjectKind::Email, &doomed).await;
        assert!(
            failed
                .iter()
                .all(|one| matches!(one, Err(Failure::Unavailable { .. }))),
            "{failed:?}"
        );
        assert_eq!(failed.len(), 2);
        assert_eq!(list(coast.storage(), None, 10).await.len(), 1);
    });
}
