//! Sets of message numbers and UIDs, and IMAP's way to write them (`sequence-set`, RFC 3501, 9).
//!
//! Ranges stay ranges: `1:4294967295` costs as much as `1`. Every operation is linear in ranges, never in members.

use std::fmt;
use std::ops::RangeInclusive;

/// A set of UIDs (or sequence numbers), held as ascending ranges that neither touch nor overlap.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct UidSet {
    spans: Vec<Span>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Span {
    first: u32,
    last: u32,
}

impl Span {
    /// Whether `next`, which begins no earlier, belongs to the same range.
    fn reaches(self, next: Span) -> bool {
        next.first <= self.last.saturating_add(1)
    }
}

impl UidSet {
    /// The empty set.
    pub fn new() -> UidSet {
        UidSet::default()
    }

    /// The set of all members of the ranges, in any order; a range that ends before it begins has none.
    pub fn from_ranges(ranges: impl IntoIterator<Item = RangeInclusive<u32>>) -> UidSet {
        let spans = ranges.into_iter().map(|range| Span {
            first: *range.start(),
            last: *range.end(),
        });
        let mut spans: Vec<Span> = spans.filter(|span| span.first <= span.last).collect();
        spans.sort_unstable();
        let mut set = UidSet::new();
        spans.into_iter().for_each(|span| set.append(span));
        set
    }

    /// Adds one member.
    pub fn insert(&mut self, uid: u32) {
        self.insert_range(uid..=uid);
    }

    /// Adds all members of a range. Cheap at the upper end, where new messages come.
    pub fn insert_range(&mut self, range: RangeInclusive<u32>) {
        let mut new = Span {
            first: *range.start(),
            last: *range.end(),
        };
        if new.first > new.last {
            return;
        }
        if self.spans.last().is_none_or(|last| last.first <= new.first) {
            return self.append(new);
        }
        let from = self
            .spans
            .partition_point(|span| span.last.saturating_add(1) < new.first);
        let to = self
            .spans
            .partition_point(|span| span.first <= new.last.saturating_add(1));
        if let Some(touched) = self.spans.get(from..to) {
            new.first = touched
                .first()
                .map_or(new.first, |span| span.first.min(new.first));
            new.last = touched.last().map_or(new.last, |span| span.last.max(new.last));
            self.spans.splice(from..to, [new]);
        }
    }

    /// Takes one member out, if it is there.
    pub fn remove(&mut self, uid: u32) {
        self.remove_range(uid..=uid);
    }

    /// Takes all members of a range out.
    pub fn remove_range(&mut self, range: RangeInclusive<u32>) {
        let (first, last) = (*range.start(), *range.end());
        let from = self.spans.partition_point(|span| span.last < first);
        let to = self.spans.partition_point(|span| span.first <= last);
        let Some(touched) = self.spans.get(from..to) else {
            return;
        };
        let below = touched
            .first()
            .filter(|span| span.first < first)
            .map(|span| span.first..=first - 1);
        let above = touched
            .last()
            .filter(|span| span.last > last)
            .map(|span| last + 1..=span.last);
        let kept = [below, above].into_iter().flatten();
        self.spans.splice(
            from..to,
            kept.map(|range| Span {
                first: *range.start(),
                last: *range.end(),
            }),
        );
    }

    /// Whether `uid` is a member.
    pub fn contains(&self, uid: u32) -> bool {
        let at = self.spans.partition_point(|span| span.last < uid);
        self.spans.get(at).is_some_and(|span| span.first <= uid)
    }

    /// The members of either set.
    pub fn union(&self, other: &UidSet) -> UidSet {
        let (mut left, mut right) = (self.spans.iter().peekable(), other.spans.iter().peekable());
        let mut set = UidSet::new();
        loop {
            let next = match (left.peek(), right.peek()) {
                (Some(ours), Some(theirs)) if theirs < ours => right.next(),
                (Some(_), _) => left.next(),
                (None, _) => right.next(),
            };
            match next {
                Some(span) => set.append(*span),
                None => return set,
            }
        }
    }

