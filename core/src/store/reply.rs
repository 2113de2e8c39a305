//! What a store answers: the participles of [`super::Request`], in the same order.

use std::sync::Arc;

use bytes::Bytes;

use crate::machine::{ObjectKind, Peer, Secret};

use super::{
    AccountId, AppPasswordLine, CalendarReply, DeletedMessage, DomainReply, LoginFound, MailboxId,
    MailboxName, ModSeq, NewMailbox, ObjectId, Refusal, SpecialUse, Throttle, Uid, UidSet, Undeleted, View,
};

/// What a store answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// Of `FindAccount`.
    AccountFound(Option<Account>),
    /// Of `FindLogin`.
    LoginFound(LoginFound),
    /// Of `CountFailedLogin`.
    FailedLoginCounted,
    /// Of `KeepPassword`.
    PasswordKept,
    /// Of `FindRecipient`: at least one, by account.
    RecipientFound(Vec<RecipientPlace>),
    /// Of `FindSender`: for each address, in order.
    SenderFound(Vec<bool>),
    /// Of `CreateAccount`.
    AccountCreated,
    /// Of `SetPassword`.
    PasswordSet,
    /// Of `SetQuota`.
    QuotaSet,
    /// Of `DeleteAccount`.
    AccountDeleted,
    /// Of `ListAccounts`.
    Accounts(Vec<AccountLine>),
    /// Of `Domain`.
    Domain(DomainReply),
    /// Of `AddAppPassword`.
    AppPasswordAdded,
    /// Of `ListAppPasswords`.
    AppPasswords(Vec<AppPasswordLine>),
    /// Of `RemoveAppPassword`.
    AppPasswordRemoved(bool),
    /// Of `ListThrottles`.
    Throttles(Vec<Throttle>),
    /// Of `ClearThrottles`.
    ThrottlesCleared,
    /// Of `ListMailboxes`.
    Mailboxes(Vec<Status>),
    /// Of `ListSubscriptions`.
    Subscriptions(Vec<MailboxName>),
    /// Of `StatusMailbox`.
    Status(Status),
    /// Of `CreateMailbox`.
    Created,
    /// Of `DeleteMailbox`.
    Deleted,
    /// Of `RenameMailbox`.
    Renamed,
    /// Of `Subscribe`.
    Subscribed,
    /// Of `Unsubscribe`.
    Unsubscribed,
    /// Of `OpenMailbox`.
    Opened(Opened),
    /// Of `Refresh`.
    Refreshed(Refreshed),
    /// Of `FetchPage`.
    Page(Page),
    /// Of `ChangeFlags`.
    FlagsChanged(FlagsChanged),
    /// Of `Copy`.
    Copied(Copied),
    /// Of `Expunge`.
    Expunged(Expunged),
    /// Of `DeleteMessages`: those that this request deleted.
    MessagesDeleted(UidSet),
    /// Of `Append`.
    Appended(Appended),
    /// Of `Deliver`: one answer for each recipient, in order.
    Delivered(Vec<Result<Delivered, Refusal>>),
    /// Of `FindDeleted`: a page of them, by mailbox and UID; a full one may not be the last.
    DeletedFound(Vec<DeletedMessage>),
    /// Of `Undelete`.
    Undeleted(Undeleted),
    /// Of `FindImported`.
    ImportedFound(Vec<bool>),
    /// Of `Import`: one answer for each message, in order.
    Imported(Vec<Result<Delivered, Refusal>>),
    /// Of `Calendar`.
    Calendar(CalendarReply),
    /// Of `TakeLease`: whether the asker has it now.
    LeaseTaken(bool),
    /// Of `CollectMessages`: how many.
    MessagesCollected(u32),
    /// Of `CollectMailboxes`: how many.
    MailboxesCollected(u32),
    /// Of `CollectCalendarObjects`: how many.
    CalendarObjectsCollected(u32),
    /// Of `CollectCalendars`: how many.
    CalendarsCollected(u32),
    /// Of `ClaimObjects`.
    ObjectsClaimed {
        /// By id.
        objects: Vec<(ObjectKind, ObjectId)>,
        /// The last one that was looked at, if there may be more behind it.
        next: Option<ObjectId>,
    },
    /// Of `ForgetObjects`.
    ObjectsForgotten,
    /// Of `CountGarbage`.
    GarbageCounted(GarbageCounts),
    /// Of `FindObjects`.
    ObjectsFound(Vec<ObjectId>),
}

