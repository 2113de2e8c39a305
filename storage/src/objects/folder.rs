//! Bodies in a folder: `emails/<uuidv7>.eml` below the data folder.
//!
//! A body is written under a temporary name in the same folder, made durable, given its name, and the folder made durable.
//! Only then is it an object. A failed sync fails the write for good: the file is removed and nothing is tried again with
//! it, as the system may have thrown its pages away.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use lightmail_core::machine::{ObjectKind, Purpose};
use lightmail_core::store::ObjectId;

use super::folder_sync::FolderSync;
use crate::faults::{Faults, Point};

/// What temporary files are called at the end; they begin with a dot.
const TEMPORARY: &str = "tmp";

/// The folder of bodies.
#[derive(Debug)]
pub(crate) struct Folder {
    root: PathBuf,
    emails: FolderSync,
    calendars: FolderSync,
    faults: Faults,
}

impl Folder {
    /// Opens the folder, makes what is missing, and removes what writers left that live no more.
    pub(crate) fn open_at(root: &Path, faults: Faults) -> io::Result<Self> {
        let kept = |kind: ObjectKind| {
            let path = root.join(folder_of(kind));
            make_folder(&path)?;
            remove_left_over(&path)?;
            FolderSync::open(&path)
        };
        let (emails, calendars) = (kept(ObjectKind::Email)?, kept(ObjectKind::Calendar)?);
        // The names of the two folders are durable too.
        File::open(root)?.sync_all()?;
        Ok(Self {
            root: root.to_owned(),
            emails,
            calendars,
            faults,
        })
    }

    pub(super) fn create(&self, purpose: Purpose) -> io::Result<Spool> {
        self.faults.pass(Point::Create)?;
        let path = self.root.join(purpose.kind.key(purpose.object));
        let temporary = path.with_file_name(format!(".{}.{TEMPORARY}", purpose.object));
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&temporary)?;
        let spool = Spool {
            file,
            temporary,
            path,
            kind: purpose.kind,
            faults: self.faults.clone(),
        };
        // The lock says that somebody writes here; the system takes it back from a process that dies.
        spool.file.try_lock()?;
        Ok(spool)
    }

    pub(super) fn finish(&self, mut spool: Spool) -> io::Result<()> {
        self.faults.pass(Point::SyncFile)?;
        spool.file.sync_all()?;
        self.faults.pass(Point::Rename)?;
        spool.rename()?;
        self.faults.pass(Point::SyncFolder)?;
        match spool.kind {
            ObjectKind::Email => self.emails.sync()?,
            ObjectKind::Calendar => self.calendars.sync()?,
        }
        self.faults.pass(Point::Stored)
    }

    pub(super) fn open(&self, object: ObjectId) -> io::Result<(File, u64)> {
        let file = File::open(self.root.join(ObjectKind::Email.key(object)))?;
        let size = file.metadata()?.len();
        Ok((file, size))
    }
}

/// A body being written. Dropping it before it has its name removes it.
#[derive(Debug)]
pub(crate) struct Spool {
    file: File,
    /// Empty once the file has its name.
    temporary: PathBuf,
    path: PathBuf,
    kind: ObjectKind,
    faults: Faults,
}

impl Spool {
    /// Adds octets. Blocks.
    pub(crate) fn append(&mut self, octets: &[u8]) -> io::Result<()> {
        self.faults.pass(Point::Write)?;
        self.file.write_all(octets)
    }

    /// Gives the file its name. A name that is taken is an id drawn twice: it would be another message's body.
    fn rename(&mut self) -> io::Result<()> {
        if self.path.try_exists()? {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "an object with this id exists",
            ));
        }
        fs::rename(&self.temporary, &self.path)?;
        self.temporary = PathBuf::new();
        Ok(())
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        if !self.temporary.as_os_str().is_empty() {
            // What stays behind is removed at the next start.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// The folder in which a kind's keys lie.
fn folder_of(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Email => "emails",
        ObjectKind::Calendar => "calendars",
    }
}

/// Makes a folder for nobody else to look into, with those above it.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Removes temporary files whose writers are gone; another process may be writing others.
fn remove_left_over(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if is_temporary(&path)
            && let Ok(file) = File::open(&path)
            && file.try_lock().is_ok()
        {
            tracing::info!(file = %path.display(), "store.leftover.removed");
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

fn is_temporary(path: &Path) -> bool {
    let hidden = path
        .file_name()
        .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    hidden && path.extension() == Some(OsStr::new(TEMPORARY))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::scratch::Scratch;
    use std::os::unix::fs::PermissionsExt;

    fn purpose(n: u8) -> Purpose {
        Purpose {
            object: ObjectId([n; 16]),
            kind: ObjectKind::Email,
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder.join("emails")).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn files_are_for_the_owner_alone() {
        let scratch = Scratch::new();
        let folder = Folder::open_at(scratch.path(), Faults::default()).unwrap();
        let mut spool = folder.create(purpose(1)).unwrap();
        spool.append(b"x").unwrap();
        folder.finish(spool).unwrap();
        let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(scratch.path().join("emails")), 0o700);
        assert_eq!(
            mode(scratch.path().join(ObjectKind::Email.key(ObjectId([1; 16])))),
            0o600
        );
    }

    #[test]
    fn left_over_files_go_at_the_next_start_but_not_those_being_written() {
        let scratch = Scratch::new();
        let first = Folder::open_at(scratch.path(), Faults::default()).unwrap();
        let mut alive = first.create(purpose(1)).unwrap();
        alive.append(b"half").unwrap();
        fs::write(scratch.path().join("emails/.dead.tmp"), b"half").unwrap();
        let _second = Folder::open_at(scratch.path(), Faults::default()).unwrap();
        assert_eq!(names(scratch.path()), [format!(".{}.tmp", ObjectId([1; 16]))]);
        first.finish(alive).unwrap();
        assert_eq!(names(scratch.path()), [format!("{}.eml", ObjectId([1; 16]))]);
    }

    #[test]
    fn an_abandoned_body_leaves_nothing() {
        let scratch = Scratch::new();
        let folder = Folder::open_at(scratch.path(), Faults::default()).unwrap();
        folder.create(purpose(1)).unwrap().append(b"half").unwrap();
        assert!(names(scratch.path()).is_empty());
    }

    #[test]
    fn an_id_drawn_twice_is_refused_and_the_first_body_stays() {
        let scratch = Scratch::new();
        let folder = Folder::open_at(scratch.path(), Faults::default()).unwrap();
        for (text, expected) in [(b"mine", true), (b"your", false)] {
            let mut spool = folder.create(purpose(7)).unwrap();
            spool.append(text).unwrap();
            assert_eq!(folder.finish(spool).is_ok(), expected);
        }
        assert_eq!(
            fs::read(scratch.path().join(ObjectKind::Email.key(ObjectId([7; 16])))).unwrap(),
            b"mine"
        );
    }
}
