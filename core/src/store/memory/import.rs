//! Import: messages from elsewhere, each once.

use std::collections::BTreeSet;

use crate::machine::ObjectKind;
use crate::store::{
    AccountId, Delivered, DeliveryKey, Failure, Flags, Import, MailboxId, ModSeq, NewMessage, Refusal, Reply,
};

use super::deliver::draft_append;
use super::{Answer, Load, Receipt, Store};

impl Store {
    pub(super) fn find_imported(&self, keys: &[DeliveryKey]) -> Reply {
        let known = keys.iter().map(|key| self.delivered_before(key).is_some());
        Reply::ImportedFound(known.collect())
    }

    pub(super) fn import(&mut self, import: &Import) -> Answer {
        self.check_account(import.account)?;
        let to = self.find(import.account, &import.mailbox)?;
        self.check_new_objects(import)?;
        let mut step = None;
        let answers = import.messages.iter().map(|(key, new)| {
            if let Some(delivered) = self.delivered_before(key) {
                return Ok(delivered);
            }
            self.import_one(import, to, new, &mut step).inspect(|delivered| {
                let (mailbox, uid) = (to, delivered.uid);
                self.receipts.insert(*key, Receipt { mailbox, uid });
            })
        });
        Ok(Reply::Imported(answers.collect()))
    }

    fn check_new_objects(&self, import: &Import) -> Result<(), Failure> {
        let mut seen = BTreeSet::new();
        let new = import
            .messages
            .iter()
            .filter(|(key, _)| self.delivered_before(key).is_none());
        let mut objects = new.map(|(_, new)| new.stored.object);
        match objects.find(|object| self.objects.contains_key(object) || !seen.insert(*object)) {
            Some(taken) => Err(Failure::broken(format!("{taken:?} is taken"))),
            None => Ok(()),
        }
    }

    fn import_one(
        &mut self,
        import: &Import,
        to: MailboxId,
        new: &NewMessage,
        step: &mut Option<ModSeq>,
    ) -> Result<Delivered, Refusal> {
        let me: AccountId = import.account;
        let mut draft = draft_append(new, import.at_ms)?;
        let mut load = Load::default();
        load.add(draft.row.size);
        let account = self.accounts.get(&me).ok_or(Refusal::NoSuchAccount)?;
        if !import.ignore_quota && !account.holds(load.bytes) {
            return Err(Refusal::OverQuota);
        }
        let folder = self.folder(me, to)?;
        let mut list = folder.keywords.clone();
        draft.row.flags = (new.flags & Flags::SYSTEM) | list.find_or_add_all(&new.keywords)?;
        folder.check_room(1)?;
        folder.keywords = list;
        let modseq = *step.get_or_insert_with(|| folder.step());
        let uid = folder.add(modseq, draft);
        let uid_validity = folder.line.uid_validity;
        self.refer(&new.stored, ObjectKind::Email);
        self.count(me, load, Load::default());
        Ok(Delivered {
            uid_validity,
            uid,
            repeated: false,
        })
    }
}
