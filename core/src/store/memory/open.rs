//! What a session reads: the view, what changed, pages of columns.

use crate::store::{AccountId, MailboxId, MailboxName, ModSeq, Opened, Page, PageRow, Reply, Uid, UidSet};

use super::folder::{Folder, Message};
use super::{Answer, Store};

impl Store {
    pub(super) fn open_mailbox(&mut self, me: AccountId, name: &MailboxName, claim_recent: bool) -> Answer {
        let id = self.find(me, name)?;
        let folder = self.folder(me, id)?;
        let mailbox = folder.line.clone();
        let recent_from = recent_from(folder, claim_recent);
        Ok(Reply::Opened(Opened {
            mailbox,
            view: folder.view(),
            recent_from,
        }))
    }

    pub(super) fn refresh(
        &mut self,
        me: AccountId,
        mailbox: MailboxId,
        since: ModSeq,
        claim_recent: bool,
    ) -> Answer {
        let folder = self.folder(me, mailbox)?;
        let recent_from = recent_from(folder, claim_recent);
        Ok(Reply::Refreshed(folder.refreshed(since, recent_from)))
    }

    pub(super) fn fetch_page(&mut self, me: AccountId, mailbox: MailboxId, uids: &UidSet) -> Answer {
        let folder = self.folder(me, mailbox)?;
        let mut page = Page {
            rows: Vec::new(),
            rest: UidSet::default(),
        };
        let mut octets = 0;
        for message in folder
            .messages
            .values()
            .filter(|message| uids.contains(message.row.uid.0))
        {
            octets += message.head.len() + message.index.len();
            page.rows.push(page_row(message));
            if page.rows.len() >= Page::ROWS_MAX || octets >= Page::OCTETS_MAX {
                page.rest = above(uids, message.row.uid);
                break;
            }
        }
        Ok(Reply::Page(page))
    }
}

fn recent_from(folder: &mut Folder, claim: bool) -> Uid {
    if claim {
        folder.claim_recent()
    } else {
        folder.line.recent_from
    }
}

fn page_row(message: &Message) -> PageRow {
    PageRow {
        uid: message.row.uid,
        object: message.object,
        object_size: message.object_size,
        head: message.head.clone(),
        index: message.index.clone(),
        email_id: message.email_id,
        save_date_s: message.save_date_s,
    }
}

/// Those of `uids` that are above `last`.
fn above(uids: &UidSet, last: Uid) -> UidSet {
    uids.intersection(&UidSet::range(last.0.saturating_add(1)..=u32::MAX))
}
