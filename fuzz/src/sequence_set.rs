//! Sequence sets: what is written is read as it was, and means what it says.

use lightmail_core::imap::grammar::Cursor;
use lightmail_core::store::set::SequenceSet;

/// The text of a set, and how many messages there are.
pub fn sequence_set((last, text): (u32, &[u8])) {
    let parsed = SequenceSet::parse(text);
    let mut cursor = Cursor::new(text);
    let whole = cursor.sequence_set().is_ok() && cursor.rest().is_empty();
    assert_eq!(whole, parsed.is_ok(), "two readers, two minds");
    let Ok(set) = parsed else { return };
    let written = set.to_string();
    assert_eq!(
        SequenceSet::parse(written.as_bytes()).as_ref(),
        Ok(&set),
        "{written}"
    );
    for last in [last, last % 64, 0, u32::MAX] {
        assert_meaning(&set, &written, last);
    }
}

/// Looks at each number that is written, and its neighbours.
fn assert_meaning(set: &SequenceSet, written: &str, last: u32) {
    let ranges: Vec<_> = written
        .split(',')
        .map(|item| item.split_once(':').unwrap_or((item, item)))
        .filter_map(|(from, to)| Some((end(from, last)?, end(to, last)?)))
        .map(|(from, to)| (from.min(to), from.max(to)))
        .collect();
    let resolved = set.clone().resolve(last);
    let probes = ranges.iter().take(100).flat_map(|&(low, high)| {
        [
            low.saturating_sub(1),
            low,
            low.midpoint(high),
            high,
            high.saturating_add(1),
        ]
    });
    for probe in probes {
        let expected = ranges.iter().any(|&(low, high)| low <= probe && probe <= high);
        assert_eq!(
            resolved.contains(probe),
            expected,
            "{probe} in {written} of {last}"
        );
    }
    assert_eq!(resolved.is_empty(), ranges.is_empty());
    assert_eq!(resolved.max(), ranges.iter().map(|range| range.1).max());
    let parsed = SequenceSet::parse(resolved.to_string().as_bytes());
    assert!(resolved.is_empty() || parsed.is_ok_and(|again| again.resolve(0) == resolved));
}

fn end(text: &str, last: u32) -> Option<u32> {
    match text {
        "*" => Some(last).filter(|last| *last > 0),
        digits => digits.parse().ok(),
    }
}
