//! What SEARCH answers: the numbers of what matches, or what an extended SEARCH wants to hear of them.
//!
//! RFC 3501, 7.2.5; RFC 7162, 3.1.6 and 3.1.10; RFC 4731, 3.1 and 3.2; RFC 4466, 2.6.2. Only what will be told is kept: MIN, MAX and
//! COUNT keep no numbers, and of MIN and MAX alone it is known which messages are not worth a look any more.

use std::fmt::Write as _;
use std::iter::Peekable;
use std::ops::RangeInclusive;

use bytes::{BufMut as _, BytesMut};

use super::super::{Completion, Event, Form, Next, State};
use crate::imap::ast::SearchReturn;
use crate::imap::context::Context;
use crate::store::{ModSeq, Row, Uid, UidSet};
use crate::wire::decimal;

/// Numbers, or runs of them, told at a time.
const NUMBERS_A_BATCH: usize = 4 * 1024;

/// An extended SEARCH: its answer names its tag (RFC 4466, 2.6.2).
#[derive(Debug)]
pub(super) struct Extended {
    pub(super) tag: String,
    pub(super) returns: SearchReturn,
}

/// What matches, kept as far as it will be told.
#[derive(Debug)]
pub(super) struct Matches {
    form: Form,
    extended: Option<Extended>,
    /// Numbers or UIDs, in no order; none if they will not be told.
    numbers: Vec<u32>,
    count: u32,
    first: Option<Match>,
    last: Option<Match>,
    /// The highest of all.
    modseq: ModSeq,
}

#[derive(Clone, Copy, Debug)]
struct Match {
    uid: Uid,
    /// Its number or UID, as it is told.
    told: u32,
    modseq: ModSeq,
}

impl Matches {
    pub(super) fn new(form: Form, extended: Option<Extended>) -> Self {
        Self {
            form,
            extended,
            numbers: Vec::new(),
            count: 0,
            first: None,
            last: None,
            modseq: ModSeq(0),
        }
    }

    /// A message matches.
    pub(super) fn add(&mut self, seq: u32, row: &Row) {
        let (uid, modseq) = (row.uid, row.modseq);
        let told = if self.form == Form::Uid { uid.0 } else { seq };
        if self.returns().is_none_or(|returns| returns.all) {
            self.numbers.push(told);
        }
        self.count = self.count.saturating_add(1);
        self.modseq = self.modseq.max(modseq);
        let this = Some(Match { uid, told, modseq });
        if self.first.is_none_or(|first| uid < first.uid) {
            self.first = this;
        }
        if self.last.is_none_or(|last| uid > last.uid) {
            self.last = this;
        }
    }

    /// Whether a message could still change the answer.
    pub(super) fn needs(&self, uid: Uid) -> bool {
        !self.settled().is_some_and(|settled| settled.contains(&uid.0))
    }

    /// Those of the messages that could still change the answer.
    pub(super) fn needed(&self, uids: UidSet) -> UidSet {
        match self.settled() {
            Some(settled) => uids.difference(&UidSet::range(settled)),
            None => uids,
        }
    }

    fn returns(&self) -> Option<SearchReturn> {
        self.extended.as_ref().map(|extended| extended.returns)
    }

    /// The options, if none is asked for but MIN and MAX.
    fn only_ends(&self) -> Option<SearchReturn> {
        self.returns().filter(|returns| !returns.all && !returns.count)
    }

    /// UIDs that change nothing any more, whether they match or not.
    fn settled(&self) -> Option<RangeInclusive<u32>> {
        let returns = self.only_ends()?;
        let low = if returns.min { self.first?.uid.0 } else { 1 };
        let high = if returns.max { self.last?.uid.0 } else { u32::MAX };
        Some(low..=high)
    }

    /// The highest MODSEQ of what is told (RFC 4731, 3.2); `None`: nothing matches.
    fn told_modseq(&self) -> Option<ModSeq> {
        let (first, last) = (self.first?.modseq, self.last?.modseq);
        Some(match self.only_ends() {
            None => self.modseq,
            Some(SearchReturn { max: false, .. }) => first,
            Some(SearchReturn { min: false, .. }) => last,
            Some(_) => first.max(last),
        })
    }

    /// Tells the answer; `modseq`: with the MODSEQ, `expunges`: what is gone may be told behind it.
    pub(super) fn tell(mut self, cx: &mut Context, modseq: bool, expunges: bool) -> Next {
        let modseq = self.told_modseq().filter(|_| modseq);
        let tail = self.tail(modseq);
        self.head(cx.out());
        self.numbers.sort_unstable();
        Telling {
            numbers: self.numbers.into_iter().peekable(),
            separator: b' ',
            as_set: self.extended.is_some(),
            tail,
            expunges,
        }
        .tell(cx)
    }

    /// What stands before the numbers.
    fn head(&self, out: &mut BytesMut) {
        let Some(Extended { tag, returns }) = &self.extended else {
            return out.extend_from_slice(b"* SEARCH");
        };
        // Writing to memory does not fail. No character of a tag needs an escape.
        let _ = write!(out, "* ESEARCH (TAG \"{tag}\")");
        if self.form == Form::Uid {
            out.extend_from_slice(b" UID");
        }
        let ends = [("MIN", returns.min, self.first), ("MAX", returns.max, self.last)];
        for (name, wanted, end) in ends {
            if let (true, Some(end)) = (wanted, end) {
                let _ = write!(out, " {name} {}", end.told);
            }
        }
        if !self.numbers.is_empty() {
            out.extend_from_slice(b" ALL");
        }
    }

    /// What stands behind the numbers.
    fn tail(&self, modseq: Option<ModSeq>) -> String {
        let Some(Extended { returns, .. }) = &self.extended else {
            return modseq.map_or_else(String::new, |modseq| format!(" (MODSEQ {})", modseq.0));
        };
        let mut tail = String::new();
        if returns.count {
            tail.push_str(&format!(" COUNT {}", self.count));
        }
        if let Some(modseq) = modseq {
            tail.push_str(&format!(" MODSEQ {}", modseq.0));
        }
        tail
    }
}

/// Tells what matches; waits until a batch has left.
#[derive(Debug)]
struct Telling {
    /// Ascending.
    numbers: Peekable<std::vec::IntoIter<u32>>,
    /// What stands before the next number.
    separator: u8,
    /// As one set (`1:3,5`), not one by one (`1 2 3 5`).
    as_set: bool,
    tail: String,
    expunges: bool,
}

impl Telling {
    fn tell(mut self, cx: &mut Context) -> Next {
        let out = cx.out();
        for _ in 0..NUMBERS_A_BATCH {
            self.put_next(out);
        }
        if self.numbers.peek().is_some() {
            return Next::Drain(Box::new(self));
        }
        out.extend_from_slice(self.tail.as_bytes());
        out.extend_from_slice(b"\r\n");
        match self.expunges {
            true => Completion::ok().into(),
            false => Completion::ok().without_expunges().into(),
        }
    }

    fn put_next(&mut self, out: &mut BytesMut) {
        let Some(first) = self.numbers.next() else { return };
        out.put_u8(self.separator);
        decimal::put(out, first);
        if !self.as_set {
            return;
        }
        self.separator = b',';
        let mut last = first;
        while let Some(next) = self.numbers.next_if(|next| *next == last.saturating_add(1)) {
            last = next;
        }
        if last > first {
            out.put_u8(b':');
            decimal::put(out, last);
        }
    }
}

impl State for Telling {
    fn on(self: Box<Self>, cx: &mut Context, _drained: Event) -> Next {
        self.tell(cx)
    }
}
