//! Storing: the same key until it is there, one object whatever was lost on the way, and a clear end if it cannot be.

use futures_lite::future::block_on;
use lightmail_core::machine::ObjectKind;
use lightmail_core::store::{Budget, Failure, Refusal};

use super::super::town::{read, upload};
use super::proxy::Fault;
use super::service::{Coast, hasty, octets, patient};

const MIB: usize = 1024 * 1024;
const BUSY: Fault = Fault::Answer(503, "SlowDown", "please");

async fn keys(coast: &Coast) -> usize {
    let listed = coast.storage().objects().list(ObjectKind::Email, None, 100).await;
    listed.unwrap().len()
}

#[test]
fn a_put_that_fails_or_whose_answer_is_lost_is_sent_again_as_it_was() {
    block_on(async {
        let coast = Coast::new(patient()).await;
        let mut stored = 0;
        for size in [1000, 300_000] {
            for faults in [
                vec![BUSY; 3],
                vec![Fault::Reset],
                vec![Fault::LostAnswer, Fault::LostAnswer],
            ] {
                coast.proxy.asked("");
                faults.iter().for_each(|fault| coast.proxy.next("PUT", *fault));
                let object = coast.body(&octets(size)).await;
                stored += 1;
                assert_eq!(keys(&coast).await, stored, "{faults:?}");
                let asked = coast.proxy.asked("PUT");
                assert_eq!(asked.len(), faults.len() + 1);
                assert!(asked.iter().all(|put| put.target == asked[0].target));
                assert!(read(coast.storage(), object, 0..size as u64).await.unwrap() == octets(size));
            }
        }
    });
}

#[test]
fn a_put_says_what_it_is_and_its_hash() {
    block_on(async {
        let coast = Coast::new(patient()).await;
        coast.body(b"abc").await;
        let [put] = &coast.proxy.asked("PUT")[..] else {
            panic!()
        };
        assert_eq!(put.field("content-type"), Some("message/rfc822"));
        assert_eq!(
            put.field("x-amz-checksum-sha256"),
            Some("ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=")
        );
        assert!(put.target.ends_with(".eml?x-id=PutObject"), "{}", put.target);
        assert!(put.target.contains("/emails/"), "{}", put.target);
    });
}

#[test]
fn a_service_that_fails_is_told_as_unavailable_and_comes_back() {
    block_on(async {
        let coast = Coast::new(hasty()).await;
        let faults = [
            Fault::Reset,
            Fault::Silence,
            Fault::LostAnswer,
            BUSY,
            Fault::Answer(404, "NoSuchBucket", "gone"),
            Fault::Answer(403, "AccessDenied", "no"),
            Fault::Answer(403, "RequestTimeTooSkewed", "late"),
            Fault::Answer(400, "BadDigest", "other octets"),
        ];
        for fault in faults {
            coast.proxy.always(Some(("PUT", fault)));
            let failed = upload(&mut coast.storage().desk(), b"mail").await;
            assert!(
                matches!(failed, Err(Failure::Unavailable { .. })),
                "{fault:?}: {failed:?}"
            );
            coast.proxy.always(None);
            let mut tries = 0;
            while upload(&mut coast.storage().desk(), b"mail").await.is_err() {
                tries += 1;
                assert!(tries < 20, "{fault:?}: it does not come back");
            }
        }
    });
}

#[test]
fn a_full_bucket_is_a_limit() {
    block_on(async {
        let coast = Coast::new(patient()).await;
        coast
            .proxy
            .always(Some(("PUT", Fault::Answer(507, "InsufficientStorage", "full"))));
        let failed = upload(&mut coast.storage().desk(), b"mail").await;
        assert_eq!(failed.unwrap_err(), Refusal::Limit(Budget::Space).into());
    });
}

