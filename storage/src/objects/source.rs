//! Where the octets of an object come from: its file, a copy on this machine, or the bucket.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use lightmail_core::machine::ObjectKind;
use lightmail_core::store::{Failure, ObjectId};

use super::cache::{Cache, Draft};
use super::reader::{piece_of, read_at};
use super::s3::Stream;
use super::{Objects, Place};
use crate::bodies::Body;
use crate::storage::Inner;

/// An object that is open for reading, and its first piece: opening and reading are one trip.
pub(super) struct Opened {
    pub(super) source: Source,
    /// Octets of the whole object.
    pub(super) size: u64,
    pub(super) octets: Bytes,
}

/// What the next pieces come from.
pub(super) enum Source {
    /// The object itself.
    File(Arc<File>),
    /// A copy of it.
    Copy(Arc<File>),
    /// The bucket.
    Bucket(Stream),
}

impl Source {
    /// The next piece.
    pub(super) async fn next(&mut self, here: Range<u64>) -> Result<Bytes, Failure> {
        match self {
            Source::File(file) | Source::Copy(file) => {
                let file = Arc::clone(file);
                let read = blocking::unblock(move || read_at(&file, here)).await;
                read.map_err(|error| broken(&error))
            }
            Source::Bucket(stream) => Ok(stream.next().await?.octets),
        }
    }

    /// Whether octets that are wrong may be right elsewhere, or another time.
    pub(super) fn is_copy(&self) -> bool {
        !matches!(self, Source::File(_))
    }

    pub(super) fn is_remote(&self) -> bool {
        matches!(self, Source::Bucket(_))
    }
}

fn broken(error: &io::Error) -> Failure {
    Failure::broken(error.to_string())
}

impl Objects {
    /// Begins to read what will be asked for soon; `None` where that gains nothing.
    pub(crate) fn read_ahead(&self, kind: ObjectKind, object: ObjectId, range: Range<u64>) -> Option<Stream> {
        match &self.place {
            Place::S3(s3) if !self.cache.as_ref().is_some_and(|cache| cache.knows(object)) => {
                Some(s3.read(kind, object, range))
            }
            _ => None,
        }
    }

    /// Whether reading ahead gains anything here.
    pub(crate) fn is_remote(&self) -> bool {
        matches!(self.place, Place::S3(_))
    }

    async fn open(
        &self,
        kind: ObjectKind,
        object: ObjectId,
        range: Range<u64>,
        ahead: Option<Stream>,
    ) -> Result<Opened, Failure> {
        match &self.place {
            Place::Folder(folder) => {
                let (folder, here) = (Arc::clone(folder), piece_of(&range));
                let opened = blocking::unblock(move || {
                    let (file, size) = folder.open(kind, object)?;
                    read_at(&file, here).map(|octets| (file, size, octets))
                });
                let (file, size, octets) = opened.await.map_err(|error| broken(&error))?;
                let source = Source::File(Arc::new(file));
                Ok(Opened { source, size, octets })
            }
            Place::S3(s3) => {
                let mut stream = ahead.unwrap_or_else(|| s3.read(kind, object, range));
                let first = stream.next().await?;
                Ok(Opened {
                    source: Source::Bucket(stream),
                    size: first.size,
                    octets: first.octets,
                })
            }
        }
    }
}

impl Inner {
    /// Opens an object: a copy if there is a good one, else the object itself.
    pub(super) async fn open_object(
        &self,
        object: ObjectId,
        body: &Body,
        range: Range<u64>,
        ahead: Option<Stream>,
    ) -> Result<Opened, Failure> {
        if let (None, Some(cache)) = (&ahead, &self.objects.cache)
            && let Some(opened) = open_copy(Arc::clone(cache), object, *body, &range).await
        {
            return Ok(opened);
        }
        self.objects.open(body.kind, object, range, ahead).await
    }

    /// Begins a copy of an object that is read whole.
    pub(super) async fn copy_object(&self, object: ObjectId, size: u64) -> Option<Draft> {
        let cache = Arc::clone(self.objects.cache.as_ref()?);
        blocking::unblock(move || cache.draft(object, size)).await
    }

    /// A copy is not right.
    pub(super) async fn forget_copy(&self, object: ObjectId) {
        if let Some(cache) = self.objects.cache.clone() {
            blocking::unblock(move || cache.forget(object)).await;
        }
    }
}

/// A copy; `None` if there is none, or none that is right.
async fn open_copy(cache: Arc<Cache>, object: ObjectId, body: Body, range: &Range<u64>) -> Option<Opened> {
    let here = piece_of(range);
    let open = move || {
        let copied = cache.get(object)?;
        let octets = read_at(&copied.file, here).ok();
        let is_right = copied.verified && octets.is_some() || cache.verify(object, &copied, &body);
        Some(Opened {
            source: Source::Copy(Arc::new(copied.file)),
            size: copied.size,
            octets: octets.filter(|_| is_right)?,
        })
    };
    blocking::unblock(open).await
}
