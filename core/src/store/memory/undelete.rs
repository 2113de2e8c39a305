//! Undelete: new rows for messages that were deleted.

use std::collections::BTreeSet;

use crate::store::{
    AccountId, DeletedMessage, Fate, FindDeleted, Flag, Flags, Keyword, Keywords, MailboxId, ObjectId,
    Refusal, Reply, Uid, UidSet, Undelete, Undeleted,
};

use super::deliver::seconds;
use super::folder::{Folder, Message};
use super::{Answer, Load, Store};

/// What makes two rows the same message.
type Identity = (ObjectId, [u8; 16]);

/// A deleted message's place in the order of deletion.
type Grave = (u64, MailboxId, Uid);

impl Store {
    pub(super) fn find_deleted(&self, wanted: &FindDeleted) -> Answer {
        self.check_account(wanted.account)?;
        let after = |folder: &&Folder, message: &&Message| {
            wanted
                .after
                .is_none_or(|after| (folder.line.id, message.row.uid) > after)
        };
        let found = self
            .deleted(wanted)
            .filter(|(folder, message, _)| after(folder, message))
            .map(|(folder, message, grave)| DeletedMessage {
                mailbox: folder.line.id,
                name: folder.line.name.clone(),
                uid: message.row.uid,
                deleted_at_ms: grave.0,
                internal_date_s: message.row.internal_date_s,
                size: message.row.size,
                fate: self.fate(wanted, message, grave),
            });
        Ok(Reply::DeletedFound(found.take(wanted.limit as usize).collect()))
    }

    /// The deleted messages that are asked for, on whatever page, by mailbox and UID.
    fn deleted<'a>(
        &'a self,
        wanted: &'a FindDeleted,
    ) -> impl Iterator<Item = (&'a Folder, &'a Message, Grave)> {
        self.folders_of(wanted.account)
            .filter(|folder| {
                wanted
                    .mailbox
                    .as_ref()
                    .is_none_or(|name| folder.line.name == *name)
            })
            .flat_map(|folder| folder.messages.values().map(move |message| (folder, message)))
            .filter_map(|(folder, message)| {
                let deleted_at_ms = message.deleted_at_ms?;
                let grave = (deleted_at_ms, folder.line.id, message.row.uid);
                let within = (wanted.from_ms..wanted.before_ms).contains(&deleted_at_ms);
                within.then_some((folder, message, grave))
            })
    }

    fn fate(&self, wanted: &FindDeleted, message: &Message, grave: Grave) -> Fate {
        let later =
            |(_, other, its): (&Folder, &Message, Grave)| identity(other) == identity(message) && its > grave;
        if self.lives(wanted.account, identity(message)) {
            Fate::Lives
        } else if self.deleted(wanted).any(later) {
            Fate::Later
        } else {
            Fate::Restorable
        }
    }

    fn folders_of(&self, account: AccountId) -> impl Iterator<Item = &Folder> {
        self.folders
            .values()
            .filter(move |folder| folder.account == account)
    }

    /// Whether a message lives in a mailbox of the account.
    fn lives(&self, account: AccountId, wanted: Identity) -> bool {
        self.folders_of(account)
            .flat_map(Folder::live)
            .any(|message| identity(message) == wanted)
    }

    pub(super) fn undelete(&mut self, wanted: &Undelete) -> Answer {
        let me = wanted.account;
        self.check_account(me)?;
        let (rows, from_list) = {
            let from = self.folder(me, wanted.from)?;
            let rows = from
                .messages
                .values()
                .filter(|message| wanted.uids.contains(message.row.uid.0));
            (rows.cloned().collect::<Vec<_>>(), from.keywords.clone())
        };
        let to = self.find(me, &wanted.to)?;
        let seen: UidSet = rows.iter().map(|message| message.row.uid.0).collect();
        let mut done = Undeleted {
            gone: wanted.uids.difference(&seen),
            ..Undeleted::default()
        };
        let (mut drafts, load) = self.sort_out(me, rows, &mut done);
        let folder = self.folder(me, to)?;
        done.uid_validity = folder.line.uid_validity;
        if !drafts.is_empty() {
            folder.keywords = grown(&folder.keywords, &from_list, &drafts, folder)?;
            let list = folder.keywords.clone();
            drafts.iter_mut().for_each(|draft| {
                draft.row.flags = list.translate(draft.row.flags, &from_list) & !Flags::from(Flag::Deleted);
                draft.save_date_s = seconds(wanted.at_ms);
                draft.deleted_at_ms = None;
            });
            done.target = self.transfer_all(to, drafts);
            self.count(me, load, Load::default());
        }
        Ok(Reply::Undeleted(done))
    }

    /// Those of the rows that come back; why the others do not is told in `done`.
    fn sort_out(&self, me: AccountId, rows: Vec<Message>, done: &mut Undeleted) -> (Vec<Message>, Load) {
        let (mut drafts, mut load, mut taken) = (Vec::new(), Load::default(), BTreeSet::new());
        for message in rows {
            let uid = message.row.uid.0;
            let bytes = load.bytes + u64::from(message.row.size);
            if self.lives(me, identity(&message)) || taken.contains(&identity(&message)) {
                done.lives.insert(uid);
            } else if !self.accounts.get(&me).is_some_and(|account| account.holds(bytes)) {
                done.over_quota.insert(uid);
            } else {
                done.restored.insert(uid);
                load.add(message.row.size);
                taken.insert(identity(&message));
                drafts.push(message);
            }
        }
        (drafts, load)
    }
}

/// The target's keywords with those that it lacks. Errors: `Limit(Keywords)`, `Limit(Uids)`; nothing has changed.
fn grown(list: &Keywords, from: &Keywords, drafts: &[Message], folder: &Folder) -> Result<Keywords, Refusal> {
    let used = drafts
        .iter()
        .fold(Flags::NONE, |used, draft| used | draft.row.flags);
    let wanted: Vec<_> = from.of(used).filter_map(Keyword::new).collect();
    let mut list = list.clone();
    list.find_or_add_all(&wanted)?;
    folder.check_room(drafts.len())?;
    Ok(list)
}

fn identity(message: &Message) -> Identity {
    (message.object, message.email_id)
}
