//! The S3 server of the tests: who it is, and storages on it. Each has keys of its own in the bucket.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lightmail_core::config::{self, S3};
use lightmail_core::store::ObjectId;

use super::super::scratch::Scratch;
use super::super::town::{Home, Town, upload};
use super::proxy::Proxy;
use crate::Storage;
use crate::objects::Times;

/// What `scripts/services/s3` has written.
pub(in crate::tests) struct Service(BTreeMap<String, String>);

impl Service {
    pub(in crate::tests) fn find() -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/services/s3/env");
        let text = std::fs::read_to_string(file)
            .unwrap_or_else(|_| panic!("this test needs an S3 server: run scripts/services/s3 up"));
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        Self(
            pairs
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        )
    }

    fn get(&self, name: &str) -> &str {
        &self.0[&format!("LIGHTMAIL_TEST_S3_{name}")]
    }

    /// `127.0.0.1:PORT`
    pub(super) fn address(&self) -> &str {
        self.get("ENDPOINT").strip_prefix("http://").unwrap()
    }

    /// The section for keys below a prefix that nobody else has.
    pub(in crate::tests) fn section(&self) -> S3 {
        let text = format!(
            "[s3]\nendpoint = {}\nregion = {}\nbucket = {}\naccess_key = {}\nsecret_key = {}\nprefix = {}/\n",
            self.get("ENDPOINT"),
            self.get("REGION"),
            self.get("BUCKET"),
            self.get("ACCESS_KEY"),
            self.get("SECRET_KEY"),
            super::super::town::object_id(),
        );
        section(&text)
    }
}

/// A section from its text.
pub(super) fn section(text: &str) -> S3 {
    config::parse("test.ini", text).unwrap().s3.unwrap()
}

/// Times for tests in which the service answers: only waiting between two tries is short.
pub(super) fn patient() -> Times {
    Times {
        backoff: Duration::from_millis(1),
        ..Times::default()
    }
}

/// Times for tests in which it does not.
pub(super) fn hasty() -> Times {
    Times {
        connect: Duration::from_millis(250),
        attempt: Duration::from_millis(200),
        progress: Duration::from_millis(100),
        ask: Duration::from_millis(250),
        store: Duration::from_millis(250),
        backoff: Duration::from_millis(1),
    }
}

/// A storage whose bodies are in the bucket, behind a proxy that does what it is told to.
pub(super) struct Coast {
    pub(super) town: Town,
    pub(super) home: Home,
    pub(super) proxy: Proxy,
    pub(super) section: S3,
}

impl Coast {
    pub(super) async fn new(times: Times) -> Self {
        Self::with(times, |_| ()).await
    }

    /// With a section that is changed before it is used.
    pub(super) async fn with(times: Times, change: impl FnOnce(&mut S3)) -> Self {
        let service = Service::find();
        let proxy = Proxy::start(service.address());
        let mut section = service.section();
        section.endpoint = Some(format!("http://{}", proxy.address()));
        change(&mut section);
        let scratch = Arc::new(Scratch::new());
        let storage = Storage::open_with(scratch.path(), 4, Some((section.clone(), times)));
        let town = Town {
            storage: storage.await.unwrap(),
            server: None,
            scratch,
        };
        let home = town.settle("a@example.com").await;
        Self {
            town,
            home,
            proxy,
            section,
        }
    }

    /// The same after the process was killed.
    pub(super) async fn reopened(mut self, times: Times) -> Self {
        let storage = Storage::open_with(self.town.path(), 4, Some((self.section.clone(), times)));
        self.town.storage = storage.await.unwrap();
        self
    }

    pub(super) fn storage(&self) -> &Storage {
        &self.town.storage
    }

    /// Stores and delivers a body.
    pub(super) async fn body(&self, octets: &[u8]) -> ObjectId {
        let mut stored = upload(&mut self.storage().desk(), octets).await.unwrap();
        let object = stored.object;
        // The same octets twice are two deliveries here.
        stored.received_sha256[..16].copy_from_slice(&object.0);
        self.town.deliver_stored(stored, &[self.home]).await.unwrap();
        object
    }
}

/// Octets that no shift or cut leaves alike.
pub(super) fn octets(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n * 31 % 251) as u8).collect()
}
