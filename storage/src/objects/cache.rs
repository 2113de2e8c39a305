//! Copies of objects that are read often, on the disk of this machine: whole ones, verified, by their ids.
//!
//! An object never changes, so a copy is never out of date. A copy that an earlier process made is hashed once before it is
//! used. What does not fit, or cannot be written, is simply not kept.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use lightmail_core::store::ObjectId;
use sha2::{Digest, Sha256};

use super::folder::{TEMPORARY, make_folder, remove_left_over};
use super::reader::{PIECE, read_at};
use crate::bodies::Body;

/// An object larger than this part of all room would push too much out.
const SHARE: u64 = 8;

/// The folder of copies.
#[derive(Debug)]
pub(crate) struct Cache {
    folder: PathBuf,
    most: u64,
    state: Mutex<State>,
    /// Makes the names of files that are being written differ.
    drafts: AtomicU64,
}

/// What is in the folder, as far as it is known.
#[derive(Debug, Default)]
struct State {
    copies: HashMap<ObjectId, Kept>,
    /// By the turn of the last use.
    oldest: BTreeMap<u64, ObjectId>,
    turn: u64,
    /// Octets of copies and of those being written.
    octets: u64,
    /// Whether it was said that copies cannot be written; once until one can.
    complained: bool,
}

#[derive(Clone, Copy, Debug)]
struct Kept {
    size: u64,
    turn: u64,
    /// Hashed by this process.
    verified: bool,
}

/// A copy that is open.
#[derive(Debug)]
pub(crate) struct Copied {
    pub(crate) file: File,
    pub(crate) size: u64,
    /// Whether it still has to be hashed: [`Cache::verify`].
    pub(crate) verified: bool,
}

impl Cache {
    /// Opens the folder, and makes it if it is not there. Blocks.
    pub(super) fn open(folder: &Path, most: u64) -> io::Result<Self> {
        make_folder(folder)?;
        remove_left_over(folder, SystemTime::now())?;
        Ok(Self {
            folder: folder.to_owned(),
            most,
            state: Mutex::default(),
            drafts: AtomicU64::default(),
        })
    }

