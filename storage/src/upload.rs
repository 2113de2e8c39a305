//! An object being written: octets pass the taps (SHA-256, the message scanner, clamd) and go to memory or, when there are many,
//! to the disk. Memory does not grow with the object.

use std::io;
use std::sync::Arc;

use lightmail_core::antivirus::Virus;
use lightmail_core::machine::{Purpose, Stored};
use lightmail_core::mime::{Limits, Scanner};
use lightmail_core::store::Failure;
use sha2::{Digest, Sha256};

use crate::antivirus::Tap;
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
    /// What clamd is shown, of the octets up to those in the buffer.
    scan: Option<Tap>,
    /// After an error nothing is taken any more; the end tells.
    failed: Option<Failure>,
}

impl Writing {
    pub(crate) fn new(purpose: Purpose, scan: Option<Tap>) -> Self {
        Self {
            purpose,
            hash: Sha256::new(),
            scanner: Scanner::new(Limits::default()),
            size: 0,
            buffer: Vec::new(),
            spool: None,
            scan,
            failed: None,
        }
    }

    /// Takes the next octets; true if [`Writing::scan`] and [`Writing::spill`] are due.
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
        self.scan = None;
    }

    /// Shows the buffer to clamd. Waits until clamd has taken it.
    pub(crate) async fn scan(&mut self) {
        if let Some(scan) = &mut self.scan {
            scan.show(&self.buffer).await;
        }
    }

    /// What clamd has found, once it was shown what is left. Errors: it could not be asked, and had to be.
    async fn judge(&mut self) -> Result<Virus, Failure> {
        match self.scan.take() {
            Some(scan) => scan.finish(self.purpose.object, &self.buffer).await,
            None => Ok(Virus::NotScanned),
        }
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
        let virus = self.judge().await?;
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
            virus,
        })
    }
}
