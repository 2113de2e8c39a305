//! What sending a message needs of its stored columns, kept for the few that come next.

use bytes::Bytes;

use crate::mime::StoredIndex;
use crate::store::{ObjectId, Page, PageRow, Uid};

/// A message on its way.
#[derive(Clone, Debug)]
pub(super) struct Letter {
    uid: Uid,
    /// Its body.
    pub object: ObjectId,
    /// Octets of the body.
    pub object_size: u64,
    /// What stands in front of it: whole lines.
    pub head: Bytes,
    /// Octets of the body's header with its empty line, where that is known.
    pub header_size: Option<u64>,
    /// Whether that header, as far as is known, is ASCII.
    pub is_ascii: bool,
}

impl Letter {
    fn new(row: PageRow) -> Self {
        // An index that cannot be read, or speaks of another object, is as good as none.
        let index = StoredIndex::new(&row.index).ok();
        let index = index.filter(|index| index.size() == row.object_size);
        let raw = index.and_then(|index| index.raw_header());
        let header_size = match raw {
            Some(header) => Some(header.len() as u64),
            None => index
                .and_then(|index| index.index().ok())
                .and_then(|index| Some(index.parts.first()?.header().end)),
        };
        Self {
            uid: row.uid,
            object: row.object,
            object_size: row.object_size,
            head: row.head,
            header_size,
            is_ascii: raw.is_some_and(<[u8]>::is_ascii),
        }
    }
}

/// Messages that were asked for together, so that a client which reads one after the other costs few questions.
#[derive(Debug, Default)]
pub(super) struct Letters(Vec<Letter>);

impl Letters {
    /// The most that are kept.
    pub const MAX: usize = 16;

    /// What a page holds.
    pub fn new(page: Page) -> Self {
        Self(page.rows.into_iter().take(Self::MAX).map(Letter::new).collect())
    }

    /// The message of a UID.
    pub fn get(&self, uid: Uid) -> Option<&Letter> {
        self.0.iter().find(|letter| letter.uid == uid)
    }
}
