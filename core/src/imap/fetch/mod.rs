//! What FETCH tells of a message, as pieces: finished octets, and ranges of stored objects that pass the core by.
//!
//! RFC 3501, 6.4.5 (what is asked for) and 7.4.2 (how it is told); RFC 3516, 8514, 8474 and 8970 (more items). A [`Plan`] is made once for a command; then each message
//! is told on its own. A message is the trace headers of its recipient (the *head*, in the row) and the stored object behind
//! them. Literals announce exactly what follows.
//!
//! Never reads an object, never asks a store; a message whose index is unusable is told as one opaque text.

mod binary;
pub(in crate::imap) mod fields;
mod message;
mod response;
mod section;
mod stored;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::ops::Range;

pub use message::Message;
pub use response::{Piece, Response};
pub use stored::Stored;

use super::ast::{BinarySection, FetchItem};
use crate::store::ObjectId;
use binary::UnknownEncoding;

/// What a FETCH command tells of each message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    items: Vec<FetchItem>,
}

impl Plan {
    /// The plan for these items, each told once. `uid`: UID FETCH, which tells the UID without being asked
    /// (RFC 3501, 6.4.8).
    pub fn new(items: Vec<FetchItem>, uid: bool) -> Self {
        let told = uid.then_some(FetchItem::Uid).into_iter().chain(items);
        let mut seen = BTreeSet::new();
        Self {
            items: told.filter(|item| seen.insert(item.clone())).collect(),
        }
    }

    /// Whether the stored columns of the messages are needed; else the view is enough.
    pub fn needs_page(&self) -> bool {
        use FetchItem::*;
        self.items.iter().any(|item| match item {
            Flags | Uid | InternalDate | Size | ModSeq | ThreadId => false,
            Envelope | Body | BodyStructure | Section(_) => true,
            Binary(_) | BinarySize(_) | SaveDate | EmailId | Preview => true,
        })
    }

    /// Whether telling of a message marks it `\Seen`, where the mailbox can be changed (RFC 3501, 6.4.5).
    pub fn sets_seen(&self) -> bool {
        self.items.iter().any(|item| match item {
            FetchItem::Section(section) => !section.peek,
            FetchItem::Binary(section) => !section.peek,
            _ => false,
        })
    }

    /// Whether all that is asked for can be decoded: else the message cannot be told (`NO [UNKNOWN-CTE]`, RFC 3516, 4.3).
    pub fn can_decode(&self, stored: &Stored) -> bool {
        self.items.iter().all(|item| match item {
            FetchItem::Binary(BinarySection { part, .. }) | FetchItem::BinarySize(part) => {
                binary::find(stored, part) != Err(UnknownEncoding)
            }
            _ => true,
        })
    }

    /// Whether FLAGS are among what is told.
    pub fn tells_flags(&self) -> bool {
        self.items.contains(&FetchItem::Flags)
    }

    /// Whether MODSEQ is among what is told.
    pub fn tells_modseq(&self) -> bool {
        self.items.contains(&FetchItem::ModSeq)
    }

    /// The stored ranges that telling of a message sends, in order.
    pub fn ranges(&self, stored: &Stored) -> Vec<(ObjectId, Range<u64>)> {
        let ranges = self.items.iter().filter_map(|item| match item {
            FetchItem::Section(section) => section::select(stored, section)?.hull(),
            FetchItem::Binary(section) => binary::range(stored, section),
            _ => None,
        });
        ranges.map(|range| (stored.row().object, range)).collect()
    }

    /// Tells of one message: `* n FETCH (…)`.
    ///
    /// What needs stored columns is left out if `message` has none; ask [`Plan::needs_page`] first.
    pub fn respond(&self, message: &Message<'_>, out: &mut Response) {
        out.begin(message.seq);
        for item in &self.items {
            message.tell(item, out);
        }
        out.end();
    }
}
