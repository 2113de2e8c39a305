//! The octets of FETCH responses as they are put together.

use std::fmt::Write as _;
use std::ops::Range;

use bytes::{Bytes, BytesMut};

use crate::store::ObjectId;
use crate::wire::decimal;
use crate::wire::filter::Filter;

/// A piece of output.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// Octets to send as they are.
    Octets(Bytes),
    /// A stored range to send.
    Object {
        /// What goes right before it: from `* n FETCH (` or from the end of the last object to the literal's announcement.
        head: Bytes,
        /// Whether nothing of this response has gone out before, so that a failure can still be answered.
        first: bool,
        /// The object.
        object: ObjectId,
        /// Its octets; never empty.
        range: Range<u64>,
        /// What of the range goes out.
        filter: Filter,
    },
}

/// Octets of a response that has no texts of the message.
const USUAL_OCTETS: usize = 128;

/// FETCH responses, one after the other.
#[derive(Debug, Default)]
pub struct Response {
    pieces: Vec<Piece>,
    text: BytesMut,
    /// Where in `text` the response begins that is being written; `None` once a piece of it is finished.
    begun: Option<usize>,
    /// Whether the response has an item already.
    items: bool,
}

impl Response {
    /// Begins the response of message number `seq`.
    pub(super) fn begin(&mut self, seq: u32) {
        (self.begun, self.items) = (Some(self.text.len()), false);
        self.text.reserve(USUAL_OCTETS);
        self.octets(b"* ").number(seq).octets(b" FETCH (");
    }

    /// Ends the response.
    pub(super) fn end(&mut self) {
        self.text.extend_from_slice(b")\r\n");
    }

    /// Puts the space that stands between two items.
    pub(super) fn next_item(&mut self) {
        if std::mem::replace(&mut self.items, true) {
            self.text.extend_from_slice(b" ");
        }
    }

    /// Adds octets.
    pub(super) fn octets(&mut self, octets: &[u8]) -> &mut Self {
        self.text.extend_from_slice(octets);
        self
    }

    /// Adds a number in decimal.
    pub(super) fn number(&mut self, number: impl Into<u64>) -> &mut Self {
        decimal::put(&mut self.text, number);
        self
    }

    /// Adds printed text.
    pub(super) fn print(&mut self, text: std::fmt::Arguments<'_>) {
        // Memory takes all that is written; there is no error to tell.
        let _ = self.text.write_fmt(text);
    }

    /// Where text is printed to.
    pub(super) fn text(&mut self) -> &mut BytesMut {
        &mut self.text
    }

    /// Adds a stored range; what was added since the last piece becomes its head, except earlier responses, which are whole.
    pub(super) fn object(&mut self, object: ObjectId, range: Range<u64>, filter: Filter) {
        let first = self.begun.is_some();
        let earlier = self
            .text
            .split_to(self.begun.take().unwrap_or(0).min(self.text.len()));
        self.finish_octets(earlier);
        let head = self.text.split().freeze();
        self.pieces.push(Piece::Object {
            head,
            first,
            object,
            range,
            filter,
        });
    }

    fn finish_octets(&mut self, octets: BytesMut) {
        if !octets.is_empty() {
            self.pieces.push(Piece::Octets(octets.freeze()));
        }
    }

    /// How many octets wait in memory; stored ranges do not count.
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// Whether nothing was written since the last [`Response::take`].
    pub fn is_empty(&self) -> bool {
        self.text.is_empty() && self.pieces.is_empty()
    }

    /// Whether a stored range is among the pieces.
    pub fn has_objects(&self) -> bool {
        !self.pieces.is_empty()
    }

    /// Takes what was written.
    pub fn take(&mut self) -> Vec<Piece> {
        let text = self.text.split();
        self.finish_octets(text);
        std::mem::take(&mut self.pieces)
    }
}
