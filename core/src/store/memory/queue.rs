//! The outbound queue: entries come with deliveries, are claimed, settled, and told to an operator.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::ops::Bound;

use bytes::Bytes;

use crate::machine::{ObjectKind, Stored};
use crate::store::queue::{
    MailOptions, NewReport, Outbound, QueueChange, QueueEntry, QueueFate, QueueFilter, QueueId, QueueLine,
    QueuePage, QueueSelection, QueueState, Settled, clipped,
};
use crate::store::{AccountId, Delivered, Failure, ObjectId, QueueReply, QueueRequest, Refusal, Reply};

use super::{Receipt, Store};

/// One recipient of a message on its way out.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    account: Option<AccountId>,
    sender: String,
    recipient: String,
    domain: String,
    head: Bytes,
    options: MailOptions,
    pub(super) object: ObjectId,
    pub(super) object_size: u64,
    sha256: [u8; 32],
    held: bool,
    owner: Option<[u8; 16]>,
    /// When it may be claimed: its next try, or when the claim is over; 0: at once.
    next_ms: u64,
    attempts: u32,
    created_ms: u64,
    expires_ms: u64,
    told_delay: bool,
    last_error: String,
}

impl Store {
    pub(super) fn queue(&mut self, request: QueueRequest) -> Result<QueueReply, Failure> {
        Ok(match request {
            QueueRequest::Claim {
                owner,
                for_ms,
                limit,
                at_ms,
            } => QueueReply::Claimed(self.claim_queue(owner, for_ms, limit, at_ms)),
            QueueRequest::Settle {
                owner,
                settled,
                report,
                at_ms,
            } => return self.settle_queue(owner, &settled, report, at_ms),
            QueueRequest::Renew {
                owner,
                ids,
                for_ms,
                at_ms,
            } => QueueReply::Renewed(self.renew_queue(owner, &ids, for_ms, at_ms)),
            QueueRequest::NextDue { at_ms } => {
                let waiting = self.queue.values().filter(|entry| !entry.held);
                let next_ms = waiting.map(|entry| entry.next_ms).min();
                QueueReply::NextDue(next_ms.map(|next_ms| next_ms.saturating_sub(at_ms)))
            }
            QueueRequest::List(page) => {
                let lines = self.page(&page).map(|(id, entry)| entry.line(*id));
                QueueReply::Lines(lines.collect())
            }
            QueueRequest::Change { which, change, .. } => self.change_queue(&which, change),
        })
    }

    /// Errors: `Broken` if the id of an entry that is to be made is taken.
    pub(super) fn check_queue_ids(&self, outbound: &[Outbound]) -> Result<(), Failure> {
        let (mut keys, mut ids) = (BTreeSet::new(), BTreeSet::new());
        let mut new = outbound
            .iter()
            .filter(|one| !self.has_queued(one) && keys.insert(one.key));
        match new.find(|one| self.queue.contains_key(&one.id) || !ids.insert(one.id)) {
            Some(taken) => Err(Failure::broken(format!("{:?} is taken", taken.id))),
            None => Ok(()),
        }
    }

    fn has_queued(&self, outbound: &Outbound) -> bool {
        self.receipts.get(&outbound.key) == Some(&Receipt::QUEUED)
    }

    /// Answers how many entries are new.
    pub(super) fn enqueue(&mut self, stored: &Stored, outbound: &[Outbound], at_ms: u64) -> usize {
        let before = self.queue.len();
        for one in outbound {
            if self.has_queued(one) {
                continue;
            }
            self.receipts.insert(one.key, Receipt::QUEUED);
            self.queue.insert(one.id, Entry::new(stored, one, at_ms));
            self.refer(stored, ObjectKind::Email);
        }
        self.queue.len() - before
    }

