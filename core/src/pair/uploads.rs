//! Objects being written by one machine.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use sha2::{Digest, Sha256};

use crate::antivirus::Virus;
use crate::machine::{ObjectKind, Purpose, Stored, Upload};
use crate::mime::{Limits, Scanner};
use crate::store::{Failure, ObjectId};

/// An object being written: its octets go to the real scanner and the real hash as they come.
struct Writing {
    purpose: Purpose,
    octets: BytesMut,
    scanner: Scanner,
    hash: Sha256,
    /// Why it cannot be finished.
    broken: Option<Failure>,
}

#[derive(Default)]
pub(super) struct Uploads {
    open: BTreeMap<Upload, Writing>,
    /// All octets that each upload was ever given.
    record: BTreeMap<Upload, Vec<u8>>,
}

impl Uploads {
    pub(super) fn open(&mut self, upload: Upload, purpose: Purpose) {
        assert!(!self.record.contains_key(&upload), "{upload:?} is opened twice");
        self.record.insert(upload, Vec::new());
        let scanner = Scanner::new(Limits::default());
        let writing = Writing {
            purpose,
            octets: BytesMut::new(),
            scanner,
            hash: Sha256::new(),
            broken: None,
        };
        self.open.insert(upload, writing);
    }

    pub(super) fn feed(&mut self, upload: Upload, octets: &[u8]) {
        let writing = self.open.get_mut(&upload);
        assert!(writing.is_some(), "{upload:?} is fed, but not open");
        if let Some(writing) = writing {
            writing.octets.extend_from_slice(octets);
            writing.scanner.push(octets);
            writing.hash.update(octets);
        }
        self.record.entry(upload).or_default().extend_from_slice(octets);
    }

    /// Feeds what could be read of a stored object, or remembers why it could not.
    pub(super) fn feed_object(&mut self, upload: Upload, octets: Result<Bytes, Failure>) {
        match octets {
            Ok(octets) => self.feed(upload, &octets),
            Err(failure) => {
                if let Some(writing) = self.open.get_mut(&upload) {
                    writing.broken.get_or_insert(failure);
                }
            }
        }
    }

    pub(super) fn drop_upload(&mut self, upload: Upload) {
        self.open.remove(&upload);
    }

    /// Ends an upload; the caller keeps the object.
    pub(super) fn finish(&mut self, upload: Upload) -> Result<(Stored, Bytes), Failure> {
        let writing = self.open.remove(&upload);
        assert!(writing.is_some(), "{upload:?} is finished, but not open");
        let writing = writing.ok_or_else(|| Failure::broken("no such upload"))?;
        match writing.broken {
            Some(failure) => Err(failure),
            None => Ok(writing.stored()),
        }
    }

    pub(super) fn record(&self) -> &BTreeMap<Upload, Vec<u8>> {
        &self.record
    }

    pub(super) fn open_count(&self) -> usize {
        self.open.len()
    }
}

impl Writing {
    fn stored(self) -> (Stored, Bytes) {
        let sha256: [u8; 32] = self.hash.finalize().into();
        let stored = Stored {
            object: self.purpose.object,
            size: self.octets.len() as u64,
            sha256,
            received_sha256: sha256,
            index: Arc::new(self.scanner.finish()),
            durable_ms: 0,
            virus: Virus::NotScanned,
        };
        (stored, self.octets.freeze())
    }
}

/// What a message becomes when it is uploaded whole.
pub(super) fn upload_whole(object: ObjectId, octets: &[u8]) -> Result<(Stored, Bytes), Failure> {
    let mut uploads = Uploads::default();
    uploads.open(
        Upload(0),
        Purpose {
            object,
            kind: ObjectKind::Email,
        },
    );
    uploads.feed(Upload(0), octets);
    uploads.finish(Upload(0))
}
