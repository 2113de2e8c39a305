//! Bodies: written once, read in ranges, never changed. In a folder of this machine, or in an S3 bucket.

pub(crate) mod ahead;
mod cache;
mod epochs;
pub(crate) mod folder;
mod folder_sync;
mod folder_walk;
mod inspect;
pub(crate) mod reader;
mod requests;
mod s3;
mod source;
mod spool;

use std::io;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use lightmail_core::config;
use lightmail_core::machine::{Listed, ObjectKind, Purpose};
use lightmail_core::store::{Budget, Failure, ObjectId, Refusal};

use crate::open_error::OpenError;
use cache::Cache;
use folder::Folder;
pub use requests::ObjectRequests;
pub(crate) use s3::Times;
pub(crate) use spool::Spool;

/// Where bodies are. A clone is the same place.
#[derive(Clone, Debug)]
pub struct Objects {
    place: Place,
    cache: Option<Arc<Cache>>,
}

#[derive(Clone, Debug)]
enum Place {
    Folder(Arc<Folder>),
    S3(Arc<s3::S3>),
}

/// An object to be made.
#[derive(Debug)]
pub(crate) struct NewObject {
    pub(crate) purpose: Purpose,
    pub(crate) size: u64,
    pub(crate) sha256: [u8; 32],
    pub(crate) octets: Octets,
}

/// Where the octets of a new object are.
#[derive(Debug)]
pub(crate) enum Octets {
    /// All of them in memory.
    Memory(Bytes),
    /// All of them in a file.
    Spooled(Spool),
}

impl Objects {
    pub(crate) fn in_folder(folder: Folder) -> Self {
        Self {
            place: Place::Folder(Arc::new(folder)),
            cache: None,
        }
    }

    /// Bodies in a bucket. Asks the bucket nothing: see [`Objects::check`]. Blocks.
    pub(crate) fn in_bucket(config: &config::S3, data_dir: &Path, times: Times) -> Result<Self, OpenError> {
        let cache = match &config.cache_dir {
            Some(folder) => {
                let folder = data_dir.join(folder);
                let cache = Cache::open(&folder, config.cache_bytes);
                Some(Arc::new(
                    cache.map_err(|error| OpenError::cache(&folder, &error))?,
                ))
            }
            None => None,
        };
        if let Some(cache) = cache.clone() {
            // What an earlier process left is found meanwhile; until then nothing of it is removed.
            blocking::unblock(move || cache.scan()).detach();
        }
        let s3 = s3::S3::open(config, data_dir, times)?;
        Ok(Self {
            place: Place::S3(Arc::new(s3)),
            cache,
        })
    }

    /// Whether objects can be read, written and listed here: asks the bucket once.
    ///
    /// Errors: what is wrong with the bucket, the keys, the region, the clock or the way there, and what to do.
    pub async fn check(&self) -> Result<(), OpenError> {
        match &self.place {
            Place::Folder(_) => Ok(()),
            Place::S3(s3) => s3.check().await,
        }
    }

    /// Begins the file of an object that is too large for memory. Blocks.
    pub(crate) fn spool(&self, purpose: Purpose) -> io::Result<Spool> {
        match &self.place {
            Place::Folder(folder) => folder.create(purpose).map(Spool::Draft),
            Place::S3(s3) => s3.spool(purpose.object),
        }
    }

    /// Makes an object durable under its key.
    pub(crate) async fn put(&self, new: NewObject) -> Result<(), Failure> {
        match &self.place {
            Place::Folder(folder) => {
                let folder = Arc::clone(folder);
                let put = blocking::unblock(move || folder.put(new)).await;
                put.map_err(|error| failure("body", &error))
            }
            Place::S3(s3) => s3.put(new).await,
        }
    }

    /// Removes objects for good. One that is not there counts as removed. One answer for each, in their order.
    ///
    /// Errors: as of reading; objects whose removal failed may be gone all the same.
    pub async fn delete(&self, kind: ObjectKind, objects: &[ObjectId]) -> Vec<Result<(), Failure>> {
        if let Some(cache) = self.cache.clone() {
            let objects = objects.to_vec();
            blocking::unblock(move || objects.into_iter().for_each(|object| cache.forget(object))).await;
        }
        match &self.place {
            Place::Folder(folder) => {
                let (folder, objects) = (Arc::clone(folder), objects.to_vec());
                blocking::unblock(move || folder.delete(kind, &objects)).await
            }
            Place::S3(s3) => s3.delete(kind, objects).await,
        }
    }

    /// At most `limit` objects in the order of their ids, which is that of time, from behind `after` on.
    ///
    /// What has another name than an object's is passed over. Fewer than `limit`: there are no more.
    pub async fn list(
        &self,
        kind: ObjectKind,
        after: Option<ObjectId>,
        limit: usize,
    ) -> Result<Vec<Listed>, Failure> {
        match &self.place {
            Place::Folder(folder) => {
                let folder = Arc::clone(folder);
                let listed = blocking::unblock(move || folder.list(kind, after, limit)).await;
                listed.map_err(|error| failure("list of objects", &error))
            }
            Place::S3(s3) => s3.list(kind, after, limit).await,
        }
    }

    /// Gives up uploads that began before a moment (milliseconds since 1970) and were never finished: what a process that
    /// died left in the bucket or the folder, where it costs space. Returns how many there were.
    pub async fn abort_uploads(&self, before_ms: u64) -> Result<usize, Failure> {
        match &self.place {
            Place::Folder(folder) => {
                let folder = Arc::clone(folder);
                let removed = blocking::unblock(move || folder.remove_left_over(before_ms)).await;
                removed.map_err(|error| failure("removal", &error))
            }
            Place::S3(s3) => s3.abort_uploads(before_ms).await,
        }
    }

    /// Requests sent to the bucket since the start, tries of one request counted once; none for a folder.
    pub fn requests(&self) -> ObjectRequests {
        match &self.place {
            Place::Folder(_) => ObjectRequests::default(),
            Place::S3(s3) => s3.requests(),
        }
    }
}

/// An error of the file system in the words of the core, and in the log: space is a limit, all else is broken.
pub(crate) fn failure(what: &'static str, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            tracing::error!(what, %error, "store.space.used_up");
            Refusal::Limit(Budget::Space).into()
        }
        _ => {
            tracing::error!(what, %error, "store.io.failed");
            Failure::broken(format!("{what}: {error}"))
        }
    }
}
