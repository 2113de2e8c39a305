//! What a machine may ask of a store. One request is one round trip; most IMAP commands are one request.

use bytes::Bytes;

use super::{
    AccountId, Attempt, CalendarRequest, DeliveryKey, DomainRequest, FindDeleted, Flags, Ground, Import,
    Keyword, MailboxId, MailboxName, ModSeq, NewAppPassword, ObjectId, PasswordHashes, SpecialUse, Uid,
    UidSet, Undelete,
};
use crate::machine::{Secret, Stored};

/// A question to the store. Requests of [`super::Actor::Account`] speak of that account's mailboxes only: another account's
/// mailbox is one that there is not.
///
/// What holds for all of them; [`super::memory`] is these rules as code:
/// - All or nothing: a request that fails has changed nothing. `Deliver` alone answers for each recipient.
/// - Refusals are looked for in this order: `NotPermitted` (by [`super::authority`] first), `NotOurs`, `NoSuchAccount`,
///   `NoSuchMailbox` or `HasChildren`, `AlreadyExists`, then the limits: `Mailboxes` and `Subscriptions`, `MessageSize`,
///   `OverQuota`, `Keywords`, `Uids`. An id that a request draws and that is taken is `Broken`.
/// - The first MODSEQ of a mailbox is 1. A command that changes a mailbox raises it by one, once, however many messages it
///   changes, adds and expunges there; they share the new one. A command that changes nothing leaves it alone.
/// - A deleted mailbox keeps its row and its messages, all soft-deleted. `Refresh`, `FetchPage` and the source of `Copy`
///   still know it, so that a session that has it selected can go on; for every other request it is `NoSuchMailbox`.
/// - A deleted account has no mailboxes and no subscriptions; `CreateMailbox` and `Subscribe` are refused with
///   `NoSuchAccount`.
/// - Milliseconds become seconds by cutting. An `at_ms` of 0 in a request that soft-deletes is stored as 1, as 0 means live.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// The account of a login name (lower-cased). → `AccountFound`
    FindAccount {
        /// The name given at log-in.
        login: String,
    },
    /// What a log-in needs: whose name it is, what proves to be its owner, and whether one has to wait. → `LoginFound`
    FindLogin(Attempt),
    /// Takes a token from each bucket of a try that was wrong, whatever the ground. → `FailedLoginCounted`
    CountFailedLogin(Attempt, Ground),
    /// Stores more of a password than there is, or by a newer cost, once it is known to be right; does nothing if the account
    /// has got another one meanwhile. → `PasswordKept`
    KeepPassword {
        /// Whose.
        account: AccountId,
        /// The bcrypt hash that it was checked with.
        was: Secret,
        /// What is to be stored.
        password: PasswordHashes,
    },
    /// Where mail for an address goes: the INBOX of its account, or those of the accounts that it leads to as an alias; if it is
    /// unknown, those of `base`; if that is too, that of its domain's catch-all. → `RecipientFound`, refused with `NotOurs` (the
    /// address is unknown, and its domain none of ours), `NoSuchAccount`, `NoSuchMailbox` (none of the accounts has an INBOX)
    FindRecipient {
        /// The whole address, lower-cased.
        address: String,
        /// The address without its detail (`user+detail@…`, RFC 5233), tried if the whole one is unknown.
        base: Option<String>,
    },
    /// Which of these addresses the account may send as: those whose mail comes to it, by the order of `FindRecipient` with
    /// [`super::base_of`], so that nobody sends as somebody else. → `SenderFound`
    FindSender {
        /// Whole addresses, lower-cased; more than [`super::SENDERS_MAX`] are `Broken`.
        addresses: Vec<String>,
    },
    /// A new account with its mailboxes, all subscribed; its login name becomes its address, and the domain of it ours. Mailboxes
    /// get their UIDVALIDITY as in `CreateMailbox`, in order. → `AccountCreated`, refused with `AlreadyExists` (a login name, an
    /// address of somebody or an alias, or two mailboxes of one name), `Limit(Mailboxes)`
    CreateAccount(NewAccount),
    /// Gives an account another password. → `PasswordSet`, refused with `NoSuchAccount`
    SetPassword {
        /// The account's login name.
        login: String,
        /// What is stored of it.
        password: PasswordHashes,
    },
    /// Gives an account another quota; one that is over it already gets nothing more. → `QuotaSet`, refused with `NoSuchAccount`
    SetQuota {
        /// The account's login name.
        login: String,
        /// Octets of live messages, 63 bits; 0: no limit.
        quota_bytes: u64,
    },
    /// Deletes an account with its addresses and subscriptions; no alias or catch-all leads to it any more; its mailboxes and messages are soft-deleted as by
    /// `DeleteMailbox`, its calendars as by [`CalendarRequest::Delete`]. Its login name is free again, its id is not. → `AccountDeleted`, refused with `NoSuchAccount`
    DeleteAccount {
        /// The account's login name.
        login: String,
        /// Now, in milliseconds since 1970.
        at_ms: u64,
    },
    /// → `Accounts`, by login name
    ListAccounts,
    /// About our domains and the aliases in them. → `Domain`
    Domain(DomainRequest),
    /// Gives an account an app password. → `AppPasswordAdded`, refused with `NoSuchAccount`, `AlreadyExists` (the label),
    /// `Limit(AppPasswords)`
    AddAppPassword(NewAppPassword),
    /// An account's app passwords. → `AppPasswords`, by label, octet by octet; refused with `NoSuchAccount`
    ListAppPasswords {
        /// The account's login name.
        login: String,
    },
    /// Takes an app password away. → `AppPasswordRemoved`: whether there was one of this label; refused with `NoSuchAccount`
    RemoveAppPassword {
        /// The account's login name.
        login: String,
        /// Which.
        label: String,
    },
    /// The buckets that are not full. → `Throttles`, by name, octet by octet
    ListThrottles {
        /// Now, in milliseconds since 1970.
        at_ms: u64,
    },
    /// Fills a bucket, or all. → `ThrottlesCleared`
    ClearThrottles {
        /// Its name; `None`: all.
        bucket: Option<String>,
    },

    /// → `Mailboxes`, by name, octet by octet
    ListMailboxes {
        /// Whether recent messages are to be counted, as in `StatusMailbox`.
        recent: bool,
    },
    /// → `Subscriptions`, by name, octet by octet; a name may be subscribed without a mailbox (RFC 3501, 6.3.6)
    ListSubscriptions,
    /// → `Status`, refused with `NoSuchMailbox`
    StatusMailbox {
        /// The mailbox.
        name: MailboxName,
        /// Whether recent messages are to be counted: where nobody has selected a mailbox for long, that is all of them.
        recent: bool,
    },
    /// A new mailbox, with the superiors that are missing (RFC 3501, 6.3.3); it is not subscribed. UIDVALIDITY is
    /// `max(at_s, last + 1)`, `last` being the account's last one; superiors come first, in order. An `at_s` that 32 bits do
    /// not hold counts as 0. → `Created`, refused with `AlreadyExists`, `Limit(Mailboxes)`
    CreateMailbox {
        /// The mailbox.
        mailbox: NewMailbox,
        /// Its superiors, outermost first; those that exist are left alone.
        superiors: Vec<NewMailbox>,
        /// Now, in seconds since 1970: the least UIDVALIDITY.
        at_s: i64,
    },
    /// Soft-deletes a mailbox and its messages; inferiors and the subscription stay (RFC 3501, 6.3.4). It takes a MODSEQ
    /// even when it is empty, so that sessions are told. → `Deleted`, refused with `NotPermitted` for INBOX, with
    /// `NoSuchMailbox`, or with `HasChildren` if only inferiors exist
    DeleteMailbox {
        /// The mailbox.
        name: MailboxName,
        /// Now, in milliseconds since 1970.
        at_ms: u64,
    },
    /// Renames a mailbox and its inferiors; INBOX keeps its own and gives its messages to a new mailbox (RFC 3501, 6.3.5).
    /// → `Renamed`, refused with `NoSuchMailbox`, `AlreadyExists` (also if an inferior's new name is taken) or `Limit`
    ///
    /// Ids, UIDVALIDITY, MODSEQs, special use stay; subscriptions too, under the old names. Missing superiors are made as in
    /// `CreateMailbox`. A name that has only inferiors is renamed with them. `NotPermitted`: `to` lies below `from`. A name
    /// is taken if it is one before the rename, also by what is renamed itself. `Limit(Mailboxes)`: too many mailboxes, or
    /// an inferior's new name is no name any more.
    ///
    /// INBOX: the messages move as by MOVE, keyword list and all, to UIDs from 1 on; `at_s` is when they were deleted from INBOX.
    RenameMailbox {
        /// The old name.
        from: MailboxName,
        /// The new name; the id and object id count only when INBOX is renamed.
        to: NewMailbox,
        /// The new name's superiors, outermost first.
        superiors: Vec<NewMailbox>,
        /// Now, in seconds since 1970.
        at_s: i64,
    },
    /// Remembers a name. → `Subscribed`, also if it was; refused with `Limit(Subscriptions)`
    Subscribe {
        /// A name, with or without a mailbox.
        name: MailboxName,
    },
    /// Forgets a name. → `Unsubscribed`, also if it was not
    Unsubscribe {
        /// A name, with or without a mailbox.
        name: MailboxName,
    },

    /// Opens a mailbox with its view, in one snapshot. → `Opened`, refused with `NoSuchMailbox`
    OpenMailbox {
        /// The mailbox.
        name: MailboxName,
        /// SELECT: the messages that no session has been told of become recent here, and in no later session
        /// (RFC 3501, 2.3.2). EXAMINE does not claim them.
        claim_recent: bool,
    },
    /// What changed after `since`. → `Refreshed`, refused with `NoSuchMailbox`. Answered for a deleted mailbox too: all its
    /// messages have vanished.
    Refresh {
        /// The mailbox.
        mailbox: MailboxId,
        /// The MODSEQ of the view that the machine has.
        since: ModSeq,
        /// As in `OpenMailbox`.
        claim_recent: bool,
    },
    /// Some messages' stored columns, soft-deleted ones included (a session may not have been told yet). → `Page`,
    /// refused with `NoSuchMailbox`. Answered for a deleted mailbox too.
    FetchPage {
        /// The mailbox.
        mailbox: MailboxId,
        /// The messages.
        uids: UidSet,
    },
    /// STORE. → `FlagsChanged`, refused with `NoSuchMailbox`, `Limit(Keywords)`, `Limit(Uids)`
    ///
    /// Only messages whose flags become others get the new MODSEQ. The session has selected the mailbox, so it claims what is
    /// recent, whether anything has changed or not (as `OpenMailbox` with `claim_recent`).
    ChangeFlags {
        /// The mailbox.
        mailbox: MailboxId,
        /// The messages; those that are gone are passed over.
        uids: UidSet,
        /// What to do.
        change: FlagChange,
        /// System flags; other bits are passed over.
        flags: Flags,
        /// Keywords. `Add` and `Replace` append new ones to the mailbox's list, in order, if there is a message to set them
        /// on; `Remove` passes over those that the list lacks.
        keywords: Vec<Keyword>,
        /// Only messages whose MODSEQ is at most this (RFC 7162, 3.1.3).
        unchanged_since: Option<ModSeq>,
        /// The MODSEQ of the view that the machine has.
        since: ModSeq,
    },
    /// COPY and MOVE: in one transaction, no body is read. UIDs ascend as those of the source do.
    /// → `Copied`, refused with `NoSuchMailbox` (of the target: `TRYCREATE`), `Gone`, `OverQuota`, `Limit`
    ///
    /// Flags, dates, EMAILID, head and body are those of the source. Keywords are mapped by name; those that the target lacks
    /// and a copied message has are appended to its list in the order of the source's. MOVE needs no room in the quota.
    /// The target may be the source: the copies come behind, and MOVE removes the originals with the same MODSEQ.
    /// A deleted source holds no messages. MOVE claims what is recent in the source, as `ChangeFlags` does.
    Copy {
        /// The source.
        from: MailboxId,
        /// The messages; those that are gone are passed over, unless `whole`.
        uids: UidSet,
        /// Whether one of them that is gone makes it `Gone`, and nothing is done (RFC 3501, 6.4.7).
        whole: bool,
        /// The target.
        to: MailboxName,
        /// Whether the messages leave the source (RFC 6851).
        moving: bool,
        /// Makes a repeated request the same request: if a message was copied under this key before, none is copied, and
        /// `source` and `target` are answered empty. The key is not used up when nothing was copied.
        key: DeliveryKey,
        /// Now, in milliseconds since 1970.
        at_ms: u64,
        /// The MODSEQ of the source's view that the machine has.
        since: ModSeq,
    },
    /// Soft-deletes the messages marked `\Deleted` (RFC 3501, 6.4.3; RFC 4315, 2.1). → `Expunged`,
    /// refused with `NoSuchMailbox`, `Limit(Uids)`. Claims what is recent, as `ChangeFlags` does.
    Expunge {
        /// The mailbox.
        mailbox: MailboxId,
        /// Only these messages; `None`: all.
        within: Option<UidSet>,
        /// Now, in milliseconds since 1970.
        at_ms: u64,
        /// The MODSEQ of the view that the machine has.
        since: ModSeq,
    },
    /// Soft-deletes messages, whatever their flags, which stay as they are (RFC 1939, 6). → `MessagesDeleted`, refused with
    /// `NoSuchMailbox`, `Limit(Uids)`. Claims nothing.
    DeleteMessages {
        /// The mailbox.
        mailbox: MailboxId,
        /// The messages; those that are gone are passed over.
        uids: UidSet,
        /// Now, in milliseconds since 1970.
        at_ms: u64,
    },
    /// Adds messages to a mailbox, all or none (RFC 3501, 6.3.11; RFC 3502). → `Appended`,
    /// refused with `NoSuchMailbox`, `OverQuota`, `Limit`; `Broken` if an object has messages already
    Append {
        /// The mailbox.
        name: MailboxName,
        /// The mailbox in place of it. If the account has none of its name it is made, with the UIDVALIDITY that `CreateMailbox` gives,
        /// and subscribed where there is room. `Broken` if its id is taken.
        instead: Option<NewMailbox>,
        /// The messages, in order; never empty.
        messages: Vec<NewMessage>,
        /// Now, in milliseconds since 1970.
        at_ms: u64,
    },
    /// One message to all its recipients, in one transaction; each is answered on its own. → `Delivered`
    ///
    /// Recipients are served in order, so that one may use up the quota of the next. A key that is known, from an earlier try
    /// or from earlier in this envelope, is answered with what it brought then, wherever that message is now. A refused
    /// recipient (`NoSuchMailbox`, `Limit(MessageSize)`, `OverQuota`, `Limit(Keywords)`, `Limit(Mailboxes)`, `Limit(Uids)`) leaves no
    /// key. Two recipients in one
    /// mailbox get two UIDs and one MODSEQ. An object that has messages already gets more of them; one that is being deleted
    /// is `Broken`.
    Deliver {
        /// The body, durable already.
        stored: Stored,
        /// The recipients, at least one.
        recipients: Vec<Recipient>,
        /// Now, in milliseconds since 1970: `INTERNALDATE` and save date.
        at_ms: u64,
    },

    /// An account's deleted messages whose rows are still there. → `DeletedFound`, refused with `NoSuchAccount`
    FindDeleted(FindDeleted),
    /// Brings deleted messages back under new UIDs. → `Undeleted`, refused with `NoSuchAccount`, `NoSuchMailbox` (where they
    /// were, or where they go), `Limit(Keywords)`, `Limit(Uids)`
    ///
    /// Those of one request share a MODSEQ, and UIDs ascend as the old ones do. Flags but `\Deleted`, keywords (mapped as by
    /// `Copy`), dates, EMAILID, head and body are those of the deleted row, which stays as it is.
    Undelete(Undelete),
    /// Which of these keys have brought a message by `Import`. → `ImportedFound`: an answer for each, in order
    FindImported {
        /// The keys.
        keys: Vec<DeliveryKey>,
    },
    /// Messages from elsewhere. → `Imported`, refused with `NoSuchAccount`, `NoSuchMailbox`; `Broken` if the object of one whose
    /// key is not known has messages already, or comes twice
    ///
    /// Each message is answered on its own, as recipients are by `Deliver`: refused with `Limit(MessageSize)`, `OverQuota`,
    /// `Limit(Keywords)`, `Limit(Uids)` it leaves no key. Those of one request share a MODSEQ. A key is remembered for as long as the
    /// mailbox's row is there: a message that was imported and deleted since does not come again.
    Import(Import),

    /// Something about the account's calendars. → `Calendar`
    Calendar(CalendarRequest),

    /// Takes what one owner at a time has, or keeps it. → `LeaseTaken`: false while another owner has it.
    ///
    /// Where several nodes share a database, time is the database's, not `at_ms`. Taken for no time it is given back.
    TakeLease {
        /// Which work.
        work: Work,
        /// Whose; drawn once by each worker and each session.
        owner: [u8; 16],
        /// How long, in milliseconds from now.
        for_ms: u64,
        /// Now, in milliseconds since 1970.
        at_ms: u64,
    },
    /// Removes the rows of soft-deleted messages, the earliest deleted first, then by mailbox and UID. Their UIDs stay known as
    /// expunged under the MODSEQ that they had, their objects lose a reference. → `MessagesCollected`: how many
    CollectMessages {
        /// Only those deleted before this, in milliseconds since 1970.
        before_ms: u64,
        /// At most so many.
        limit: u32,
        /// Now, in milliseconds since 1970.
        at_ms: u64,
    },
    /// Removes the rows of deleted mailboxes that have no messages any more, with all that is remembered of them: expunged
    /// UIDs; a key that brought something there is a new one. The earliest deleted first, then by id. → `MailboxesCollected`: how many
    CollectMailboxes {
        /// Only those deleted before this, in milliseconds since 1970.
        before_ms: u64,
        /// At most so many.
        limit: u32,
    },
    /// Removes the rows of soft-deleted calendar objects, the earliest deleted first, then by calendar, name and MODSEQ. Their
    /// objects lose a reference; a calendar cannot be synchronised any more from before a removal that is forgotten.
    /// → `CalendarObjectsCollected`: how many
    CollectCalendarObjects {
        /// Only those deleted before this, in milliseconds since 1970.
        before_ms: u64,
        /// At most so many.
        limit: u32,
        /// Now, in milliseconds since 1970.
        at_ms: u64,
    },
    /// Removes the rows of deleted calendars that have no objects any more, the earliest deleted first, then by id.
    /// → `CalendarsCollected`: how many
    CollectCalendars {
        /// Only those deleted before this, in milliseconds since 1970.
        before_ms: u64,
        /// At most so many.
        limit: u32,
    },
    /// Marks objects that no row names as being deleted; from then on no message can get one as its body. → `ObjectsClaimed`:
    /// those, and those claimed before and not yet forgotten, by id
    ClaimObjects {
        /// Only those with a larger id, so that what cannot be deleted keeps nobody from what can.
        after: Option<ObjectId>,
        /// At most so many are looked at.
        limit: u32,
    },
    /// Removes the rows of objects that are deleted. → `ObjectsForgotten`. What is not claimed stays.
    ForgetObjects {
        /// Claimed before, and no longer in the bucket or folder.
        objects: Vec<ObjectId>,
    },
    /// What waits for the garbage worker. → `GarbageCounted`
    CountGarbage {
        /// What was deleted before this is due, in milliseconds since 1970.
        before_ms: u64,
    },
    /// The objects that have a row, claimed ones too. → `ObjectsFound`, by id
    FindObjects {
        /// The first id.
        from: ObjectId,
        /// The last id.
        to: ObjectId,
    },
}