/// What waits for the garbage worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GarbageCounts {
    /// Soft-deleted messages.
    pub messages: Deleted,
    /// Mailboxes that are deleted, empty or not.
    pub mailboxes: Deleted,
    /// Soft-deleted calendar objects.
    pub calendar_objects: Deleted,
    /// Calendars that are deleted, empty or not.
    pub calendars: Deleted,
    /// Bodies that no row names.
    pub unnamed: u64,
    /// Bodies that are being deleted.
    pub claimed: u64,
}

/// How many were deleted: long enough ago to be removed, and later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deleted {
    /// To be removed.
    pub due: u64,
    /// Still kept.
    pub kept: u64,
}

impl Deleted {
    /// Counts those that were deleted at these times, in milliseconds since 1970.
    pub fn count(times_ms: impl Iterator<Item = u64>, before_ms: u64) -> Self {
        let mut counted = Self::default();
        for at_ms in times_ms {
            match at_ms < before_ms {
                true => counted.due += 1,
                false => counted.kept += 1,
            }
        }
        counted
    }
}

/// From where an account may log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// From anywhere.
    Anywhere,
    /// From the server's own machine only: its password is one that everybody can read, until it has another.
    Local,
    /// From nowhere.
    Nowhere,
}

impl Access {
    /// Whether a peer may log in.
    pub fn admits(self, peer: &Peer) -> bool {
        match self {
            Access::Anywhere => true,
            Access::Local => peer.is_local(),
            Access::Nowhere => false,
        }
    }
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Its login name.
    pub login: String,
    /// Its bcrypt hash.
    pub pw_hash: Secret,
    /// From where it may log in.
    pub access: Access,
}

/// An account, as an operator lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountLine {
    /// Its id.
    pub id: AccountId,
    /// Its login name.
    pub login: String,
    /// From where it may log in.
    pub access: Access,
    /// Live messages.
    pub used_msgs: u64,
    /// Octets of its live messages.
    pub used_bytes: u64,
    /// Octets it may keep; 0: no limit.
    pub quota_bytes: u64,
    /// When it was made, in milliseconds since 1970.
    pub created_at_ms: u64,
}

/// Where mail for an address goes: one account's part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecipientPlace {
    /// Whose.
    pub account: AccountId,
    /// INBOX.
    pub mailbox: MailboxId,
    /// Octets that the quota still holds; `None`: no limit.
    pub room_bytes: Option<u64>,
}

/// A mailbox's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// Its id.
    pub id: MailboxId,
    /// Its name.
    pub name: MailboxName,
    /// UIDVALIDITY (RFC 3501, 2.3.1.1).
    pub uid_validity: u32,
    /// UIDNEXT.
    pub uid_next: Uid,
    /// HIGHESTMODSEQ (RFC 7162, 3.1.2.1).
    pub highest_modseq: ModSeq,
    /// Live messages.
    pub msgs: u64,
    /// Live messages without `\Seen`.
    pub unseen: u64,
    /// Octets of its live messages.
    pub bytes: u64,
    /// The first UID that no session has claimed as recent.
    pub recent_from: Uid,
    /// What it is for.
    pub special_use: Option<SpecialUse>,
    /// Its MAILBOXID (RFC 8474).
    pub object_id: [u8; 16],
}

impl Mailbox {
    /// The row of one that has just been made: empty.
    pub fn fresh(new: &NewMailbox, uid_validity: u32) -> Self {
        Self {
            id: new.id,
            name: new.name.clone(),
            uid_validity,
            uid_next: Uid(1),
            highest_modseq: ModSeq(1),
            msgs: 0,
            unseen: 0,
            bytes: 0,
            recent_from: Uid(1),
            special_use: new.special_use,
            object_id: new.object_id,
        }
    }
}

