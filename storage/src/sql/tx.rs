//! What a request works with: the database, the views, and what will be true if the transaction commits.

use std::sync::Arc;

use lightmail_core::store::{AccountId, MailboxId, ModSeq, View};

use super::db::Db;
use crate::views::Views;

/// A mailbox that changes with the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) account: AccountId,
    pub(crate) mailbox: MailboxId,
    pub(crate) modseq: ModSeq,
}

/// A writer's transaction, or a reader's single statements.
pub(crate) struct Tx<'c> {
    pub(crate) db: Db<'c>,
    views: &'c Views,
    fresh: Vec<Arc<View>>,
    notices: Vec<Notice>,
}

impl<'c> Tx<'c> {
    pub(crate) fn new(db: Db<'c>, views: &'c Views) -> Self {
        Self { db, views, fresh: Vec::new(), notices: Vec::new() }
    }

    /// The newest view of a mailbox that this transaction may know.
    pub(crate) fn cached(&self, mailbox: MailboxId) -> Option<Arc<View>> {
        let fresh = self.fresh.iter().rev().find(|view| view.mailbox == mailbox);
        fresh.cloned().or_else(|| self.views.get(mailbox))
    }

    /// Keeps a view for those behind, once it is true for all.
    pub(crate) fn remember(&mut self, view: Arc<View>) {
        self.fresh.retain(|old| old.mailbox != view.mailbox);
        self.fresh.push(view);
    }

    /// Tells watchers, once it is true for all.
    pub(crate) fn announce(&mut self, account: AccountId, mailbox: MailboxId, modseq: ModSeq) {
        self.notices.push(Notice { account, mailbox, modseq });
    }

    /// What became true with the commit.
    pub(crate) fn into_news(self) -> (Vec<Arc<View>>, Vec<Notice>) {
        (self.fresh, self.notices)
    }
}