/// What one owner at a time has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    /// Removal of what was deleted, by one node: [`crate::garbage`].
    Garbage,
    /// An account's maildrop, by one session of that account: [`crate::pop3`] (RFC 1939, 4).
    Maildrop(AccountId),
}

impl Work {
    /// Its name in the table `leases`; at most 32 octets.
    pub fn name(self) -> String {
        match self {
            Work::Garbage => "garbage".to_owned(),
            Work::Maildrop(account) => format!("maildrop/{}", account.0),
        }
    }
}

impl Request {
    /// The new bodies that it gives rows to.
    pub fn stored(&self) -> impl Iterator<Item = &Stored> {
        let (one, many) = match self {
            Request::Deliver { stored, .. } => (Some(stored), [].as_slice()),
            Request::Calendar(CalendarRequest::Put(new)) => (Some(&new.stored), [].as_slice()),
            Request::Append { messages, .. } => (None, messages.as_slice()),
            _ => (None, [].as_slice()),
        };
        let imported = match self {
            Request::Import(import) => import.messages.as_slice(),
            _ => [].as_slice(),
        };
        let many = many.iter().chain(imported.iter().map(|(_, new)| new));
        one.into_iter().chain(many.map(|new| &new.stored))
    }

    /// Its name in rules for faults, logs and metrics: `store.Deliver`.
    pub fn name(&self) -> &'static str {
        match self {
            Request::FindAccount { .. } => "store.FindAccount",
            Request::FindLogin(_) => "store.FindLogin",
            Request::CountFailedLogin(..) => "store.CountFailedLogin",
            Request::KeepPassword { .. } => "store.KeepPassword",
            Request::FindRecipient { .. } => "store.FindRecipient",
            Request::FindSender { .. } => "store.FindSender",
            Request::CreateAccount(_) => "store.CreateAccount",
            Request::SetPassword { .. } => "store.SetPassword",
            Request::SetQuota { .. } => "store.SetQuota",
            Request::DeleteAccount { .. } => "store.DeleteAccount",
            Request::ListAccounts => "store.ListAccounts",
            Request::Domain(request) => request.name(),
            Request::AddAppPassword(_) => "store.AddAppPassword",
            Request::ListAppPasswords { .. } => "store.ListAppPasswords",
            Request::RemoveAppPassword { .. } => "store.RemoveAppPassword",
            Request::ListThrottles { .. } => "store.ListThrottles",
            Request::ClearThrottles { .. } => "store.ClearThrottles",
            Request::ListMailboxes { .. } => "store.ListMailboxes",
            Request::ListSubscriptions => "store.ListSubscriptions",
            Request::StatusMailbox { .. } => "store.StatusMailbox",
            Request::CreateMailbox { .. } => "store.CreateMailbox",
            Request::DeleteMailbox { .. } => "store.DeleteMailbox",
            Request::RenameMailbox { .. } => "store.RenameMailbox",
            Request::Subscribe { .. } => "store.Subscribe",
            Request::Unsubscribe { .. } => "store.Unsubscribe",
            Request::OpenMailbox { .. } => "store.OpenMailbox",
            Request::Refresh { .. } => "store.Refresh",
            Request::FetchPage { .. } => "store.FetchPage",
            Request::ChangeFlags { .. } => "store.ChangeFlags",
            Request::Copy { .. } => "store.Copy",
            Request::Expunge { .. } => "store.Expunge",
            Request::DeleteMessages { .. } => "store.DeleteMessages",
            Request::Append { .. } => "store.Append",
            Request::Deliver { .. } => "store.Deliver",
            Request::FindDeleted(_) => "store.FindDeleted",
            Request::Undelete(_) => "store.Undelete",
            Request::FindImported { .. } => "store.FindImported",
            Request::Import(_) => "store.Import",
            Request::Calendar(request) => request.name(),
            Request::TakeLease { .. } => "store.TakeLease",
            Request::CollectMessages { .. } => "store.CollectMessages",
            Request::CollectMailboxes { .. } => "store.CollectMailboxes",
            Request::CollectCalendarObjects { .. } => "store.CollectCalendarObjects",
            Request::CollectCalendars { .. } => "store.CollectCalendars",
            Request::ClaimObjects { .. } => "store.ClaimObjects",
            Request::ForgetObjects { .. } => "store.ForgetObjects",
            Request::CountGarbage { .. } => "store.CountGarbage",
            Request::FindObjects { .. } => "store.FindObjects",
        }
    }
}