/// A mailbox's row with what STATUS counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The row.
    pub mailbox: Mailbox,
    /// Live messages from `recent_from` on; 0 if they were not asked for.
    pub recent: u64,
}

/// An open mailbox.
#[derive(Clone, Debug, PartialEq)]
pub struct Opened {
    /// Its row, of the same snapshot as the view, before anything was claimed.
    pub mailbox: Mailbox,
    /// Its messages.
    pub view: Arc<View>,
    /// Messages from this UID on are recent in this session: the row's `recent_from`, claimed or not.
    pub recent_from: Uid,
}

/// What changed in a mailbox.
#[derive(Clone, Debug, PartialEq)]
pub struct Refreshed {
    /// The newest view; its MODSEQ is the next `since`.
    pub view: Arc<View>,
    /// Live messages whose MODSEQ is above `since`: new ones and those with other flags.
    pub changed: UidSet,
    /// Messages expunged above `since`, those too that came after it.
    pub vanished: UidSet,
    /// New messages from this UID on are recent in this session.
    pub recent_from: Uid,
}

/// Some messages' stored columns: as many as fit a page.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// By UID, ascending. Messages that are gone for good are not among them.
    pub rows: Vec<PageRow>,
    /// What did not fit: ask again for these. If the page is full, the asked UIDs above its last row, whether they exist or
    /// not; else none.
    pub rest: UidSet,
}

impl Page {
    /// The most rows of a page.
    pub const ROWS_MAX: usize = 256;
    /// A page ends with the row with which heads and indexes come to this many octets.
    pub const OCTETS_MAX: usize = 1024 * 1024;
}

/// One message's stored columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRow {
    /// Its UID.
    pub uid: Uid,
    /// Its body.
    pub object: ObjectId,
    /// The size of the object in octets; the message's size is this and the head's length.
    pub object_size: u64,
    /// What stands in front of the object for this recipient.
    pub head: Bytes,
    /// The message index of the object, encoded ([`crate::mime::MessageIndex::decode`]).
    pub index: Bytes,
    /// Its EMAILID (RFC 8474).
    pub email_id: [u8; 16],
    /// When it came into this mailbox, in seconds since 1970 (RFC 8514, 3).
    pub save_date_s: i64,
}

/// What STORE did.
#[derive(Clone, Debug, PartialEq)]
pub struct FlagsChanged {
    /// Messages that this request changed; one that had these flags already is not among them.
    pub applied: UidSet,
    /// Live messages left alone because their MODSEQ is above `unchanged_since`.
    pub modified: UidSet,
    /// The view with this change and all before it.
    pub refreshed: Refreshed,
}

/// What COPY or MOVE did.
#[derive(Clone, Debug, PartialEq)]
pub struct Copied {
    /// UIDVALIDITY of the target.
    pub uid_validity: u32,
    /// The messages copied.
    pub source: UidSet,
    /// Their UIDs in the target, in the same order, as many.
    pub target: UidSet,
    /// The source's view after a MOVE; `None` after a COPY.
    pub refreshed: Option<Refreshed>,
}

/// What EXPUNGE did.
#[derive(Clone, Debug, PartialEq)]
pub struct Expunged {
    /// Messages that this request expunged.
    pub expunged: UidSet,
    /// The view without them.
    pub refreshed: Refreshed,
}

/// What APPEND did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The mailbox.
    pub mailbox: MailboxId,
    /// Its UIDVALIDITY.
    pub uid_validity: u32,
    /// The messages' UIDs, in order.
    pub uids: UidSet,
}

/// One recipient's delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// UIDVALIDITY of the mailbox.
    pub uid_validity: u32,
    /// The message's UID.
    pub uid: Uid,
    /// It had been delivered before, by an earlier try whose reply was lost.
    pub repeated: bool,
}
