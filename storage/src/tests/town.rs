//! A storage with accounts, and short ways to do to it what conversations do.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures_lite::future::block_on;
use lightmail_core::machine::{Done, Effect, ObjectKind, Purpose, Secret, Seed, Stored, Time, Upload};
use lightmail_core::store::{
    AccountId, Actor, Delivered, DeliveryKey, Failure, MailboxId, MailboxName, NewAccount, NewMailbox,
    ObjectId, Recipient, Refusal, Reply, Request,
};

use super::check::{check, check_bodies, open_sqlite};
use super::scratch::Scratch;
use super::server::TestDatabase;
use crate::sql::conn::Conn;
use crate::{Desk, Storage};

pub(super) const NOW: Time = Time {
    mono_ms: 0,
    unix_ms: 1_780_000_000_000,
};

/// Where a town keeps its metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Sqlite,
    MySql,
}

impl Kind {
    pub(super) const ALL: [Kind; 2] = [Kind::Sqlite, Kind::MySql];
}

/// Runs a test with each of them.
pub(super) fn on_each(test: impl AsyncFn(Kind)) {
    for kind in Kind::ALL {
        block_on(test(kind));
    }
}

/// A storage in a folder, and maybe a database, of its own.
pub(super) struct Town {
    pub(super) scratch: Arc<Scratch>,
    pub(super) server: Option<Arc<TestDatabase>>,
    pub(super) storage: Storage,
}

/// An account and its INBOX.
#[derive(Clone, Copy, Debug)]
pub(super) struct Home {
    pub(super) account: AccountId,
    pub(super) inbox: MailboxId,
}

impl Home {
    pub(super) fn actor(self) -> Actor {
        Actor::Account(self.account)
    }
}

impl Town {
    pub(super) async fn new(kind: Kind) -> Self {
        let server = match kind {
            Kind::Sqlite => None,
            Kind::MySql => Some(Arc::new(TestDatabase::new().await)),
        };
        Self::at(Arc::new(Scratch::new()), server).await
    }

    async fn at(scratch: Arc<Scratch>, server: Option<Arc<TestDatabase>>) -> Self {
        let storage = match &server {
            None => Storage::open_at(scratch.path(), 4).await.unwrap(),
            Some(server) => Storage::open(&server.config(scratch.path())).await.unwrap(),
        };
        Self {
            scratch,
            server,
            storage,
        }
    }

    /// Another process on the same folder and database.
    pub(super) async fn neighbour(&self) -> Self {
        Self::at(Arc::clone(&self.scratch), self.server.clone()).await
    }

    /// The same after the process was killed: nothing of it is closed in good order.
    pub(super) async fn reopened(self) -> Self {
        self.neighbour().await
    }

    pub(super) fn path(&self) -> &Path {
        self.scratch.path()
    }

    /// What is wrong with the database, one line a finding.
    pub(super) async fn check(&self) -> Vec<String> {
        check(&mut self.eye().await).await
    }

    /// What is wrong with the bodies; `orphans` may be without a row.
    pub(super) async fn check_bodies(&self, orphans: usize) -> Vec<String> {
        check_bodies(&mut self.eye().await, self.path(), orphans).await
    }

    /// A connection of nobody's but the test's.
    pub(super) async fn eye(&self) -> Conn {
        match &self.server {
            None => Conn::Sqlite(open_sqlite(self.path()).await),
            Some(server) => Conn::MySql(server.connect().await),
        }
    }

    /// Until a transaction on MySQL waits for another one.
    pub(super) async fn await_lock(&self) {
        let Conn::MySql(mut eye) = self.eye().await else {
            return;
        };
        let waiting = "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT' \
             AND trx_mysql_thread_id IN (SELECT id FROM information_schema.processlist WHERE db = DATABASE())";
        let begun = std::time::Instant::now();
        let mut many = async || {
            sqlx::query_scalar::<_, i64>(waiting)
                .fetch_one(&mut eye)
                .await
                .unwrap()
        };
        while many().await == 0 {
            assert!(begun.elapsed().as_secs() < 30, "nobody waits");
            // The server looks anew only if nobody has asked for a tenth of a second.
            async_io::Timer::after(std::time::Duration::from_millis(120)).await;
        }
    }

    pub(super) async fn settle(&self, login: &str) -> Home {
        self.settle_as(login).await.unwrap()
    }

