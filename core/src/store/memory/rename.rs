//! RENAME: of a mailbox with its inferiors, and of INBOX, which stays.

use crate::store::{AccountId, Budget, MailboxId, MailboxName, NewMailbox, Refusal, Reply};

use super::{Answer, Store};

impl Store {
    pub(super) fn rename_mailbox(
        &mut self,
        me: AccountId,
        from: &MailboxName,
        to: NewMailbox,
        superiors: Vec<NewMailbox>,
        at_s: i64,
    ) -> Answer {
        if from.is_inbox() {
            self.rename_inbox(me, to, superiors, at_s)
        } else {
            self.rename(me, from, to, superiors, at_s)
        }
    }

    fn rename(
        &mut self,
        me: AccountId,
        from: &MailboxName,
        to: NewMailbox,
        superiors: Vec<NewMailbox>,
        at_s: i64,
    ) -> Answer {
        if to.name.is_below(from) {
            return Err(Refusal::NotPermitted.into());
        }
        let moved = self.subtree(me, from);
        if moved.is_empty() {
            return Err(Refusal::NoSuchMailbox.into());
        }
        let new_name =
            |(old, id): &(MailboxName, MailboxId)| old.renamed(from, &to.name).map(|new| (new, *id));
        let renamed: Vec<_> = moved.iter().filter_map(new_name).collect();
        self.check_taken(me, renamed.iter().map(|(name, _)| name).chain([&to.name]))?;
        if renamed.len() < moved.len() {
            return Err(Refusal::Limit(Budget::Mailboxes).into());
        }
        let superiors = self.missing(me, superiors);
        self.check_planting(me, &superiors, at_s)?;
        moved.iter().for_each(|(old, _)| self.unlink(me, old));
        renamed.into_iter().for_each(|(new, id)| self.link(me, new, id));
        self.plant(me, superiors, at_s);
        Ok(Reply::Renamed)
    }

    /// The mailboxes with this name or below it, with their ids.
    fn subtree(&self, me: AccountId, root: &MailboxName) -> Vec<(MailboxName, MailboxId)> {
        let names = self
            .accounts
            .get(&me)
            .into_iter()
            .flat_map(|account| account.names.iter());
        let inside = names.filter(|(name, _)| *name == root || name.is_below(root));
        inside.map(|(name, id)| (name.clone(), *id)).collect()
    }

    fn link(&mut self, me: AccountId, name: MailboxName, id: MailboxId) {
        if let (Some(account), Some(folder)) = (self.accounts.get_mut(&me), self.folders.get_mut(&id)) {
            folder.line.name = name.clone();
            account.names.insert(name, id);
        }
    }

    /// INBOX's messages go to a new mailbox; INBOX and its inferiors stay (RFC 3501, 6.3.5).
    fn rename_inbox(
        &mut self,
        me: AccountId,
        to: NewMailbox,
        superiors: Vec<NewMailbox>,
        at_s: i64,
    ) -> Answer {
        let inbox = self.find(me, &MailboxName::inbox())?;
        self.check_taken(me, [&to.name])?;
        let target = to.id;
        let mut new = self.missing(me, superiors);
        new.push(to);
        self.check_planting(me, &new, at_s)?;
        self.folder(me, inbox)?.check_modseq()?;
        self.plant(me, new, at_s);
        let folder = self.folder(me, inbox)?;
        let all = folder.live().map(|message| message.row.uid.0).collect();
        let keywords = folder.keywords.clone();
        self.folder(me, target)?.keywords = keywords;
        let at_ms = u64::try_from(at_s).unwrap_or(0).saturating_mul(1000);
        let copies = self.draft_copies(inbox, &all, at_ms);
        self.transfer(target, copies);
        self.bury_moved(inbox, &all, None, at_ms);
        Ok(Reply::Renamed)
    }
}
