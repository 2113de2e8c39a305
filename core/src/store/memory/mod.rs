//! The reference store: a plain value that answers every request as [`Request`] and [`Reply`] say it.
//!
//! It is the specification: SQLite and MySQL must give equal replies to equal requests. It holds no body, reads no clock
//! and draws nothing. Every request checks first and changes afterwards, so a refused request has changed nothing.

mod accounts;
mod calendar;
mod check;
mod copy;
mod deliver;
mod domains;
mod expunge;
mod flags;
mod folder;
mod garbage;
mod import;
mod login;
mod open;
mod places;
mod rename;
#[cfg(test)]
mod tests;
mod tree;
mod undelete;

use std::collections::{BTreeMap, BTreeSet};

use super::calendar::CalendarId;
use super::{
    AccountId, Actor, DeliveryKey, Failure, MailboxId, MailboxName, ModSeq, ObjectId, PasswordHashes,
    Refusal, Reply, Request, Uid, Work, authority,
};
use crate::machine::ObjectKind;
use calendar::Collection;
pub use check::check;
use folder::Folder;

/// The most mailboxes of one account.
pub const MAILBOXES_MAX: usize = 10_000;
/// The most subscriptions of one account.
pub const SUBSCRIPTIONS_MAX: usize = 10_000;

type Answer = Result<Reply, Failure>;

/// A whole store in memory.
#[derive(Clone, Debug, Default)]
pub struct Store {
    accounts: BTreeMap<AccountId, Account>,
    /// The accounts' own addresses.
    addresses: BTreeMap<String, AccountId>,
    /// The accounts that aliases lead to; none of them to nobody.
    aliases: BTreeMap<String, BTreeSet<AccountId>>,
    /// Our domains.
    domains: BTreeMap<String, domains::Domain>,
    /// All mailboxes, deleted ones too.
    folders: BTreeMap<MailboxId, Folder>,
    /// All calendars, deleted ones too.
    calendars: BTreeMap<CalendarId, Collection>,
    objects: BTreeMap<ObjectId, Object>,
    /// What the keys of unconfirmed deliveries and of COPYs brought.
    receipts: BTreeMap<DeliveryKey, Receipt>,
    /// Who does what until when, in milliseconds since 1970.
    leases: BTreeMap<Work, ([u8; 16], u64)>,
    /// When each bucket is full again, in milliseconds since 1970.
    throttles: BTreeMap<String, u64>,
}

/// An account that was not deleted.
#[derive(Clone, Debug)]
struct Account {
    login: String,
    password: PasswordHashes,
    /// By label.
    app_passwords: BTreeMap<String, login::AppPassword>,
    quota_bytes: u64,
    used_bytes: u64,
    used_msgs: u64,
    created_at_ms: u64,
    /// The last UIDVALIDITY given to a mailbox.
    last_uid_validity: u32,
    /// Its mailboxes, without the deleted ones.
    names: BTreeMap<MailboxName, MailboxId>,
    subscriptions: BTreeSet<MailboxName>,
}

/// A body that some message or calendar object has, or had.
#[derive(Clone, Debug)]
struct Object {
    kind: ObjectKind,
    size: u64,
    sha256: [u8; 32],
    /// Messages and calendar objects with this body, soft-deleted ones too.
    refs: u64,
    /// Nothing can bring it back.
    claimed: bool,
}

/// The first message that a key brought.
#[derive(Clone, Copy, Debug)]
struct Receipt {
    mailbox: MailboxId,
    uid: Uid,
}

impl Account {
    /// Whether the quota holds so many octets more.
    fn holds(&self, octets: u64) -> bool {
        self.quota_bytes == 0 || self.used_bytes.saturating_add(octets) <= self.quota_bytes
    }
}

