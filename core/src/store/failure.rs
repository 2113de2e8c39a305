//! Why an effect did not happen. A peer can change its request, try later, or complain; so there are three.

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
    /// The name is taken.
    AlreadyExists,
    /// The mailbox has inferiors and no messages of its own, so there is nothing to delete.
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

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Failure::Refused(refusal)
    }
}
