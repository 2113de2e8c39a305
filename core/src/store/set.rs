//! Sets of UIDs and sequence numbers. Ranges stay ranges: `1:4294967295` costs as much as `1`.

use std::fmt;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;

/// A set of numbers as sorted, disjoint, non-adjacent inclusive ranges.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct UidSet(Vec<(u32, u32)>);

impl UidSet {
    /// The empty set.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// One range; empty if it is backwards.
    pub fn range(range: RangeInclusive<u32>) -> Self {
        let mut set = Self::new();
        set.insert_range(range);
        set
    }

    /// Adds one number.
    pub fn insert(&mut self, number: u32) {
        self.insert_range(number..=number);
    }

    /// Adds a range; one that is backwards adds nothing.
    pub fn insert_range(&mut self, range: RangeInclusive<u32>) {
        let (mut low, mut high) = range.into_inner();
        if low > high {
            return;
        }
        // Most sets are built in ascending order.
        match self.0.last_mut() {
            None => return self.0.push((low, high)),
            Some(&mut (_, last)) if last.checked_add(1).is_some_and(|next| next < low) => {
                return self.0.push((low, high));
            }
            Some(last) if last.0 <= low => {
                last.1 = last.1.max(high);
                return;
            }
            Some(_) => {}
        }
        let first = self.0.partition_point(|&(_, end)| end.saturating_add(1) < low);
        let behind = self
            .0
            .partition_point(|&(start, _)| start <= high.saturating_add(1));
        if let Some(met) = self.0.get(first..behind).filter(|met| !met.is_empty()) {
            low = low.min(met.first().map_or(low, |met| met.0));
            high = high.max(met.last().map_or(high, |met| met.1));
        }
        self.0.splice(first..behind.max(first), [(low, high)]);
    }

    /// Takes one number out.
    pub fn remove(&mut self, number: u32) {
        *self = self.difference(&Self(vec![(number, number)]));
    }

    /// Takes out all numbers up to `last`, that one too.
    pub fn remove_to(&mut self, last: u32) {
        let whole = self.0.partition_point(|&(_, end)| end <= last);
        self.0.drain(..whole);
        if let Some((low, _)) = self.0.first_mut() {
            // It ends above `last`.
            *low = (*low).max(last.saturating_add(1));
        }
    }

    /// Whether the number is in it.
    pub fn contains(&self, number: u32) -> bool {
        self.intersects(number, number)
    }

    /// Whether any number from `low` to `high` is in it.
    pub fn intersects(&self, low: u32, high: u32) -> bool {
        self.0
            .get(self.0.partition_point(|&(_, end)| end < low))
            .is_some_and(|&(start, _)| start <= high)
    }

    /// What is in either.
    pub fn union(&self, other: &Self) -> Self {
        let (mut ours, mut theirs) = (
            self.0.iter().copied().peekable(),
            other.0.iter().copied().peekable(),
        );
        let mut both = Self::new();
        loop {
            let next = match (ours.peek(), theirs.peek()) {
                (Some(a), Some(b)) if a.0 <= b.0 => ours.next(),
                (_, Some(_)) => theirs.next(),
                (_, None) => ours.next(),
            };
            match next {
                Some((low, high)) => both.insert_range(low..=high),
                None => return both,
            }
        }
    }

    /// What is in both.
    pub fn intersection(&self, other: &Self) -> Self {
        let mut both = Vec::new();
        let mut theirs = other.0.iter().peekable();
        for &(low, high) in &self.0 {
            while theirs.next_if(|range| range.1 < low).is_some() {}
            while let Some(&&(start, end)) = theirs.peek() {
                if start > high {
                    break;
                }
                both.push((low.max(start), high.min(end)));
                if end > high {
                    break;
                }
                theirs.next();
            }
        }
        Self(both)
    }

    /// What is in this set and not in the other.
    pub fn difference(&self, other: &Self) -> Self {
        let mut left = Vec::new();
        let mut theirs = other.0.iter().peekable();
        for &(low, high) in &self.0 {
            while theirs.next_if(|range| range.1 < low).is_some() {}
            let mut from = Some(low);
            while let (Some(low), Some(&&(start, end))) = (from, theirs.peek()) {
                if start > high {
                    break;
                }
                if start > low {
                    left.push((low, start - 1));
                }
                from = end.checked_add(1).filter(|&next| next <= high);
                if end > high {
                    break;
                }
                theirs.next();
            }
            if let Some(low) = from {
                left.push((low, high));
            }
        }
        Self(left)
    }

