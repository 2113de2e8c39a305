//! Copies on this machine: none is wrong, none is more than there is room for, and without them all works as well.

use std::fs;
use std::path::PathBuf;

use futures_lite::future::block_on;
use lightmail_core::store::ObjectId;

use super::super::calendars::{fill_calendar, put};
use super::super::town::read;
use super::service::{Coast, octets, patient};

const ROOM: u64 = 1_000_000;

/// A storage with copies in `copies` below its data folder.
async fn coast() -> Coast {
    Coast::with(patient(), |section| {
        section.cache_dir = Some("copies".into());
        section.cache_bytes = ROOM;
    })
    .await
}

fn copy(coast: &Coast, object: ObjectId) -> PathBuf {
    coast.town.path().join("copies").join(object.to_string())
}

async fn whole(coast: &Coast, object: ObjectId, body: &[u8]) {
    assert!(read(coast.storage(), object, 0..body.len() as u64).await.unwrap() == body);
}

fn gets(coast: &Coast) -> u64 {
    coast.storage().objects().requests().gets
}

#[test]
fn a_body_that_was_read_whole_is_not_fetched_again() {
    block_on(async {
        let coast = coast().await;
        for (n, size) in [(1, 10), (2, 65_536), (3, 100_000)] {
            let body = octets(size);
            let object = coast.body(&body).await;
            assert_eq!(read(coast.storage(), object, 2..9).await.unwrap(), body[2..9]);
            assert!(!copy(&coast, object).exists(), "a range is not the whole");
            whole(&coast, object, &body).await;
            assert_eq!(gets(&coast), 2 * n);
            whole(&coast, object, &body).await;
            assert_eq!(read(coast.storage(), object, 2..9).await.unwrap(), body[2..9]);
            assert_eq!(gets(&coast), 2 * n, "{size}");
            assert_eq!(fs::read(copy(&coast, object)).unwrap(), body);
        }
    });
}

#[test]
fn calendar_objects_are_read_from_the_bucket_and_have_copies_too() {
    block_on(async {
        let coast = coast().await;
        fill_calendar(&coast.town, coast.home, 0).await;
        for (n, size) in [(1, 10), (2, 100_000)] {
            let text = "BEGIN:VCALENDAR\r\n".repeat(size)[..size].to_owned();
            let object = put(&coast.town, coast.home, &format!("{n}.ics"), &text).await;
            assert_eq!(
                read(coast.storage(), object, 2..9).await.unwrap(),
                text.as_bytes()[2..9]
            );
            whole(&coast, object, text.as_bytes()).await;
            assert_eq!(gets(&coast), 2 * n);
            whole(&coast, object, text.as_bytes()).await;
            assert_eq!(gets(&coast), 2 * n, "{size}");
            assert_eq!(fs::read(copy(&coast, object)).unwrap(), text.as_bytes());
        }
    });
}

#[test]
fn copies_survive_a_restart_and_are_hashed_once_before_they_are_used() {
    block_on(async {
        let coast = coast().await;
        let body = octets(100_000);
        let (good, bad, short) = (
            coast.body(&body).await,
            coast.body(&body).await,
            coast.body(&body).await,
        );
        for object in [good, bad, short] {
            whole(&coast, object, &body).await;
        }
        let mut damaged = body.clone();
        damaged[99_999] ^= 1;
        fs::write(copy(&coast, bad), &damaged).unwrap();
        fs::write(copy(&coast, short), &body[..50_000]).unwrap();
        fs::write(coast.town.path().join("copies/.dead.tmp"), "half").unwrap();
        let coast = coast.reopened(patient()).await;
        assert_eq!(read(coast.storage(), good, 5..10).await.unwrap(), body[5..10]);
        whole(&coast, good, &body).await;
        assert_eq!(gets(&coast), 0);
        assert_eq!(read(coast.storage(), bad, 5..10).await.unwrap(), body[5..10]);
        assert_eq!(read(coast.storage(), short, 5..10).await.unwrap(), body[5..10]);
        assert_eq!(
            gets(&coast),
            2,
            "what is damaged is fetched, even where the range is not"
        );
        assert!(!copy(&coast, bad).exists() && !copy(&coast, short).exists());
        assert!(!coast.town.path().join("copies/.dead.tmp").exists());
    });
}

#[test]
fn a_copy_that_is_damaged_while_the_server_runs_is_never_sent_whole() {
    block_on(async {
        let coast = coast().await;
        for size in [1000, 100_000] {
            let body = octets(size);
            let object = coast.body(&body).await;
            whole(&coast, object, &body).await;
            let mut damaged = body.clone();
            damaged[size - 1] ^= 1;
            fs::write(copy(&coast, object), &damaged).unwrap();
            let again = read(coast.storage(), object, 0..size as u64).await;
            // Nothing of a small one has left, so that it is fetched at once.
            assert_eq!(again.is_ok(), size == 1000, "{size}");
            whole(&coast, object, &body).await;
        }
    });
}

#[test]
fn those_used_longest_ago_make_room_and_large_ones_are_not_kept() {
    block_on(async {
        let coast = coast().await;
        let body = octets(120_000);
        let mut objects = Vec::new();
        for _ in 0..8 {
            objects.push(coast.body(&body).await);
            whole(&coast, objects[objects.len() - 1], &body).await;
        }
        assert!(
            objects.iter().all(|object| copy(&coast, *object).exists()),
            "960,000 of 1,000,000"
        );
        whole(&coast, objects[0], &body).await;
        let next = coast.body(&body).await;
        whole(&coast, next, &body).await;
        let kept: Vec<_> = objects
            .iter()
            .map(|object| copy(&coast, *object).exists())
            .collect();
        assert_eq!(kept, [true, false, true, true, true, true, true, true]);
        let large = coast.body(&octets(130_000)).await;
        whole(&coast, large, &octets(130_000)).await;
        assert!(!copy(&coast, large).exists(), "more than an eighth of the room");
    });
}

#[test]
fn without_room_or_folder_bodies_are_read_all_the_same() {
    block_on(async {
        let coast = coast().await;
        let body = octets(100_000);
        let object = coast.body(&body).await;
        fs::remove_dir_all(coast.town.path().join("copies")).unwrap();
        whole(&coast, object, &body).await;
        whole(&coast, object, &body).await;
        assert_eq!(gets(&coast), 2);
        fs::create_dir(coast.town.path().join("copies")).unwrap();
        whole(&coast, object, &body).await;
        whole(&coast, object, &body).await;
        assert_eq!(gets(&coast), 3);
    });
}
