//! Reading ahead: small ranges that a machine has said it will send are fetched while those before them are sent, several
//! at a time. A hint changes no octet: what was not foreseen is read as ever.

use std::collections::VecDeque;
use std::ops::Range;

use lightmail_core::store::ObjectId;

use super::reader::PIECE;
use super::s3::Stream;
use crate::storage::Inner;

/// Ranges that are fetched at the same time. A range has at most a piece, so they hold at most 1 MiB.
const BEGUN: usize = 16;

/// Hints that wait for their turn.
const WAITING: usize = 64;

type Hint = (ObjectId, Range<u64>);

/// What is fetched ahead in one conversation.
#[derive(Debug, Default)]
pub(crate) struct Ahead {
    /// In the order in which they will be asked for. `None`: it need not be fetched.
    begun: VecDeque<(Hint, Option<Stream>)>,
    waiting: VecDeque<Hint>,
}

impl Ahead {
    /// These will be asked for, in this order.
    pub(crate) fn hint(&mut self, inner: &Inner, ranges: Vec<Hint>) {
        if inner.objects.is_remote() {
            let small = ranges.into_iter().filter(|(_, range)| is_small(range));
            let room = WAITING - self.waiting.len();
            self.waiting.extend(small.take(room));
            self.begin(inner);
        }
    }

    /// What was begun for a range that is asked for now. What should have come before it is given up.
    pub(crate) fn take(&mut self, inner: &Inner, object: ObjectId, range: &Range<u64>) -> Option<Stream> {
        if !is_small(range) {
            return None;
        }
        let is_it = |hint: &Hint| hint.0 == object && hint.1 == *range;
        let Some(at) = self.begun.iter().position(|(hint, _)| is_it(hint)) else {
            // Not foreseen: a command has ended early, and the hints were for it.
            self.begun.clear();
            self.waiting.clear();
            return None;
        };
        let stream = self.begun.drain(..=at).next_back().and_then(|(_, stream)| stream);
        self.begin(inner);
        stream
    }

    fn begin(&mut self, inner: &Inner) {
        while self.begun.len() < BEGUN
            && let Some((object, range)) = self.waiting.pop_front()
        {
            // What is hinted at was listed just now; what is not known is read as ever.
            let body = inner.caches.bodies.get(object);
            let stream = body.and_then(|body| inner.objects.read_ahead(body.kind, object, range.clone()));
            self.begun.push_back(((object, range), stream));
        }
    }
}

fn is_small(range: &Range<u64>) -> bool {
    !range.is_empty() && range.end - range.start <= PIECE
}
