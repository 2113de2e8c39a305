//! The garbage worker, where what fails is the way to the bucket.

use futures_lite::future::block_on;
use lightmail_core::machine::ObjectKind;
use lightmail_core::store::GarbageCounts;

use super::super::garbage::{LATER, SETTINGS, fill, waiting};
use super::super::shift::Shift;
use super::super::town::exists;
use super::proxy::Fault;
use super::service::{Coast, hasty};

async fn stored(coast: &Coast, kind: ObjectKind) -> usize {
    coast
        .storage()
        .objects()
        .list(kind, None, 100)
        .await
        .unwrap()
        .len()
}

async fn rounds(coast: &Coast, many: usize) -> Shift {
    let mut shift = Shift::new(coast.storage(), SETTINGS, 1, LATER);
    for _ in 0..many {
        shift.round(None).await;
        let findings = coast.town.check().await;
        assert!(findings.is_empty(), "{findings:#?}");
    }
    shift
}

#[test]
fn bodies_go_from_the_bucket_however_the_way_to_it_fails() {
    block_on(async {
        for fault in [
            Fault::Reset,
            Fault::LostAnswer,
            Fault::Silence,
            Fault::Truncate(20),
            Fault::Answer(503, "SlowDown", "please"),
            Fault::Answer(403, "AccessDenied", "no"),
        ] {
            for always in [false, true] {
                let coast = Coast::new(hasty()).await;
                fill(&coast.town, coast.home).await;
                // What deletes is a POST.
                if always {
                    coast.proxy.always(Some(("POST", fault)));
                    rounds(&coast, 2).await;
                    coast.proxy.always(None);
                    let claimed = waiting(&coast.town).await.claimed;
                    assert!(claimed > 0, "{fault:?}: what may be there still is not forgotten");
                } else {
                    coast.proxy.next("POST", fault);
                }
                rounds(&coast, 6).await;
                let why = format!("{fault:?}, always: {always}");
                assert_eq!(waiting(&coast.town).await, GarbageCounts::default(), "{why}");
                assert_eq!(exists(coast.storage(), coast.home).await, 1, "{why}");
                let left = (
                    stored(&coast, ObjectKind::Email).await,
                    stored(&coast, ObjectKind::Calendar).await,
                );
                assert_eq!(left, (2, 1), "{why}");
            }
        }
    });
}

#[test]
fn a_round_deletes_all_its_bodies_at_one_request() {
    block_on(async {
        let coast = Coast::new(hasty()).await;
        for n in 0..20 {
            coast
                .town
                .deliver(&format!("Subject: {n}\r\n\r\n"), &[coast.home])
                .await
                .unwrap();
        }
        super::super::garbage::expunge(&coast.town, coast.home, 20).await;
        coast.proxy.asked("");
        let settings = lightmail_core::garbage::Settings {
            batch: 100,
            ..SETTINGS
        };
        let mut shift = Shift::new(coast.storage(), settings, 1, LATER);
        shift.round(None).await;
        assert_eq!((shift.deleted, coast.proxy.asked("POST").len()), (20, 1));
    });
}
