//! A message's stored columns, decoded no further than they are needed.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::sync::Arc;

use crate::mime::{MessageIndex, StoredIndex, Summary};
use crate::store::PageRow;

/// A message's stored columns.
///
/// An index that cannot be read, or speaks of an object of another size, is as good as none: then the message is told as one
/// text without a header, so that it can be read all the same.
#[derive(Debug)]
pub struct Stored {
    row: PageRow,
    index: OnceCell<Arc<MessageIndex>>,
}

impl Stored {
    /// Nothing is decoded yet.
    pub fn new(row: PageRow) -> Self {
        Self {
            row,
            index: OnceCell::new(),
        }
    }

    /// The columns.
    pub fn row(&self) -> &PageRow {
        &self.row
    }

    /// What stands in front of the object: whole lines.
    pub fn head(&self) -> &[u8] {
        &self.row.head
    }

    /// The finished text of ENVELOPE.
    pub fn envelope(&self) -> &[u8] {
        let envelope = self.texts().map(|texts| texts.envelope());
        envelope.unwrap_or(b"(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)")
    }

    /// The finished text of BODY.
    pub fn body(&self) -> Cow<'_, [u8]> {
        let body = self.texts().and_then(|texts| texts.body().ok());
        body.unwrap_or_else(|| self.index().body().into())
    }

    /// The finished text of BODYSTRUCTURE.
    pub fn bodystructure(&self) -> Cow<'_, [u8]> {
        let structure = self.texts().and_then(|texts| texts.bodystructure().ok());
        structure.unwrap_or_else(|| self.index().bodystructure().into())
    }

    /// The object's header with its empty line, if the index holds it.
    pub fn raw_header(&self) -> Option<&[u8]> {
        self.texts().and_then(|texts| texts.raw_header())
    }

    /// The decoded values that searches look at; `None` if nothing is known of the message.
    pub fn summary(&self) -> Option<Summary> {
        self.texts().and_then(|texts| texts.summary().ok())
    }

    /// The beginning of its text in one line; empty if there is none (RFC 8970, 3.2).
    pub fn preview(&self) -> &str {
        let preview = self.texts().and_then(|texts| texts.preview().ok());
        preview.unwrap_or_default()
    }

    /// The whole index, decoded once.
    pub fn index(&self) -> &Arc<MessageIndex> {
        self.index.get_or_init(|| {
            let index = self.texts().and_then(|texts| texts.index().ok());
            let sound = index.filter(|index| !index.parts.is_empty());
            Arc::new(sound.unwrap_or_else(|| MessageIndex::unknown(self.row.object_size)))
        })
    }

    fn texts(&self) -> Option<StoredIndex<'_>> {
        StoredIndex::new(&self.row.index)
            .ok()
            .filter(|index| index.size() == self.row.object_size)
    }
}
