//! COPY and MOVE, and the moving part of RENAME INBOX: rows are copied, bodies are shared.

use crate::store::{
    AccountId, Copied, DeliveryKey, Flags, Keyword, MailboxId, MailboxName, ModSeq, Refusal, Reply, Uid,
    UidSet,
};

use super::deliver::seconds;
use super::folder::Message;
use super::{Answer, Load, Receipt, Store};

/// From where to where, and how.
pub(super) struct Trip {
    pub(super) from: MailboxId,
    pub(super) whole: bool,
    pub(super) to: MailboxName,
    pub(super) moving: bool,
    pub(super) key: DeliveryKey,
    pub(super) at_ms: u64,
    pub(super) since: ModSeq,
}

/// What a transfer did.
pub(super) struct Transferred {
    target: UidSet,
    modseq: ModSeq,
}

impl Store {
    pub(super) fn copy(&mut self, me: AccountId, trip: &Trip, uids: &UidSet) -> Answer {
        let to = self.find(me, &trip.to)?;
        let done_before = self.receipts.contains_key(&trip.key);
        let live: UidSet = self
            .folder(me, trip.from)?
            .live_in(uids)
            .map(|message| message.row.uid.0)
            .collect();
        if trip.whole && !done_before && live.len() < uids.len() {
            return Err(Refusal::Gone.into());
        }
        let source = if done_before { UidSet::default() } else { live };
        let mut target = UidSet::default();
        if !source.is_empty() {
            let copies = self.translated(me, trip, to, &source)?;
            let load = load(&copies);
            let transferred = self.transfer(to, copies);
            let first = transferred.target.min().unwrap_or_default();
            self.receipts.insert(
                trip.key,
                Receipt {
                    mailbox: to,
                    uid: Uid(first),
                },
            );
            self.count(me, load, Load::default());
            if trip.moving {
                let shared = (to == trip.from).then_some(transferred.modseq);
                let buried = self.bury_moved(trip.from, &source, shared, trip.at_ms);
                self.count(me, Load::default(), buried);
            }
            target = transferred.target;
        }
        let uid_validity = self.folder(me, to)?.line.uid_validity;
        let from = self.folder(me, trip.from)?;
        let refreshed = trip.moving.then(|| from.refreshed_and_claimed(trip.since));
        Ok(Reply::Copied(Copied {
            uid_validity,
            source,
            target,
            refreshed,
        }))
    }

    /// The copies with their keywords in the bits of the target, whose list has grown by those it lacked.
    /// Errors: `OverQuota`, `Limit`; then nothing has changed.
    fn translated(
        &mut self,
        me: AccountId,
        trip: &Trip,
        to: MailboxId,
        source: &UidSet,
    ) -> Result<Vec<Message>, Refusal> {
        let mut copies = self.draft_copies(trip.from, source, trip.at_ms);
        let holds = self
            .accounts
            .get(&me)
            .is_some_and(|account| account.holds(load(&copies).bytes));
        if !trip.moving && !holds {
            return Err(Refusal::OverQuota);
        }
        let from_list = self.folder(me, trip.from)?.keywords.clone();
        self.folder(me, trip.from)?.check_modseq()?;
        let target = self.folder(me, to)?;
        let mut to_list = target.keywords.clone();
        let used = copies
            .iter()
            .fold(Flags::NONE, |used, copy| used | copy.row.flags);
        let wanted: Vec<_> = from_list.of(used).filter_map(Keyword::new).collect();
        to_list.find_or_add_all(&wanted)?;
        target.check_room(copies.len())?;
        copies
            .iter_mut()
            .for_each(|copy| copy.row.flags = to_list.translate(copy.row.flags, &from_list));
        target.keywords = to_list;
        Ok(copies)
    }

    /// Copies of some live messages, by UID, saved now; UID and MODSEQ are still those of the source.
    pub(super) fn draft_copies(&self, from: MailboxId, uids: &UidSet, at_ms: u64) -> Vec<Message> {
        let messages = self
            .folders
            .get(&from)
            .into_iter()
            .flat_map(|folder| folder.live_in(uids));
        let copy = |message: &Message| Message {
            save_date_s: seconds(at_ms),
            ..message.clone()
        };
        messages.map(copy).collect()
    }

    /// Adds copies to a mailbox and counts the bodies' references. Without copies nothing happens.
    /// The same; the new UIDs.
    pub(super) fn transfer_all(&mut self, to: MailboxId, copies: Vec<Message>) -> UidSet {
        self.transfer(to, copies).target
    }

    pub(super) fn transfer(&mut self, to: MailboxId, copies: Vec<Message>) -> Transferred {
        let mut done = Transferred {
            target: UidSet::default(),
            modseq: ModSeq(0),
        };
        if copies.is_empty() {
            return done;
        }
        for copy in &copies {
            if let Some(object) = self.objects.get_mut(&copy.object) {
                object.refs += 1;
            }
        }
        if let Some(folder) = self.folders.get_mut(&to) {
            done.modseq = folder.step();
            done.target = copies
                .into_iter()
                .map(|copy| folder.add(done.modseq, copy).0)
                .collect();
        }
        done
    }

    /// Soft-deletes what has moved. `shared`: the MODSEQ of the same command in the same mailbox, if it is the target too.
    pub(super) fn bury_moved(
        &mut self,
        from: MailboxId,
        uids: &UidSet,
        shared: Option<ModSeq>,
        at_ms: u64,
    ) -> Load {
        match self.folders.get_mut(&from) {
            Some(folder) if !uids.is_empty() => {
                let modseq = shared.unwrap_or_else(|| folder.step());
                folder.bury(uids, modseq, at_ms)
            }
            _ => Load::default(),
        }
    }
}

fn load(messages: &[Message]) -> Load {
    let mut load = Load::default();
    messages.iter().for_each(|message| load.add(message.row.size));
    load
}
