//! What a machine puts into the queue.

use std::fmt;

use bytes::Bytes;

use super::MailOptions;
use crate::store::{AccountId, DeliveryKey};

/// An entry of the queue: a UUIDv7, so that entries ascend as they come. Never used again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueId(pub [u8; 16]);

impl QueueId {
    /// Reads what `Display` writes; nothing else is an id.
    pub fn parse(text: &str) -> Option<Self> {
        let id = Self(uuid::Uuid::try_parse(text).ok()?.into_bytes());
        (id.to_string() == text).then_some(id)
    }
}

impl fmt::Display for QueueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        uuid::Uuid::from_bytes(self.0).as_hyphenated().fmt(f)
    }
}

impl fmt::Debug for QueueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "QueueId({self})")
    }
}

/// One recipient of a message on its way to another server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outbound {
    /// The id of its entry; one that is taken is `Broken`.
    pub id: QueueId,
    /// Makes a repeated acceptance the same acceptance ([`DeliveryKey::outbound`]).
    pub key: DeliveryKey,
    /// Who submitted it; `None`: the server itself.
    pub account: Option<AccountId>,
    /// The reverse-path; empty: `<>`.
    pub sender: String,
    /// The forward-path, as it goes into RCPT.
    pub recipient: String,
    /// The recipient's domain, lower-cased, in A-labels: what routes it.
    pub domain: String,
    /// What goes in front of the object on its way: our `Received`. At most [`crate::store::Recipient::HEAD_MAX`] octets, whole lines.
    pub head: Bytes,
    /// What is asked of the servers on its way.
    pub options: MailOptions,
    /// When it is tried first, in milliseconds since 1970; not later than now, but where a release was asked for (RFC 4865, 4).
    pub due_ms: u64,
    /// When it is given up, in milliseconds since 1970.
    pub expires_ms: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_is_written() {
        let id = QueueId([0xab; 16]);
        assert_eq!(QueueId::parse(&id.to_string()), Some(id));
        for other in [
            id.to_string().to_uppercase(),
            id.to_string().replace('-', ""),
            String::new(),
        ] {
            assert_eq!(QueueId::parse(&other), None, "{other}");
        }
    }
}
