//! What a worker and an operator ask about the queue, and what they are told.

use super::{Outbound, QueueEntry, QueueId, QueueLine, QueuePage};
use crate::machine::Stored;
use crate::store::{Delivered, Recipient, Refusal};

/// A question about the queue. Where several nodes share a database, time is the database's, not `at_ms`.
#[derive(Clone, Debug, PartialEq)]
pub enum QueueRequest {
    /// Takes entries that are due: those that wait and whose time has come, and those whose claim is over. The highest priority
    /// first, then the earliest, then by id. An entry that this version cannot read is held instead. → `Claimed`
    Claim {
        /// Whose they are from now on; drawn once by each worker; not all zeros.
        owner: [u8; 16],
        /// How long, in milliseconds from now.
        for_ms: u64,
        /// At most so many.
        limit: u32,
        /// Now, in milliseconds since 1970.
        at_ms: u64,
    },
    /// Says what became of claimed entries. One that is not the owner's any more is lost: another worker claimed it, it was settled
    /// before, or an operator deleted it; nothing is done about it. One whose claim is over and that nobody else took is not lost.
    /// → `Settled`
    ///
    /// A report tells of all that it is settled with, so it is all or nothing: if one is lost, none is settled and no report is made.
    /// So each report is made once, whoever repeats the request. A recipient of a report that is refused keeps nothing from being
    /// settled. `Broken` where `Deliver` is.
    Settle {
        /// Who claimed them.
        owner: [u8; 16],
        /// What became of each; an id that comes twice is lost the second time.
        settled: Vec<Settled>,
        /// What the sender is told, delivered in the same transaction.
        report: Option<Box<NewReport>>,
        /// Now, in milliseconds since 1970.
        at_ms: u64,
    },
    /// Keeps claimed entries for longer, or gives them back. → `Renewed`: those that are still the owner's
    Renew {
        /// Who claimed them.
        owner: [u8; 16],
        /// Which.
        ids: Vec<QueueId>,
        /// How long, in milliseconds from now; 0: they are due again at once.
        for_ms: u64,
        /// Now, in milliseconds since 1970.
        at_ms: u64,
    },
    /// → `NextDue`
    NextDue {
        /// Now, in milliseconds since 1970.
        at_ms: u64,
    },
    /// → `Lines`
    List(QueuePage),
    /// An operator's word about entries. → `Changed`
    Change {
        /// Which.
        which: QueueSelection,
        /// What is done to them.
        change: QueueChange,
        /// Now, in milliseconds since 1970.
        at_ms: u64,
    },
}

/// What became of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Which.
    pub id: QueueId,
    /// What became of it.
    pub fate: QueueFate,
}

/// What becomes of an entry after a try. An error longer than [`QueueFate::ERROR_MAX`] octets is cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueueFate {
    /// It leaves the queue: delivered, or given up.
    Gone,
    /// It waits for another try. An entry that an operator has held meanwhile stays held.
    Later {
        /// When, in milliseconds since 1970.
        next_ms: u64,
        /// Why the try failed.
        error: String,
        /// Whether its sender has been told that it takes long, by this report or before.
        told_delay: bool,
    },
    /// It waits for an operator.
    Held {
        /// Why.
        error: String,
    },
}

impl QueueFate {
    /// The most octets of an error that are kept.
    pub const ERROR_MAX: usize = 1000;
}

/// A report to a sender: delivered here, or queued, as by [`crate::store::Request::Deliver`].
#[derive(Clone, Debug, PartialEq)]
pub struct NewReport {
    /// Its body, durable already.
    pub stored: Stored,
    /// Those who are here.
    pub recipients: Vec<Recipient>,
    /// Those who are elsewhere.
    pub outbound: Vec<Outbound>,
}

/// Which entries an operator means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueueSelection {
    /// These.
    Ids(Vec<QueueId>),
    /// A page of those that fit; the rest follows with the next request.
    Page(QueuePage),
}

/// What an operator does to entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum QueueChange {
    /// Those that wait are due at once.
    Retry,
    /// Those that are not held yet are tried no more. What is being sent now may still arrive, and be settled.
    Hold,
    /// Those that are held wait again, and are due at once.
    Release,
    /// They are no more; nobody is told. What is being sent now may still arrive.
    Delete,
}

/// What a store answers to a [`QueueRequest`].
#[derive(Clone, Debug, PartialEq)]
pub enum QueueReply {
    /// Of `Claim`: in the order in which they are to be tried.
    Claimed(Vec<QueueEntry>),
    /// Of `Settle`.
    Settled {
        /// Those that were not the owner's any more, in the order of the request.
        lost: Vec<QueueId>,
        /// For each local recipient of the report, in order; empty if none was made.
        reported: Vec<Result<Delivered, Refusal>>,
    },
    /// Of `Renew`: in the order of the request.
    Renewed(Vec<QueueId>),
    /// Of `NextDue`: in how many milliseconds the next entry is due, 0: it is; `None`: none will be.
    NextDue(Option<u64>),
    /// Of `List`.
    Lines(Vec<QueueLine>),
    /// Of `Change`.
    Changed {
        /// How many were changed.
        many: u32,
        /// The last one that was looked at, if there may be more behind it.
        next: Option<QueueId>,
    },
}

impl QueueRequest {
    /// Whether it may be answered without writing.
    pub fn only_reads(&self) -> bool {
        matches!(self, QueueRequest::NextDue { .. } | QueueRequest::List(_))
    }

    /// Its name in rules for faults, logs and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            QueueRequest::Claim { .. } => "store.ClaimQueue",
            QueueRequest::Settle { .. } => "store.SettleQueue",
            QueueRequest::Renew { .. } => "store.RenewQueue",
            QueueRequest::NextDue { .. } => "store.NextDue",
            QueueRequest::List(_) => "store.ListQueue",
            QueueRequest::Change { .. } => "store.ChangeQueue",
        }
    }

    /// The report that it brings.
    pub fn report(&self) -> Option<&NewReport> {
        match self {
            QueueRequest::Settle { report, .. } => report.as_deref(),
            _ => None,
        }
    }
}

/// An error as it is kept: cut at the end of a character.
pub fn clipped(error: &str) -> &str {
    error
        .get(..error.floor_char_boundary(QueueFate::ERROR_MAX))
        .unwrap_or(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_error_is_cut_between_characters() {
        assert_eq!(clipped("450 later"), "450 later");
        let long = format!("{}ä", "x".repeat(QueueFate::ERROR_MAX - 1));
        assert_eq!(clipped(&long).len(), QueueFate::ERROR_MAX - 1);
    }
}
