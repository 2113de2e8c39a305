//! A folder of its own for each test, removed at the end.

use std::path::{Path, PathBuf};

/// A new folder below the system's folder for temporary files.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        let mut octets = [0; 8];
        getrandom::fill(&mut octets).unwrap();
        let path = std::env::temp_dir().join(format!("lightmail-test-{:016x}", u64::from_be_bytes(octets)));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
