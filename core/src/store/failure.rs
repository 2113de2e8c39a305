//! Why an effect did not happen. A peer can change its request, try later, or complain; so there are three.
//!
//! They print in an operator's words; what a peer is told stands in the words of its protocol.

use std::fmt;

/// Why an effect did not happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The peer can change its request.
    Refused(Refusal),
    /// Nothing is wrong with the request: later it may work.
    Unavailable {
        /// When to try again, in seconds.
        retry_after_s: u32,
    },
    /// Something is wrong here; a person has to look.
    Broken(Fault),
}

/// What a peer would have to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The account's quota does not hold this.
    OverQuota,
    /// There is no such mailbox, or it was deleted meanwhile.
    NoSuchMailbox,
    /// There is no such account or address.
    NoSuchAccount,
    /// The domain is none of ours.
    NotOurs,
    /// The name is taken.
    AlreadyExists,
    /// The mailbox has inferiors and no messages of its own, so there is nothing to delete; or the domain has addresses.
    HasChildren,
    /// Not for this actor.
    NotPermitted,
    /// There is no such calendar, or it was deleted meanwhile.
    NoSuchCalendar,
    /// There is no such calendar object.
    NoSuchObject,
    /// The calendar object is another than the request says.
    Changed,
    /// From there a calendar cannot be synchronised any more, or never could.
    InvalidSyncToken,
    /// The message's body is gone: it was expunged and collected.
    Gone,
    /// A budget is used up.
    Limit(Budget),
}

/// The budgets a store keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Budget {
    /// Keywords of one mailbox: [`super::Keywords::MAX`].
    Keywords,
    /// Mailboxes of one account: their number, their UIDVALIDITYs, the length or depth of a name after a rename.
    Mailboxes,
    /// UIDs or MODSEQs of one mailbox: the 32 bits are used up.
    Uids,
    /// Subscriptions of one account.
    Subscriptions,
    /// Calendars of one account: [`super::calendar::CALENDARS_MAX`].
    Calendars,
    /// Objects of one calendar: [`super::calendar::CALENDAR_OBJECTS_MAX`].
    CalendarObjects,
    /// App passwords of one account: [`super::APP_PASSWORDS_MAX`].
    AppPasswords,
    /// Accounts of one alias, or aliases of one account: [`super::ALIAS_ACCOUNTS_MAX`], [`super::ALIASES_MAX`].
    Aliases,
    /// Sessions of one account at a time, on one node.
    Connections,
    /// Octets of one message.
    MessageSize,
    /// Space on the disk or in the bucket.
    Space,
}

/// What broke, in words for the log; a peer is told only that it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(pub String);

impl Failure {
    /// A fault, for the log.
    pub fn broken(what: impl Into<String>) -> Self {
        Failure::Broken(Fault(what.into()))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Refused(refusal) => refusal.fmt(f),
            Failure::Unavailable { .. } => {
                f.write_str("the database or the bucket is busy or away; try again")
            }
            Failure::Broken(fault) => f.write_str(&fault.0),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self {
            Refusal::OverQuota => "it is over quota",
            Refusal::NoSuchMailbox => "there is no such mailbox",
            Refusal::NoSuchAccount => "there is no such account",
            Refusal::NotOurs => "the domain is none of ours",
            Refusal::AlreadyExists => "the name is taken",
            Refusal::HasChildren => "the mailbox has inferiors and no messages of its own",
            Refusal::NotPermitted => "it is not permitted",
            Refusal::NoSuchCalendar => "there is no such calendar",
            Refusal::NoSuchObject => "there is no such calendar object",
            Refusal::Changed => "the calendar object is another by now",
            Refusal::InvalidSyncToken => "the calendar cannot be synchronised from there",
            Refusal::Gone => "the message was expunged, and its body is gone",
            Refusal::Limit(budget) => return write!(f, "it has reached the limit of {budget}"),
        };
        f.write_str(words)
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Budget::Keywords => "keywords of a mailbox",
            Budget::Mailboxes => "mailboxes of an account",
            Budget::Uids => "UIDs of a mailbox",
            Budget::Subscriptions => "subscriptions of an account",
            Budget::Calendars => "calendars of an account",
            Budget::CalendarObjects => "objects of a calendar",
            Budget::MessageSize => "octets of a message",
            Budget::Aliases => "accounts of an alias, or aliases of an account",
            Budget::AppPasswords => "app passwords of an account",
            Budget::Connections => "connections of an account",
            Budget::Space => "space on the disk or in the bucket",
        })
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Failure::Refused(refusal)
    }
}