#[test]
fn parts_are_sent_again_one_by_one() {
    block_on(async {
        let coast = Coast::new(patient()).await;
        let body = octets(9 * MIB);
        coast.proxy.next("PUT", BUSY);
        coast.proxy.next("PUT", Fault::LostAnswer);
        coast.proxy.next("POST", BUSY);
        let object = coast.body(&body).await;
        assert!(read(coast.storage(), object, 0..body.len() as u64).await.unwrap() == body);
        let requests = coast.storage().objects().requests();
        assert_eq!((requests.puts, requests.uploads), (2, 2));
    });
}

/// A service may forget an upload as soon as it has ended, and then knows nothing of it at the second try.
#[test]
fn an_end_whose_answer_was_lost_is_an_end() {
    block_on(async {
        let coast = Coast::new(patient()).await;
        let body = octets(9 * MIB);
        coast.proxy.next("PUT", BUSY);
        coast.proxy.next("POST", Fault::LostAnswer);
        coast
            .proxy
            .next("POST", Fault::Answer(404, "NoSuchUpload", "ended or given up"));
        let object = coast.body(&body).await;
        assert!(read(coast.storage(), object, 0..body.len() as u64).await.unwrap() == body);
        assert_eq!(coast.proxy.asked("HEAD").len(), 1);

        coast.proxy.next("PUT", BUSY);
        coast
            .proxy
            .next("POST", Fault::Answer(404, "NoSuchUpload", "given up"));
        let failed = upload(&mut coast.storage().desk(), &body).await;
        assert!(failed.is_err(), "nothing was stored under that key: {failed:?}");
    });
}

#[test]
fn an_upload_in_parts_that_fails_leaves_no_parts() {
    block_on(async {
        let coast = Coast::new(patient()).await;
        coast
            .proxy
            .always(Some(("PUT", Fault::Answer(403, "AccessDenied", "no"))));
        let failed = upload(&mut coast.storage().desk(), &octets(9 * MIB)).await;
        assert!(matches!(failed, Err(Failure::Unavailable { .. })), "{failed:?}");
        coast.proxy.wait_for(1, |asked| {
            asked.method == "DELETE" && asked.target.contains("uploadId=")
        });
        assert_eq!(keys(&coast).await, 0);
        assert_eq!(spooled(&coast), 0);
    });
}

/// What a process that was killed in the middle has left in the bucket.
#[test]
fn uploads_that_nobody_ends_are_given_up_by_their_age() {
    block_on(async {
        let coast = Coast::new(patient()).await;
        coast
            .proxy
            .always(Some(("PUT", Fault::Answer(403, "AccessDenied", "no"))));
        coast
            .proxy
            .next("DELETE", Fault::Answer(403, "AccessDenied", "no"));
        let failed = upload(&mut coast.storage().desk(), &octets(9 * MIB)).await;
        assert!(failed.is_err());
        coast.proxy.wait_for(1, |asked| asked.method == "DELETE");
        let objects = coast.storage().objects();
        assert_eq!(objects.abort_uploads(1000).await, Ok(0), "it is younger");
        assert_eq!(objects.abort_uploads(u64::MAX).await, Ok(1));
        assert_eq!(objects.abort_uploads(u64::MAX).await, Ok(0));
    });
}

/// A backup, or another LightMail, in the same bucket.
#[test]
fn uploads_of_other_programs_are_left_alone() {
    block_on(async {
        let coast = Coast::new(patient()).await;
        let above = coast.section.prefix.clone();
        let other = Coast::with(patient(), |section| section.prefix = format!("{above}other/")).await;
        let refused = Fault::Answer(403, "AccessDenied", "no");
        other.proxy.always(Some(("PUT", refused)));
        other.proxy.next("DELETE", refused);
        assert!(
            upload(&mut other.storage().desk(), &octets(9 * MIB))
                .await
                .is_err()
        );
        other.proxy.wait_for(1, |asked| asked.method == "DELETE");
        assert_eq!(coast.storage().objects().abort_uploads(u64::MAX).await, Ok(0));
        assert_eq!(other.storage().objects().abort_uploads(u64::MAX).await, Ok(1));
    });
}

/// Files in the spool's folder.
fn spooled(coast: &Coast) -> usize {
    std::fs::read_dir(coast.town.path().join("spool"))
        .unwrap()
        .count()
}
