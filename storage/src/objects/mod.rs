//! Bodies: written once, read in ranges, never changed.

pub(crate) mod folder;
mod folder_sync;
pub(crate) mod reader;

use std::io;

use lightmail_core::machine::Purpose;
use lightmail_core::store::{Budget, Failure, ObjectId, Refusal};

use folder::{Folder, Spool};

/// Where bodies are.
#[derive(Debug)]
pub(crate) enum Objects {
    /// In a folder of this machine.
    Folder(Folder),
}

impl Objects {
    /// Begins an object. Blocks.
    pub(crate) fn create(&self, purpose: Purpose) -> io::Result<Spool> {
        match self {
            Objects::Folder(folder) => folder.create(purpose),
        }
    }

    /// Makes an object durable under its key. Blocks.
    pub(crate) fn finish(&self, spool: Spool) -> io::Result<()> {
        match self {
            Objects::Folder(folder) => folder.finish(spool),
        }
    }

    /// Opens an object: its file and its size. Blocks.
    pub(crate) fn open(&self, object: ObjectId) -> io::Result<(std::fs::File, u64)> {
        match self {
            Objects::Folder(folder) => folder.open(object),
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
