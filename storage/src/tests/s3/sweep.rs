//! The failure sweep of a delivery, where what fails is the way to the bucket.

use futures_lite::future::block_on;
use lightmail_core::machine::ObjectKind;
use lightmail_core::store::ObjectId;

use super::super::sweep::{LOGINS, counts, send};
use super::proxy::Fault;
use super::service::{Coast, hasty};

/// What the bucket has, by a listing.
async fn stored(coast: &Coast) -> Vec<ObjectId> {
    let listed = coast.storage().objects().list(ObjectKind::Email, None, 100).await;
    listed.unwrap().into_iter().map(|listed| listed.object).collect()
}

async fn sweep_one(fault: Fault, always: bool, dies: bool) {
    let mut coast = Coast::new(hasty()).await;
    let mut homes = Vec::new();
    for login in LOGINS {
        // The first is there already.
        homes.push(if login == "a@example.com" {
            coast.home
        } else {
            coast.town.settle(login).await
        });
    }
    if always {
        coast.proxy.always(Some(("PUT", fault)));
    } else {
        coast.proxy.next("PUT", fault);
    }
    let acknowledged = send(coast.storage(), &LOGINS, None).await;
    coast.proxy.always(None);
    if always {
        assert!(acknowledged.is_empty(), "{fault:?}");
    }
    if dies {
        coast = coast.reopened(hasty()).await;
    }
    let mut open: Vec<_> = LOGINS
        .into_iter()
        .filter(|login| !acknowledged.contains(login))
        .collect();
    let mut tries = 0;
    while !open.is_empty() {
        let answered = send(coast.storage(), &open, None).await;
        open.retain(|login| !answered.contains(login));
        tries += 1;
        assert!(tries < 20, "{fault:?}: {open:?} never get their mail");
    }
    assert_eq!(
        counts(coast.storage(), &homes).await,
        [1, 1],
        "{fault:?}, dies: {dies}"
    );
    let findings = coast.town.check().await;
    assert!(findings.is_empty(), "{fault:?}, dies: {dies}: {findings:#?}");
    assert!(!stored(&coast).await.is_empty());
}

#[test]
fn each_way_to_the_bucket_fails_and_mail_is_there_once() {
    block_on(async {
        let faults = [
            Fault::Reset,
            Fault::LostAnswer,
            Fault::Silence,
            Fault::Answer(503, "SlowDown", "please"),
            Fault::Answer(403, "AccessDenied", "no"),
            Fault::Answer(404, "NoSuchBucket", "gone"),
        ];
        for fault in faults {
            for (always, dies) in [(false, false), (true, false), (true, true)] {
                sweep_one(fault, always, dies).await;
            }
        }
    });
}
