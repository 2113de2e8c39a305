//! The selected mailbox as the client knows it: which number means which message, and what has not been told yet.
//!
//! RFC 3501, 7.3 and 7.4; RFC 9051, 7.5.1. The numbering is the newest view, less the messages that arrived since the client was
//! last told (they all have the highest UIDs), plus those that are gone without the client knowing (kept with their last row).
//! It moves only in [`Selected::tell`], as the client hears of it. Owns nothing that grows with the mailbox but what is untold.

mod telling;

use std::collections::VecDeque;
use std::sync::Arc;

pub(crate) use telling::{Manner, Told};

use crate::store::set::{SequenceSet, UidSet};
use crate::store::{Flags, Keywords, MailboxId, MailboxName, ModSeq, Opened, Refreshed, Row, Uid, View};

/// A selected mailbox.
#[derive(Debug)]
pub(crate) struct Selected {
    name: MailboxName,
    view: Arc<View>,
    read_only: bool,
    /// Messages from this UID on have not been told.
    told_below: Uid,
    /// Messages that the client still numbers, by UID.
    gone: VecDeque<Row>,
    /// Messages, known to the client, whose flags have changed.
    changed: UidSet,
    /// Messages, known to the client with their flags, whose MODSEQ alone is news.
    restamped: UidSet,
    /// All that happened up to here the client has been told.
    synced: ModSeq,
    /// The highest MODSEQ of a message that was told since the last tagged response; 0: none.
    stamped: ModSeq,
    /// The client has been told that it does not know all up to a MODSEQ that it has seen.
    behind: bool,
    /// Messages that are recent here: from the first on, below the second; ascending.
    recent: Vec<(Uid, Uid)>,
    recent_told: usize,
    exists_told: usize,
    keywords_told: usize,
    /// The store's news did not add up: which number means which message is not known any more.
    lost: bool,
}

/// A sequence number that no message has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoSuchNumber;

impl Selected {
    /// The client is about to be told all of `opened`.
    pub(crate) fn new(opened: Opened, read_only: bool) -> Self {
        let Opened {
            mailbox,
            view,
            recent_from,
        } = opened;
        let mut selected = Self {
            name: mailbox.name,
            read_only,
            told_below: view.uid_next,
            gone: VecDeque::new(),
            changed: UidSet::default(),
            restamped: UidSet::default(),
            synced: view.highest_modseq,
            stamped: ModSeq(0),
            behind: false,
            recent: Vec::new(),
            recent_told: 0,
            exists_told: view.len(),
            keywords_told: view.keywords.len(),
            lost: false,
            view,
        };
        selected.add_recent(recent_from, Uid(1));
        selected.recent_told = selected.recent();
        selected
    }

    /// The mailbox.
    pub(crate) fn mailbox(&self) -> MailboxId {
        self.view.mailbox
    }

    /// The name by which it was opened; another session may have renamed it.
    pub(crate) fn name(&self) -> &MailboxName {
        &self.name
    }

    /// Whether it was opened by EXAMINE.
    pub(crate) fn read_only(&self) -> bool {
        self.read_only
    }

    /// The MODSEQ to ask for changes from.
    pub(crate) fn since(&self) -> ModSeq {
        self.view.highest_modseq
    }

    /// The HIGHESTMODSEQ that the client may be told: it knows of all changes up to there (RFC 7162, 3.2).
    pub(crate) fn synced(&self) -> ModSeq {
        self.synced
    }

    /// What the keyword bits mean.
    pub(crate) fn keywords(&self) -> &Keywords {
        &self.view.keywords
    }

    /// The newest view, which the client may not have been told all of.
    pub(crate) fn view(&self) -> &Arc<View> {
        &self.view
    }

    /// How many messages the client numbers.
    pub(crate) fn exists(&self) -> usize {
        self.view.rank(self.told_below) + self.gone.len()
    }

    /// How many of the client's messages are recent here.
    pub(crate) fn recent(&self) -> usize {
        let live = |&(from, to): &(Uid, Uid)| self.rank_told(to) - self.rank_told(from);
        self.recent.iter().map(live).sum::<usize>()
            + self.gone.iter().filter(|row| self.is_recent(row.uid)).count()
    }

    /// Whether a message is recent here (RFC 3501, 2.3.2).
    pub(crate) fn is_recent(&self, uid: Uid) -> bool {
        let after = self.recent.partition_point(|&(from, _)| from <= uid);
        let span = after.checked_sub(1).and_then(|at| self.recent.get(at));
        span.is_some_and(|&(_, to)| uid < to)
    }

