//! Reading: what comes is what was stored, or nothing comes; what broke is taken up again.

use std::ops::Range;

use futures_lite::future::block_on;
use lightmail_core::machine::ObjectKind;
use lightmail_core::store::{Failure, ObjectId};

use super::super::town::{object_id, read};
use super::proxy::Fault;
use super::service::{Coast, hasty, octets, patient};
use crate::Storage;

const MIB: usize = 1024 * 1024;

/// Reads a range; what came before the failure, if there is one.
async fn read_until(storage: &Storage, object: ObjectId, range: Range<u64>) -> (Vec<u8>, Option<Failure>) {
    let mut reader = storage.desk().read(object, range);
    let mut octets = Vec::new();
    while let Some(piece) = reader.next().await {
        match piece {
            Ok(piece) => octets.extend_from_slice(&piece),
            Err(failure) => return (octets, Some(failure)),
        }
    }
    (octets, None)
}

fn is_later(failure: &Option<Failure>) -> bool {
    matches!(failure, Some(Failure::Unavailable { .. }))
}

#[test]
fn bodies_of_any_size_come_back_whole_and_in_ranges() {
    block_on(async {
        let coast = Coast::new(patient()).await;
        for size in [
            1,
            65_535,
            65_536,
            65_537,
            262_144,
            262_145,
            700_001,
            8 * MIB,
            8 * MIB + 1,
            17 * MIB,
        ] {
            let body = octets(size);
            let object = coast.body(&body).await;
            let end = size as u64;
            assert!(
                read(coast.storage(), object, 0..end).await.unwrap() == body,
                "{size}"
            );
            for range in [0..end.min(10), end / 2..end, end / 3..end / 2, end - 1..end] {
                if !range.is_empty() {
                    let expected = &body[range.start as usize..range.end as usize];
                    let come = read(coast.storage(), object, range.clone()).await.unwrap();
                    assert!(come == expected, "{size} {range:?}");
                }
            }
            for past in [0..end + 1, end..end + 1, end + 5..end + 6] {
                let come = read(coast.storage(), object, past.clone()).await;
                assert!(
                    matches!(come, Err(Failure::Broken(_))),
                    "{size} {past:?}: {come:?}"
                );
            }
        }
    });
}

#[test]
fn a_missing_body_is_broken_and_others_are_read() {
    block_on(async {
        let coast = Coast::new(patient()).await;
        let object = coast.body(b"here").await;
        let gone = coast.body(b"gone").await;
        let deleted = coast.storage().objects().delete(ObjectKind::Email, &[gone]).await;
        assert_eq!(deleted, [Ok(())]);
        for (missing, why) in [(gone, "there is no such object"), (object_id(), "has no row")] {
            let missing = read(coast.storage(), missing, 0..2).await;
            let Err(Failure::Broken(fault)) = missing else {
                panic!("{missing:?}")
            };
            assert!(fault.0.contains(why), "{}", fault.0);
        }
        assert_eq!(read(coast.storage(), object, 0..4).await.unwrap(), b"here");
    });
}

#[test]
fn a_read_that_breaks_is_taken_up_where_it_broke() {
    block_on(async {
        let coast = Coast::new(patient()).await;
        let body = octets(300_000);
        let object = coast.body(&body).await;
        coast.proxy.asked("");
        coast.proxy.next("GET", Fault::Truncate(100_000));
        coast.proxy.next("GET", Fault::Truncate(0));
        coast.proxy.next("GET", Fault::Truncate(150_000));
        assert!(read(coast.storage(), object, 0..300_000).await.unwrap() == body);
        let asked = coast.proxy.asked("GET");
        let ranges: Vec<_> = asked.iter().map(|asked| asked.field("range").unwrap()).collect();
        let rest = "bytes=100000-299999";
        assert_eq!(ranges, ["bytes=0-299999", rest, rest, "bytes=250000-299999"]);
    });
}

