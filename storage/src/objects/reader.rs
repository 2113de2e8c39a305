//! Reading bodies in pieces.
//!
//! A body read whole is verified: up to 64 KiB before the first octet leaves; of a larger one the last 64 KiB are held back
//! until the hash fits. Of a range, only the length can be. What came from a bucket damaged is fetched once more, as long as
//! nothing of it has left.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::{fmt, io};

use bytes::Bytes;
use lightmail_core::store::{Failure, ObjectId};
use sha2::{Digest, Sha256};

use super::cache::Draft;
use super::s3::Stream;
use super::source::{Opened, Source};
use crate::bodies::Body;
use crate::storage::Inner;

/// Octets of a piece.
pub(crate) const PIECE: u64 = 64 * 1024;

/// Reads a range of an object in pieces of at most 64 KiB.
pub struct ObjectReader {
    inner: Arc<Inner>,
    object: ObjectId,
    left: Range<u64>,
    /// What was begun before it was asked for.
    ahead: Option<Stream>,
    open: Option<Open>,
}

struct Open {
    source: Source,
    /// The hash so far and what it must come to, of a body read whole.
    check: Option<(Sha256, [u8; 32])>,
    /// A copy of it for the next time.
    copy: Option<Draft>,
}

impl ObjectReader {
    pub(crate) fn new(inner: Arc<Inner>, object: ObjectId, range: Range<u64>, ahead: Option<Stream>) -> Self {
        Self {
            inner,
            object,
            left: range,
            ahead,
            open: None,
        }
    }

    /// The next piece; `None` at the end, and after a failure.
    ///
    /// Errors: `Broken` if the object is missing, shorter than the range, or not what its row says; `Unavailable` if the
    /// bucket does not give it now.
    pub async fn next(&mut self) -> Option<Result<Bytes, Failure>> {
        if self.left.is_empty() {
            return None;
        }
        let piece = match self.open.take() {
            Some(open) => self.read(open).await,
            None => self.open_and_read().await,
        };
        if let Err(failure) = &piece {
            self.complain(failure);
            self.left = 0..0;
        }
        Some(piece)
    }

    async fn read(&mut self, mut open: Open) -> Result<Bytes, Failure> {
        let octets = open.source.next(piece_of(&self.left)).await;
        let octets = octets.map_err(|failure| self.named(failure))?;
        self.accept(open, octets).await
    }

    async fn open_and_read(&mut self) -> Result<Bytes, Failure> {
        let body = self.inner.body(self.object).await?;
        let body = body.ok_or_else(|| Failure::broken(format!("object {} has no row", self.object)))?;
        let mut again = true;
        loop {
            let (range, ahead) = (self.left.clone(), self.ahead.take());
            let opened = self.inner.open_object(self.object, &body, range, ahead).await;
            let Opened { source, size, octets } = opened.map_err(|failure| self.named(failure))?;
            let may_be_better = again && source.is_copy();
            let left = self.left.clone();
            let accepted = match self.begin(source, size, &body).await {
                Ok(open) => self.accept(open, octets).await,
                Err(failure) => Err(failure),
            };
            match accepted {
                Err(Failure::Broken(fault)) if may_be_better => {
                    tracing::warn!(object = %self.object, fault = %fault.0, "store.object.read_again");
                    self.inner.forget_copy(self.object).await;
                    (self.left, again) = (left, false);
                }
                accepted => return accepted,
            }
        }
    }

    /// What goes along with the octets of an object that is open.
    async fn begin(&self, source: Source, size: u64, body: &Body) -> Result<Open, Failure> {
        let whole = self.left == (0..size);
        if whole && body.size != size {
            return Err(Failure::broken(format!(
                "object {} has {size} octets, not {}",
                self.object, body.size
            )));
        }
        let check = whole.then(|| (Sha256::new(), body.sha256));
        let copy = if whole && source.is_remote() {
            self.inner.copy_object(self.object, size).await
        } else {
            None
        };
        Ok(Open { source, check, copy })
    }

    async fn accept(&mut self, mut open: Open, octets: Bytes) -> Result<Bytes, Failure> {
        self.left.start = piece_of(&self.left).end;
        if let Some((hash, expected)) = &mut open.check {
            hash.update(&octets);
            if self.left.is_empty() && hash.finalize_reset()[..] != expected[..] {
                self.inner.forget_copy(self.object).await;
                return Err(Failure::broken(format!(
                    "object {} does not have its hash",
                    self.object
                )));
            }
        }
        if let Some(copy) = open.copy.take() {
            open.copy = write(copy, octets.clone(), self.left.is_empty()).await;
        }
        self.open = Some(open);
        Ok(octets)
    }

    fn complain(&self, failure: &Failure) {
        let (object, why) = (self.object, failure);
        match failure {
            Failure::Broken(_) => tracing::error!(
                %object,
                %why,
                "store.object.unreadable: put the object back from a backup; lightmail fsck --bodies tells whose it is"
            ),
            _ => tracing::error!(
                %object,
                %why,
                "store.object.unreadable: it is read when it is asked for again; see what the log says of the database and the bucket"
            ),
        }
    }

    fn named(&self, failure: Failure) -> Failure {
        match failure {
            Failure::Broken(fault) => Failure::broken(format!("object {}: {}", self.object, fault.0)),
            failure => failure,
        }
    }
}

impl fmt::Debug for ObjectReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectReader({}, {:?} left)", self.object, self.left)
    }
}

/// Adds to a copy; at the end it is kept.
async fn write(copy: Draft, octets: Bytes, is_last: bool) -> Option<Draft> {
    let write = move || {
        let copy = copy.append(&octets)?;
        if !is_last {
            return Some(copy);
        }
        copy.keep();
        None
    };
    blocking::unblock(write).await
}

/// The next piece of what is left. The first is what is over, so that the last is a whole one.
pub(super) fn piece_of(left: &Range<u64>) -> Range<u64> {
    let over = (left.end - left.start) % PIECE;
    left.start..left.start + if over == 0 { PIECE } else { over }
}

pub(super) fn read_at(file: &File, range: Range<u64>) -> io::Result<Bytes> {
    let length = usize::try_from(range.end - range.start).map_err(io::Error::other)?;
    let mut octets = vec![0; length];
    file.read_exact_at(&mut octets, range.start)?;
    Ok(octets.into())
}
