//! The view of a mailbox: what FETCH FLAGS, SEARCH and sequence numbers need of every message, as one immutable value.
//!
//! A store caches the newest view of a mailbox and all sessions share it by `Arc`. Versions share chunks, so a session that
//! lags behind pins only the chunks that changed since. A view holds live messages only, ascending by UID.

use std::sync::Arc;

use super::{Flag, Flags, Keywords, MailboxId, ModSeq, Uid, UidSet};

/// The most rows of a chunk.
const CHUNK_ROWS: usize = 256;

/// One live message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its UID.
    pub uid: Uid,
    /// Octets of the message as a client sees it: head and object.
    pub size: u32,
    /// Its flags.
    pub flags: Flags,
    /// Its MODSEQ.
    pub modseq: ModSeq,
    /// INTERNALDATE, in seconds since 1970.
    pub internal_date_s: i64,
    /// What its `Date` field shows, the zone disregarded, in seconds since 1970; INTERNALDATE where it has none.
    pub sent_date_s: i64,
}

/// A mailbox's messages at one MODSEQ. Equal views hold equal rows, however these are cut into chunks.
#[derive(Clone, Debug)]
pub struct View {
    /// The mailbox.
    pub mailbox: MailboxId,
    /// Its UIDVALIDITY.
    pub uid_validity: u32,
    /// UIDNEXT at this MODSEQ.
    pub uid_next: Uid,
    /// HIGHESTMODSEQ: every change up to here is in this view, and none after it.
    pub highest_modseq: ModSeq,
    /// What the keyword bits mean.
    pub keywords: Keywords,
    /// Messages without `\Seen`.
    unseen: usize,
    len: usize,
    chunks: Vec<Chunk>,
}

/// Some rows, and how many stand before them.
#[derive(Clone, Debug)]
struct Chunk {
    before: usize,
    rows: Arc<[Row]>,
}

/// What moves a view from one MODSEQ to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// New messages, and those with new flags; ascending by UID.
    pub changed: Vec<Row>,
    /// Messages that are gone.
    pub vanished: UidSet,
}

impl PartialEq for View {
    fn eq(&self, other: &Self) -> bool {
        let head = |view: &Self| {
            (
                view.mailbox,
                view.uid_validity,
                view.uid_next,
                view.highest_modseq,
                view.len,
            )
        };
        head(self) == head(other) && self.keywords == other.keywords && self.iter().eq(other.iter())
    }
}

impl Eq for View {}

impl View {
    /// A view without messages.
    pub fn empty(mailbox: MailboxId, uid_validity: u32) -> Self {
        Self {
            mailbox,
            uid_validity,
            uid_next: Uid(1),
            highest_modseq: ModSeq(1),
            keywords: Keywords::default(),
            unseen: 0,
            len: 0,
            chunks: Vec::new(),
        }
    }

    /// This view with other messages; `rows` ascend by UID.
    pub fn with_rows(mut self, rows: impl IntoIterator<Item = Row>) -> Self {
        self.chunks.clear();
        (self.len, self.unseen) = (0, 0);
        let mut pending = Vec::with_capacity(CHUNK_ROWS);
        for row in rows {
            pending.push(row);
            if pending.len() == CHUNK_ROWS {
                self.push(std::mem::take(&mut pending).into());
            }
        }
        self.push(pending.into());
        self
    }

    /// This view moved on by `changes`; chunks without a change are shared.
    ///
    /// UIDs that are neither here nor above all that are here are taken in too: a store may restore messages.
    pub fn apply(&self, changes: &Changes) -> Self {
        let mut next = Self {
            chunks: Vec::with_capacity(self.chunks.len() + 1),
            len: 0,
            unseen: 0,
            ..self.clone()
        };
        let mut changed = changes.changed.iter().copied().peekable();
        for (at, chunk) in self.chunks.iter().enumerate() {
            // What lies before the next chunk's first row belongs into this one, unless this is the last.
            let end = self
                .chunks
                .get(at + 1)
                .and_then(|next| next.rows.first())
                .map(|row| row.uid);
            let full_last = end.is_none() && chunk.rows.len() >= CHUNK_ROWS;
            let end = if full_last {
                chunk.rows.last().map(|row| Uid(row.uid.0.saturating_add(1)))
            } else {
                end
            };
            let mut mine = Vec::new();
            while let Some(row) = changed.next_if(|row| end.is_none_or(|end| row.uid < end)) {
                mine.push(row);
            }
            let touched = !mine.is_empty()
                || chunk
                    .first_last()
                    .is_some_and(|(a, z)| changes.vanished.intersects(a.0, z.0));
            if touched {
                next.push_all(merge(&chunk.rows, mine, &changes.vanished));
            } else {
                next.push(Arc::clone(&chunk.rows));
            }
        }
        next.push_all(merge(&[], changed.collect(), &changes.vanished));
        next
    }

    fn push_all(&mut self, rows: Vec<Row>) {
        rows.chunks(CHUNK_ROWS).for_each(|rows| self.push(rows.into()));
    }

