//! A mailbox with its messages: how UIDs, MODSEQs and counters move. Knows no account and no other mailbox.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;

use crate::store::{
    AccountId, Budget, Flag, Flags, Keywords, Mailbox, ModSeq, NewMailbox, ObjectId, Refreshed, Refusal, Row,
    Status, UID_MAX, Uid, UidSet, View,
};

use super::Load;

/// The last MODSEQ there can be (RFC 7162, 3.1).
const MODSEQ_MAX: u64 = i64::MAX as u64;

#[derive(Clone, Debug)]
pub(super) struct Folder {
    pub(super) account: AccountId,
    pub(super) line: Mailbox,
    pub(super) keywords: Keywords,
    /// A deleted mailbox stays, for the sessions that have it selected.
    pub(super) deleted_at_ms: Option<u64>,
    /// All messages, soft-deleted ones too.
    pub(super) messages: BTreeMap<Uid, Message>,
    /// UIDs of messages whose rows are gone, by the MODSEQ under which they were expunged.
    pub(super) gone: BTreeMap<ModSeq, UidSet>,
}

#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) row: Row,
    pub(super) object: ObjectId,
    pub(super) object_size: u64,
    pub(super) head: Bytes,
    pub(super) index: Bytes,
    pub(super) email_id: [u8; 16],
    /// When it came into this mailbox, in seconds since 1970.
    pub(super) save_date_s: i64,
    /// When it was expunged, in milliseconds since 1970.
    pub(super) deleted_at_ms: Option<u64>,
}

impl Message {
    pub(super) fn is_live(&self) -> bool {
        self.deleted_at_ms.is_none()
    }
}

impl Folder {
    pub(super) fn new(account: AccountId, new: NewMailbox, uid_validity: u32) -> Self {
        Self {
            account,
            line: Mailbox::fresh(&new, uid_validity),
            keywords: Keywords::default(),
            deleted_at_ms: None,
            messages: BTreeMap::new(),
            gone: BTreeMap::new(),
        }
    }

    /// Its row with what STATUS counts.
    pub(super) fn status(&self, recent: bool) -> Status {
        let is_recent = |message: &&Message| message.row.uid >= self.line.recent_from;
        Status {
            mailbox: self.line.clone(),
            recent: if recent {
                self.live().filter(is_recent).count() as u64
            } else {
                0
            },
        }
    }

    pub(super) fn live(&self) -> impl Iterator<Item = &Message> {
        self.messages.values().filter(|message| message.is_live())
    }

    /// The live messages among `uids`, ascending.
    pub(super) fn live_in(&self, uids: &UidSet) -> impl Iterator<Item = &Message> {
        self.live().filter(|message| uids.contains(message.row.uid.0))
    }

    /// Whether so many messages can still be added. Errors: `Limit(Uids)`.
    pub(super) fn check_room(&self, msgs: usize) -> Result<(), Refusal> {
        let msgs = u64::try_from(msgs).unwrap_or(u64::MAX);
        let fits = u64::from(self.line.uid_next.0).saturating_add(msgs) <= u64::from(UID_MAX.0) + 1;
        if fits {
            self.check_modseq()
        } else {
            Err(Refusal::Limit(Budget::Uids))
        }
    }

    /// Whether there is another MODSEQ. Errors: `Limit(Uids)`.
    pub(super) fn check_modseq(&self) -> Result<(), Refusal> {
        let left = self.line.highest_modseq.0 < MODSEQ_MAX;
        left.then_some(()).ok_or(Refusal::Limit(Budget::Uids))
    }

    /// The one MODSEQ of the command that changes this mailbox now.
    pub(super) fn step(&mut self) -> ModSeq {
        self.line.highest_modseq.0 = self.line.highest_modseq.0.saturating_add(1);
        self.line.highest_modseq
    }

    /// Takes in a message under the next UID.
    pub(super) fn add(&mut self, modseq: ModSeq, mut message: Message) -> Uid {
        let uid = self.line.uid_next;
        message.row.uid = uid;
        message.row.modseq = modseq;
        self.line.uid_next.0 = uid.0.saturating_add(1);
        self.line.msgs += 1;
        self.line.bytes += u64::from(message.row.size);
        self.line.unseen += u64::from(!message.row.flags.has(Flag::Seen));
        self.messages.insert(uid, message);
        uid
    }

