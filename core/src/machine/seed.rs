//! Randomness as an argument: ids are drawn from a seed that the shell took from the operating system's generator.

use sha2::{Digest, Sha256};

use super::Time;
use crate::store::calendar::CalendarId;
use crate::store::queue::QueueId;
use crate::store::{AccountId, MailboxId, ObjectId};

/// Draws ids for one machine. The same seed draws the same ids, so that a replay asks for the same ones.
///
/// A counter hashed with a 32-octet key: unpredictable without the key, and no state but the counter.
/// The database holds the uniqueness constraints all the same.
#[derive(Clone)]
pub struct Seed {
    key: [u8; 32],
    drawn: u64,
}

impl Seed {
    /// `key` comes from the operating system's generator, one for each machine.
    pub fn new(key: [u8; 32]) -> Self {
        Self { key, drawn: 0 }
    }

    /// Its key, for the record of the machine that draws from it.
    pub(super) fn key(&self) -> [u8; 32] {
        self.key
    }

    /// 32 octets that were never drawn before.
    pub fn octets(&mut self) -> [u8; 32] {
        self.drawn += 1;
        Sha256::new()
            .chain_update(self.key)
            .chain_update(self.drawn.to_be_bytes())
            .finalize()
            .into()
    }

    /// 16 octets that were never drawn before.
    pub fn half(&mut self) -> [u8; 16] {
        let [a @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = self.octets();
        a
    }

    /// A UUIDv7 (RFC 9562, 5.7): sorts by time, so that one window of a listing holds one window of time.
    pub fn object(&mut self, now: Time) -> ObjectId {
        let [a, b, c, d, e, f, g, h, i, j, ..] = self.half();
        let uuid = uuid::Builder::from_unix_timestamp_millis(now.unix_ms, &[a, b, c, d, e, f, g, h, i, j])
            .into_uuid();
        ObjectId(uuid.into_bytes())
    }

    /// The id of an entry of the outbound queue: a UUIDv7, so that entries ascend as they come.
    pub fn queue(&mut self, now: Time) -> QueueId {
        QueueId(self.object(now).0)
    }

    /// A positive 63-bit id.
    fn id(&mut self) -> i64 {
        let [a, b, c, d, e, f, g, h, ..] = self.half();
        (i64::from_be_bytes([a & 0x7f, b, c, d, e, f, g, h])).max(1)
    }

    /// An account's id.
    pub fn account(&mut self) -> AccountId {
        AccountId(self.id())
    }

    /// A mailbox's id.
    pub fn mailbox(&mut self) -> MailboxId {
        MailboxId(self.id())
    }

    /// A calendar's id.
    pub fn calendar(&mut self) -> CalendarId {
        CalendarId(self.id())
    }
}

impl std::fmt::Debug for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Seed(…, drawn {})", self.drawn)
    }
}