    /// The members of both sets.
    pub fn intersection(&self, other: &UidSet) -> UidSet {
        let (mut left, mut right) = (self.spans.iter().peekable(), other.spans.iter().peekable());
        let mut set = UidSet::new();
        while let (Some(ours), Some(theirs)) = (left.peek(), right.peek()) {
            let both = Span {
                first: ours.first.max(theirs.first),
                last: ours.last.min(theirs.last),
            };
            let ends_first = if ours.last < theirs.last {
                &mut left
            } else {
                &mut right
            };
            ends_first.next();
            if both.first <= both.last {
                set.append(both);
            }
        }
        set
    }

    /// The members of this set that are not in `other`.
    pub fn difference(&self, other: &UidSet) -> UidSet {
        let mut set = UidSet::new();
        let mut holes = other.spans.iter().peekable();
        for span in &self.spans {
            // The next number that is still to be decided; wide, since it may pass the last UID.
            let mut from = u64::from(span.first);
            while let Some(hole) = holes.next_if(|hole| hole.last <= span.last) {
                set.append_wide(from, u64::from(hole.first));
                from = from.max(u64::from(hole.last) + 1);
            }
            let to = holes.peek().map_or(u64::MAX, |hole| u64::from(hole.first));
            set.append_wide(from, to.min(u64::from(span.last) + 1));
        }
        set
    }

    /// The members in ascending order. Iterating is the one thing that costs by members: never on a set that a peer named
    /// and nobody has cut down to what exists.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.ranges().flatten()
    }

    /// The ranges in ascending order; they neither touch nor overlap.
    pub fn ranges(&self) -> impl ExactSizeIterator<Item = RangeInclusive<u32>> + DoubleEndedIterator + '_ {
        self.spans.iter().map(|span| span.first..=span.last)
    }

    /// The number of members.
    pub fn len(&self) -> u64 {
        self.spans
            .iter()
            .map(|span| u64::from(span.last - span.first) + 1)
            .sum()
    }

    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The smallest member.
    pub fn min(&self) -> Option<u32> {
        self.spans.first().map(|span| span.first)
    }

    /// The largest member.
    pub fn max(&self) -> Option<u32> {
        self.spans.last().map(|span| span.last)
    }

    /// Adds a span that begins no earlier than the last one.
    fn append(&mut self, span: Span) {
        match self.spans.last_mut() {
            Some(last) if last.reaches(span) => last.last = last.last.max(span.last),
            _ => self.spans.push(span),
        }
    }

    /// Adds `from..to`, if there is anything in it.
    fn append_wide(&mut self, from: u64, to: u64) {
        if let (true, Ok(first), Ok(last)) = (
            from < to,
            u32::try_from(from),
            u32::try_from(to.saturating_sub(1)),
        ) {
            self.append(Span { first, last });
        }
    }
}

impl FromIterator<u32> for UidSet {
    fn from_iter<I: IntoIterator<Item = u32>>(uids: I) -> UidSet {
        let mut set = UidSet::new();
        set.extend(uids);
        set
    }
}

impl Extend<u32> for UidSet {
    fn extend<I: IntoIterator<Item = u32>>(&mut self, uids: I) {
        uids.into_iter().for_each(|uid| self.insert(uid));
    }
}

/// As a `sequence-set`: `1:3,5`. The empty set is empty text, which the grammar does not have: check first.
impl fmt::Display for UidSet {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for (at, span) in self.spans.iter().enumerate() {
            if at > 0 {
                f.write_str(",")?;
            }
            write!(f, "{}", span.first)?;
            if span.last > span.first {
                write!(f, ":{}", span.last)?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for UidSet {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{{{self}}}")
    }
}

/// How many items a `sequence-set` may have, unless a smaller limit is given.
pub const ITEMS_MAX: usize = 10_000;

/// A `sequence-set` as it was written, before anybody knows what `*` means (RFC 3501, 9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SequenceSet {
    items: Vec<(Number, Number)>,
}

/// `seq-number = nz-number / "*"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// A number, never 0.
    At(u32),
    /// `*`: the largest number in use.
    Last,
}

