//! Sets of numbers against a table of 256 truths, at both ends of the numbers that there are.

use arbitrary::Arbitrary;
use lightmail_core::store::UidSet;

/// What is done to a set; numbers count from the lowest of the table.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Step {
    /// Adds a range.
    Insert(u8, u8),
    /// Takes one out.
    Remove(u8),
    /// Takes out all up to one.
    RemoveTo(u8),
    /// Joins with a range.
    Union(u8, u8),
    /// Cuts with all but a range.
    Keep(u8, u8),
    /// Takes a range away.
    Without(u8, u8),
    /// Turns it into what it is not.
    Invert,
}

/// Steps on a set, and the same on the table.
pub fn uid_set(steps: Vec<Step>) {
    for lowest in [0, 1, u32::MAX - 255] {
        let (mut set, mut table) = (UidSet::new(), [false; 256]);
        for &step in steps.iter().take(500) {
            set = apply(set, step, lowest);
            apply_to_table(&mut table, step);
            assert_same(&set, &table, lowest);
        }
    }
}

fn apply(mut set: UidSet, step: Step, lowest: u32) -> UidSet {
    let at = |number: u8| lowest + u32::from(number);
    let range = |low, high| UidSet::range(at(low)..=at(high));
    match step {
        Step::Insert(low, high) => set.insert_range(at(low)..=at(high)),
        Step::Remove(number) => set.remove(at(number)),
        Step::RemoveTo(last) => set.remove_to(at(last)),
        Step::Union(low, high) => set = set.union(&range(low, high)),
        Step::Keep(low, high) => set = set.intersection(&range(low, high)),
        Step::Without(low, high) => set = set.difference(&range(low, high)),
        Step::Invert => set = range(0, 255).difference(&set),
    }
    set
}

fn apply_to_table(table: &mut [bool; 256], step: Step) {
    for (number, is_in) in (0..=u8::MAX).zip(table.iter_mut()) {
        let within = |low, high| (low..=high).contains(&number);
        *is_in = match step {
            Step::Insert(low, high) | Step::Union(low, high) => *is_in || within(low, high),
            Step::Remove(one) => *is_in && number != one,
            Step::RemoveTo(last) => *is_in && number > last,
            Step::Keep(low, high) => *is_in && within(low, high),
            Step::Without(low, high) => *is_in && !within(low, high),
            Step::Invert => !*is_in,
        };
    }
}

fn assert_same(set: &UidSet, table: &[bool; 256], lowest: u32) {
    let expected: Vec<u32> = (0..256)
        .filter(|&at| table[at as usize])
        .map(|at| lowest + at)
        .collect();
    assert!(
        set.iter().eq(expected.iter().copied()),
        "{set:?} is not {expected:?}"
    );
    assert_eq!(set.len(), expected.len() as u64);
    assert_eq!(
        (set.min(), set.max()),
        (expected.first().copied(), expected.last().copied())
    );
    assert!(expected.iter().all(|&number| set.contains(number)));
    let ranges: Vec<_> = set.ranges().collect();
    let apart = ranges
        .windows(2)
        .all(|pair| u64::from(*pair[0].end()) + 1 < u64::from(*pair[1].start()));
    assert!(apart, "{set:?} has ranges that touch");
}
