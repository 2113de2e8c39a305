//! Ids of bodies in their order, from a folder that is in none.
//!
//! A walk goes through the whole folder and keeps the first ids behind a place. Those that are not asked for now are kept for the
//! lister that goes on from there, so a pass through a folder of a million bodies is some 15 walks, not a thousand. A pass
//! that begins from the first id begins with a walk: it is told of nothing that an earlier one has found.

use std::collections::{BinaryHeap, VecDeque};
use std::io;
use std::sync::{Mutex, PoisonError};

use lightmail_core::machine::{Listed, ObjectKind};
use lightmail_core::store::ObjectId;

use super::folder::Folder;

/// Ids of one walk: 1 MiB of them.
const KEPT_MAX: usize = 65_536;

/// What the last walk has found and nobody has asked for yet.
#[derive(Debug, Default)]
pub(super) struct Kept(Mutex<Option<Found>>);

#[derive(Debug)]
struct Found {
    kind: ObjectKind,
    /// The id behind which these are the next.
    after: Option<ObjectId>,
    ids: VecDeque<ObjectId>,
    /// There is nothing behind them.
    is_all: bool,
}

impl Kept {
    /// The bodies behind `after` that are there, at most `limit`. Blocks.
    pub(super) fn list(
        &self,
        folder: &Folder,
        kind: ObjectKind,
        after: Option<ObjectId>,
        limit: usize,
    ) -> io::Result<Vec<Listed>> {
        let mut found = match self.take(kind, after) {
            Some(found) => found,
            None => walk(folder, kind, after, KEPT_MAX.max(limit))?,
        };
        let mut listed = Vec::new();
        while listed.len() < limit {
            match found.ids.pop_front() {
                Some(id) => {
                    found.after = Some(id);
                    listed.extend(folder.listed(kind, id).transpose()?);
                }
                None if found.is_all => return Ok(listed),
                None => found = walk(folder, kind, found.after, KEPT_MAX)?,
            }
        }
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
        Ok(listed)
    }

    fn take(&self, kind: ObjectKind, after: Option<ObjectId>) -> Option<Found> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.take_if(|found| after.is_some() && (found.kind, found.after) == (kind, after))
    }
}

fn walk(folder: &Folder, kind: ObjectKind, after: Option<ObjectId>, most: usize) -> io::Result<Found> {
    // The largest of those kept is on top, so that the folder's size costs no memory.
    let (mut first, mut is_all) = (BinaryHeap::new(), true);
    for id in folder.ids(kind)? {
        first.extend(id?.filter(|id| Some(*id) > after));
        if first.len() > most {
            first.pop();
            is_all = false;
        }
    }
    Ok(Found {
        kind,
        after,
        ids: first.into_sorted_vec().into(),
        is_all,
    })
}
