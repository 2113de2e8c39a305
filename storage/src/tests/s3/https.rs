//! HTTPS to the bucket: a service whose certificate must be that of an authority which is trusted.

use futures_lite::future::block_on;
use lightmail_core::config::{FilePath, S3};
use lightmail_core::store::Failure;

use super::super::scratch::Scratch;
use super::super::tls::Authority;
use super::super::town::{read, upload};
use super::proxy::Proxy;
use super::service::{Coast, Service, octets, patient};
use crate::Storage;

/// A service that is called `localhost`, and its authority's file.
struct Abroad {
    proxy: Proxy,
    scratch: Scratch,
}

impl Abroad {
    fn new() -> Self {
        let (authority, scratch) = (Authority::new(), Scratch::new());
        std::fs::write(scratch.path().join("ca.pem"), authority.pem()).unwrap();
        std::fs::write(scratch.path().join("other.pem"), Authority::new().pem()).unwrap();
        let service = Service::find();
        let proxy = Proxy::start_tls(service.address(), authority.server("localhost"));
        Self { proxy, scratch }
    }

    /// The section by the name of a host and of an authority's file.
    fn change(&self, section: &mut S3, scheme: &str, host: &str, ca: Option<&str>) {
        let (_, port) = self.proxy.address().rsplit_once(':').unwrap();
        section.endpoint = Some(format!("{scheme}://{host}:{port}"));
        let path = |name| FilePath(self.scratch.path().join(name).display().to_string());
        section.ca_file = ca.map(path);
    }

    /// What is told at the start.
    async fn refusal(&self, scheme: &str, host: &str, ca: Option<&str>) -> String {
        let mut section = Service::find().section();
        self.change(&mut section, scheme, host, ca);
        let scratch = Scratch::new();
        match Storage::open_with(scratch.path(), 4, Some((section, patient()))).await {
            Ok(storage) => storage.objects().check().await.unwrap_err().to_string(),
            Err(error) => error.to_string(),
        }
    }
}

#[test]
fn bodies_go_through_tls_to_a_service_that_is_trusted() {
    block_on(async {
        let abroad = Abroad::new();
        let coast = Coast::with(patient(), |section| {
            abroad.change(section, "https", "localhost", Some("ca.pem"));
        });
        let coast = coast.await;
        coast.storage().objects().check().await.unwrap();
        // In one piece, and in parts.
        for size in [3_000, 9 * 1024 * 1024] {
            let object = coast.body(&octets(size)).await;
            assert!(read(coast.storage(), object, 0..size as u64).await.unwrap() == octets(size));
        }
        assert!(!abroad.proxy.asked("PUT").is_empty());
        assert!(coast.proxy.asked("PUT").is_empty(), "not by another way");
    });
}

#[test]
fn a_service_that_is_not_trusted_is_told_at_the_start_and_gets_nothing() {
    block_on(async {
        let abroad = Abroad::new();
        for (host, ca, why) in [
            ("localhost", Some("other.pem"), "UnknownIssuer"),
            ("localhost", None, "UnknownIssuer"),
            ("127.0.0.1", Some("ca.pem"), "not valid for name"),
        ] {
            let told = abroad.refusal("https", host, ca).await;
            for word in [
                "TLS fails",
                why,
                "and that ca_file, or this system, has the authority",
            ] {
                assert!(told.contains(word), "{word}: {told}");
            }
        }
        let told = abroad.refusal("https", "localhost", Some("none.pem")).await;
        assert!(
            told.contains("[s3] ca_file") && told.contains("none.pem"),
            "{told}"
        );
        for method in ["GET", "PUT"] {
            assert!(abroad.proxy.asked(method).is_empty(), "{method}");
        }
    });
}

/// A certificate that is no more trusted while mail comes: the sender keeps it.
#[test]
fn a_body_for_a_service_that_is_not_trusted_stays_with_its_sender() {
    block_on(async {
        let abroad = Abroad::new();
        let mut section = Service::find().section();
        abroad.change(&mut section, "https", "localhost", Some("other.pem"));
        let scratch = Scratch::new();
        let storage = Storage::open_with(scratch.path(), 4, Some((section, patient())))
            .await
            .unwrap();
        let refused = upload(&mut storage.desk(), b"Subject: x\r\n\r\n").await;
        assert!(matches!(refused, Err(Failure::Unavailable { .. })), "{refused:?}");
        assert!(abroad.proxy.asked("PUT").is_empty());
    });
}