    /// The ranges, ascending.
    pub fn ranges(&self) -> impl DoubleEndedIterator<Item = RangeInclusive<u32>> + ExactSizeIterator + '_ {
        self.0.iter().map(|&(low, high)| low..=high)
    }

    /// The numbers, ascending. A set may hold four thousand million of them.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = u32> + '_ {
        self.ranges().flatten()
    }

    /// How many numbers.
    pub fn len(&self) -> u64 {
        self.0
            .iter()
            .map(|&(low, high)| u64::from(high) - u64::from(low) + 1)
            .sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The lowest.
    pub fn min(&self) -> Option<u32> {
        self.0.first().map(|range| range.0)
    }

    /// The highest.
    pub fn max(&self) -> Option<u32> {
        self.0.last().map(|range| range.1)
    }
}

impl FromIterator<u32> for UidSet {
    fn from_iter<T: IntoIterator<Item = u32>>(numbers: T) -> Self {
        let mut set = Self::new();
        numbers.into_iter().for_each(|number| set.insert(number));
        set
    }
}

impl fmt::Display for UidSet {
    /// As IMAP writes it: `1:3,5`. The empty set is the empty text, which IMAP has no way to write.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, &(low, high)) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(",")?;
            }
            if low == high {
                write!(f, "{low}")?
            } else {
                write!(f, "{low}:{high}")?
            }
        }
        Ok(())
    }
}

impl fmt::Debug for UidSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{self}}}")
    }
}

/// A sequence set as a client wrote it: `*` has a meaning only once the mailbox is known (`sequence-set`, RFC 3501, 9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SequenceSet(Vec<(Number, Number)>);

/// One end of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// A number.
    Is(NonZeroU32),
    /// `*`
    Last,
}

/// Why a text is no sequence set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadSequenceSet {
    /// It does not follow the grammar at this octet.
    Malformed(usize),
    /// More than [`SequenceSet::ITEMS_MAX`] items.
    TooMany,
}

impl SequenceSet {
    /// The most items of a set.
    pub const ITEMS_MAX: usize = 10_000;

    /// Reads `sequence-set` (RFC 3501, 9); all octets must belong to it.
    pub fn parse(octets: &[u8]) -> Result<Self, BadSequenceSet> {
        let commas = memchr::memchr_iter(b',', octets).count();
        let mut items = Vec::with_capacity(commas.saturating_add(1).min(Self::ITEMS_MAX));
        let mut at = 0;
        for item in octets.split(|&octet| octet == b',') {
            if items.len() == Self::ITEMS_MAX {
                return Err(BadSequenceSet::TooMany);
            }
            let mut ends = item.splitn(2, |&octet| octet == b':').map(number);
            let (first, second) = (ends.next().flatten(), ends.next());
            match (first, second) {
                (Some(one), None) => items.push((one, one)),
                (Some(from), Some(Some(to))) => items.push((from, to)),
                _ => return Err(BadSequenceSet::Malformed(at)),
            }
            at += item.len() + 1;
        }
        Ok(Self(items))
    }

    /// The numbers meant, where `*` is `last`. With `last` 0 (an empty mailbox) `*` means nothing.
    /// A range may be written backwards (RFC 3501, 9, `seq-range`).
    pub fn resolve(self, last: u32) -> UidSet {
        let value = |number| match number {
            Number::Is(number) => Some(number.get()),
            Number::Last => (last > 0).then_some(last),
        };
        // A range is as large as what it is made of, so this stays in one place.
        let meant = self.0.into_iter().filter_map(|(from, to)| {
            let (from, to) = (value(from)?, value(to)?);
            Some((from.min(to), from.max(to)))
        });
        let mut ranges: Vec<(u32, u32)> = meant.collect();
        ranges.sort_unstable();
        let mut set = UidSet::new();
        ranges
            .into_iter()
            .for_each(|(low, high)| set.insert_range(low..=high));
        set
    }

    /// Whether `*` is in it.
    pub fn names_last(&self) -> bool {
        self.0
            .iter()
            .any(|ends| ends.0 == Number::Last || ends.1 == Number::Last)
    }

    /// Whether it names numbers only, each once and in ascending order.
    pub fn is_ascending(&self) -> bool {
        let mut last = 0;
        self.0.iter().all(|&(from, to)| match (from, to) {
            (Number::Is(from), Number::Is(to)) => {
                last < from.get() && from <= to && {
                    last = to.get();
                    true
                }
            }
            _ => false,
        })
    }

