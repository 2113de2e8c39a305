//! The transcripts of this repository: every `.txt` below `conformance/transcripts`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::transcript::{BadTranscript, Transcript};

/// Where the transcripts lie in a checkout.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("transcripts")
}

/// What kept transcripts from being read.
#[derive(Debug)]
pub enum Unreadable {
    /// A file or folder.
    Io(PathBuf, io::Error),
    /// Transcripts with an error, all of them.
    Bad(Vec<BadTranscript>),
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Unreadable::Io(path, error) => write!(f, "{}: {error}", path.display()),
            Unreadable::Bad(bad) => bad.iter().try_for_each(|bad| writeln!(f, "{bad}")),
        }
    }
}

/// Reads all transcripts below `folder` whose name contains `filter`, by name.
pub fn read(folder: &Path, filter: &str) -> Result<Vec<Transcript>, Unreadable> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inner) = folders.pop() {
        let unreadable = |error| Unreadable::Io(inner.clone(), error);
        for entry in fs::read_dir(&inner).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "txt") {
                files.push(path);
            }
        }
    }
    files.sort();
    let (mut transcripts, mut bad) = (Vec::new(), Vec::new());
    for path in files {
        let name = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
        if name.contains(filter) {
            let text = fs::read_to_string(&path).map_err(|error| Unreadable::Io(path.clone(), error))?;
            match Transcript::parse(&name, &text) {
                Ok(transcript) => transcripts.push(transcript),
                Err(error) => bad.push(error),
            }
        }
    }
    if bad.is_empty() {
        Ok(transcripts)
    } else {
        Err(Unreadable::Bad(bad))
    }
}
