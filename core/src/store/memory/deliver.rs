//! APPEND and delivery: new messages with a durable body.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::machine::{ObjectKind, Stored};
use crate::store::{
    AccountId, Appended, Budget, Delivered, DeliveryKey, Failure, Flags, Keywords, MailboxId, MailboxName,
    ModSeq, NewMailbox, NewMessage, Recipient, Refusal, Reply, Row, Uid, UidSet,
};

use super::folder::Message;
use super::{Answer, Load, Object, Receipt, Store};

impl Store {
    pub(super) fn append(
        &mut self,
        me: AccountId,
        name: &MailboxName,
        instead: Option<NewMailbox>,
        messages: &[NewMessage],
        at_ms: u64,
    ) -> Answer {
        let Some(new) = instead else {
            let id = self.find(me, name)?;
            return self.append_to(me, id, messages, at_ms);
        };
        if let Ok(id) = self.find(me, &new.name) {
            return self.append_to(me, id, messages, at_ms);
        }
        self.find(me, &MailboxName::inbox())?;
        // Rare, so it may cost a copy: what is refused makes no mailbox.
        self.check_planting(me, std::slice::from_ref(&new), seconds(at_ms))?;
        let mut tried = self.clone();
        let id = tried.find_or_plant(me, new, seconds(at_ms));
        let reply = tried.append_to(me, id, messages, at_ms)?;
        *self = tried;
        Ok(reply)
    }

    fn append_to(&mut self, me: AccountId, id: MailboxId, messages: &[NewMessage], at_ms: u64) -> Answer {
        if let Some(taken) = messages
            .iter()
            .find(|new| self.objects.contains_key(&new.stored.object))
        {
            return Err(Failure::broken(format!("{:?} is taken", taken.stored.object)));
        }
        let drafts = messages.iter().map(|new| draft_append(new, at_ms));
        let mut drafts = drafts.collect::<Result<Vec<_>, _>>()?;
        let mut load = Load::default();
        drafts.iter().for_each(|draft| load.add(draft.row.size));
        if !self
            .accounts
            .get(&me)
            .is_some_and(|account| account.holds(load.bytes))
        {
            return Err(Refusal::OverQuota.into());
        }
        let folder = self.folder(me, id)?;
        let mut list = folder.keywords.clone();
        for (draft, new) in drafts.iter_mut().zip(messages) {
            draft.row.flags = (new.flags & Flags::SYSTEM) | list.find_or_add_all(&new.keywords)?;
        }
        folder.check_room(drafts.len())?;
        let mut uids = UidSet::default();
        if !drafts.is_empty() {
            folder.keywords = list;
            let modseq = folder.step();
            uids = drafts
                .into_iter()
                .map(|draft| folder.add(modseq, draft).0)
                .collect();
        }
        let uid_validity = folder.line.uid_validity;
        messages
            .iter()
            .for_each(|new| self.refer(&new.stored, ObjectKind::Email));
        self.count(me, load, Load::default());
        Ok(Reply::Appended(Appended {
            mailbox: id,
            uid_validity,
            uids,
        }))
    }

    pub(super) fn deliver(&mut self, stored: &Stored, recipients: &[Recipient], at_ms: u64) -> Answer {
        let claimed = self
            .objects
            .get(&stored.object)
            .is_some_and(|object| object.claimed);
        self.check_new_ids(recipients)?;
        if !claimed {
            return Ok(self.deliver_to(stored, recipients, at_ms));
        }
        // Rare, so it may cost a copy: only a delivery that brings something new is refused, and changes nothing.
        let mut tried = self.clone();
        let reply = tried.deliver_to(stored, recipients, at_ms);
        let is_new = |answer: &Result<Delivered, Refusal>| answer.is_ok_and(|delivered| !delivered.repeated);
        match &reply {
            Reply::Delivered(answers) if answers.iter().any(is_new) => {
                Err(Failure::broken(format!("{:?} is being deleted", stored.object)))
            }
            _ => Ok(reply),
        }
    }

    fn deliver_to(&mut self, stored: &Stored, recipients: &[Recipient], at_ms: u64) -> Reply {
        let index = encoded(stored);
        let mut steps = BTreeMap::new();
        let answers = recipients.iter().map(|recipient| {
            if let Some(delivered) = self.delivered_before(&recipient.key) {
                return Ok(delivered);
            }
            self.live_folder(recipient.account, recipient.mailbox)?;
            let draft = draft_delivery(stored, recipient, index.clone(), at_ms)?;
            self.deliver_one(recipient, draft, at_ms, &mut steps)
                .inspect(|_| self.refer(stored, ObjectKind::Email))
        });
        Reply::Delivered(answers.collect())
    }