    fn push(&mut self, rows: Arc<[Row]>) {
        if !rows.is_empty() {
            let before = self.len;
            self.len += rows.len();
            self.unseen += rows.iter().filter(|row| !row.flags.has(Flag::Seen)).count();
            self.chunks.push(Chunk { before, rows });
        }
    }

    /// How many messages there are: EXISTS.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many messages lack `\Seen`.
    pub fn unseen(&self) -> usize {
        self.unseen
    }

    /// All messages, ascending by UID.
    pub fn iter(&self) -> impl Iterator<Item = &Row> {
        self.chunks.iter().flat_map(|chunk| chunk.rows.iter())
    }

    /// The messages from `uid` on, ascending.
    pub fn iter_from(&self, uid: Uid) -> impl Iterator<Item = &Row> {
        let at = self
            .chunks
            .partition_point(|chunk| chunk.first_last().is_none_or(|(_, last)| last < uid));
        let rest = self.chunks.get(at..).unwrap_or_default();
        rest.iter()
            .flat_map(|chunk| chunk.rows.iter())
            .skip_while(move |row| row.uid < uid)
    }

    /// The message at `index`, counted from 0.
    pub fn nth(&self, index: usize) -> Option<&Row> {
        let at = self
            .chunks
            .partition_point(|chunk| chunk.before <= index)
            .checked_sub(1)?;
        let chunk = self.chunks.get(at)?;
        chunk.rows.get(index - chunk.before)
    }

    /// How many messages have a lower UID.
    pub fn rank(&self, uid: Uid) -> usize {
        self.find(uid).0
    }

    /// The message with this UID.
    pub fn get(&self, uid: Uid) -> Option<&Row> {
        self.find(uid).1
    }

    /// How many messages have a lower UID, and the message with this one: both in one look-up.
    pub fn find(&self, uid: Uid) -> (usize, Option<&Row>) {
        let at = self
            .chunks
            .partition_point(|chunk| chunk.first_last().is_none_or(|(_, last)| last < uid));
        let Some(chunk) = self.chunks.get(at) else {
            return (self.len, None);
        };
        let within = chunk.rows.partition_point(|row| row.uid < uid);
        let row = chunk.rows.get(within).filter(|row| row.uid == uid);
        (chunk.before + within, row)
    }

    /// The index of the first message without `\Seen`, counted from 0.
    pub fn first_unseen(&self) -> Option<usize> {
        (self.unseen > 0)
            .then(|| self.iter().position(|row| !row.flags.has(Flag::Seen)))
            .flatten()
    }
}

impl Chunk {
    fn first_last(&self) -> Option<(Uid, Uid)> {
        Some((self.rows.first()?.uid, self.rows.last()?.uid))
    }
}

/// Two ascending runs as one; of equal UIDs the newer row stays; what vanished does not.
fn merge(old: &[Row], new: Vec<Row>, vanished: &UidSet) -> Vec<Row> {
    let mut merged = Vec::with_capacity(old.len() + new.len());
    let mut new = new.into_iter().peekable();
    for row in old {
        while let Some(newer) = new.next_if(|newer| newer.uid < row.uid) {
            merged.push(newer);
        }
        merged.push(new.next_if(|newer| newer.uid == row.uid).unwrap_or(*row));
    }
    merged.extend(new);
    merged.retain(|row| !vanished.contains(row.uid.0));
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn row(uid: u32, flags: u64, modseq: u64) -> Row {
        Row {
            uid: Uid(uid),
            size: 1,
            flags: Flags(flags),
            modseq: ModSeq(modseq),
            internal_date_s: 0,
            sent_date_s: 0,
        }
    }

    proptest! {
        /// Any sequence of changes leaves what a plain map would hold.
        #[test]
        fn behaves_as_a_map(steps in proptest::collection::vec(
            (proptest::collection::btree_map(1u32..2000, 0u64..2, 0..400), proptest::collection::btree_set(1u32..2000, 0..200)), 0..8)) {
            let mut view = View::empty(MailboxId(1), 1);
            let mut model = BTreeMap::new();
            for (at, (changed, vanished)) in steps.into_iter().enumerate() {
                let rows: Vec<_> = changed.iter().map(|(&uid, &flags)| row(uid, flags, at as u64)).collect();
                let vanished: UidSet = vanished.into_iter().collect();
                view = view.apply(&Changes { changed: rows.clone(), vanished: vanished.clone() });
                model.extend(rows.into_iter().map(|row| (row.uid, row)));
                model.retain(|uid, _| !vanished.contains(uid.0));
                prop_assert!(view.iter().eq(model.values()));
                prop_assert_eq!(view.len(), model.len());
                prop_assert_eq!(view.unseen(), model.values().filter(|row| row.flags.0 & 1 == 0).count());
                prop_assert_eq!(view.first_unseen(), model.values().position(|row| row.flags.0 & 1 == 0));
                for (rank, (&uid, row)) in model.iter().enumerate() {
                    prop_assert_eq!(view.nth(rank), Some(row));
                    prop_assert_eq!(view.get(uid), Some(row));
                    prop_assert_eq!(view.rank(uid), rank);
                }
                prop_assert!(view.iter_from(Uid(1000)).eq(model.range(Uid(1000)..).map(|(_, row)| row)));
            }
        }
    }
}
