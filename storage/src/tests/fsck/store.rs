//! A store with some of everything, on each database and with each place for bodies.

use std::sync::Arc;

use bytes::Bytes;
use lightmail_core::config::Config;
use lightmail_core::machine::{ObjectKind, Purpose};
use lightmail_core::store::{Actor, Flag, FlagChange, ModSeq, ObjectId, Refreshed, Reply, Request, UidSet};
use sha2::{Digest, Sha256};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor};

use super::super::calendars::fill_calendar;
use super::super::s3::service::Service;
use super::super::scratch::Scratch;
use super::super::server::TestDatabase;
use super::super::town::{Home, Kind, NOW, Town};
use crate::Storage;
use crate::fsck::{Event, Finding, Summary, Wish};
use crate::objects::{NewObject, Octets};

/// Where bodies are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tests) enum Bodies {
    Folder,
    Bucket,
}

/// A store, and an account with mail in it.
pub(in crate::tests) struct Store {
    pub(in crate::tests) town: Town,
    pub(in crate::tests) home: Home,
    /// The bodies of its messages, by UID less two.
    pub(in crate::tests) objects: Vec<ObjectId>,
}

/// The text that came under a UID.
pub(in crate::tests) fn text(uid: usize) -> String {
    format!("Subject: {uid}\r\nTo: you@example.com\r\n\r\nThe text of {uid}\r\n")
}

impl Store {
    /// INBOX has the UIDs 2 to 5; 1 was expunged and collected. The calendar `home` has two objects.
    pub(in crate::tests) async fn new(kind: Kind, bodies: Bodies) -> Self {
        let town = town(kind, bodies).await;
        let home = town.settle("a@example.com").await;
        for uid in 1..=5 {
            let delivered = town.deliver(&text(uid), &[home]).await.unwrap();
            assert!(delivered.iter().all(Result::is_ok));
        }
        fill_calendar(&town, home, 2).await;
        let store = Self {
            town,
            home,
            objects: Vec::new(),
        };
        store.bury(1).await;
        let listed = Request::FindObjects {
            from: ObjectId([0; 16]),
            to: ObjectId([0xff; 16]),
        };
        let Reply::ObjectsFound(all) = store.town.storage.run(Actor::Worker, listed).await.unwrap() else {
            panic!("no objects");
        };
        // Ids sort by time only to the millisecond of these tests, which is always the same.
        let mut objects = Vec::new();
        for uid in 2..=5 {
            let wanted = Sha256::digest(text(uid).as_bytes());
            for object in &all {
                let hash = store
                    .storage()
                    .objects()
                    .hash(ObjectKind::Email, *object, text(uid).len() as u64);
                if hash.await.is_ok_and(|hash| hash[..] == wanted[..]) {
                    objects.push(*object);
                }
            }
        }
        assert_eq!(objects.len(), 4);
        Self { objects, ..store }
    }

    pub(in crate::tests) fn storage(&self) -> &Storage {
        &self.town.storage
    }

    /// Expunges a message and lets the worker collect it.
    async fn bury(&self, uid: u32) {
        let mailbox = self.home.inbox;
        let (uids, since) = (UidSet::range(uid..=uid), ModSeq(1));
        let mark = Request::ChangeFlags {
            mailbox,
            uids: uids.clone(),
            change: FlagChange::Add,
            flags: Flag::Deleted.into(),
            keywords: Vec::new(),
            unchanged_since: None,
            since,
        };
        let expunge = Request::Expunge {
            mailbox,
            within: Some(uids),
            at_ms: NOW.unix_ms,
            since,
        };
        for request in [mark, expunge] {
            self.storage().run(self.home.actor(), request).await.unwrap();
        }
        let collect = Request::CollectMessages {
            before_ms: NOW.unix_ms + 1,
            limit: 100,
            at_ms: NOW.unix_ms,
        };
        let collected = self.storage().run(Actor::Worker, collect).await.unwrap();
        assert_eq!(collected, Reply::MessagesCollected(1));
    }

    /// Runs statements past all code of ours.
    pub(in crate::tests) async fn plant(&self, text: &'static str) {
        match &self.town.server {
            None => {
                let options = SqliteConnectOptions::new().filename(self.town.path().join("lightmail.db"));
                let mut conn = options.connect().await.unwrap();
                conn.execute(sqlx::raw_sql(AssertSqlSafe(text))).await.unwrap();
            }
            Some(server) => {
                let mut conn = server.connect().await;
                conn.execute(sqlx::raw_sql(AssertSqlSafe(text))).await.unwrap();
            }
        }
    }

    /// Puts other octets in the place of a body; `None`: nothing.
    pub(in crate::tests) async fn overwrite(&self, object: ObjectId, octets: Option<&[u8]>) {
        let (kind, objects) = (ObjectKind::Email, self.storage().objects());
        objects.delete(kind, &[object]).await.remove(0).unwrap();
        if let Some(octets) = octets {
            let new = NewObject {
                purpose: Purpose { object, kind },
                size: octets.len() as u64,
                sha256: Sha256::digest(octets).into(),
                octets: Octets::Memory(Bytes::copy_from_slice(octets)),
            };
            objects.put(new).await.unwrap();
        }
    }

    /// Checks the store.
    pub(in crate::tests) async fn fsck(&self, wish: Wish) -> (Vec<Finding>, Summary) {
        let mut found = Vec::new();
        let mut tell = |event| {
            if let Event::Found(finding) = event {
                found.push(finding);
            }
        };
        let summary = self.storage().fsck(wish, &mut tell).await.unwrap();
        assert_eq!(summary.found, found.len() as u64);
        (found, summary)
    }

    /// What a session that was at `since` is told.
    pub(in crate::tests) async fn refresh(&self, since: ModSeq) -> Refreshed {
        let refresh = Request::Refresh {
            mailbox: self.home.inbox,
            since,
            claim_recent: false,
        };
        match self.storage().run(self.home.actor(), refresh).await.unwrap() {
            Reply::Refreshed(refreshed) => refreshed,
            other => panic!("{other:?}"),
        }
    }
}

/// A storage on a database and a place for bodies.
pub(in crate::tests) async fn town(kind: Kind, bodies: Bodies) -> Town {
    let scratch = Arc::new(Scratch::new());
    let server = match kind {
        Kind::Sqlite => None,
        Kind::MySql => Some(Arc::new(TestDatabase::new().await)),
    };
    let mut config = match &server {
        Some(server) => server.config(scratch.path()),
        None => {
            let mut config = Config::default();
            config.server.data_dir = scratch.path().display().to_string();
            config.auth.bcrypt_cost = 4;
            config
        }
    };
    if bodies == Bodies::Bucket {
        config.s3 = Some(Service::find().section());
    }
    Town {
        storage: Storage::open(&config).await.unwrap(),
        server,
        scratch,
    }
}