/// A new account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAccount {
    /// Its id.
    pub id: AccountId,
    /// Its login name, which is its first address too; lower-cased.
    pub login: String,
    /// What is stored of its password.
    pub password: PasswordHashes,
    /// Octets it may keep; 0: no limit.
    pub quota_bytes: u64,
    /// Its mailboxes, INBOX among them.
    pub mailboxes: Vec<NewMailbox>,
    /// Now, in milliseconds since 1970.
    pub at_ms: u64,
}

/// A new mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMailbox {
    /// Its id.
    pub id: MailboxId,
    /// Its name.
    pub name: MailboxName,
    /// What it is for.
    pub special_use: Option<SpecialUse>,
    /// Its MAILBOXID (RFC 8474).
    pub object_id: [u8; 16],
}

/// A message to be appended.
#[derive(Clone, Debug, PartialEq)]
pub struct NewMessage {
    /// Its body, durable already.
    pub stored: Stored,
    /// System flags.
    pub flags: Flags,
    /// Keywords.
    pub keywords: Vec<Keyword>,
    /// INTERNALDATE, in seconds since 1970.
    pub internal_date_s: i64,
    /// Its EMAILID (RFC 8474).
    pub email_id: [u8; 16],
}

/// One recipient of a delivery.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipient {
    /// Makes a retried delivery the same delivery.
    pub key: DeliveryKey,
    /// Whose.
    pub account: AccountId,
    /// Where to.
    pub mailbox: MailboxId,
    /// The mailbox in place of it, made if the account has none of its name, as by `Append`. The other one must be there all the same.
    pub instead: Option<NewMailbox>,
    /// Keywords that the message gets.
    pub keywords: Vec<Keyword>,
    /// What stands in front of the object for this recipient: `Return-Path`, `Delivered-To`, `Received`. At most
    /// [`Recipient::HEAD_MAX`] octets, whole lines.
    pub head: Bytes,
    /// Its EMAILID (RFC 8474).
    pub email_id: [u8; 16],
}

impl Recipient {
    /// The most octets of a head.
    pub const HEAD_MAX: usize = 2000;
}

/// What STORE does (RFC 3501, 6.4.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlagChange {
    /// `+FLAGS`
    Add,
    /// `-FLAGS`
    Remove,
    /// `FLAGS`
    Replace,
}

/// The last UID a mailbox can give; the next delivery is refused with [`super::Budget::Uids`].
pub const UID_MAX: Uid = Uid(u32::MAX - 1);
