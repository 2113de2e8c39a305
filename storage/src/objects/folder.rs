//! Bodies in a folder: `emails/<uuidv7>.eml` below the data folder.
//!
//! A body is written under a temporary name in the same folder, made durable, given its name, and the folder made durable.
//! Only then is it an object. A failed sync fails the write for good: the file is removed and nothing is tried again with
//! it, as the system may have thrown its pages away.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lightmail_core::machine::{Listed, ObjectKind, Purpose};
use lightmail_core::store::{Failure, ObjectId};
use sha2::{Digest, Sha256};

use super::folder_sync::FolderSync;
use super::folder_walk::Kept;
use super::reader::PIECE;
use super::{NewObject, Octets, Spool, failure};
use crate::faults::{Faults, Point};

/// What temporary files are called at the end; they begin with a dot.
pub(super) const TEMPORARY: &str = "tmp";

/// The folder of bodies.
#[derive(Debug)]
pub(crate) struct Folder {
    root: PathBuf,
    emails: FolderSync,
    calendars: FolderSync,
    /// The user and group that bodies are given to: set where the superuser writes into somebody else's folder.
    owner: Option<(u32, u32)>,
    faults: Faults,
    kept: Kept,
    /// How often a folder was read from its beginning to its end.
    #[cfg(test)]
    walks: std::sync::atomic::AtomicUsize,
}

impl Folder {
    /// Opens the folder, and makes what is missing.
    pub(crate) fn open_at(root: &Path, faults: Faults) -> io::Result<Self> {
        let kept = |kind: ObjectKind| {
            let path = root.join(kind.folder());
            make_folder(&path)?;
            FolderSync::open(&path)
        };
        let (emails, calendars) = (kept(ObjectKind::Email)?, kept(ObjectKind::Calendar)?);
        let facts = fs::metadata(root.join(ObjectKind::Email.folder()))?;
        let is_superuser = rustix::process::geteuid().is_root();
        // The names of the two folders are durable too.
        File::open(root)?.sync_all()?;
        Ok(Self {
            root: root.to_owned(),
            emails,
            calendars,
            owner: (is_superuser && facts.uid() != 0).then_some((facts.uid(), facts.gid())),
            faults,
            kept: Kept::default(),
            #[cfg(test)]
            walks: 0.into(),
        })
    }

    /// Removes what writers left that live no more and began before a moment (milliseconds since 1970). Returns how many
    /// there were. Blocks.
    pub(super) fn remove_left_over(&self, before_ms: u64) -> io::Result<usize> {
        let before = UNIX_EPOCH + Duration::from_millis(before_ms);
        let mut removed = 0;
        for kind in [ObjectKind::Email, ObjectKind::Calendar] {
            removed += remove_left_over(&self.root.join(kind.folder()), before)?;
        }
        Ok(removed)
    }