    /// What an earlier delivery with the same key brought, in this envelope or an earlier try of it.
    pub(super) fn delivered_before(&self, key: &DeliveryKey) -> Option<Delivered> {
        let receipt = self.receipts.get(key)?;
        let folder = self.folders.get(&receipt.mailbox)?;
        Some(Delivered {
            uid_validity: folder.line.uid_validity,
            uid: receipt.uid,
            repeated: true,
        })
    }

    /// Whether nobody has the ids of the mailboxes that are to be made.
    fn check_new_ids(&self, recipients: &[Recipient]) -> Result<(), Failure> {
        let instead = |recipient: &Recipient| {
            let new = recipient.instead.clone();
            new.filter(|new| self.find(recipient.account, &new.name).is_err())
        };
        self.check_ids(&recipients.iter().filter_map(instead).collect::<Vec<_>>())
    }

    fn deliver_one(
        &mut self,
        recipient: &Recipient,
        mut draft: Message,
        at_ms: u64,
        steps: &mut BTreeMap<MailboxId, ModSeq>,
    ) -> Result<Delivered, Refusal> {
        let size = draft.row.size;
        if !self
            .accounts
            .get(&recipient.account)
            .is_some_and(|account| account.holds(u64::from(size)))
        {
            return Err(Refusal::OverQuota);
        }
        let mailbox = self.destination(recipient, at_ms)?;
        let folder = self.live_folder(recipient.account, mailbox)?;
        let mut list = folder.keywords.clone();
        draft.row.flags = list.find_or_add_all(&recipient.keywords)?;
        folder.check_room(1)?;
        folder.keywords = list;
        let modseq = *steps.entry(mailbox).or_insert_with(|| folder.step());
        let uid = folder.add(modseq, draft);
        let uid_validity = folder.line.uid_validity;
        self.receipts.insert(recipient.key, Receipt { mailbox, uid });
        self.count(
            recipient.account,
            Load {
                msgs: 1,
                bytes: u64::from(size),
            },
            Load::default(),
        );
        Ok(Delivered {
            uid_validity,
            uid,
            repeated: false,
        })
    }

    /// Where the message of a recipient goes. A mailbox that is made has room for it, so nothing is made for a message that is refused.
    fn destination(&mut self, recipient: &Recipient, at_ms: u64) -> Result<MailboxId, Refusal> {
        let Some(new) = &recipient.instead else {
            return Ok(recipient.mailbox);
        };
        let (me, at_s) = (recipient.account, seconds(at_ms));
        self.check_instead(me, new, at_s)?;
        if self.find(me, &new.name).is_err() {
            // More keywords than a mailbox has.
            Keywords::default().find_or_add_all(&recipient.keywords)?;
        }
        Ok(self.find_or_plant(me, new.clone(), at_s))
    }

    /// Counts one row more with this body.
    pub(super) fn refer(&mut self, stored: &Stored, kind: ObjectKind) {
        let new = || Object {
            kind,
            size: stored.size,
            sha256: stored.sha256,
            refs: 0,
            claimed: false,
        };
        self.objects.entry(stored.object).or_insert_with(new).refs += 1;
    }
}

fn encoded(stored: &Stored) -> Bytes {
    stored.index.encode()
}

pub(super) fn draft_append(new: &NewMessage, at_ms: u64) -> Result<Message, Refusal> {
    let row = draft_row(&new.stored, 0, new.internal_date_s)?;
    Ok(Message {
        row,
        object: new.stored.object,
        object_size: new.stored.size,
        head: Bytes::new(),
        index: encoded(&new.stored),
        email_id: new.email_id,
        save_date_s: seconds(at_ms),
        deleted_at_ms: None,
    })
}

fn draft_delivery(
    stored: &Stored,
    recipient: &Recipient,
    index: Bytes,
    at_ms: u64,
) -> Result<Message, Refusal> {
    Ok(Message {
        row: draft_row(stored, recipient.head.len(), seconds(at_ms))?,
        object: stored.object,
        object_size: stored.size,
        head: recipient.head.clone(),
        index,
        email_id: recipient.email_id,
        save_date_s: seconds(at_ms),
        deleted_at_ms: None,
    })
}

/// The row of a new message; UID and MODSEQ follow. Errors: `Limit(MessageSize)` where 32 bits do not hold the size.
fn draft_row(stored: &Stored, head: usize, internal_date_s: i64) -> Result<Row, Refusal> {
    let size = u64::try_from(head)
        .unwrap_or(u64::MAX)
        .saturating_add(stored.size);
    Ok(Row {
        uid: Uid(0),
        size: u32::try_from(size).map_err(|_| Refusal::Limit(Budget::MessageSize))?,
        flags: Flags::NONE,
        modseq: ModSeq(0),
        internal_date_s,
        sent_date_s: stored.index.summary.sent_s.unwrap_or(internal_date_s),
    })
}

pub(super) fn seconds(at_ms: u64) -> i64 {
    i64::try_from(at_ms / 1000).unwrap_or(i64::MAX)
}
