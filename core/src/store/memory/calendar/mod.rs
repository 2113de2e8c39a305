//! What is asked about calendars.

mod collection;

use crate::machine::ObjectKind;
use crate::store::calendar::{
    CALENDAR_OBJECTS_MAX, CALENDARS_MAX, Calendar, CalendarId, CalendarKey, CalendarObject, CalendarSynced,
    Component, Etag, NewCalendar, NewCalendarObject, Precondition, ResourceName, Span, SyncToken,
};
use crate::store::{
    AccountId, Budget, CalendarReply as Reply, CalendarRequest as Request, Deleted, Failure, ModSeq, Refusal,
};

use super::Store;
pub(super) use collection::Collection;

type Answer = Result<Reply, Failure>;

impl Store {
    pub(super) fn calendar(&mut self, me: AccountId, request: Request) -> Answer {
        match request {
            Request::Create(new) => self.create_calendar(me, new),
            Request::List => Ok(Reply::Listed(self.list_calendars(me))),
            Request::SetProperties { calendar, properties } => {
                self.collection(me, &calendar)?.line.properties = properties;
                Ok(Reply::PropertiesSet)
            }
            Request::Delete { calendar, at_ms } => {
                self.collection(me, &calendar)?.close(at_ms);
                Ok(Reply::Deleted)
            }
            Request::Put(new) => self.put_calendar_object(me, *new),
            Request::Find { calendar, key } => self.find_calendar_object(me, &calendar, &key),
            Request::Objects {
                calendar,
                component,
                range,
                after,
                limit,
            } => {
                let collection = self.collection(me, &calendar)?;
                Ok(list_objects(collection, component, range, after.as_ref(), limit))
            }
            Request::Sync {
                calendar,
                since,
                limit,
            } => self.sync_calendar(me, &calendar, since, limit),
            Request::Remove {
                calendar,
                name,
                precondition,
                at_ms,
            } => self.remove_calendar_object(me, &calendar, &name, precondition, at_ms),
        }
    }

    fn create_calendar(&mut self, me: AccountId, new: NewCalendar) -> Answer {
        self.accounts.get(&me).ok_or(Refusal::NoSuchAccount)?;
        let mine = self.list_calendars(me);
        if mine.iter().any(|calendar| calendar.name == new.name) {
            return Err(Refusal::AlreadyExists.into());
        }
        if mine.len() >= CALENDARS_MAX {
            return Err(Refusal::Limit(Budget::Calendars).into());
        }
        if self.calendars.contains_key(&new.id) {
            return Err(Failure::broken(format!("{:?} is taken", new.id)));
        }
        self.calendars.insert(new.id, Collection::new(me, new));
        Ok(Reply::Created)
    }

    fn list_calendars(&self, me: AccountId) -> Vec<Calendar> {
        let mine = self
            .calendars
            .values()
            .filter(|collection| collection.is_live_of(me));
        let mut lines: Vec<_> = mine.map(|collection| collection.line.clone()).collect();
        lines.sort_by(|a, b| a.name.cmp(&b.name));
        lines
    }

    /// A calendar that was not deleted.
    fn collection(&mut self, me: AccountId, name: &ResourceName) -> Result<&mut Collection, Refusal> {
        let mut mine = self
            .calendars
            .values_mut()
            .filter(|collection| collection.is_live_of(me));
        mine.find(|collection| collection.line.name == *name)
            .ok_or(Refusal::NoSuchCalendar)
    }

    fn put_calendar_object(&mut self, me: AccountId, new: NewCalendarObject) -> Answer {
        let taken = self.objects.contains_key(&new.stored.object);
        let collection = self.collection(me, &new.calendar)?;
        let before = collection.live(&new.name);
        if !new.precondition.holds(before.map(|object| object.etag)) {
            return Err(Refusal::Changed.into());
        }
        let other_uid = before.is_some_and(|object| object.uid != new.uid);
        if other_uid
            || collection
                .all_live()
                .any(|other| other.uid == new.uid && other.name != new.name)
        {
            return Err(Refusal::AlreadyExists.into());
        }
        let created = before.is_none();
        if created && collection.line.objects >= CALENDAR_OBJECTS_MAX as u64 {
            return Err(Refusal::Limit(Budget::CalendarObjects).into());
        }
        if taken {
            return Err(Failure::broken(format!("{:?} is taken", new.stored.object)));
        }
        let modseq = collection.step();
        collection.bury(&new.name, modseq, new.at_ms);
        let etag = Etag::of(&new.stored.sha256);
        collection.put(CalendarObject {
            name: new.name,
            uid: new.uid,
            component: new.component,
            span: new.span,
            etag,
            object: new.stored.object,
            size: new.stored.size,
            modseq,
        });
        self.refer(&new.stored, ObjectKind::Calendar);
        Ok(Reply::Put { etag, created })
    }