impl Store {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers one request; a failed request has changed nothing.
    ///
    /// Errors: `Refused` as the request says, `NotPermitted` before anything is looked at; `Broken` if an id that the
    /// request draws is taken.
    pub fn run(&mut self, actor: Actor, request: Request) -> Answer {
        if !authority::permits(actor, &request) {
            return Err(Refusal::NotPermitted.into());
        }
        let me = || actor.account().ok_or(Refusal::NotPermitted);
        match request {
            Request::FindRecipient { address, base } => self.find_recipient(&address, base.as_deref()),
            Request::ListMailboxes { recent } => Ok(self.list_mailboxes(me()?, recent)),
            Request::ListSubscriptions => Ok(self.list_subscriptions(me()?)),
            Request::StatusMailbox { name, recent } => self.status_mailbox(me()?, &name, recent),
            Request::CreateMailbox {
                mailbox,
                superiors,
                at_s,
            } => self.create_mailbox(me()?, mailbox, superiors, at_s),
            Request::DeleteMailbox { name, at_ms } => self.delete_mailbox(me()?, &name, at_ms),
            Request::RenameMailbox {
                from,
                to,
                superiors,
                at_s,
            } => self.rename_mailbox(me()?, &from, to, superiors, at_s),
            Request::Subscribe { name } => self.subscribe(me()?, name),
            Request::Unsubscribe { name } => Ok(self.unsubscribe(me()?, &name)),
            Request::OpenMailbox { name, claim_recent } => self.open_mailbox(me()?, &name, claim_recent),
            Request::Refresh {
                mailbox,
                since,
                claim_recent,
            } => self.refresh(me()?, mailbox, since, claim_recent),
            Request::FetchPage { mailbox, uids } => self.fetch_page(me()?, mailbox, &uids),
            Request::ChangeFlags {
                mailbox,
                uids,
                change,
                flags,
                keywords,
                unchanged_since,
                since,
            } => {
                let wish = flags::Wish {
                    change,
                    flags,
                    keywords,
                    unchanged_since,
                };
                self.change_flags(me()?, mailbox, &uids, &wish, since)
            }
            Request::Copy {
                from,
                uids,
                whole,
                to,
                moving,
                key,
                at_ms,
                since,
            } => {
                let trip = copy::Trip {
                    from,
                    whole,
                    to,
                    moving,
                    key,
                    at_ms,
                    since,
                };
                self.copy(me()?, &trip, &uids)
            }
            Request::Expunge {
                mailbox,
                within,
                at_ms,
                since,
            } => self.expunge(me()?, mailbox, within.as_ref(), at_ms, since),
            Request::Append {
                name,
                instead,
                messages,
                at_ms,
            } => self.append(me()?, &name, instead, &messages, at_ms),
            Request::Deliver {
                stored,
                recipients,
                at_ms,
            } => self.deliver(&stored, &recipients, at_ms),
            Request::Calendar(request) => self.calendar(me()?, request).map(Reply::Calendar),
            other => self.log_in(actor, other),
        }
    }

    /// What no session of IMAP or LMTP asks: a submission's and a maildrop's request, the operator's and the workers'.
    fn serve(&mut self, actor: Actor, request: Request) -> Answer {
        match request {
            Request::DeleteMessages { mailbox, uids, at_ms } => {
                let me = actor.account().ok_or(Refusal::NotPermitted)?;
                self.delete_messages(me, mailbox, &uids, at_ms)
            }
            Request::FindSender { addresses } => {
                let me = actor.account().ok_or(Refusal::NotPermitted)?;
                self.find_sender(me, &addresses)
            }
            Request::FindAccount { login } => Ok(self.find_account(&login)),
            Request::CreateAccount(new) => self.create_account(new),
            Request::SetPassword { login, password } => self.set_password(&login, password),
            Request::DeleteAccount { login, at_ms } => self.delete_account(&login, at_ms),
            Request::ListAccounts => Ok(self.list_accounts()),
            Request::Domain(request) => self.domain(request).map(Reply::Domain),
            Request::SetQuota { login, quota_bytes } => self.set_quota(&login, quota_bytes),
            Request::FindDeleted(wanted) => self.find_deleted(&wanted),
            Request::Undelete(wanted) => self.undelete(&wanted),
            Request::FindImported { keys } => Ok(self.find_imported(&keys)),
            Request::Import(import) => self.import(&import),
            Request::CountGarbage { before_ms } => Ok(self.count_garbage(before_ms)),
            work => self.work(work),
        }
    }