    /// The message with a sequence number, counted from 1; its last row if it is gone.
    pub(crate) fn row_at(&self, number: u32) -> Option<&Row> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        let before = self.gone_before(|at, row| self.view.rank(row.uid) + at < index);
        match self.gone.get(before) {
            Some(row) if self.view.rank(row.uid) + before == index => Some(row),
            _ => self
                .view
                .nth(index - before)
                .filter(|row| row.uid < self.told_below),
        }
    }

    /// The sequence number of a message that the client knows.
    pub(crate) fn seq_of(&self, uid: Uid) -> Option<u32> {
        self.find(uid).map(|(seq, _)| seq)
    }

    /// A message that the client knows: its sequence number, and its row, the last one if it is gone.
    pub(crate) fn find(&self, uid: Uid) -> Option<(u32, &Row)> {
        let (live_before, live) = self.view.find(uid);
        let gone_before = self.gone_before(|_, row| row.uid < uid);
        let gone = self.gone.get(gone_before).filter(|row| row.uid == uid);
        let row = gone.or(live.filter(|row| row.uid < self.told_below))?;
        Some((u32::try_from(live_before + gone_before + 1).ok()?, row))
    }

    /// Whether a message is gone, though the client numbers it.
    pub(crate) fn is_gone(&self, uid: Uid) -> bool {
        self.gone.binary_search_by_key(&uid, |row| row.uid).is_ok()
    }

    /// The messages that a set means, as the client numbers them. UIDs that no message has are passed over (RFC 3501, 6.4.8).
    ///
    /// Errors: a sequence number beyond the last message, `*` in an empty mailbox among them (RFC 9051, 9, `seq-number`).
    pub(crate) fn resolve(&self, set: SequenceSet, uid: bool) -> Result<UidSet, NoSuchNumber> {
        let last = u32::try_from(self.exists()).unwrap_or(u32::MAX);
        if uid {
            let Some(row) = self.row_at(last) else {
                return Ok(UidSet::default());
            };
            let ranges = set.resolve(row.uid.0);
            return Ok(self.known(
                ranges
                    .ranges()
                    .map(|range| (Uid(*range.start()), Uid(*range.end()))),
            ));
        }
        let ranges = set.resolve(last);
        let ends = |(first, last)| Some((self.row_at(first)?.uid, self.row_at(last)?.uid));
        let ends: Option<Vec<_>> = ranges
            .ranges()
            .map(|range| ends((*range.start(), *range.end())))
            .collect();
        let ends = ends.filter(|_| last > 0).ok_or(NoSuchNumber)?;
        Ok(self.known(ends.into_iter()))
    }

    /// The messages that the client numbers, by UID, from `first` to `last`, both included.
    pub(crate) fn rows_within(&self, first: Uid, last: Uid) -> impl Iterator<Item = &Row> {
        let below = self.told_below;
        let mut live = self
            .view
            .iter_from(first)
            .take_while(move |row| row.uid <= last && row.uid < below)
            .peekable();
        let at = self.gone_before(|_, row| row.uid < first);
        let mut gone = self
            .gone
            .range(at..)
            .take_while(move |row| row.uid <= last)
            .peekable();
        std::iter::from_fn(move || match (live.peek(), gone.peek()) {
            (Some(a), Some(b)) if a.uid < b.uid => live.next(),
            (_, Some(_)) => gone.next(),
            _ => live.next(),
        })
    }

    /// Those of `uids`, all known to the client, whose MODSEQ is above `since` (RFC 7162, 3.1.4.1).
    pub(crate) fn changed_since(&self, uids: &UidSet, since: ModSeq) -> UidSet {
        let ranges = uids
            .ranges()
            .map(|range| (Uid(*range.start()), Uid(*range.end())));
        ranges
            .flat_map(|(first, last)| self.rows_within(first, last))
            .filter(|row| row.modseq > since)
            .map(|row| row.uid.0)
            .collect()
    }

    /// Those of `uids` that the client does not number any more, or never did.
    pub(crate) fn unnumbered(&self, uids: &UidSet) -> UidSet {
        uids.difference(&self.gone_uids())
    }

    fn gone_uids(&self) -> UidSet {
        self.gone.iter().map(|row| row.uid.0).collect()
    }

    fn known(&self, ranges: impl Iterator<Item = (Uid, Uid)>) -> UidSet {
        ranges
            .flat_map(|(first, last)| self.rows_within(first, last))
            .map(|row| row.uid.0)
            .collect()
    }

    fn rank_told(&self, uid: Uid) -> usize {
        self.view.rank(uid.min(self.told_below))
    }

    /// How many of `gone` lie before: a binary search.
    fn gone_before(&self, before: impl Fn(usize, &Row) -> bool) -> usize {
        let (mut low, mut high) = (0, self.gone.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.gone.get(middle).is_some_and(|row| before(middle, row)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// Messages from `from` on are recent here, but of those that the session had before none becomes so.
    fn add_recent(&mut self, from: Uid, had_below: Uid) {
        let (from, to) = (from.max(had_below), self.view.uid_next);
        match self.recent.last_mut() {
            _ if from >= to => {}
            Some((_, end)) if *end == from => *end = to,
            _ => self.recent.push((from, to)),
        }
    }
}

/// What arrives from the store.
impl Selected {
    /// Takes a newer view in. Nothing is told, no number changes.
    pub(crate) fn absorb(&mut self, refreshed: Refreshed) {
        self.absorb_own(refreshed, &UidSet::default(), |flags| flags);
    }

    /// As [`Selected::absorb`], after a change of flags by this client to `own`, which it has asked to hear nothing of: what each
    /// message's flags are now is no news if `expected` makes them of those that the client knew (RFC 3501, 6.4.6).
    pub(crate) fn absorb_own(
        &mut self,
        refreshed: Refreshed,
        own: &UidSet,
        expected: impl Fn(Flags) -> Flags,
    ) {
        let Refreshed {
            view,
            changed,
            vanished,
            recent_from,
        } = refreshed;
        if view.mailbox != self.view.mailbox || view.highest_modseq < self.view.highest_modseq {
            return;
        }
        let known = self.exists();
        self.keep_gone(&vanished);
        let (mut news, mut restamped) = (UidSet::default(), UidSet::default());
        for new in rows_in(&view, &changed) {
            let told = |old: &&Row| old.uid < self.told_below;
            let Some(old) = self.view.get(new.uid).filter(told) else {
                continue;
            };
            let own = own.contains(old.uid.0);
            if new.flags != if own { expected(old.flags) } else { old.flags } {
                news.insert(new.uid.0);
            } else if new.modseq != old.modseq {
                restamped.insert(new.uid.0);
            }
        }
        self.changed = self.changed.union(&news);
        self.restamped = self.restamped.union(&restamped);
        let had_below = std::mem::replace(&mut self.view, view).uid_next;
        self.add_recent(recent_from, had_below);
        // Every message that the client numbers is still there or has vanished, and none has come among them.
        self.lost |= self.exists() != known;
    }

    /// The client is to hear the flags of these messages, changed or not (STORE without `.SILENT`); of those that are gone it is
    /// not (RFC 2180, 4.2.3).
    pub(crate) fn owe_flags(&mut self, uids: &UidSet) {
        self.changed = self.changed.union(&uids.difference(&self.gone_uids()));
    }

    /// The client is to hear the MODSEQs of these messages, changed or not (a conditional STORE, RFC 7162, 3.1.3).
    pub(crate) fn owe_modseqs(&mut self, uids: &UidSet) {
        self.restamped = self.restamped.union(&uids.difference(&self.gone_uids()));
    }

    /// The client has just been told of these messages by FETCH: their flags, their MODSEQs, or both.
    pub(crate) fn told(&mut self, uids: &UidSet, flags: bool, modseqs: bool) {
        if flags && !modseqs {
            self.restamped = self.restamped.union(&self.changed.intersection(uids));
        }
        if flags {
            self.changed = self.changed.difference(uids);
        }
        if modseqs {
            self.restamped = self.restamped.difference(uids);
        }
    }

    /// Messages that vanish stay numbered until the client hears of it; those that it never heard of do not.
    fn keep_gone(&mut self, vanished: &UidSet) {
        let old = std::mem::take(&mut self.gone);
        let fresh = rows_in(&self.view, vanished).filter(|row| row.uid < self.told_below);
        let mut fresh = fresh.copied().peekable();
        let mut gone = VecDeque::with_capacity(old.len());
        for row in old {
            while let Some(earlier) = fresh.next_if(|fresh| fresh.uid < row.uid) {
                gone.push_back(earlier);
            }
            gone.push_back(row);
        }
        gone.extend(fresh);
        self.gone = gone;
        self.changed = self.changed.difference(vanished);
        self.restamped = self.restamped.difference(vanished);
    }
}

/// The messages of a view that are in a set; a set may name far more than there are.
fn rows_in<'a>(view: &'a View, uids: &'a UidSet) -> impl Iterator<Item = &'a Row> {
    uids.ranges().flat_map(|range| {
        let last = Uid(*range.end());
        view.iter_from(Uid(*range.start()))
            .take_while(move |row| row.uid <= last)
    })
}

#[cfg(test)]
mod tests;
