//! Ids, keys and counters.

use std::fmt;

use sha2::{Digest, Sha256};

/// An account. Positive; drawn by [`crate::machine::Seed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub i64);

/// A mailbox. Positive; drawn by [`crate::machine::Seed`]; never used again, unlike a mailbox name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MailboxId(pub i64);

/// A message's unique identifier in its mailbox (RFC 3501, 2.3.1.1); never 0 for a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uid(pub u32);

/// A modification sequence (RFC 7162, 3.1); at most 2⁶³−1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModSeq(pub u64);

/// A stored object: a UUIDv7. Never reused, never shared by two bodies.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(pub [u8; 16]);

impl ObjectId {
    /// Reads what `Display` writes; nothing else is an id.
    pub fn parse(text: &str) -> Option<Self> {
        let object = Self(uuid::Uuid::try_parse(text).ok()?.into_bytes());
        (object.to_string() == text).then_some(object)
    }

    /// When it was drawn, in milliseconds since 1970 (RFC 9562, 5.7).
    pub fn drawn_ms(self) -> u64 {
        let [a, b, c, d, e, f, ..] = self.0;
        u64::from_be_bytes([0, 0, a, b, c, d, e, f])
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        uuid::Uuid::from_bytes(self.0).as_hyphenated().fmt(f)
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectId({self})")
    }
}

/// Makes a retried delivery the same delivery: one for each message and recipient.
///
/// It hashes what was received, so our own trace fields are not part of it; a retry from a queue carries identical octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryKey(pub [u8; 16]);

impl DeliveryKey {
    /// `recipient`: the address as given in RCPT, its domain lower-cased; `account`: one of those that it leads to;
    /// `reverse_path`: as given in MAIL; `received_sha256`: of the body as received.
    pub fn new(recipient: &str, account: AccountId, reverse_path: &str, received_sha256: &[u8; 32]) -> Self {
        let hash = Sha256::new()
            .chain_update(recipient)
            .chain_update([0])
            .chain_update(reverse_path)
            .chain_update([0])
            .chain_update(received_sha256)
            .chain_update(account.0.to_be_bytes())
            .finalize();
        let mut key = [0; 16];
        key.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
        Self(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::ObjectKind;

    #[test]
    fn an_object_is_read_from_its_own_key_alone() {
        let object = ObjectId([0xab; 16]);
        for kind in [ObjectKind::Email, ObjectKind::Calendar] {
            assert_eq!(kind.object(&kind.key(object)), Some(object));
        }
        let key = ObjectKind::Email.key(object);
        let others = [
            key.to_uppercase(),
            key.replace('-', ""),
            key.replace(".eml", ".ics"),
            key.replace("emails/", "emails/."),
            format!("x{key}"),
            String::new(),
        ];
        for other in others {
            assert_eq!(ObjectKind::Email.object(&other), None, "{other}");
        }
        assert_eq!(ObjectKind::Calendar.object(&key), None);
    }
}