/// Why text is no `sequence-set`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidSet {
    /// The octet at this offset does not belong there.
    Syntax(usize),
    /// More items than the limit.
    TooMany,
}

impl SequenceSet {
    /// Reads a whole `sequence-set = (seq-number / seq-range) *("," sequence-set)`.
    ///
    /// At most [`ITEMS_MAX`] items.
    pub fn parse(text: &[u8]) -> Result<SequenceSet, InvalidSet> {
        SequenceSet::parse_within(text, ITEMS_MAX)
    }

    /// As [`parse`](Self::parse), with at most `items_max` items.
    pub fn parse_within(text: &[u8], items_max: usize) -> Result<SequenceSet, InvalidSet> {
        let mut items = Vec::new();
        let mut at = 0;
        for item in text.split(|octet| *octet == b',') {
            if items.len() == items_max {
                return Err(InvalidSet::TooMany);
            }
            let mut ends = item.splitn(2, |octet| *octet == b':');
            let first = number(ends.next().unwrap_or_default(), at)?;
            let last = match ends.next() {
                Some(last) => number(last, at + item.len() - last.len())?,
                None => first,
            };
            items.push((first, last));
            at += item.len() + 1;
        }
        Ok(SequenceSet { items })
    }

    /// The items as written: a single number is a pair of equals, a range may run backwards.
    pub fn items(&self) -> &[(Number, Number)] {
        &self.items
    }

    /// The set that is meant when `max` is the largest number in use, 0 if there is none.
    ///
    /// `4:2` is `2:4`, and `9:*` always has the last message in it (RFC 3501, 9). Items with `*` name nothing where there
    /// is nothing. Numbers above `max` stay: for UIDs they are legal, for sequence numbers the caller refuses them.
    pub fn resolve(&self, max: u32) -> UidSet {
        let meant = |number| match number {
            Number::At(value) => Some(value),
            Number::Last => Some(max).filter(|max| *max > 0),
        };
        let pairs = self
            .items
            .iter()
            .filter_map(|(first, last)| Some((meant(*first)?, meant(*last)?)));
        UidSet::from_ranges(pairs.map(|(first, last)| first.min(last)..=first.max(last)))
    }
}