    /// The data folder.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Begins a body's file. Blocks.
    pub(super) fn create(&self, purpose: Purpose) -> io::Result<Draft> {
        self.faults.pass(Point::Create)?;
        let path = self.root.join(purpose.kind.key(purpose.object));
        let temporary = path.with_file_name(format!(".{}.{TEMPORARY}", purpose.object));
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&temporary)?;
        if let Some((user, group)) = self.owner {
            fchown(&file, Some(user), Some(group))?;
        }
        let draft = Draft {
            file,
            temporary,
            path,
            kind: purpose.kind,
            faults: self.faults.clone(),
        };
        // The lock says that somebody writes here; the system takes it back from a process that dies.
        draft.file.try_lock()?;
        Ok(draft)
    }

    /// Makes a body. Blocks.
    pub(super) fn put(&self, new: NewObject) -> io::Result<()> {
        let draft = match new.octets {
            Octets::Memory(octets) => {
                let mut draft = self.create(new.purpose)?;
                draft.append(&octets)?;
                draft
            }
            Octets::Spooled(Spool::Draft(draft)) => draft,
            Octets::Spooled(Spool::Nameless(_)) => return Err(io::Error::other("a file without a name")),
        };
        self.finish(draft)
    }

    fn finish(&self, mut draft: Draft) -> io::Result<()> {
        self.faults.pass(Point::SyncFile)?;
        draft.file.sync_all()?;
        self.faults.pass(Point::Rename)?;
        draft.rename()?;
        self.faults.pass(Point::SyncFolder)?;
        self.sync(draft.kind)?;
        self.faults.pass(Point::Stored)
    }

    /// A body's file and its octets. Blocks.
    pub(super) fn open(&self, kind: ObjectKind, object: ObjectId) -> io::Result<(File, u64)> {
        let file = File::open(self.root.join(kind.key(object)))?;
        let size = file.metadata()?.len();
        Ok((file, size))
    }

    /// Removes bodies; one answer for each. Blocks.
    pub(super) fn delete(&self, kind: ObjectKind, objects: &[ObjectId]) -> Vec<Result<(), Failure>> {
        let mut removed: Vec<_> = objects.iter().map(|object| self.remove(kind, *object)).collect();
        if let Err(failed) = self.sync(kind).map_err(|error| failure("removal", &error)) {
            removed.fill(Err(failed));
        }
        removed
    }

    fn remove(&self, kind: ObjectKind, object: ObjectId) -> Result<(), Failure> {
        let key = self.root.join(kind.key(object));
        match self
            .faults
            .pass(Point::Remove)
            .and_then(|()| fs::remove_file(key))
        {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failure("removal", &error)),
            _ => Ok(()),
        }
    }

    /// The bodies behind `after`, in the order of their ids, at most `limit`. Blocks.
    pub(super) fn list(
        &self,
        kind: ObjectKind,
        after: Option<ObjectId>,
        limit: usize,
    ) -> io::Result<Vec<Listed>> {
        self.kept.list(self, kind, after, limit)
    }

    /// Reads the folder: the ids of all bodies, in no order; `None` is another file. Blocks.
    pub(super) fn ids(
        &self,
        kind: ObjectKind,
    ) -> io::Result<impl Iterator<Item = io::Result<Option<ObjectId>>>> {
        #[cfg(test)]
        self.walks.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let entries = fs::read_dir(self.root.join(kind.folder()))?;
        Ok(entries.map(move |entry| {
            let name = entry?.file_name();
            let key = format!("{}/{}", kind.folder(), name.to_string_lossy());
            Ok(kind.object(&key))
        }))
    }

    /// SHA-256 of a body. Blocks.
    pub(super) fn hash(&self, kind: ObjectKind, object: ObjectId) -> io::Result<[u8; 32]> {
        let mut file = File::open(self.root.join(kind.key(object)))?;
        let (mut hash, mut piece) = (Sha256::new(), vec![0; PIECE as usize]);
        loop {
            let length = file.read(&mut piece)?;
            match piece.get(..length) {
                Some(octets) if !octets.is_empty() => hash.update(octets),
                _ => return Ok(hash.finalize().into()),
            }
        }
    }

    /// `None`: it has gone meanwhile, or was never there.
    pub(super) fn listed(&self, kind: ObjectKind, object: ObjectId) -> Option<io::Result<Listed>> {
        let facts = match fs::metadata(self.root.join(kind.key(object))) {
            Ok(facts) => facts,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => return Some(Err(error)),
        };
        let since = facts
            .modified()
            .ok()
            .and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        Some(Ok(Listed {
            object,
            size: facts.len(),
            modified_ms: since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX)),
        }))
    }

    fn sync(&self, kind: ObjectKind) -> io::Result<()> {
        match kind {
            ObjectKind::Email => self.emails.sync(),
            ObjectKind::Calendar => self.calendars.sync(),
        }
    }
}

/// A body being written. Dropping it before it has its name removes it.
#[derive(Debug)]
pub(crate) struct Draft {
    file: File,
    /// Empty once the file has its name.
    temporary: PathBuf,
    path: PathBuf,
    kind: ObjectKind,
    faults: Faults,
}

