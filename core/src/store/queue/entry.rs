//! What the queue holds, as a worker and as an operator sees it.

use bytes::Bytes;

use super::{MailOptions, QueueId};
use crate::store::{AccountId, ObjectId};

/// An entry that was claimed: all that sending it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueEntry {
    /// Its id.
    pub id: QueueId,
    /// Who submitted it; `None`: the server itself.
    pub account: Option<AccountId>,
    /// The reverse-path; empty: `<>`.
    pub sender: String,
    /// The forward-path.
    pub recipient: String,
    /// The recipient's domain.
    pub domain: String,
    /// What goes in front of the object.
    pub head: Bytes,
    /// What is asked of the servers on its way.
    pub options: MailOptions,
    /// The message's body.
    pub object: ObjectId,
    /// Octets of the object.
    pub object_size: u64,
    /// SHA-256 of the object.
    pub sha256: [u8; 32],
    /// How often it has been tried, and settled.
    pub attempts: u32,
    /// When it came, in milliseconds since 1970.
    pub created_ms: u64,
    /// When it is given up, in milliseconds since 1970.
    pub expires_ms: u64,
    /// Whether its sender has been told that it takes long.
    pub told_delay: bool,
    /// Why the last try failed; empty before that.
    pub last_error: String,
}

/// An entry, as an operator lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueLine {
    /// Its id.
    pub id: QueueId,
    /// What it waits for.
    pub state: QueueState,
    /// Who submitted it; `None`: the server itself.
    pub account: Option<AccountId>,
    /// The reverse-path; empty: `<>`.
    pub sender: String,
    /// The forward-path.
    pub recipient: String,
    /// The recipient's domain.
    pub domain: String,
    /// The message's body.
    pub object: ObjectId,
    /// Octets of head and object.
    pub size: u64,
    /// MT-PRIORITY.
    pub priority: i8,
    /// How often it has been tried, and settled.
    pub attempts: u32,
    /// When it came, in milliseconds since 1970.
    pub created_ms: u64,
    /// When it is tried next, in milliseconds since 1970, 0: at once; of one that is claimed: when that is over.
    pub next_ms: u64,
    /// When it is given up, in milliseconds since 1970.
    pub expires_ms: u64,
    /// Why the last try failed; empty before that.
    pub last_error: String,
}

/// What an entry waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum QueueState {
    /// Its time.
    Waiting,
    /// The worker that claimed it: it is being sent. If that worker died, until the claim is over.
    Claimed,
    /// An operator.
    Held,
}

/// Which entries; all that are given must fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueFilter {
    /// The recipient's domain.
    pub domain: Option<String>,
    /// The reverse-path; empty: `<>`.
    pub sender: Option<String>,
    /// What they wait for.
    pub state: Option<QueueState>,
}

/// Some of the entries that fit, by id: as they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueuePage {
    /// Which entries.
    pub filter: QueueFilter,
    /// Only what follows this one: the last of the page before.
    pub after: Option<QueueId>,
    /// At most so many.
    pub limit: u32,
}