    fn claim_queue(&mut self, owner: [u8; 16], for_ms: u64, limit: u32, at_ms: u64) -> Vec<QueueEntry> {
        let is_due = |entry: &Entry| !entry.held && entry.next_ms <= at_ms;
        let mut due: Vec<_> = self.queue.iter_mut().filter(|(_, entry)| is_due(entry)).collect();
        due.sort_by_key(|(id, entry)| (Reverse(entry.options.priority), entry.next_ms, **id));
        let claimed = due.into_iter().take(limit as usize).map(|(id, entry)| {
            entry.owner = Some(owner);
            entry.next_ms = at_ms.saturating_add(for_ms);
            entry.claimed(*id)
        });
        claimed.collect()
    }

    fn settle_queue(
        &mut self,
        owner: [u8; 16],
        settled: &[Settled],
        report: Option<Box<NewReport>>,
        at_ms: u64,
    ) -> Result<QueueReply, Failure> {
        let mut seen = BTreeSet::new();
        let (kept, lost): (Vec<_>, Vec<_>) = settled
            .iter()
            .partition(|one| seen.insert(one.id) && self.is_owned(one.id, owner));
        let lost: Vec<_> = lost.into_iter().map(|one| one.id).collect();
        if report.is_some() && !lost.is_empty() {
            let reported = Vec::new();
            return Ok(QueueReply::Settled { lost, reported });
        }
        let reported = match report {
            Some(report) => self.report(&report, at_ms)?,
            None => Vec::new(),
        };
        kept.into_iter().for_each(|one| self.settle_one(one));
        Ok(QueueReply::Settled { lost, reported })
    }

    fn report(&mut self, report: &NewReport, at_ms: u64) -> Result<Vec<Result<Delivered, Refusal>>, Failure> {
        match self.deliver(&report.stored, &report.recipients, &report.outbound, at_ms)? {
            Reply::Delivered(answers) => Ok(answers),
            other => Err(Failure::broken(format!("a delivery was answered {other:?}"))),
        }
    }

    fn is_owned(&self, id: QueueId, owner: [u8; 16]) -> bool {
        self.queue
            .get(&id)
            .is_some_and(|entry| entry.owner == Some(owner))
    }

    fn settle_one(&mut self, settled: &Settled) {
        if settled.fate == QueueFate::Gone {
            return self.remove_from_queue(settled.id);
        }
        let Some(entry) = self.queue.get_mut(&settled.id) else {
            return;
        };
        entry.owner = None;
        entry.attempts += 1;
        match &settled.fate {
            QueueFate::Gone => {}
            QueueFate::Later {
                next_ms,
                error,
                told_delay,
            } => {
                entry.next_ms = *next_ms;
                entry.last_error = clipped(error).to_owned();
                entry.told_delay = *told_delay;
            }
            QueueFate::Held { error } => {
                entry.held = true;
                entry.next_ms = 0;
                entry.last_error = clipped(error).to_owned();
            }
        }
    }

    fn remove_from_queue(&mut self, id: QueueId) {
        let object = self.queue.remove(&id).map(|entry| entry.object);
        if let Some(object) = object.and_then(|object| self.objects.get_mut(&object)) {
            object.refs = object.refs.saturating_sub(1);
        }
    }

    fn renew_queue(&mut self, owner: [u8; 16], ids: &[QueueId], for_ms: u64, at_ms: u64) -> Vec<QueueId> {
        let owned = ids.iter().copied().filter(|id| self.is_owned(*id, owner));
        let owned: Vec<_> = owned.collect();
        for id in &owned {
            if let Some(entry) = self.queue.get_mut(id) {
                (entry.owner, entry.next_ms) = match for_ms {
                    0 => (None, 0),
                    _ => (Some(owner), at_ms.saturating_add(for_ms)),
                };
            }
        }
        owned
    }

    fn page(&self, page: &QueuePage) -> impl Iterator<Item = (&QueueId, &Entry)> {
        let after = page.after.map_or(Bound::Unbounded, Bound::Excluded);
        let behind = self.queue.range((after, Bound::Unbounded));
        let filter = page.filter.clone();
        behind
            .filter(move |(_, entry)| entry.fits(&filter))
            .take(page.limit as usize)
    }

