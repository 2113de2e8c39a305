//! What a check finds, in words and in values.

use lightmail_core::machine::ObjectKind;
use lightmail_core::store::ObjectId;

/// What must hold, and what it means if it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name, in reports.
    pub name: &'static str,
    /// The invariant that it belongs to, 1 to 8.
    pub invariant: u8,
    /// What a breach means, in plain words.
    pub means: &'static str,
    /// What to do about a breach.
    pub remedy: &'static str,
}

/// What a finding is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// An account, by its id.
    Account(i64),
    /// A mailbox, by its id.
    Mailbox(i64),
    /// A message: mailbox and UID.
    Message(i64, i64),
    /// A body.
    Object(ObjectId),
    /// What stands in the folder or the bucket under an object's key.
    Key(ObjectKind, ObjectId),
    /// A delivery's key.
    Delivery([u8; 16]),
    /// A calendar, by its id.
    Calendar(i64),
    /// A calendar object: calendar and name.
    CalendarObject(i64, String),
    /// An address.
    Address(String),
    /// A domain, by its name.
    Domain(String),
    /// An entry of the outbound queue.
    Queued([u8; 16]),
}

/// A message or calendar object that is hurt, as its owner knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The login of the account; `None`: the account is deleted.
    pub account: Option<String>,
    /// The name of the mailbox or calendar; `None`: it is not there.
    pub folder: Option<String>,
    /// UID of a message.
    pub uid: Option<i64>,
    /// Name of a calendar object.
    pub name: Option<String>,
}

/// Whether a finding was repaired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repair {
    /// Nobody asked for it.
    NotAsked,
    /// It was repaired, and the rule holds here now.
    Done,
    /// It cannot be repaired without guessing: see the rule's remedy.
    NotPossible,
}

/// A breach of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// Where it does not hold.
    pub subject: Subject,
    /// Who is hurt: the account and mailbox of the subject, the messages of a body (the first 100).
    pub places: Vec<Place>,
    /// Whether it was repaired.
    pub repair: Repair,
}

/// How far a check is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being checked.
    pub what: &'static str,
    /// Rows, or bodies, that are done; each is counted once for each rule.
    pub done: u64,
    /// What `done` will be at the end, as far as is known.
    pub total: u64,
}

/// What a check tells while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// How far it is.
    Progress(Progress),
    /// What it found.
    Found(Finding),
}

/// What a check came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Breaches found.
    pub found: u64,
    /// Those of them that were repaired.
    pub repaired: u64,
    /// Rows of messages that were checked.
    pub messages: u64,
    /// Rows of bodies that were compared with the folder or the bucket.
    pub objects: u64,
    /// Bodies that were read and whose hash was compared.
    pub bodies: u64,
}

/// What a check is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Read every body and compare its SHA-256.
    pub bodies: bool,
    /// Repair what can be repaired without guessing.
    pub repair: bool,
    /// Now, in milliseconds since 1970.
    pub at_ms: u64,
    /// How old what no row names must be to be reported, in milliseconds: what is younger may be on its way.
    pub orphan_age_ms: u64,
}

impl Wish {
    /// A check of rows and listings, that changes nothing.
    pub fn new(at_ms: u64) -> Self {
        Self {
            bodies: false,
            repair: false,
            at_ms,
            orphan_age_ms: 24 * 3600 * 1000,
        }
    }
}