    /// The same, which may be refused.
    pub(super) async fn settle_as(&self, login: &str) -> Result<Home, Failure> {
        settle(&self.storage, login, &mut seed()).await
    }

    /// Uploads a message and delivers it to some mailboxes.
    pub(super) async fn deliver(
        &self,
        text: &str,
        homes: &[Home],
    ) -> Result<Vec<Result<Delivered, Refusal>>, Failure> {
        let stored = upload(&mut self.storage.desk(), text.as_bytes()).await?;
        self.deliver_stored(stored, homes).await
    }

    pub(super) async fn deliver_stored(
        &self,
        stored: Stored,
        homes: &[Home],
    ) -> Result<Vec<Result<Delivered, Refusal>>, Failure> {
        match self.storage.run(Actor::Door, delivery(stored, homes)).await? {
            Reply::Delivered(answers) => Ok(answers),
            other => panic!("{other:?}"),
        }
    }
}

/// A delivery whose keys depend on recipient and text alone.
pub(super) fn delivery(stored: Stored, homes: &[Home]) -> Request {
    let recipients = homes.iter().map(|home| Recipient {
        key: DeliveryKey::new(
            &home.account.0.to_string(),
            home.account,
            "sender@example.com",
            &stored.received_sha256,
        ),
        account: home.account,
        mailbox: home.inbox,
        instead: None,
        keywords: vec![],
        head: Bytes::from_static(b"Delivered-To: you\r\n"),
        email_id: stored.object.0,
    });
    Request::Deliver {
        recipients: recipients.collect(),
        stored,
        at_ms: NOW.unix_ms,
    }
}

/// A seed that no other test has.
pub(super) fn seed() -> Seed {
    let mut key = [0; 32];
    getrandom::fill(&mut key).unwrap();
    Seed::new(key)
}

pub(super) async fn settle(storage: &Storage, login: &str, seed: &mut Seed) -> Result<Home, Failure> {
    let home = Home {
        account: seed.account(),
        inbox: seed.mailbox(),
    };
    let inbox = NewMailbox {
        id: home.inbox,
        name: MailboxName::inbox(),
        special_use: None,
        object_id: seed.half(),
    };
    let new = NewAccount {
        id: home.account,
        login: login.to_owned(),
        password: Secret(String::new()).into(),
        quota_bytes: 0,
        mailboxes: vec![inbox],
        at_ms: NOW.unix_ms,
    };
    storage
        .run(Actor::Operator, Request::CreateAccount(new))
        .await
        .map(|_| home)
}

pub(super) fn object_id() -> ObjectId {
    seed().object(NOW)
}

/// Uploads octets as a message.
pub(super) async fn upload(desk: &mut Desk, octets: &[u8]) -> Result<Stored, Failure> {
    upload_as(desk, ObjectKind::Email, octets).await
}

pub(super) async fn upload_as(desk: &mut Desk, kind: ObjectKind, octets: &[u8]) -> Result<Stored, Failure> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let upload = Upload(NEXT.fetch_add(1, Ordering::Relaxed));
    desk.open_upload(
        upload,
        Purpose {
            object: object_id(),
            kind,
        },
    );
    for piece in octets.chunks(64 * 1024) {
        desk.feed(upload, Bytes::copy_from_slice(piece)).await;
    }
    match desk.run(Effect::FinishUpload(upload)).await? {
        Done::Stored(stored) => Ok(stored),
        other => panic!("{other:?}"),
    }
}

/// Everything of an object from a place on, or the failure it ends with.
pub(super) async fn read(
    storage: &Storage,
    object: ObjectId,
    range: std::ops::Range<u64>,
) -> Result<Vec<u8>, Failure> {
    let mut reader = storage.desk().read(object, range);
    let mut octets = Vec::new();
    while let Some(piece) = reader.next().await {
        octets.extend_from_slice(&piece?);
    }
    Ok(octets)
}

/// The live messages of a mailbox.
pub(super) async fn exists(storage: &Storage, home: Home) -> u64 {
    let status = Request::StatusMailbox {
        name: MailboxName::inbox(),
        recent: false,
    };
    match storage.run(home.actor(), status).await.unwrap() {
        Reply::Status(status) => status.mailbox.msgs,
        other => panic!("{other:?}"),
    }
}
