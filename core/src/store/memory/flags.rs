//! STORE.

use crate::store::{
    AccountId, FlagChange, Flags, FlagsChanged, Keyword, Keywords, MailboxId, ModSeq, Refusal, Reply, UidSet,
};

use super::{Answer, Store};

/// What a STORE asks for.
pub(super) struct Wish {
    pub(super) change: FlagChange,
    pub(super) flags: Flags,
    pub(super) keywords: Vec<Keyword>,
    pub(super) unchanged_since: Option<ModSeq>,
}

impl Store {
    pub(super) fn change_flags(
        &mut self,
        me: AccountId,
        mailbox: MailboxId,
        uids: &UidSet,
        wish: &Wish,
        since: ModSeq,
    ) -> Answer {
        let folder = self.live_folder(me, mailbox)?;
        let newer = |modseq| wish.unchanged_since.is_some_and(|last| modseq > last);
        let live = || folder.live_in(uids).map(|message| message.row);
        let modified = live()
            .filter(|row| newer(row.modseq))
            .map(|row| row.uid.0)
            .collect();
        let open: Vec<_> = live().filter(|row| !newer(row.modseq)).collect();
        let mut keywords = folder.keywords.clone();
        let bits = if open.is_empty() {
            Flags::NONE
        } else {
            wish.bits(&mut keywords)?
        };
        let changed = open
            .into_iter()
            .map(|row| (row.uid, row.flags, wish.change.apply(row.flags, bits)));
        let changed: Vec<_> = changed.filter(|(_, old, new)| old != new).collect();
        if !changed.is_empty() {
            folder.check_modseq()?;
            let modseq = folder.step();
            folder.keywords = keywords;
            changed
                .iter()
                .for_each(|(uid, _, flags)| folder.set_flags(*uid, *flags, modseq));
        }
        let applied = changed.iter().map(|(uid, ..)| uid.0).collect();
        let refreshed = folder.refreshed_and_claimed(since);
        Ok(Reply::FlagsChanged(FlagsChanged {
            applied,
            modified,
            refreshed,
        }))
    }
}

impl Wish {
    /// The flags as bits. New keywords are appended to the list, except where they are to be removed.
    fn bits(&self, list: &mut Keywords) -> Result<Flags, Refusal> {
        let system = self.flags & Flags::SYSTEM;
        match self.change {
            FlagChange::Remove => Ok(self
                .keywords
                .iter()
                .filter_map(|keyword| list.find(keyword))
                .fold(system, |a, b| a | b)),
            FlagChange::Add | FlagChange::Replace => Ok(system | list.find_or_add_all(&self.keywords)?),
        }
    }
}

impl FlagChange {
    /// The flags of a message that has `old` after this change with `bits`.
    pub fn apply(self, old: Flags, bits: Flags) -> Flags {
        match self {
            FlagChange::Add => old | bits,
            FlagChange::Remove => old & !bits,
            FlagChange::Replace => bits,
        }
    }
}
