//! The maildrop: INBOX as it stood when it was opened, and what is marked as deleted in it.
//!
//! Numbers are positions in a view that never moves (RFC 1939, 5). Marks live here alone until QUIT.

use std::fmt;
use std::sync::Arc;

use super::context::Context;
use super::lease::{self, AwaitReleased};
use super::letter::{Letter, Letters};
use super::session::State;
use super::words::{self, Reply};
use crate::machine::{Done, Outcome};
use crate::store::{self, AccountId, Actor, MailboxId, MailboxName, Request, Row, Uid, UidSet, View};

/// An open maildrop.
#[derive(Debug)]
pub(super) struct Maildrop {
    /// Whose.
    pub account: AccountId,
    mailbox: MailboxId,
    view: Arc<View>,
    marked: UidSet,
    total: Totals,
    left: Totals,
    letters: Letters,
}

/// Messages and their octets. Printed as STAT tells them: `2 320` (RFC 1939, 5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    msgs: u64,
    octets: u64,
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.msgs, self.octets)
    }
}

impl Totals {
    /// As people read them: `2 messages (320 octets)`.
    pub fn in_words(self) -> String {
        let messages = if self.msgs == 1 { "message" } else { "messages" };
        format!("{} {messages} ({} octets)", self.msgs, self.octets)
    }
}

impl Maildrop {
    fn new(account: AccountId, mailbox: MailboxId, view: Arc<View>) -> Self {
        let total = view.iter().fold(Totals::default(), |sum, row| Totals {
            msgs: sum.msgs + 1,
            octets: sum.octets + u64::from(row.size),
        });
        Self {
            account,
            mailbox,
            view,
            marked: UidSet::default(),
            total,
            left: total,
            letters: Letters::default(),
        }
    }

    /// The message of a number that is not marked.
    pub fn message(&self, number: u32) -> Result<&Row, Reply> {
        let index = usize::try_from(number)
            .ok()
            .and_then(|number| number.checked_sub(1));
        let row = index.and_then(|index| self.view.nth(index));
        let row = row.ok_or(words::NO_SUCH_MESSAGE)?;
        if self.marked.contains(row.uid.0) {
            return Err(words::IS_MARKED);
        }
        Ok(row)
    }

    /// The messages that are not marked, from a number on, with their numbers.
    pub fn messages_from(&self, number: usize) -> impl Iterator<Item = (usize, &Row)> {
        let first = self.view.nth(number.saturating_sub(1)).map(|row| row.uid);
        let rows = first.into_iter().flat_map(|first| self.view.iter_from(first));
        let numbered = (number.max(1)..).zip(rows);
        numbered.filter(|(_, row)| !self.marked.contains(row.uid.0))
    }

    /// A message's unique id (RFC 1939, 7): the same in every session, and no other message's even when UIDVALIDITY changes.
    pub fn unique_id(&self, uid: Uid) -> UniqueId {
        UniqueId {
            uid_validity: self.view.uid_validity,
            uid,
        }
    }

    /// What is not marked, counted.
    pub fn left(&self) -> Totals {
        self.left
    }

    /// Marks a message as deleted.
    pub fn mark(&mut self, number: u32) -> Result<(), Reply> {
        let Row { uid, size, .. } = *self.message(number)?;
        self.marked.insert(uid.0);
        self.left.msgs = self.left.msgs.saturating_sub(1);
        self.left.octets = self.left.octets.saturating_sub(u64::from(size));
        Ok(())
    }

    /// Takes all marks back.
    pub fn reset(&mut self) {
        self.marked = UidSet::default();
        self.left = self.total;
    }

    /// What QUIT asks for, if anything is marked.
    pub fn deletion(&self, at_ms: u64) -> Option<Request> {
        (!self.marked.is_empty()).then(|| Request::DeleteMessages {
            mailbox: self.mailbox,
            uids: self.marked.clone(),
            at_ms,
        })
    }

    /// What is known of a message's body.
    pub fn letter(&self, uid: Uid) -> Option<&Letter> {
        self.letters.get(uid)
    }

    /// Asks for a message's columns, and for those of the messages that a client is likely to read next.
    pub fn page(&self, number: u32) -> Request {
        let next = self.messages_from(usize::try_from(number).unwrap_or(usize::MAX));
        let uids = next.take(Letters::MAX).map(|(_, row)| row.uid.0).collect();
        Request::FetchPage {
            mailbox: self.mailbox,
            uids,
        }
    }

    /// Takes a page in, in place of what was known before.
    pub fn learn(&mut self, page: store::Page) {
        self.letters = Letters::new(page);
    }
}

/// Printed as UIDL tells it: `1772000000.17`, at most 21 octets of the 70 that RFC 1939, 7 allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct UniqueId {
    uid_validity: u32,
    uid: Uid,
}

impl fmt::Display for UniqueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.uid_validity, self.uid.0)
    }
}

/// Opens the maildrop of who has its lease. Messages stay as recent as they were.
pub(super) fn open(cx: &mut Context, account: AccountId) -> State {
    let request = Request::OpenMailbox {
        name: MailboxName::inbox(),
        claim_recent: false,
    };
    cx.ask(Actor::Account(account), request);
    State::AwaitOpened(AwaitOpened { account })
}

#[derive(Debug)]
pub(super) struct AwaitOpened {
    account: AccountId,
}

impl AwaitOpened {
    pub fn on(self, cx: &mut Context, outcome: Outcome) -> State {
        let word = match outcome {
            Ok(Done::Reply(store::Reply::Opened(opened))) => {
                let maildrop = Maildrop::new(self.account, opened.mailbox.id, opened.view);
                cx.out.ok(maildrop.left().in_words());
                cx.maildrop = Some(maildrop);
                return State::AwaitCommand;
            }
            Ok(_) => words::BROKEN,
            Err(failure) => words::failure(&failure),
        };
        lease::release(cx, AwaitReleased { word, last: false })
    }
}
