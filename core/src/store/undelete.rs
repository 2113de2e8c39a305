//! Undelete: what an operator asks about messages that were deleted and whose rows are still there.
//!
//! A message comes back as a new row under a new UID; the old row stays deleted, as clients have been told. So nothing marks a
//! row as restored, and nothing has to: a message is the same wherever its object and EMAILID are the same, and one that lives
//! somewhere in the account is not brought back. That holds for what was restored before, and for what was deleted here only
//! because it was moved there.

use super::{AccountId, MailboxId, MailboxName, Uid, UidSet};

/// Asks for an account's deleted messages, by mailbox and UID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindDeleted {
    /// Whose.
    pub account: AccountId,
    /// Only those of mailboxes of this name, deleted ones too.
    pub mailbox: Option<MailboxName>,
    /// Only those deleted then or later, in milliseconds since 1970.
    pub from_ms: u64,
    /// Only those deleted before this, in milliseconds since 1970.
    pub before_ms: u64,
    /// Only what follows this one: the last of the page before.
    pub after: Option<(MailboxId, Uid)>,
    /// At most so many.
    pub limit: u32,
}

/// A deleted message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletedMessage {
    /// Where it was.
    pub mailbox: MailboxId,
    /// The name of that mailbox, the last one if it is deleted too.
    pub name: MailboxName,
    /// Its UID there.
    pub uid: Uid,
    /// When it was deleted, in milliseconds since 1970.
    pub deleted_at_ms: u64,
    /// INTERNALDATE, in seconds since 1970.
    pub internal_date_s: i64,
    /// Octets of head and object.
    pub size: u32,
    /// Whether it can come back.
    pub fate: Fate,
}

/// Whether a deleted message can come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It can.
    Restorable,
    /// The same message was deleted later, or is listed later, among those asked for: that one can.
    Later,
    /// The same message lives in a mailbox of the account.
    Lives,
}

/// Asks for messages back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undelete {
    /// Whose.
    pub account: AccountId,
    /// Where they were; a deleted mailbox too.
    pub from: MailboxId,
    /// Which.
    pub uids: UidSet,
    /// Where they go: a mailbox that there is.
    pub to: MailboxName,
    /// Now, in milliseconds since 1970.
    pub at_ms: u64,
}

/// What became of the messages asked for; each is in one of `restored`, `lives`, `gone` and `over_quota`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Undeleted {
    /// UIDVALIDITY of the target.
    pub uid_validity: u32,
    /// Those that are back, by their old UIDs.
    pub restored: UidSet,
    /// Their UIDs in the target, in the same order, as many.
    pub target: UidSet,
    /// Those that live in some mailbox of the account, or came back just now from another row.
    pub lives: UidSet,
    /// Those whose rows are gone for good, or never were.
    pub gone: UidSet,
    /// Those that the quota does not hold; a smaller one behind may fit.
    pub over_quota: UidSet,
}
