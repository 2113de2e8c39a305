//! The check at start: what is wrong, and what to do.

use futures_lite::future::block_on;
use lightmail_core::config::S3;

use super::super::scratch::Scratch;
use super::proxy::Fault;
use super::service::{Coast, Service, patient, section};
use crate::Storage;

/// What the check says of this section.
async fn check(section: S3) -> String {
    let scratch = Scratch::new();
    let storage = Storage::open_with(scratch.path(), 4, Some((section, patient()))).await;
    let checked = storage.unwrap().objects().check().await;
    checked.err().map(|error| error.to_string()).unwrap_or_default()
}

fn assert_says(told: &str, words: &[&str]) {
    for word in words {
        assert!(told.contains(word), "{word:?} is not in {told:?}");
    }
}

#[test]
fn a_good_bucket_passes_by_one_request() {
    block_on(async {
        let coast = Coast::new(patient()).await;
        coast.storage().objects().check().await.unwrap();
        assert_eq!(coast.storage().objects().requests().lists, 1);
        assert_eq!(check(Service::find().section()).await, "");
    });
}

#[test]
fn a_bucket_that_is_not_there() {
    let section = S3 {
        bucket: "no-such-bucket".into(),
        ..Service::find().section()
    };
    let told = block_on(check(section));
    assert_says(
        &told,
        &[
            "no-such-bucket at http://",
            "there is no such bucket",
            "make the bucket",
            "[s3] bucket",
        ],
    );
}

#[test]
fn wrong_keys() {
    let service = Service::find();
    let good = service.section();
    let keys = |access_key: &str, secret_key: &str| {
        let (endpoint, bucket) = (good.endpoint.as_deref().unwrap(), &good.bucket);
        section(&format!(
            "[s3]\nendpoint = {endpoint}\nbucket = {bucket}\naccess_key = {access_key}\nsecret_key = {secret_key}\n"
        ))
    };
    for section in [keys("nobody", "testsecret"), keys("testkey", "wrong")] {
        let told = block_on(check(section));
        assert_says(&told, &["refuses the keys", "access_key", "secret_key"]);
        assert!(!told.contains("testsecret"), "{told}");
    }
}

#[test]
fn an_endpoint_where_nobody_listens() {
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let section = S3 {
        endpoint: Some(format!("http://127.0.0.1:{port}")),
        ..Service::find().section()
    };
    assert_says(&block_on(check(section)), &["cannot be reached", "[s3] endpoint"]);
}

#[test]
fn clocks_and_regions_that_differ() {
    block_on(async {
        let coast = Coast::new(patient()).await;
        let told = [
            (
                Fault::Answer(403, "RequestTimeTooSkewed", "too large"),
                ["clocks differ", "set this machine's clock"],
            ),
            (
                Fault::Answer(400, "AuthorizationHeaderMalformed", "expecting eu-west-1"),
                ["eu-west-1", "[s3] region"],
            ),
            (
                Fault::Answer(301, "PermanentRedirect", "elsewhere"),
                ["another region", "[s3] region"],
            ),
            (
                Fault::Answer(503, "SlowDown", "please"),
                ["cannot now", "without a restart"],
            ),
            (
                Fault::Answer(200, "Nonsense", "of another service"),
                ["the service refuses", "[s3] endpoint"],
            ),
        ];
        for (fault, words) in told {
            coast.proxy.always(Some(("GET", fault)));
            let error = coast
                .storage()
                .objects()
                .check()
                .await
                .err()
                .map(|error| error.to_string());
            assert_says(&error.unwrap_or_default(), &words);
        }
    });
}
