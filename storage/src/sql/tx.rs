//! What a request works with: the database, the caches, and what will be true if the transaction commits.

use std::sync::Arc;

use lightmail_core::store::{AccountId, MailboxId, ModSeq, ObjectId, View};

use super::db::Db;
use crate::bodies::{Bodies, Body};
use crate::views::Views;

/// What this process remembers of the database. Nothing in here is the truth.
#[derive(Debug, Default)]
pub(crate) struct Caches {
    pub(crate) views: Views,
    pub(crate) bodies: Bodies,
}

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
    caches: &'c Caches,
    fresh: Vec<Arc<View>>,
    notices: Vec<Notice>,
}

impl<'c> Tx<'c> {
    pub(crate) fn new(db: Db<'c>, caches: &'c Caches) -> Self {
        Self {
            db,
            caches,
            fresh: Vec::new(),
            notices: Vec::new(),
        }
    }

    /// The newest view of a mailbox that this transaction may know.
    pub(crate) fn cached(&self, mailbox: MailboxId) -> Option<Arc<View>> {
        let fresh = self.fresh.iter().rev().find(|view| view.mailbox == mailbox);
        fresh.cloned().or_else(|| self.caches.views.get(mailbox))
    }

    /// Keeps a view for those behind, once it is true for all.
    pub(crate) fn remember(&mut self, view: Arc<View>) {
        self.fresh.retain(|old| old.mailbox != view.mailbox);
        self.fresh.push(view);
    }

    /// Throws the view of a mailbox away, because the database says otherwise.
    pub(crate) fn distrust(&self, mailbox: MailboxId) {
        self.caches.views.remove(mailbox);
    }

    /// Keeps what they are, so that reading these bodies asks no question. Objects never change.
    pub(crate) fn know_bodies(&self, bodies: impl IntoIterator<Item = (ObjectId, Body)>) {
        self.caches.bodies.put(bodies);
    }

    /// Tells watchers, once it is true for all.
    pub(crate) fn announce(&mut self, account: AccountId, mailbox: MailboxId, modseq: ModSeq) {
        self.notices.push(Notice {
            account,
            mailbox,
            modseq,
        });
    }

    /// What became true with the commit.
    pub(crate) fn into_news(self) -> News {
        News {
            views: self.fresh,
            notices: self.notices,
        }
    }
}

/// What became true with a commit.
#[derive(Debug)]
pub(crate) struct News {
    pub(crate) views: Vec<Arc<View>>,
    pub(crate) notices: Vec<Notice>,
}
