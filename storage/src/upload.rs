//! An object being written: octets pass the taps (SHA-256, the message scanner) and go to memory or, when there are many,
//! to the disk. Memory does not grow with the object.

use std::io;
use std::sync::Arc;

use lightmail_core::machine::{Purpose, Stored};
use lightmail_core::mime::{Limits, Scanner};
use lightmail_core::store::Failure;
use sha2::{Digest, Sha256};

use crate::objects::{NewObject, Objects, Octets, Spool, failure};
use crate::storage::Inner;

/// Octets that wait in memory; what is more goes to the disk at once.
const BUFFER: usize = 256 * 1024;

/// An object being written.
pub(crate) struct Writing {
    purpose: Purpose,
    hash: Sha256,
    scanner: Scanner,
    size: u64,
    buffer: Vec<u8>,
    spool: Option<Spool>,
    /// After an error nothing is taken any more; the end tells.
    failed: Option<Failure>,
}

impl Writing {
    pub(crate) fn new(purpose: Purpose) -> Self {
        Self {
            purpose,
            hash: Sha256::new(),
            scanner: Scanner::new(Limits::default()),
            size: 0,
            buffer: Vec::new(),
            spool: None,
            failed: None,
        }
    }

    /// Takes the next octets; true if [`Writing::spill`] is due.
    #[must_use]
    pub(crate) fn take(&mut self, octets: &[u8]) -> bool {
        if self.failed.is_some() {
            return false;
        }
        self.hash.update(octets);
        self.scanner.push(octets);
        self.size += octets.len() as u64;
        self.buffer.extend_from_slice(octets);
        self.buffer.len() > BUFFER
    }

    /// Keeps the first failure for the end, and gives up what was written.
    pub(crate) fn fail(&mut self, why: Failure) {
        self.failed.get_or_insert(why);
        self.buffer = Vec::new();
        self.spool = None;
    }

    /// Writes the buffer to the disk. Blocks.
    pub(crate) fn spill(mut self, objects: &Objects) -> Self {
        if let Err(error) = self.write(objects) {
            self.fail(failure("body", &error));
        }
        self
    }

    fn write(&mut self, objects: &Objects) -> io::Result<()> {
        let spool = match &mut self.spool {
            Some(spool) => spool,
            none => none.insert(objects.spool(self.purpose)?),
        };
        spool.append(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    /// Makes the object durable.
    pub(crate) async fn finish(mut self, inner: Arc<Inner>) -> Result<Stored, Failure> {
        if self.spool.is_some() {
            let inner = Arc::clone(&inner);
            self = blocking::unblock(move || self.spill(&inner.objects)).await;
        }
        if let Some(failed) = self.failed {
            return Err(failed);
        }
        let sha256 = self.hash.finalize().into();
        let octets = match self.spool {
            Some(spool) => Octets::Spooled(spool),
            None => Octets::Memory(self.buffer.into()),
        };
        let new = NewObject {
            purpose: self.purpose,
            size: self.size,
            sha256,
            octets,
        };
        inner.objects.put(new).await?;
        Ok(Stored {
            object: self.purpose.object,
            size: self.size,
            sha256,
            received_sha256: sha256,
            index: Arc::new(self.scanner.finish()),
            durable_ms: inner.steady.now_ms(),
        })
    }
}