    fn change_queue(&mut self, which: &QueueSelection, change: QueueChange) -> QueueReply {
        let (ids, limit): (BTreeSet<_>, _) = match which {
            QueueSelection::Ids(ids) => (ids.iter().copied().collect(), None),
            QueueSelection::Page(page) => (self.page(page).map(|(id, _)| *id).collect(), Some(page.limit)),
        };
        let next = ids.last().copied();
        let next = next.filter(|_| limit.is_some_and(|limit| ids.len() == limit as usize));
        let changed = ids.into_iter().filter(|id| self.change_one(*id, change)).count();
        QueueReply::Changed {
            many: u32::try_from(changed).unwrap_or(u32::MAX),
            next,
        }
    }

    /// Answers whether there was something to do.
    fn change_one(&mut self, id: QueueId, change: QueueChange) -> bool {
        let Some(entry) = self.queue.get_mut(&id) else {
            return false;
        };
        let state = entry.state();
        match change {
            QueueChange::Retry if state == QueueState::Waiting => entry.next_ms = 0,
            QueueChange::Hold if state != QueueState::Held => entry.held = true,
            QueueChange::Release if state == QueueState::Held => {
                entry.held = false;
                if entry.owner.is_none() {
                    entry.next_ms = 0;
                }
            }
            QueueChange::Delete => self.remove_from_queue(id),
            _ => return false,
        }
        true
    }
}

impl Entry {
    fn new(stored: &Stored, outbound: &Outbound, at_ms: u64) -> Self {
        Self {
            account: outbound.account,
            sender: outbound.sender.clone(),
            recipient: outbound.recipient.clone(),
            domain: outbound.domain.clone(),
            head: outbound.head.clone(),
            options: outbound.options.clone(),
            object: stored.object,
            object_size: stored.size,
            sha256: stored.sha256,
            held: false,
            owner: None,
            next_ms: outbound.due_ms,
            attempts: 0,
            created_ms: at_ms,
            expires_ms: outbound.expires_ms,
            told_delay: false,
            last_error: String::new(),
        }
    }

    fn state(&self) -> QueueState {
        match (self.held, self.owner) {
            (true, _) => QueueState::Held,
            (false, Some(_)) => QueueState::Claimed,
            (false, None) => QueueState::Waiting,
        }
    }

    fn fits(&self, filter: &QueueFilter) -> bool {
        let QueueFilter {
            domain,
            sender,
            state,
        } = filter;
        domain.as_ref().is_none_or(|domain| *domain == self.domain)
            && sender.as_ref().is_none_or(|sender| *sender == self.sender)
            && state.is_none_or(|state| state == self.state())
    }

    fn claimed(&self, id: QueueId) -> QueueEntry {
        QueueEntry {
            id,
            account: self.account,
            sender: self.sender.clone(),
            recipient: self.recipient.clone(),
            domain: self.domain.clone(),
            head: self.head.clone(),
            options: self.options.clone(),
            object: self.object,
            object_size: self.object_size,
            sha256: self.sha256,
            attempts: self.attempts,
            created_ms: self.created_ms,
            expires_ms: self.expires_ms,
            told_delay: self.told_delay,
            last_error: self.last_error.clone(),
        }
    }

    fn line(&self, id: QueueId) -> QueueLine {
        QueueLine {
            id,
            state: self.state(),
            account: self.account,
            sender: self.sender.clone(),
            recipient: self.recipient.clone(),
            domain: self.domain.clone(),
            object: self.object,
            size: self.object_size.saturating_add(self.head.len() as u64),
            priority: self.options.priority,
            attempts: self.attempts,
            created_ms: self.created_ms,
            next_ms: self.next_ms,
            expires_ms: self.expires_ms,
            last_error: self.last_error.clone(),
        }
    }
}
