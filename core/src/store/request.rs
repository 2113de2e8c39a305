//! What a machine may ask of a store. One request is one round trip; most IMAP commands are one request.

use bytes::Bytes;

use super::{
    AccountId, DeliveryKey, Flags, Keyword, MailboxId, MailboxName, ModSeq, ObjectId, SpecialUse, Uid, UidSet,
};
use crate::machine::Stored;

/// A question to the store. Requests of [`super::Actor::Account`] speak of that account's mailboxes only.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// The account of a login name (lower-cased). → `AccountFound`
    FindAccount {
        /// The name given at log-in.
        login: String,
    },
    /// Where mail for an address goes. → `RecipientFound`, refused with `NoSuchAccount`
    FindRecipient {
        /// The whole address, lower-cased.
        address: String,
        /// The address without its detail (`user+detail@…`, RFC 5233), tried if the whole one is unknown.
        base: Option<String>,
    },
    /// A new account with its mailboxes, all subscribed. → `AccountCreated`, refused with `AlreadyExists`
    CreateAccount(NewAccount),
    /// → `PasswordSet`, refused with `NoSuchAccount`
    SetPassword {
        /// The account's login name.
        login: String,
        /// The new bcrypt hash.
        pw_hash: String,
    },
    /// Deletes an account with its addresses; its mailboxes and messages are soft-deleted. → `AccountDeleted`
    DeleteAccount {
        /// The account's login name.
        login: String,
        /// Now, in milliseconds since 1970.
        at_ms: u64,
    },
    /// → `Accounts`, by login name
    ListAccounts,

    /// → `Mailboxes`, by name, octet by octet
    ListMailboxes,
    /// → `Subscriptions`, by name, octet by octet; a name may be subscribed without a mailbox (RFC 3501, 6.3.6)
    ListSubscriptions,
    /// → `Status`, refused with `NoSuchMailbox`
    StatusMailbox {
        /// The mailbox.
        name: MailboxName,
    },
    /// A new mailbox, with the superiors that are missing (RFC 3501, 6.3.3). → `Created`, refused with `AlreadyExists`
    CreateMailbox {
        /// The mailbox.
        mailbox: NewMailbox,
        /// Its superiors, outermost first; those that exist are left alone.
        superiors: Vec<NewMailbox>,
        /// Now, in seconds since 1970: the least UIDVALIDITY.
        at_s: i64,
    },
    /// Soft-deletes a mailbox and its messages; inferiors stay (RFC 3501, 6.3.4). → `Deleted`,
    /// refused with `NoSuchMailbox`, or with `HasChildren` if only inferiors exist
    DeleteMailbox {
        /// The mailbox.
        name: MailboxName,
        /// Now, in milliseconds since 1970.
        at_ms: u64,
    },
    /// Renames a mailbox and its inferiors; INBOX keeps its own and gives its messages to a new mailbox (RFC 3501, 6.3.5).
    /// → `Renamed`, refused with `NoSuchMailbox`, `AlreadyExists` (also if an inferior's new name is taken) or `Limit`
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
    /// → `Subscribed`, also if it was
    Subscribe {
        /// A name, with or without a mailbox.
        name: MailboxName,
    },
    /// → `Unsubscribed`, also if it was not
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
    /// What changed after `since`. → `Refreshed`. Answered for a deleted mailbox too: all its messages have vanished.
    Refresh {
        /// The mailbox.
        mailbox: MailboxId,
        /// The MODSEQ of the view that the machine has.
        since: ModSeq,
        /// As in `OpenMailbox`.
        claim_recent: bool,
    },
    /// Some messages' stored columns, soft-deleted ones included (a session may not have been told yet). → `Page`
    FetchPage {
        /// The mailbox.
        mailbox: MailboxId,
        /// The messages.
        uids: UidSet,
    },
    /// → `FlagsChanged`, refused with `NoSuchMailbox`, `Limit(Keywords)`
    ChangeFlags {
        /// The mailbox.
        mailbox: MailboxId,
        /// The messages; those that are gone are passed over.
        uids: UidSet,
        /// What to do.
        change: FlagChange,
        /// System flags.
        flags: Flags,
        /// Keywords; new ones are appended to the mailbox's list.
        keywords: Vec<Keyword>,
        /// Only messages whose MODSEQ is at most this (RFC 7162, 3.1.3).
        unchanged_since: Option<ModSeq>,
        /// The MODSEQ of the view that the machine has.
        since: ModSeq,
    },
    /// COPY and MOVE: in one transaction, no body is read. UIDs ascend as those of the source do.
    /// → `Copied`, refused with `NoSuchMailbox` (of the target: `TRYCREATE`), `OverQuota`, `Limit`
    Copy {
        /// The source.
        from: MailboxId,
        /// The messages; those that are gone are passed over.
        uids: UidSet,
        /// The target.
        to: MailboxName,
        /// Whether the messages leave the source (RFC 6851).
        moving: bool,
        /// Makes a repeated request the same request.
        key: DeliveryKey,
        /// Now, in milliseconds since 1970.
        at_ms: u64,
        /// The MODSEQ of the source's view that the machine has.
        since: ModSeq,
    },
    /// Soft-deletes the messages marked `\Deleted` (RFC 3501, 6.4.3; RFC 4315, 2.1). → `Expunged`
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
    /// Adds messages to a mailbox, all or none (RFC 3501, 6.3.11; RFC 3502). → `Appended`,
    /// refused with `NoSuchMailbox`, `OverQuota`, `Limit`
    Append {
        /// The mailbox.
        name: MailboxName,
        /// The messages, in order; never empty.
        messages: Vec<NewMessage>,
        /// Now, in milliseconds since 1970.
        at_ms: u64,
    },
    /// One message to all its recipients, in one transaction; each is answered on its own. → `Delivered`
    Deliver {
        /// The body, durable already.
        stored: Stored,
        /// The recipients, at least one.
        recipients: Vec<Recipient>,
        /// Now, in milliseconds since 1970: `INTERNALDATE` and save date.
        at_ms: u64,
    },
}

/// A new account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAccount {
    /// Its id.
    pub id: AccountId,
    /// Its login name, which is its first address too; lower-cased.
    pub login: String,
    /// A bcrypt hash.
    pub pw_hash: String,
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