    /// The highest number that is written; `None` if only `*` is.
    pub fn highest(&self) -> Option<u32> {
        let numbers = self.0.iter().flat_map(|&(from, to)| [from, to]);
        numbers
            .filter_map(|number| {
                if let Number::Is(number) = number {
                    Some(number.get())
                } else {
                    None
                }
            })
            .max()
    }
}

impl fmt::Display for SequenceSet {
    /// As it was written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (from, to)) in self.0.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            if from == to {
                write!(f, "{comma}{from}")?
            } else {
                write!(f, "{comma}{from}:{to}")?
            }
        }
        Ok(())
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Is(number) => number.fmt(f),
            Number::Last => f.write_str("*"),
        }
    }
}

/// `seq-number = nz-number / "*"`
fn number(octets: &[u8]) -> Option<Number> {
    match octets {
        b"*" => Some(Number::Last),
        [b'1'..=b'9', ..] if octets.iter().all(u8::is_ascii_digit) => {
            std::str::from_utf8(octets).ok()?.parse().ok().map(Number::Is)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn ranges() -> impl Strategy<Value = Vec<(u32, u32)>> {
        proptest::collection::vec(
            (0u32..200, 0u32..20).prop_map(|(low, len)| (low, low + len)),
            0..20,
        )
    }

    fn both(ranges: &[(u32, u32)]) -> (UidSet, BTreeSet<u32>) {
        let mut set = UidSet::new();
        ranges
            .iter()
            .for_each(|&(low, high)| set.insert_range(low..=high));
        (set, ranges.iter().flat_map(|&(low, high)| low..=high).collect())
    }

    proptest! {
        #[test]
        fn behaves_as_a_set(a in ranges(), b in ranges(), probe in 0u32..250) {
            let ((a, model_a), (b, model_b)) = (both(&a), both(&b));
            prop_assert!(a.iter().eq(model_a.iter().copied()));
            prop_assert!(a.0.windows(2).all(|pair| pair[0].1 + 1 < pair[1].0), "not in normal form: {a}");
            prop_assert_eq!(a.len(), model_a.len() as u64);
            prop_assert_eq!(a.contains(probe), model_a.contains(&probe));
            prop_assert_eq!(a.intersects(probe, probe + 5), model_a.range(probe..=probe + 5).next().is_some());
            prop_assert!(a.union(&b).iter().eq((&model_a | &model_b).into_iter()));
            prop_assert!(a.intersection(&b).iter().eq((&model_a & &model_b).into_iter()));
            prop_assert!(a.difference(&b).iter().eq((&model_a - &model_b).into_iter()));
            let mut less = a.clone();
            less.remove(probe);
            prop_assert!(!less.contains(probe));
            let mut above = a.clone();
            above.remove_to(probe);
            prop_assert!(above.iter().eq(model_a.range(probe + 1..).copied()));
            prop_assert_eq!(a.iter().collect::<UidSet>(), a);
        }
    }

    #[test]
    fn ends_of_the_range_hold() {
        let all = UidSet::range(0..=u32::MAX);
        assert_eq!(all.len(), 1 << 32);
        let mut set = UidSet::range(u32::MAX..=u32::MAX);
        set.insert_range(1..=u32::MAX);
        set.insert(5);
        assert_eq!(set.to_string(), "1:4294967295");
        assert_eq!(all.difference(&set).to_string(), "0");
    }

    #[test]
    fn sequence_sets_are_read_and_resolved() {
        for (text, last, want) in [
            ("1", 9, "1"),
            ("3:1,5", 9, "1:3,5"),
            ("*", 9, "9"),
            ("*:4", 9, "4:9"),
            ("12:*", 9, "9:12"),
            ("*", 0, ""),
            ("1:4294967295", 3, "1:4294967295"),
            ("2,4:7,9,12:*", 15, "2,4:7,9,12:15"),
        ] {
            assert_eq!(
                SequenceSet::parse(text.as_bytes())
                    .unwrap()
                    .resolve(last)
                    .to_string(),
                want,
                "{text}"
            );
        }
        for (text, at) in [
            ("", 0),
            ("0", 0),
            ("1,", 2),
            ("1:", 0),
            ("1,01", 2),
            ("1:2:3", 0),
            ("4294967296", 0),
            ("a", 0),
        ] {
            assert_eq!(
                SequenceSet::parse(text.as_bytes()),
                Err(BadSequenceSet::Malformed(at)),
                "{text}"
            );
        }
        let many = vec!["1"; SequenceSet::ITEMS_MAX + 1].join(",");
        assert_eq!(SequenceSet::parse(many.as_bytes()), Err(BadSequenceSet::TooMany));
    }
}
