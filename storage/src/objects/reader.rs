//! Reading bodies in pieces.
//!
//! A body read whole is verified: up to 64 KiB before the first octet leaves; of a larger one the last 64 KiB are held back
//! until the hash fits. Of a range, only the length can be.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::{fmt, io};

use bytes::Bytes;
use lightmail_core::store::{Failure, ObjectId};
use sha2::{Digest, Sha256};

use crate::storage::Inner;

/// Octets of a piece.
const PIECE: u64 = 64 * 1024;

/// Reads a range of an object in pieces of at most 64 KiB.
pub struct ObjectReader {
    inner: Arc<Inner>,
    object: ObjectId,
    left: Range<u64>,
    open: Option<Open>,
}

struct Open {
    file: Arc<File>,
    /// The hash so far and what it must come to, of a body read whole.
    check: Option<(Sha256, [u8; 32])>,
}

impl ObjectReader {
    pub(crate) fn new(inner: Arc<Inner>, object: ObjectId, range: Range<u64>) -> Self {
        Self {
            inner,
            object,
            left: range,
            open: None,
        }
    }

    /// The next piece; `None` at the end, and after a failure.
    ///
    /// Errors: `Broken` if the object is missing, shorter than the range, or not what its row says.
    pub async fn next(&mut self) -> Option<Result<Bytes, Failure>> {
        if self.left.is_empty() {
            return None;
        }
        let piece = self.read().await;
        if let Err(failure) = &piece {
            tracing::error!(object = %self.object, ?failure, "store.object.unreadable");
            self.left = 0..0;
        }
        Some(piece)
    }

    async fn read(&mut self) -> Result<Bytes, Failure> {
        let here = self.next_range();
        let octets = match &self.open {
            Some(open) => {
                let file = Arc::clone(&open.file);
                let at = here.clone();
                blocking::unblock(move || read_at(&file, at)).await
            }
            None => return self.open_and_read(here).await,
        };
        self.accept(here, octets.map_err(|error| self.broken(&error))?)
    }

    /// Opening and the first piece are one trip to the thread pool.
    async fn open_and_read(&mut self, here: Range<u64>) -> Result<Bytes, Failure> {
        let (inner, object, at) = (Arc::clone(&self.inner), self.object, here.clone());
        let opened = blocking::unblock(move || {
            let (file, size) = inner.objects.open(object)?;
            read_at(&file, at).map(|octets| (file, size, octets))
        });
        let (file, size, octets) = opened.await.map_err(|error| self.broken(&error))?;
        let whole = self.left == (0..size);
        let check = if whole {
            Some(self.expected(size).await?)
        } else {
            None
        };
        self.open = Some(Open {
            file: Arc::new(file),
            check: check.map(|sha256| (Sha256::new(), sha256)),
        });
        self.accept(here, octets)
    }

    /// The hash that the whole object must have.
    async fn expected(&self, size: u64) -> Result<[u8; 32], Failure> {
        let body = self.inner.body(self.object).await?;
        let body = body.ok_or_else(|| Failure::broken(format!("object {} has no row", self.object)))?;
        if body.size != size {
            return Err(Failure::broken(format!(
                "object {} has {size} octets, not {}",
                self.object, body.size
            )));
        }
        Ok(body.sha256)
    }

    /// The first piece is what is over, so that the last is a whole one.
    fn next_range(&self) -> Range<u64> {
        let over = (self.left.end - self.left.start) % PIECE;
        self.left.start..self.left.start + if over == 0 { PIECE } else { over }
    }

    fn accept(&mut self, here: Range<u64>, octets: Bytes) -> Result<Bytes, Failure> {
        self.left.start = here.end;
        if let Some((hash, expected)) = self.open.as_mut().and_then(|open| open.check.as_mut()) {
            hash.update(&octets);
            if self.left.is_empty() && hash.finalize_reset()[..] != expected[..] {
                return Err(Failure::broken(format!(
                    "object {} does not have its hash",
                    self.object
                )));
            }
        }
        Ok(octets)
    }

    fn broken(&self, error: &io::Error) -> Failure {
        Failure::broken(format!("object {}: {error}", self.object))
    }
}

impl fmt::Debug for ObjectReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectReader({}, {:?} left)", self.object, self.left)
    }
}

fn read_at(file: &File, range: Range<u64>) -> io::Result<Bytes> {
    let length = usize::try_from(range.end - range.start).map_err(io::Error::other)?;
    let mut octets = vec![0; length];
    file.read_exact_at(&mut octets, range.start)?;
    Ok(octets.into())
}