    /// Takes in what an earlier process left, the oldest first, and removes what is too much. Blocks.
    pub(super) fn scan(&self) {
        let mut found: Vec<(SystemTime, ObjectId, u64)> = Vec::new();
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            if let (Some(object), Ok(facts)) = (object_of(&entry.path()), entry.metadata()) {
                found.push((
                    facts.modified().unwrap_or(SystemTime::UNIX_EPOCH),
                    object,
                    facts.len(),
                ));
            }
        }
        found.sort();
        let mut state = self.lock();
        for (_, object, size) in found {
            if !state.copies.contains_key(&object) {
                state.octets += size;
                state.insert(object, size, false);
            }
        }
        let gone = state.make_room(self.most, 0);
        drop(state);
        self.remove(gone);
    }

    /// Whether a copy is known.
    pub(super) fn knows(&self, object: ObjectId) -> bool {
        self.lock().copies.contains_key(&object)
    }

    /// Opens a copy, if there is one. Blocks.
    pub(super) fn get(&self, object: ObjectId) -> Option<Copied> {
        let opened = File::open(self.path(object)).and_then(|file| Ok((file.metadata()?.len(), file)));
        let Ok((size, file)) = opened else {
            self.lock().drop_copy(object);
            return None;
        };
        let verified = self.lock().touch(object, size);
        Some(Copied { file, size, verified })
    }

    /// Whether a copy has the octets that it must have; if not, it goes. Blocks.
    pub(super) fn verify(&self, object: ObjectId, copied: &Copied, body: &Body) -> bool {
        let whole =
            copied.size == body.size && hash(&copied.file, copied.size).is_ok_and(|hash| hash == body.sha256);
        if whole {
            if let Some(kept) = self.lock().copies.get_mut(&object) {
                kept.verified = true;
            }
        } else {
            tracing::warn!(%object, "store.cache.damaged");
            self.forget(object);
        }
        whole
    }

    /// Removes a copy. Blocks.
    pub(super) fn forget(&self, object: ObjectId) {
        self.lock().drop_copy(object);
        self.remove([object]);
    }

    /// Begins a copy; `None` if it is not to be kept. Blocks.
    pub(super) fn draft(self: &Arc<Self>, object: ObjectId, size: u64) -> Option<Draft> {
        if size > self.most / SHARE {
            return None;
        }
        let mut state = self.lock();
        let gone = state.make_room(self.most, size);
        state.octets += size;
        drop(state);
        self.remove(gone);
        let n = self.drafts.fetch_add(1, Ordering::Relaxed);
        let mut draft = Draft {
            cache: Arc::clone(self),
            object,
            size,
            path: self.folder.join(format!(".{object}.{n}.{TEMPORARY}")),
            file: None,
        };
        match new_file(&draft.path) {
            Ok(file) => draft.file = Some(file),
            Err(error) => {
                self.complain(&error);
                self.lock().octets -= size;
                return None;
            }
        }
        Some(draft)
    }

    fn complain(&self, error: &io::Error) {
        if !std::mem::replace(&mut self.lock().complained, true) {
            tracing::warn!(folder = %self.folder.display(), %error, "store.cache.skipped");
        }
    }

    fn path(&self, object: ObjectId) -> PathBuf {
        self.folder.join(object.to_string())
    }

    fn remove(&self, objects: impl IntoIterator<Item = ObjectId>) {
        for object in objects {
            // One that is gone already, or stays: its octets are not counted, and it is found by the next scan.
            let _ = fs::remove_file(self.path(object));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn next_turn(&mut self) -> u64 {
        self.turn += 1;
        self.turn
    }

    fn insert(&mut self, object: ObjectId, size: u64, verified: bool) {
        let turn = self.next_turn();
        self.oldest.insert(turn, object);
        self.copies.insert(object, Kept { size, turn, verified });
    }

    /// A copy is used; whether it is verified.
    fn touch(&mut self, object: ObjectId, size: u64) -> bool {
        let verified = self
            .drop_copy(object)
            .is_some_and(|kept| kept.verified && kept.size == size);
        self.octets += size;
        self.insert(object, size, verified);
        verified
    }

    fn drop_copy(&mut self, object: ObjectId) -> Option<Kept> {
        let kept = self.copies.remove(&object)?;
        self.oldest.remove(&kept.turn);
        self.octets = self.octets.saturating_sub(kept.size);
        Some(kept)
    }

    /// Takes out those used longest ago until there is room.
    fn make_room(&mut self, most: u64, size: u64) -> Vec<ObjectId> {
        let mut gone = Vec::new();
        while self.octets + size > most
            && let Some((_, object)) = self.oldest.pop_first()
        {
            self.drop_copy(object);
            gone.push(object);
        }
        gone
    }
}

/// A copy being written. Dropping it removes it.
#[derive(Debug)]
pub(crate) struct Draft {
    cache: Arc<Cache>,
    object: ObjectId,
    /// Its octets, for which room is held.
    size: u64,
    path: PathBuf,
    file: Option<File>,
}

impl Draft {
    /// Adds octets; `None` if they cannot be written. Blocks.
    pub(super) fn append(mut self, octets: &[u8]) -> Option<Self> {
        match self.file.as_mut()?.write_all(octets) {
            Ok(()) => Some(self),
            Err(error) => {
                self.cache.complain(&error);
                None
            }
        }
    }

    /// The octets were all there and right: it is a copy now. Blocks.
    pub(super) fn keep(mut self) {
        if let Err(error) = fs::rename(&self.path, self.cache.path(self.object)) {
            self.cache.complain(&error);
            return;
        }
        self.file = None;
        let mut state = self.cache.lock();
        state.complained = false;
        state.drop_copy(self.object);
        state.insert(self.object, self.size, true);
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Without its file it is a copy, or there never was one.
        if self.file.take().is_some() {
            let _ = fs::remove_file(&self.path);
            let mut state = self.cache.lock();
            state.octets = state.octets.saturating_sub(self.size);
        }
    }
}

/// The lock tells other processes that somebody writes here.
fn new_file(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.try_lock()?;
    Ok(file)
}

/// The object whose copy has this name.
fn object_of(path: &Path) -> Option<ObjectId> {
    let name = path.file_name()?.to_str()?;
    ObjectId::parse(name)
}

fn hash(file: &File, size: u64) -> io::Result<[u8; 32]> {
    let (mut hash, mut at) = (Sha256::new(), 0);
    while at < size {
        let here = at..size.min(at + PIECE);
        at = here.end;
        hash.update(read_at(file, here)?);
    }
    Ok(hash.finalize().into())
}
