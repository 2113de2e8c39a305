//! The tree of mailboxes and the list of subscriptions.

use std::collections::BTreeSet;

use crate::store::{AccountId, Budget, Failure, MailboxId, MailboxName, NewMailbox, Refusal, Reply, UidSet};

use super::{Answer, Folder, Load, MAILBOXES_MAX, SUBSCRIPTIONS_MAX, Store};

impl Store {
    pub(super) fn list_mailboxes(&self, me: AccountId, recent: bool) -> Reply {
        let ids = self
            .accounts
            .get(&me)
            .into_iter()
            .flat_map(|account| account.names.values());
        let folders = ids.filter_map(|id| self.folders.get(id));
        Reply::Mailboxes(folders.map(|folder| folder.status(recent)).collect())
    }

    pub(super) fn list_subscriptions(&self, me: AccountId) -> Reply {
        let names = self
            .accounts
            .get(&me)
            .into_iter()
            .flat_map(|account| account.subscriptions.iter());
        Reply::Subscriptions(names.cloned().collect())
    }

    pub(super) fn status_mailbox(&mut self, me: AccountId, name: &MailboxName, recent: bool) -> Answer {
        let id = self.find(me, name)?;
        Ok(Reply::Status(self.folder(me, id)?.status(recent)))
    }

    pub(super) fn create_mailbox(
        &mut self,
        me: AccountId,
        mailbox: NewMailbox,
        superiors: Vec<NewMailbox>,
        at_s: i64,
    ) -> Answer {
        self.check_taken(me, [&mailbox.name])?;
        let mut new = self.missing(me, superiors);
        new.push(mailbox);
        self.check_planting(me, &new, at_s)?;
        self.plant(me, new, at_s);
        Ok(Reply::Created)
    }

    pub(super) fn delete_mailbox(&mut self, me: AccountId, name: &MailboxName, at_ms: u64) -> Answer {
        if name.is_inbox() {
            return Err(Refusal::NotPermitted.into());
        }
        let account = self.accounts.get_mut(&me).ok_or(Refusal::NoSuchMailbox)?;
        let has_inferiors = account.names.keys().any(|other| other.is_below(name));
        let missing = if has_inferiors {
            Refusal::HasChildren
        } else {
            Refusal::NoSuchMailbox
        };
        let id = account.names.get(name).copied().ok_or(missing)?;
        self.folder(me, id)?.check_modseq()?;
        self.unlink(me, name);
        self.close_folder(id, at_ms);
        Ok(Reply::Deleted)
    }

    pub(super) fn subscribe(&mut self, me: AccountId, name: MailboxName) -> Answer {
        let account = self.accounts.get_mut(&me).ok_or(Refusal::NoSuchAccount)?;
        if !account.subscriptions.contains(&name) && account.subscriptions.len() >= SUBSCRIPTIONS_MAX {
            return Err(Refusal::Limit(Budget::Subscriptions).into());
        }
        account.subscriptions.insert(name);
        Ok(Reply::Subscribed)
    }

    pub(super) fn unsubscribe(&mut self, me: AccountId, name: &MailboxName) -> Reply {
        if let Some(account) = self.accounts.get_mut(&me) {
            account.subscriptions.remove(name);
        }
        Reply::Unsubscribed
    }

