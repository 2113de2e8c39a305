//! EXPUNGE and UID EXPUNGE, and what a maildrop removes.

use crate::store::{AccountId, Expunged, Flag, MailboxId, ModSeq, Reply, UidSet};

use super::{Answer, Load, Store};

impl Store {
    pub(super) fn expunge(
        &mut self,
        me: AccountId,
        mailbox: MailboxId,
        within: Option<&UidSet>,
        at_ms: u64,
        since: ModSeq,
    ) -> Answer {
        let folder = self.live_folder(me, mailbox)?;
        let marked = folder
            .live()
            .map(|message| message.row)
            .filter(|row| row.flags.has(Flag::Deleted));
        let chosen = marked.filter(|row| within.is_none_or(|within| within.contains(row.uid.0)));
        let expunged: UidSet = chosen.map(|row| row.uid.0).collect();
        let mut buried = Load::default();
        if !expunged.is_empty() {
            folder.check_modseq()?;
            let modseq = folder.step();
            buried = folder.bury(&expunged, modseq, at_ms);
        }
        let refreshed = folder.refreshed_and_claimed(since);
        self.count(me, Load::default(), buried);
        Ok(Reply::Expunged(Expunged { expunged, refreshed }))
    }

    pub(super) fn delete_messages(
        &mut self,
        me: AccountId,
        mailbox: MailboxId,
        uids: &UidSet,
        at_ms: u64,
    ) -> Answer {
        let folder = self.live_folder(me, mailbox)?;
        let deleted: UidSet = folder.live_in(uids).map(|message| message.row.uid.0).collect();
        if !deleted.is_empty() {
            folder.check_modseq()?;
            let modseq = folder.step();
            let buried = folder.bury(&deleted, modseq, at_ms);
            self.count(me, Load::default(), buried);
        }
        Ok(Reply::MessagesDeleted(deleted))
    }
}
