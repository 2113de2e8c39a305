//! Bodies in an S3 bucket: `<prefix>emails/<uuidv7>.eml`.
//!
//! A body is one PUT with its SHA-256, so that the service refuses what arrives damaged; above 8 MiB it goes up in parts. A
//! key is never used for two bodies, so a request whose answer is lost is sent again as it was. A body is one GET of the
//! range that is wanted, passed on as it comes, taken up again where it broke.
//!
//! The SDK needs tokio, whatever the shell runs on: there is one thread of it here, and it is named nowhere else.

mod body;
mod client;
mod epochs;
mod keep;
mod put;
mod read;
mod trouble;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lightmail_core::config;
use lightmail_core::machine::{Listed, ObjectKind};
use lightmail_core::store::{Failure, ObjectId};

use super::folder::{make_folder, nameless_file, remove_left_over};
use super::requests::ObjectRequests;
use super::{NewObject, Spool};
use crate::open_error::OpenError;
use crate::reactor::Reactor;
use client::Wire;
pub(crate) use read::Stream;
use trouble::Trouble;

/// The folder below the data folder for what waits to be sent.
const SPOOL: &str = "spool";

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// To connect.
    pub(crate) connect: Duration,
    /// To answer one try; a body that is sent has more by its size.
    pub(crate) attempt: Duration,
    /// Between two pieces of a body that is read.
    pub(crate) progress: Duration,
    /// For a question with all its tries; for a read until its first octet.
    pub(crate) ask: Duration,
    /// To store a body with all tries.
    pub(crate) store: Duration,
    /// Before the second try; doubled for each further one, and a part of it drawn by chance.
    pub(crate) backoff: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            attempt: Duration::from_secs(10),
            progress: Duration::from_secs(10),
            ask: Duration::from_secs(30),
            store: Duration::from_secs(60),
            backoff: Duration::from_millis(200),
        }
    }
}

/// A bucket.
#[derive(Debug)]
pub(crate) struct S3 {
    reactor: Reactor,
    wire: Arc<Wire>,
    spool: PathBuf,
}

impl S3 {
    /// Makes the client and the spool's folder; sends nothing. Blocks.
    pub(super) fn open(config: &config::S3, data_dir: &Path, times: Times) -> Result<Self, OpenError> {
        let spool = data_dir.join(SPOOL);
        let made = make_folder(&spool).and_then(|()| remove_left_over(&spool, SystemTime::now()));
        made.map_err(|error| OpenError::folder(&spool, &error))?;
        let reactor = Reactor::start("lightmail-s3").map_err(|error| OpenError::threads("for S3", &error))?;
        let wire = Arc::new(Wire::new(config, times)?);
        Ok(Self { reactor, wire, spool })
    }

    /// A file for a body on its way; it has no name, so that no process that dies leaves it. Blocks.
    pub(super) fn spool(&self, object: ObjectId) -> io::Result<Spool> {
        nameless_file(&self.spool, object).map(Spool::Nameless)
    }

    /// Runs a request on the thread of tokio.
    async fn run<T: Send + 'static>(
        &self,
        request: impl Future<Output = Result<T, Trouble>> + Send + 'static,
    ) -> Result<T, Trouble> {
        let answer = self.reactor.run(request).await;
        answer.unwrap_or_else(|why| Err(Trouble::Fault(why)))
    }

    pub(super) async fn check(&self) -> Result<(), OpenError> {
        let wire = Arc::clone(&self.wire);
        let checked = self.run(async move { wire.check().await }).await;
        checked.map_err(|trouble| OpenError::bucket(&self.wire.place(), trouble.why(), trouble.remedy()))
    }

    pub(super) async fn put(&self, new: NewObject) -> Result<(), Failure> {
        let wire = Arc::clone(&self.wire);
        let put = self.run(async move { wire.put(new).await }).await;
        put.map_err(|trouble| self.failure("PUT", &trouble))
    }

    /// Begins to read a range; the first pieces are fetched at once.
    pub(super) fn read(&self, kind: ObjectKind, object: ObjectId, range: std::ops::Range<u64>) -> Stream {
        Stream::begin(&self.reactor, &self.wire, kind.key(object), range)
    }

    pub(super) async fn delete(&self, kind: ObjectKind, objects: &[ObjectId]) -> Vec<Result<(), Failure>> {
        let (wire, keys) = (
            Arc::clone(&self.wire),
            objects.iter().map(|object| kind.key(*object)),
        );
        let keys: Vec<_> = keys.collect();
        let count = keys.len();
        let deleted = self.run(async move { Ok(wire.delete(keys).await) }).await;
        match deleted {
            Ok(results) => {
                let told = |result: Result<(), Trouble>| result.map_err(|why| self.failure("DELETE", &why));
                results.into_iter().map(told).collect()
            }
            Err(trouble) => vec![Err(self.failure("DELETE", &trouble)); count],
        }
    }

    pub(super) async fn list(
        &self,
        kind: ObjectKind,
        after: Option<ObjectId>,
        limit: usize,
    ) -> Result<Vec<Listed>, Failure> {
        let wire = Arc::clone(&self.wire);
        let listed = self.run(async move { wire.list(kind, after, limit).await });
        listed.await.map_err(|trouble| self.failure("LIST", &trouble))
    }

    pub(super) async fn abort_uploads(&self, before_ms: u64) -> Result<usize, Failure> {
        let wire = Arc::clone(&self.wire);
        let aborted = self.run(async move { wire.abort_uploads(before_ms).await });
        aborted.await.map_err(|trouble| self.failure("ABORT", &trouble))
    }

    pub(super) fn requests(&self) -> ObjectRequests {
        self.wire.requests.now()
    }

    fn failure(&self, what: &'static str, trouble: &Trouble) -> Failure {
        trouble.log(what, &self.wire.place());
        trouble.failure()
    }
}

impl Wire {
    /// Where a request goes, for people.
    pub(super) fn place(&self) -> String {
        format!("{} at {}", self.bucket, self.endpoint)
    }
}
