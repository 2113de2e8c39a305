//! Making names durable, many at once: those that finish while a folder is being synced share the next sync.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// A folder and the syncs of it.
#[derive(Debug)]
pub(crate) struct FolderSync {
    folder: File,
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Debug, Default)]
struct State {
    begun: u64,
    ended: u64,
    /// The last one that failed, and why.
    failed: Option<(u64, Arc<io::Error>)>,
}

impl FolderSync {
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        Ok(Self {
            folder: File::open(folder)?,
            state: Mutex::default(),
            ended: Condvar::new(),
        })
    }

    /// Returns when a sync that began after this call has ended. Blocks.
    ///
    /// Errors: that sync's own; all who waited for it are told, and none of their names counts as durable.
    pub(super) fn sync(&self) -> io::Result<()> {
        let mut state = self.lock();
        let mine = state.begun + 1;
        while state.ended < mine {
            if state.begun == state.ended {
                state.begun += 1;
                drop(state);
                let result = self.folder.sync_all();
                state = self.lock();
                state.ended += 1;
                if let Err(error) = result {
                    state.failed = Some((state.ended, Arc::new(error)));
                }
                self.ended.notify_all();
            } else {
                state = self.ended.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
        // A later sync that succeeds says nothing of names that an earlier one lost.
        match &state.failed {
            Some((at, error)) if *at >= mine => Err(io::Error::new(error.kind(), Arc::clone(error))),
            _ => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::scratch::Scratch;

    #[test]
    fn syncs_are_shared_and_everyone_returns() {
        let scratch = Scratch::new();
        let sync = FolderSync::open(scratch.path()).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| (0..20).for_each(|_| sync.sync().unwrap()));
            }
        });
        let state = sync.lock();
        assert_eq!(state.begun, state.ended);
        assert!(
            (20..=320).contains(&state.ended),
            "{} syncs for 320 names",
            state.ended
        );
    }
}