impl Draft {
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

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.temporary.as_os_str().is_empty() {
            // What stays behind is removed by the garbage worker.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// Makes a folder for nobody else to look into, with those above it.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Makes a file and takes its name away again: it is gone when nobody has it open any more. Blocks.
pub(super) fn nameless_file(folder: &Path, object: ObjectId) -> io::Result<File> {
    let path = folder.join(format!(".{object}.{TEMPORARY}"));
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)?;
    fs::remove_file(&path)?;
    Ok(file)
}

/// Removes temporary files that were last written before a moment and whose writers are gone; another process may be writing
/// others. Returns how many there were.
pub(super) fn remove_left_over(folder: &Path, before: SystemTime) -> io::Result<usize> {
    let mut removed = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if is_temporary(&path)
            && let Ok(file) = File::open(&path)
            && file.metadata()?.modified()? < before
            && file.try_lock().is_ok()
        {
            tracing::info!(file = %path.display(), "store.leftover.removed");
            fs::remove_file(&path)?;
            removed += 1;
        }
    }
    Ok(removed)
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
        let mut draft = folder.create(purpose(1)).unwrap();
        draft.append(b"x").unwrap();
        folder.finish(draft).unwrap();
        let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(scratch.path().join("emails")), 0o700);
        assert_eq!(
            mode(scratch.path().join(ObjectKind::Email.key(ObjectId([1; 16])))),
            0o600
        );
    }

    #[test]
    fn left_over_files_go_but_not_young_ones_and_not_those_being_written() {
        let scratch = Scratch::new();
        let first = Folder::open_at(scratch.path(), Faults::default()).unwrap();
        let mut alive = first.create(purpose(1)).unwrap();
        alive.append(b"half").unwrap();
        fs::write(scratch.path().join("emails/.dead.tmp"), b"half").unwrap();
        let second = Folder::open_at(scratch.path(), Faults::default()).unwrap();
        assert_eq!(second.remove_left_over(1000).unwrap(), 0);
        assert_eq!(names(scratch.path()).len(), 2);
        assert_eq!(second.remove_left_over(u64::from(u32::MAX) * 1000).unwrap(), 1);
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

    /// Bodies that go between two windows make none of them shorter than the last.
    #[test]
    fn a_pass_in_windows_reads_the_folder_once_and_misses_nothing() {
        let scratch = Scratch::new();
        let folder = Folder::open_at(scratch.path(), Faults::default()).unwrap();
        let id = |n: u8| ObjectId([n; 16]);
        for n in 1..=40 {
            fs::write(scratch.path().join(ObjectKind::Email.key(id(n))), b"x").unwrap();
        }
        let (mut after, mut seen) = (None, Vec::new());
        loop {
            let window = folder.list(ObjectKind::Email, after, 7).unwrap();
            seen.extend(window.iter().map(|listed| listed.object));
            if window.len() < 7 {
                break;
            }
            after = window.last().map(|listed| listed.object);
            let gone: Vec<_> = (9..=12).map(id).collect();
            folder.delete(ObjectKind::Email, &gone);
        }
        assert!(seen.into_iter().eq((1..=8).chain(13..=40).map(id)));
        let walks = || folder.walks.load(std::sync::atomic::Ordering::Relaxed);
        assert_eq!(walks(), 1);
        fs::write(scratch.path().join(ObjectKind::Email.key(id(50))), b"x").unwrap();
        assert_eq!(folder.list(ObjectKind::Email, None, 50).unwrap().len(), 37);
        assert_eq!(walks(), 2, "a new pass looks anew");
    }

    #[test]
    fn an_id_drawn_twice_is_refused_and_the_first_body_stays() {
        let scratch = Scratch::new();
        let folder = Folder::open_at(scratch.path(), Faults::default()).unwrap();
        for (text, expected) in [(b"mine", true), (b"your", false)] {
            let mut draft = folder.create(purpose(7)).unwrap();
            draft.append(text).unwrap();
            assert_eq!(folder.finish(draft).is_ok(), expected);
        }
        assert_eq!(
            fs::read(scratch.path().join(ObjectKind::Email.key(ObjectId([7; 16])))).unwrap(),
            b"mine"
        );
    }
}