#[test]
fn a_read_that_breaks_always_ends_and_never_tells_less_than_all() {
    block_on(async {
        let coast = Coast::new(patient()).await;
        for size in [1000, 300_000_u64] {
            let object = coast.body(&octets(size as usize)).await;
            coast.proxy.always(Some(("GET", Fault::Truncate(10))));
            let (come, failure) = read_until(coast.storage(), object, 0..size).await;
            assert!(is_later(&failure), "{failure:?}");
            assert!(come.is_empty());
            coast.proxy.always(None);
            assert_eq!(
                read(coast.storage(), object, 0..size).await.unwrap().len() as u64,
                size
            );
        }
    });
}

#[test]
fn wrong_octets_of_a_small_body_are_fetched_once_more_and_never_sent() {
    block_on(async {
        let coast = Coast::new(patient()).await;
        for size in [1000, 65_536_u64] {
            let body = octets(size as usize);
            let object = coast.body(&body).await;
            coast.proxy.next("GET", Fault::Corrupt);
            assert!(read(coast.storage(), object, 0..size).await.unwrap() == body);
            coast.proxy.always(Some(("GET", Fault::Corrupt)));
            let (come, failure) = read_until(coast.storage(), object, 0..size).await;
            assert!(matches!(failure, Some(Failure::Broken(_))), "{failure:?}");
            assert!(come.is_empty());
            coast.proxy.always(None);
            assert!(read(coast.storage(), object, 0..size).await.unwrap() == body);
        }
    });
}

#[test]
fn wrong_octets_of_a_large_body_are_never_sent_to_its_end() {
    block_on(async {
        let coast = Coast::new(patient()).await;
        let size = 300_000;
        let object = coast.body(&octets(size)).await;
        coast.proxy.always(Some(("GET", Fault::Corrupt)));
        let (come, failure) = read_until(coast.storage(), object, 0..size as u64).await;
        assert!(matches!(failure, Some(Failure::Broken(_))), "{failure:?}");
        assert_eq!(come.len(), size - 65_536, "the last 64 KiB are held back");
    });
}

#[test]
fn a_service_that_fails_a_while_is_asked_again() {
    block_on(async {
        let coast = Coast::new(patient()).await;
        let object = coast.body(b"octets").await;
        let busy = Fault::Answer(503, "SlowDown", "please");
        for faults in [
            vec![busy; 4],
            vec![Fault::Reset; 4],
            vec![Fault::LostAnswer, busy, Fault::Reset],
        ] {
            faults.iter().for_each(|fault| coast.proxy.next("GET", *fault));
            assert_eq!(
                read(coast.storage(), object, 0..6).await.unwrap(),
                b"octets",
                "{faults:?}"
            );
        }
    });
}

#[test]
fn a_service_that_fails_is_told_as_unavailable_and_comes_back() {
    block_on(async {
        let coast = Coast::new(hasty()).await;
        let object = coast.body(b"octets").await;
        let faults = [
            Fault::Reset,
            Fault::Silence,
            Fault::Stall(1),
            Fault::Answer(503, "SlowDown", "please"),
            Fault::Answer(404, "NoSuchBucket", "gone"),
            Fault::Answer(403, "InvalidAccessKeyId", "who"),
            Fault::Answer(403, "SignatureDoesNotMatch", "no"),
        ];
        for fault in faults {
            coast.proxy.always(Some(("GET", fault)));
            let (come, failure) = read_until(coast.storage(), object, 0..6).await;
            assert!(is_later(&failure) && come.is_empty(), "{fault:?}: {failure:?}");
            coast.proxy.always(None);
            let mut tries = 0;
            while read(coast.storage(), object, 0..6).await.ok() != Some(b"octets".to_vec()) {
                tries += 1;
                assert!(tries < 20, "{fault:?}: it does not come back");
            }
        }
    });
}

#[test]
fn a_read_that_is_dropped_ends_its_request() {
    block_on(async {
        let coast = Coast::new(patient()).await;
        let object = coast.body(&octets(3 * MIB)).await;
        let mut reader = coast.storage().desk().read(object, 0..3 * MIB as u64);
        reader.next().await.unwrap().unwrap();
        drop(reader);
        assert_eq!(read(coast.storage(), object, 5..6).await.unwrap(), octets(6)[5..]);
    });
}
