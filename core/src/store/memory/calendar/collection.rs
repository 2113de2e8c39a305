//! A calendar with its objects: how names, MODSEQs and tombstones move. Knows no account and no other calendar.

use std::collections::BTreeMap;

use crate::store::calendar::{Calendar, CalendarObject, Change, NewCalendar, ResourceName, SyncToken};
use crate::store::{AccountId, ModSeq, ObjectId};

/// A name, and the MODSEQ at which its object was replaced or removed; 0: it is live.
type Place = (ResourceName, ModSeq);

const LIVE: ModSeq = ModSeq(0);

/// A calendar and its objects.
#[derive(Clone, Debug)]
pub(in crate::store::memory) struct Collection {
    pub(in crate::store::memory) account: AccountId,
    pub(in crate::store::memory) line: Calendar,
    pub(in crate::store::memory) deleted_at_ms: Option<u64>,
    /// Removals up to this MODSEQ may be forgotten.
    pub(in crate::store::memory) removed_floor: ModSeq,
    /// All objects, soft-deleted ones too.
    pub(in crate::store::memory) objects: BTreeMap<Place, Entry>,
}

/// An object, live or not.
#[derive(Clone, Debug)]
pub(in crate::store::memory) struct Entry {
    pub(in crate::store::memory) object: CalendarObject,
    /// When it was replaced or removed, in milliseconds since 1970.
    pub(in crate::store::memory) deleted_at_ms: Option<u64>,
}

impl Collection {
    pub(super) fn new(account: AccountId, new: NewCalendar) -> Self {
        Self {
            account,
            line: Calendar {
                id: new.id,
                name: new.name,
                properties: new.properties,
                modseq: ModSeq(1),
                objects: 0,
            },
            deleted_at_ms: None,
            removed_floor: ModSeq(0),
            objects: BTreeMap::new(),
        }
    }

    pub(in crate::store::memory) fn is_live_of(&self, account: AccountId) -> bool {
        self.account == account && self.deleted_at_ms.is_none()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// The live object of a name.
    pub(super) fn live(&self, name: &ResourceName) -> Option<&CalendarObject> {
        let entry = self.objects.get(&(name.clone(), LIVE));
        entry.map(|entry| &entry.object)
    }

    /// The live objects, by name.
    pub(in crate::store::memory) fn all_live(&self) -> impl Iterator<Item = &CalendarObject> {
        let live = self.objects.iter().filter(|((_, gone), _)| *gone == LIVE);
        live.map(|(_, entry)| &entry.object)
    }

    /// The next MODSEQ.
    pub(super) fn step(&mut self) -> ModSeq {
        self.line.modseq.0 = self.line.modseq.0.saturating_add(1);
        self.line.modseq
    }

    pub(super) fn put(&mut self, object: CalendarObject) {
        self.line.objects += 1;
        let entry = Entry {
            object,
            deleted_at_ms: None,
        };
        self.objects.insert((entry.object.name.clone(), LIVE), entry);
    }

    /// Soft-deletes the live object of a name, if there is one.
    pub(super) fn bury(&mut self, name: &ResourceName, modseq: ModSeq, at_ms: u64) {
        if let Some(mut entry) = self.objects.remove(&(name.clone(), LIVE)) {
            entry.object.modseq = modseq;
            entry.deleted_at_ms = Some(at_ms.max(1));
            self.objects.insert((name.clone(), modseq), entry);
            self.line.objects = self.line.objects.saturating_sub(1);
        }
    }

    /// Soft-deletes the calendar and all in it.
    pub(super) fn close(&mut self, at_ms: u64) {
        let modseq = self.step();
        let names: Vec<_> = self.all_live().map(|object| object.name.clone()).collect();
        names.iter().for_each(|name| self.bury(name, modseq, at_ms));
        self.deleted_at_ms = Some(at_ms.max(1));
    }

    /// What was put and removed since, by MODSEQ.
    pub(super) fn changes_since(&self, known: SyncToken) -> Vec<Change> {
        let mut changes: Vec<_> = self
            .objects
            .iter()
            .filter_map(|((name, gone), entry)| {
                let (modseq, is_put) = (entry.object.modseq, *gone == LIVE);
                let change = match is_put {
                    true if modseq > known.changed => Change::Put(entry.object.clone()),
                    false if modseq > known.removed && self.is_last(name, *gone) => {
                        Change::Removed(name.clone(), modseq)
                    }
                    _ => return None,
                };
                Some((modseq, change))
            })
            .collect();
        changes.sort_by_key(|(modseq, _)| *modseq);
        changes.into_iter().map(|(_, change)| change).collect()
    }

    /// Whether nothing came under this name after what went at `gone`.
    fn is_last(&self, name: &ResourceName, gone: ModSeq) -> bool {
        let mut of_name = self.objects.keys().filter(|(other, _)| other == name);
        of_name.all(|(_, other)| *other != LIVE && *other <= gone)
    }

    /// What was deleted before, with the moment.
    pub(super) fn buried(&self, before_ms: u64) -> impl Iterator<Item = (u64, &Place)> {
        let buried = self
            .objects
            .iter()
            .filter_map(|(place, entry)| Some((entry.deleted_at_ms?, place)));
        buried.filter(move |(at_ms, _)| *at_ms < before_ms)
    }

    /// Forgets a soft-deleted object; answers its body.
    pub(super) fn collect(&mut self, name: ResourceName, gone: ModSeq) -> Option<ObjectId> {
        if self.is_last(&name, gone) {
            self.removed_floor = self.removed_floor.max(gone);
        }
        let entry = self.objects.remove(&(name, gone));
        entry.map(|entry| entry.object.object)
    }
}
