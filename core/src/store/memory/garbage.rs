//! What the garbage worker asks: rows of what was deleted go for good, then the bodies that nothing names.

use std::ops::Bound;

use crate::store::{Deleted, Failure, GarbageCounts, MailboxId, ObjectId, Reply, Request, Uid, Work};

use super::{Answer, Folder, Store};

impl Store {
    /// Answers a worker.
    pub(super) fn work(&mut self, request: Request) -> Answer {
        Ok(match request {
            Request::TakeLease {
                work,
                owner,
                for_ms,
                at_ms,
            } => self.take_lease(work, owner, for_ms, at_ms),
            Request::CollectMessages { before_ms, limit, .. } => self.collect_messages(before_ms, limit),
            Request::CollectMailboxes { before_ms, limit } => self.collect_mailboxes(before_ms, limit),
            Request::CollectCalendarObjects { before_ms, limit, .. } => {
                Reply::CalendarObjectsCollected(self.collect_calendar_objects(before_ms, limit))
            }
            Request::CollectCalendars { before_ms, limit } => {
                Reply::CalendarsCollected(self.collect_calendars(before_ms, limit))
            }
            Request::ClaimObjects { after, limit } => self.claim_objects(after, limit),
            Request::ForgetObjects { objects } => self.forget_objects(&objects),
            Request::FindObjects { from, to } => self.find_objects(from, to),
            other => return Err(Failure::broken(format!("{} is no work", other.name()))),
        })
    }

    fn take_lease(&mut self, work: Work, owner: [u8; 16], for_ms: u64, at_ms: u64) -> Reply {
        let free = self
            .leases
            .get(&work)
            .is_none_or(|(holder, until_ms)| *holder == owner || *until_ms <= at_ms);
        if free {
            self.leases.insert(work, (owner, at_ms.saturating_add(for_ms)));
        }
        Reply::LeaseTaken(free)
    }

    fn collect_messages(&mut self, before_ms: u64, limit: u32) -> Reply {
        let mut due: Vec<(u64, MailboxId, Uid)> = Vec::new();
        for (id, folder) in &self.folders {
            let buried = folder
                .messages
                .iter()
                .filter_map(|(uid, message)| Some((message.deleted_at_ms?, *id, *uid)));
            due.extend(buried.filter(|(at_ms, ..)| *at_ms < before_ms));
        }
        due.sort_unstable();
        due.truncate(limit as usize);
        for (_, mailbox, uid) in &due {
            let message = self
                .folders
                .get_mut(mailbox)
                .and_then(|folder| folder.collect(*uid));
            if let Some(object) = message.and_then(|message| self.objects.get_mut(&message.object)) {
                object.refs = object.refs.saturating_sub(1);
            }
        }
        Reply::MessagesCollected(count(due.len()))
    }

    fn collect_mailboxes(&mut self, before_ms: u64, limit: u32) -> Reply {
        let mut due: Vec<(u64, MailboxId)> = self
            .folders
            .iter()
            .filter(|(_, folder)| folder.messages.is_empty())
            .filter_map(|(id, folder)| Some((folder.deleted_at_ms?, *id)))
            .filter(|(at_ms, _)| *at_ms < before_ms)
            .collect();
        due.sort_unstable();
        due.truncate(limit as usize);
        for (_, mailbox) in &due {
            self.folders.remove(mailbox);
            self.receipts.retain(|_, receipt| receipt.mailbox != *mailbox);
        }
        Reply::MailboxesCollected(count(due.len()))
    }

    fn claim_objects(&mut self, after: Option<ObjectId>, limit: u32) -> Reply {
        let behind = (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        let unnamed = self
            .objects
            .range_mut(behind)
            .filter(|(_, object)| object.claimed || object.refs == 0);
        let claimed = unnamed.take(limit as usize).map(|(id, object)| {
            object.claimed = true;
            (object.kind, *id)
        });
        let objects: Vec<_> = claimed.collect();
        let last = objects.last().map(|(_, id)| *id);
        let next = last.filter(|_| objects.len() == limit as usize);
        Reply::ObjectsClaimed { objects, next }
    }

    fn forget_objects(&mut self, objects: &[ObjectId]) -> Reply {
        for id in objects {
            if self.objects.get(id).is_some_and(|object| object.claimed) {
                self.objects.remove(id);
            }
        }
        Reply::ObjectsForgotten
    }

    pub(super) fn count_garbage(&self, before_ms: u64) -> Reply {
        let buried = |folder: &'_ Folder| -> Vec<u64> {
            let messages = folder.messages.values();
            messages.filter_map(|message| message.deleted_at_ms).collect()
        };
        let unnamed = self.objects.values().filter(|object| object.refs == 0);
        let claimed = unnamed.clone().filter(|object| object.claimed).count() as u64;
        let (calendar_objects, calendars) = self.count_calendar_garbage(before_ms);
        Reply::GarbageCounted(GarbageCounts {
            messages: Deleted::count(self.folders.values().flat_map(buried), before_ms),
            mailboxes: Deleted::count(
                self.folders.values().filter_map(|folder| folder.deleted_at_ms),
                before_ms,
            ),
            calendar_objects,
            calendars,
            unnamed: unnamed.count() as u64 - claimed,
            claimed,
        })
    }

    fn find_objects(&self, from: ObjectId, to: ObjectId) -> Reply {
        let within = |id: &&ObjectId| (from..=to).contains(*id);
        Reply::ObjectsFound(self.objects.keys().filter(within).copied().collect())
    }
}

fn count(many: usize) -> u32 {
    u32::try_from(many).unwrap_or(u32::MAX)
}
