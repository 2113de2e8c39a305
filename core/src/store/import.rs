//! Import: messages that an operator brings from elsewhere, each once however often it is tried.

use super::{AccountId, DeliveryKey, MailboxName, NewMessage};

/// Messages from elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Import {
    /// Whose.
    pub account: AccountId,
    /// Where to: a mailbox that there is.
    pub mailbox: MailboxName,
    /// The messages, in order, each with an object of its own and a key that makes it the same message at the next try.
    pub messages: Vec<(DeliveryKey, NewMessage)>,
    /// Whether they may be more than the quota holds.
    pub ignore_quota: bool,
    /// Now, in milliseconds since 1970.
    pub at_ms: u64,
}