    /// Soft-deletes the live messages among `uids` and counts them.
    pub(super) fn bury(&mut self, uids: &UidSet, modseq: ModSeq, at_ms: u64) -> Load {
        let mut buried = Load::default();
        for message in self.messages.values_mut().filter(|message| message.is_live()) {
            if uids.contains(message.row.uid.0) {
                message.deleted_at_ms = Some(at_ms.max(1));
                message.row.modseq = modseq;
                buried.add(message.row.size);
                self.line.unseen = self
                    .line
                    .unseen
                    .saturating_sub(u64::from(!message.row.flags.has(Flag::Seen)));
            }
        }
        self.line.msgs = self.line.msgs.saturating_sub(buried.msgs);
        self.line.bytes = self.line.bytes.saturating_sub(buried.bytes);
        buried
    }

    /// Gives a message other flags.
    pub(super) fn set_flags(&mut self, uid: Uid, flags: Flags, modseq: ModSeq) {
        if let Some(message) = self.messages.get_mut(&uid) {
            let (was, is) = (message.row.flags.has(Flag::Seen), flags.has(Flag::Seen));
            self.line.unseen =
                (self.line.unseen + u64::from(was && !is)).saturating_sub(u64::from(!was && is));
            message.row.flags = flags;
            message.row.modseq = modseq;
        }
    }

    /// Whether this UID was expunged and its row is gone.
    pub(super) fn has_gone(&self, uid: Uid) -> bool {
        self.gone.values().any(|uids| uids.contains(uid.0))
    }

    /// Removes the row of a soft-deleted message; its UID is remembered.
    pub(super) fn collect(&mut self, uid: Uid) -> Option<Message> {
        let message = self.messages.remove(&uid)?;
        self.gone.entry(message.row.modseq).or_default().insert(uid.0);
        Some(message)
    }

    /// Makes the messages up to now recent in no later session; answers the first that was not claimed before.
    pub(super) fn claim_recent(&mut self) -> Uid {
        std::mem::replace(&mut self.line.recent_from, self.line.uid_next)
    }

    pub(super) fn view(&self) -> Arc<View> {
        let mut view = View::empty(self.line.id, self.line.uid_validity);
        view.uid_next = self.line.uid_next;
        view.highest_modseq = self.line.highest_modseq;
        view.keywords = self.keywords.clone();
        Arc::new(view.with_rows(self.live().map(|message| message.row)))
    }

    pub(super) fn refreshed(&self, since: ModSeq, recent_from: Uid) -> Refreshed {
        let newer = || {
            self.messages
                .values()
                .filter(|message| message.row.modseq > since)
        };
        let uids = |live: bool| {
            newer()
                .filter(move |message| message.is_live() == live)
                .map(|message| message.row.uid.0)
        };
        Refreshed {
            view: self.view(),
            changed: uids(true).collect(),
            vanished: self.gone_since(since).union(&uids(false).collect()),
            recent_from,
        }
    }

    /// UIDs whose rows are gone: whole runs of them, where one of a run was expunged since. A storage remembers runs, with the last
    /// MODSEQ of each.
    fn gone_since(&self, since: ModSeq) -> UidSet {
        let all = self
            .gone
            .values()
            .fold(UidSet::new(), |all, uids| all.union(uids));
        let newer: Vec<_> = self
            .gone
            .range((Bound::Excluded(since), Bound::Unbounded))
            .collect();
        let mut told = UidSet::new();
        for run in all.ranges() {
            if newer
                .iter()
                .any(|(_, uids)| uids.intersects(*run.start(), *run.end()))
            {
                told.insert_range(run);
            }
        }
        told
    }

    /// What a command that changed this mailbox tells its session: it has selected the mailbox, so it claims what is recent.
    pub(super) fn refreshed_and_claimed(&mut self, since: ModSeq) -> Refreshed {
        let recent_from = self.claim_recent();
        self.refreshed(since, recent_from)
    }
}
