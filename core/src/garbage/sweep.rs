//! Bodies that no row names: what a crash between the upload and the commit has left.
//!
//! A pass goes through the bucket in the order of ids, which is that of time, one window at a request. A suspect is an object
//! that was drawn and written long ago and has no row. A wall clock may be wrong by a day, and then a body whose row is just
//! being written looks old; so a suspect is only deleted when it is still one after [`SUSPICION_MS`] of the clock that never
//! goes back. No upload is committed so late ([`crate::machine::COMMIT_WITHIN_MS`]).

use std::collections::{BTreeSet, VecDeque};

use crate::machine::{COMMIT_WITHIN_MS, Done, Effect, Listed, ObjectKind, Time};
use crate::store::{Actor, ObjectId, Reply, Request};

/// Objects of one window: what one request to S3 lists.
const WINDOW: u32 = 1000;
/// A younger object is no suspect; an upload that began before is given up.
const ORPHAN_MS: u64 = 24 * 3_600_000;
/// How long a suspect stays one.
const SUSPICION_MS: u64 = 60 * 60_000;
/// From the beginning of one pass to that of the next.
const PASS_MS: u64 = 24 * 3_600_000;
/// Windows with suspects that are remembered; a pass waits while there are so many.
const SUSPECTED_MAX: usize = 64;

const _: () = assert!(SUSPICION_MS > 2 * COMMIT_WITHIN_MS);

/// Where the sweep is.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    pass: Option<Pass>,
    /// When the next pass may begin, on the monotonic clock.
    next_ms: u64,
    /// Oldest first.
    suspected: VecDeque<Suspected>,
    awaits: Awaits,
}

/// A pass through the bucket.
#[derive(Clone, Copy, Debug)]
struct Pass {
    kind: ObjectKind,
    after: Option<ObjectId>,
    /// Whether uploads that never ended have been given up.
    uploads: bool,
}

/// The suspects of one window, by id.
#[derive(Debug)]
struct Suspected {
    kind: ObjectKind,
    objects: Vec<ObjectId>,
    /// Since when, on the monotonic clock.
    since_ms: u64,
}

#[derive(Debug, Default)]
enum Awaits {
    #[default]
    Nothing,
    Uploads,
    Window,
    /// The rows of a window; these objects are old enough.
    Rows(ObjectKind, Vec<ObjectId>),
    /// The rows of suspects, once more.
    Confirmation,
    Deletion,
}

impl Sweep {
    /// Whether there is more to do soon.
    pub(super) fn is_under_way(&self) -> bool {
        !matches!(self.awaits, Awaits::Nothing) || self.pass.is_some_and(|_| !self.is_full())
    }

    fn is_full(&self) -> bool {
        self.suspected.len() >= SUSPECTED_MAX
    }

    /// What to ask now; `None` if nothing is due.
    pub(super) fn next(&mut self, now: Time) -> Option<Effect> {
        let ripe = self
            .suspected
            .front()
            .filter(|suspected| now.mono_ms.saturating_sub(suspected.since_ms) >= SUSPICION_MS);
        if let Some(effect) = ripe.and_then(|suspected| rows_of(&suspected.objects)) {
            self.awaits = Awaits::Confirmation;
            return Some(effect);
        }
        if self.is_full() {
            return None;
        }
        self.begin_pass(now);
        let pass = self.pass?;
        if !pass.uploads {
            self.awaits = Awaits::Uploads;
            let before_ms = now.unix_ms.saturating_sub(ORPHAN_MS);
            return Some(Effect::SweepUploads { before_ms });
        }
        self.awaits = Awaits::Window;
        Some(Effect::ListObjects {
            kind: pass.kind,
            after: pass.after,
            limit: WINDOW,
        })
    }

    fn begin_pass(&mut self, now: Time) {
        if self.pass.is_none() && self.next_ms <= now.mono_ms {
            self.next_ms = now.mono_ms.saturating_add(PASS_MS);
            self.pass = Some(Pass {
                kind: ObjectKind::Email,
                after: None,
                uploads: false,
            });
        }
    }

    /// Takes an answer: what to ask next in the same round.
    pub(super) fn on(&mut self, now: Time, done: Done) -> Option<Effect> {
        match (std::mem::take(&mut self.awaits), done) {
            (Awaits::Uploads, Done::UploadsSwept(_)) => {
                self.pass.as_mut()?.uploads = true;
                None
            }
            (Awaits::Window, Done::ObjectsListed(listed)) => self.window(now, &listed),
            (Awaits::Rows(kind, old), Done::Reply(Reply::ObjectsFound(known))) => {
                self.suspect(now, kind, without(old, known));
                None
            }
            (Awaits::Confirmation, Done::Reply(Reply::ObjectsFound(known))) => {
                let Suspected { kind, objects, .. } = self.suspected.pop_front()?;
                let orphans = without(objects, known);
                if orphans.is_empty() {
                    return None;
                }
                self.awaits = Awaits::Deletion;
                let orphans = orphans.into_iter().map(|object| (kind, object));
                Some(Effect::DeleteObjects(orphans.collect()))
            }
            _ => None,
        }
    }

    /// Something failed: what was not listed comes in another round, what was listed in the next pass.
    pub(super) fn give_up(&mut self) {
        self.awaits = Awaits::Nothing;
    }

    fn window(&mut self, now: Time, listed: &[Listed]) -> Option<Effect> {
        let born_before = now.unix_ms.saturating_sub(ORPHAN_MS);
        let old: Vec<_> = listed
            .iter()
            .filter(|one| one.modified_ms < born_before && one.object.drawn_ms() < born_before)
            .map(|one| one.object)
            .collect();
        let last = listed.last().map(|one| one.object);
        let at_end = (listed.len() as u64) < u64::from(WINDOW)
            || last.is_some_and(|object| object.drawn_ms() >= born_before);
        let rows = rows_of(&old);
        let pass = self.pass?;
        if rows.is_some() {
            self.awaits = Awaits::Rows(pass.kind, old);
        }
        self.pass = if at_end {
            following(pass.kind).map(|kind| Pass {
                kind,
                after: None,
                ..pass
            })
        } else {
            Some(Pass { after: last, ..pass })
        };
        rows
    }

    fn suspect(&mut self, now: Time, kind: ObjectKind, objects: Vec<ObjectId>) {
        if !objects.is_empty() {
            self.suspected.push_back(Suspected {
                kind,
                objects,
                since_ms: now.mono_ms,
            });
        }
    }
}

/// The kinds are swept one after the other.
fn following(kind: ObjectKind) -> Option<ObjectKind> {
    match kind {
        ObjectKind::Email => Some(ObjectKind::Calendar),
        ObjectKind::Calendar => None,
    }
}

/// Asks which of these objects, which are in order, have rows.
fn rows_of(objects: &[ObjectId]) -> Option<Effect> {
    let (from, to) = (*objects.first()?, *objects.last()?);
    Some(Effect::Store(Actor::Worker, Request::FindObjects { from, to }))
}

fn without(mut objects: Vec<ObjectId>, known: Vec<ObjectId>) -> Vec<ObjectId> {
    let known: BTreeSet<_> = known.into_iter().collect();
    objects.retain(|object| !known.contains(object));
    objects
}