    /// Forgets the keys of deliveries whose replies the peer has seen ([`crate::machine::Effect::ConfirmDelivery`]).
    /// Keys that are not known are passed over.
    pub fn confirm(&mut self, keys: &[DeliveryKey]) {
        keys.iter().for_each(|key| {
            self.receipts.remove(key);
        });
    }

    /// HIGHESTMODSEQ of a mailbox, of a deleted one too: what a watcher of [`crate::machine::Watched::Mailbox`] compares.
    pub fn highest_modseq(&self, mailbox: MailboxId) -> Option<ModSeq> {
        self.folders
            .get(&mailbox)
            .map(|folder| folder.line.highest_modseq)
    }

    /// Every mailbox of an account with its HIGHESTMODSEQ, deleted ones too.
    pub fn modseqs(&self, account: AccountId) -> impl Iterator<Item = (MailboxId, ModSeq)> + '_ {
        let mine = self
            .folders
            .values()
            .filter(move |folder| folder.account == account);
        mine.map(|folder| (folder.line.id, folder.line.highest_modseq))
    }

    /// The objects that some row names, or that nobody has begun to delete, with their size and SHA-256.
    pub fn objects(&self) -> impl Iterator<Item = (ObjectId, u64, [u8; 32])> + '_ {
        self.objects
            .iter()
            .filter(|(_, object)| !object.claimed)
            .map(|(id, object)| (*id, object.size, object.sha256))
    }

    /// The id of a live mailbox.
    fn find(&self, account: AccountId, name: &MailboxName) -> Result<MailboxId, Refusal> {
        let names = self.accounts.get(&account).map(|account| &account.names);
        names
            .and_then(|names| names.get(name))
            .copied()
            .ok_or(Refusal::NoSuchMailbox)
    }

    /// A mailbox of this account, deleted or not.
    fn folder(&mut self, account: AccountId, mailbox: MailboxId) -> Result<&mut Folder, Refusal> {
        let folder = self
            .folders
            .get_mut(&mailbox)
            .filter(|folder| folder.account == account);
        folder.ok_or(Refusal::NoSuchMailbox)
    }

    /// A mailbox of this account that was not deleted.
    fn live_folder(&mut self, account: AccountId, mailbox: MailboxId) -> Result<&mut Folder, Refusal> {
        self.folder(account, mailbox).and_then(|folder| {
            folder
                .deleted_at_ms
                .is_none()
                .then_some(folder)
                .ok_or(Refusal::NoSuchMailbox)
        })
    }

    /// Errors: `NoSuchAccount`.
    fn check_account(&self, account: AccountId) -> Result<(), Refusal> {
        let known = self.accounts.contains_key(&account);
        known.then_some(()).ok_or(Refusal::NoSuchAccount)
    }

    /// Counts messages in to an account, or out of it. A deleted account counts nothing.
    fn count(&mut self, account: AccountId, add: Load, remove: Load) {
        if let Some(account) = self.accounts.get_mut(&account) {
            account.used_msgs = (account.used_msgs + add.msgs).saturating_sub(remove.msgs);
            account.used_bytes = (account.used_bytes + add.bytes).saturating_sub(remove.bytes);
        }
    }
}

/// Some messages, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Load {
    msgs: u64,
    bytes: u64,
}

impl Load {
    fn add(&mut self, bytes: u32) {
        self.msgs += 1;
        self.bytes += u64::from(bytes);
    }
}