    fn find_calendar_object(&mut self, me: AccountId, calendar: &ResourceName, key: &CalendarKey) -> Answer {
        let collection = self.collection(me, calendar)?;
        let found = match key {
            CalendarKey::Name(name) => collection.live(name),
            CalendarKey::Uid(uid) => collection.all_live().find(|object| object.uid == *uid),
        };
        Ok(Reply::Found(found.cloned().ok_or(Refusal::NoSuchObject)?))
    }

    fn sync_calendar(
        &mut self,
        me: AccountId,
        calendar: &ResourceName,
        since: Option<SyncToken>,
        limit: u32,
    ) -> Answer {
        let collection = self.collection(me, calendar)?;
        let now = collection.line.sync_token();
        if since.is_some_and(|since| !since.is_valid(now.calendar, now.changed, collection.removed_floor)) {
            return Err(Refusal::InvalidSyncToken.into());
        }
        let known = since.unwrap_or(SyncToken {
            changed: ModSeq(0),
            ..now
        });
        let changes = collection.changes_since(known);
        Ok(Reply::Synced(CalendarSynced::page(changes, limit, since, now)))
    }

    fn remove_calendar_object(
        &mut self,
        me: AccountId,
        calendar: &ResourceName,
        name: &ResourceName,
        precondition: Precondition,
        at_ms: u64,
    ) -> Answer {
        let collection = self.collection(me, calendar)?;
        let object = collection.live(name).ok_or(Refusal::NoSuchObject)?;
        if !precondition.holds(Some(object.etag)) {
            return Err(Refusal::Changed.into());
        }
        let modseq = collection.step();
        collection.bury(name, modseq, at_ms);
        Ok(Reply::Removed)
    }

    /// Soft-deletes what a deleted account has.
    pub(super) fn close_calendars(&mut self, account: AccountId, at_ms: u64) {
        let mine = self.calendars.values_mut();
        mine.filter(|collection| collection.is_live_of(account))
            .for_each(|collection| collection.close(at_ms));
    }

    pub(super) fn collect_calendar_objects(&mut self, before_ms: u64, limit: u32) -> u32 {
        let mut due: Vec<(u64, CalendarId, ResourceName, ModSeq)> = Vec::new();
        for (id, collection) in &self.calendars {
            let buried = collection.buried(before_ms);
            due.extend(buried.map(|(at_ms, (name, gone))| (at_ms, *id, name.clone(), *gone)));
        }
        due.sort_unstable();
        due.truncate(limit as usize);
        let collected = due.len();
        for (_, calendar, name, gone) in due {
            let collection = self.calendars.get_mut(&calendar);
            let object = collection.and_then(|collection| collection.collect(name, gone));
            if let Some(object) = object.and_then(|object| self.objects.get_mut(&object)) {
                object.refs = object.refs.saturating_sub(1);
            }
        }
        u32::try_from(collected).unwrap_or(u32::MAX)
    }

    /// Objects and calendars that are deleted.
    pub(super) fn count_calendar_garbage(&self, before_ms: u64) -> (Deleted, Deleted) {
        let all = self.calendars.values();
        let objects = all
            .clone()
            .flat_map(|collection| collection.buried(u64::MAX).map(|(at_ms, _)| at_ms));
        let calendars = all.filter_map(|collection| collection.deleted_at_ms);
        (
            Deleted::count(objects, before_ms),
            Deleted::count(calendars, before_ms),
        )
    }

    pub(super) fn collect_calendars(&mut self, before_ms: u64, limit: u32) -> u32 {
        let empty = self
            .calendars
            .iter()
            .filter(|(_, collection)| collection.is_empty());
        let mut due: Vec<_> = empty
            .filter_map(|(id, collection)| Some((collection.deleted_at_ms?, *id)))
            .filter(|(at_ms, _)| *at_ms < before_ms)
            .collect();
        due.sort_unstable();
        due.truncate(limit as usize);
        for (_, calendar) in &due {
            self.calendars.remove(calendar);
        }
        u32::try_from(due.len()).unwrap_or(u32::MAX)
    }
}

fn list_objects(
    collection: &Collection,
    component: Option<Component>,
    range: Option<Span>,
    after: Option<&ResourceName>,
    limit: u32,
) -> Reply {
    let behind = collection
        .all_live()
        .filter(|object| after.is_none_or(|after| object.name > *after));
    let chosen = behind
        .filter(|object| component.is_none_or(|component| object.component == component))
        .filter(|object| range.is_none_or(|range| object.span.overlaps(range)));
    let mut chosen = chosen.cloned().peekable();
    let objects = chosen.by_ref().take(limit as usize).collect();
    Reply::Objects {
        objects,
        more: chosen.peek().is_some(),
    }
}