    /// Errors: `AlreadyExists` if one of the names is a live mailbox, `NoSuchAccount`.
    pub(super) fn check_taken<'a>(
        &self,
        me: AccountId,
        names: impl IntoIterator<Item = &'a MailboxName>,
    ) -> Result<(), Refusal> {
        let account = self.accounts.get(&me).ok_or(Refusal::NoSuchAccount)?;
        let taken = names.into_iter().any(|name| account.names.contains_key(name));
        if taken {
            Err(Refusal::AlreadyExists)
        } else {
            Ok(())
        }
    }

    /// Those of the superiors that do not exist, each once.
    pub(super) fn missing(&self, me: AccountId, superiors: Vec<NewMailbox>) -> Vec<NewMailbox> {
        let mut seen = BTreeSet::new();
        let missing = |new: &NewMailbox| self.find(me, &new.name).is_err() && seen.insert(new.name.clone());
        superiors.into_iter().filter(missing).collect()
    }

    /// Whether these new mailboxes can be planted. Errors: `Limit(Mailboxes)`, `Broken` if an id is taken.
    pub(super) fn check_planting(&self, me: AccountId, new: &[NewMailbox], at_s: i64) -> Result<(), Failure> {
        self.check_many(me, new.len(), at_s)?;
        self.check_ids(new)
    }

    /// Whether the account has room for so many mailboxes. Errors: `Limit(Mailboxes)`.
    fn check_many(&self, me: AccountId, new: usize, at_s: i64) -> Result<(), Refusal> {
        let account = self.accounts.get(&me).ok_or(Refusal::NoSuchAccount)?;
        let validities_left = (u32::MAX - first_validity(account.last_uid_validity, at_s)) as usize;
        if account.names.len() + new > MAILBOXES_MAX || new > validities_left {
            return Err(Refusal::Limit(Budget::Mailboxes));
        }
        Ok(())
    }

    /// Whether there is the mailbox that messages go into in place of another, or can be made. Errors: `Limit(Mailboxes)`.
    pub(super) fn check_instead(&self, me: AccountId, new: &NewMailbox, at_s: i64) -> Result<(), Refusal> {
        self.find(me, &new.name)
            .map(drop)
            .or_else(|_| self.check_many(me, 1, at_s))
    }

    /// That mailbox; made, and subscribed where there is room, if it is not there.
    pub(super) fn find_or_plant(&mut self, me: AccountId, new: NewMailbox, at_s: i64) -> MailboxId {
        self.find(me, &new.name).unwrap_or_else(|_| {
            let (id, name) = (new.id, new.name.clone());
            self.plant(me, vec![new], at_s);
            // Without room for another subscription the mailbox is there all the same.
            let _ = self.subscribe(me, name);
            id
        })
    }

    /// Whether nobody has the ids of these mailboxes.
    pub(super) fn check_ids(&self, new: &[NewMailbox]) -> Result<(), Failure> {
        let mut drawn = BTreeSet::new();
        match new
            .iter()
            .find(|new| self.folders.contains_key(&new.id) || !drawn.insert(new.id))
        {
            Some(new) => Err(Failure::broken(format!("{:?} is taken", new.id))),
            None => Ok(()),
        }
    }

    /// Makes mailboxes, in order, each with the next UIDVALIDITY of the account: `max(at_s, last + 1)`.
    pub(super) fn plant(&mut self, me: AccountId, new: Vec<NewMailbox>, at_s: i64) {
        let Some(account) = self.accounts.get_mut(&me) else {
            return;
        };
        for new in new {
            account.last_uid_validity = first_validity(account.last_uid_validity, at_s);
            account.names.insert(new.name.clone(), new.id);
            self.folders
                .insert(new.id, Folder::new(me, new, account.last_uid_validity));
        }
    }

    /// Takes a name out of the tree.
    pub(super) fn unlink(&mut self, me: AccountId, name: &MailboxName) {
        if let Some(account) = self.accounts.get_mut(&me) {
            account.names.remove(name);
        }
    }

    /// Soft-deletes a mailbox and its messages, with one MODSEQ, so that sessions that have it selected are told.
    pub(super) fn close_folder(&mut self, mailbox: MailboxId, at_ms: u64) {
        if let Some(folder) = self.folders.get_mut(&mailbox) {
            let me = folder.account;
            let all: UidSet = folder.live().map(|message| message.row.uid.0).collect();
            let modseq = folder.step();
            let buried = folder.bury(&all, modseq, at_ms);
            folder.deleted_at_ms = Some(at_ms.max(1));
            self.count(me, Load::default(), buried);
        }
    }
}

/// The UIDVALIDITY after `last`. A moment that 32 bits do not hold counts for nothing.
fn first_validity(last: u32, at_s: i64) -> u32 {
    last.saturating_add(1).max(u32::try_from(at_s).unwrap_or(0))
}