/// `nz-number`: no sign, no leading zero, at most 4294967295.
fn number(text: &[u8], at: usize) -> Result<Number, InvalidSet> {
    if text == b"*" {
        return Ok(Number::Last);
    }
    let digits = text.iter().take_while(|octet| octet.is_ascii_digit()).count();
    let wrong = |offset| Err(InvalidSet::Syntax(at + offset));
    if digits < text.len() || text.is_empty() {
        return wrong(digits);
    }
    let value = text
        .iter()
        .take(11)
        .fold(0u64, |value, digit| value * 10 + u64::from(digit - b'0'));
    match u32::try_from(value) {
        Ok(value) if !text.starts_with(b"0") => Ok(Number::At(value)),
        _ => wrong(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn set(text: &str) -> UidSet {
        SequenceSet::parse(text.as_bytes()).unwrap().resolve(u32::MAX)
    }

    #[test]
    fn reads_and_writes_sequence_sets() {
        for (written, max, meant) in [
            ("1", 9, "1"),
            ("2,4:7,9,12:*", 15, "2,4:7,9,12:15"),
            ("*:4,5:7", 10, "4:10"),
            ("4:2", 9, "2:4"),
            ("3291:*", 3, "3:3291"),
            ("*", 0, ""),
            ("1,5:*,7", 0, "1,7"),
            ("1:4294967295", 5, "1:4294967295"),
            ("3,2,1,2:2", 5, "1:3"),
        ] {
            assert_eq!(
                SequenceSet::parse(written.as_bytes())
                    .unwrap()
                    .resolve(max)
                    .to_string(),
                meant,
                "{written}"
            );
        }
    }

    #[test]
    fn refuses_what_is_no_sequence_set() {
        for (text, at) in [
            ("", 0),
            ("0", 0),
            ("01", 0),
            ("1,", 2),
            (",1", 0),
            ("1:", 2),
            ("1:2:3", 3),
            ("1;2", 1),
            ("12,4294967296", 3),
            ("12,7:99999999999999999999999", 5),
            ("**", 0),
            ("-1", 0),
        ] {
            assert_eq!(
                SequenceSet::parse(text.as_bytes()),
                Err(InvalidSet::Syntax(at)),
                "{text}"
            );
        }
    }

    #[test]
    fn items_are_bounded() {
        let text = vec!["1"; ITEMS_MAX].join(",");
        assert_eq!(
            SequenceSet::parse(text.as_bytes()).unwrap().items().len(),
            ITEMS_MAX
        );
        assert_eq!(
            SequenceSet::parse((text + ",1").as_bytes()),
            Err(InvalidSet::TooMany)
        );
    }

    #[test]
    fn the_ends_of_the_range_do_not_overflow() {
        let mut all = set("1:*");
        all.insert_range(0..=u32::MAX);
        assert_eq!(all.len(), 1 << 32);
        all.remove(u32::MAX);
        all.remove(0);
        assert_eq!(all.to_string(), "1:4294967294");
        assert_eq!(all.difference(&set("2:4294967295")).to_string(), "1");
        assert_eq!(set("1:*").difference(&set("*")).max(), Some(u32::MAX - 1));
        all.insert(u32::MAX);
        assert_eq!(
            (all.max(), all.min(), all.ranges().len()),
            (Some(u32::MAX), Some(1), 1)
        );
    }

    type Model = BTreeSet<u32>;

    fn pair() -> impl Strategy<Value = (UidSet, Model)> {
        let step = (any::<bool>(), 0u32..60, 0u32..8);
        prop::collection::vec(step, 0..40).prop_map(|steps| {
            let (mut set, mut model) = (UidSet::new(), Model::new());
            for (add, first, length) in steps {
                let range = first..=first + length;
                if add {
                    set.insert_range(range.clone());
                    model.extend(range);
                } else {
                    set.remove_range(range.clone());
                    model.retain(|uid| !range.contains(uid));
                }
            }
            (set, model)
        })
    }

    fn same(set: &UidSet, model: impl IntoIterator<Item = u32>) {
        let model: Model = model.into_iter().collect();
        assert!(set.iter().eq(model.iter().copied()), "{set} is not {model:?}");
        assert!(
            set.spans.windows(2).all(|pair| !pair[0].reaches(pair[1])),
            "{set} has ranges that touch"
        );
        assert_eq!(set, &model.into_iter().rev().collect());
    }

    proptest! {
        #[test]
        fn agrees_with_a_plain_set((a, in_a) in pair(), (b, in_b) in pair()) {
            same(&a, in_a.clone());
            same(&a.union(&b), in_a.union(&in_b).copied());
            same(&a.intersection(&b), in_a.intersection(&in_b).copied());
            same(&a.difference(&b), in_a.difference(&in_b).copied());
            prop_assert_eq!(a.len(), in_a.len() as u64);
            prop_assert_eq!(a.is_empty(), in_a.is_empty());
            prop_assert_eq!((a.min(), a.max()), (in_a.first().copied(), in_a.last().copied()));
            prop_assert!((0..80).all(|uid| a.contains(uid) == in_a.contains(&uid)));
            if !a.contains(0) && !a.is_empty() {
                prop_assert_eq!(&set(&a.to_string()), &a);
            }
        }
    }
}
