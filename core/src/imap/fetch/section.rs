//! Which octets a section of a message is made of.

use std::ops::Range;

use super::fields;
use super::stored::Stored;
use crate::imap::ast::{BodySection, Partial, SectionText};
use crate::mime::{MessageIndex, Part, Section};

/// Octets of a message, in order: those at hand, and those that lie in the object.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Selection<'a> {
    /// The octets at hand; they come before the stored ones.
    pub(super) octets: Vec<&'a [u8]>,
    /// Ranges of the object, ascending, none of them empty.
    pub(super) ranges: Vec<Range<u64>>,
}

/// The octets that a section of a message selects, its partial included (RFC 3501, 6.4.5); `None` if there is no such part,
/// or it has no such section.
pub(super) fn select<'a>(message: &'a Stored, section: &BodySection) -> Option<Selection<'a>> {
    let whole = match (&section.text, section.part.as_slice()) {
        (SectionText::Whole, []) => Some(Selection::new(
            [message.head()],
            Some(0..message.row().object_size),
        )),
        (SectionText::HeaderFields { names, not }, path) => select_fields(message, path, names, *not),
        (SectionText::Header, []) => Some(top_header(message)),
        (SectionText::Mime, path) if is_root(message, path) => Some(top_header(message)),
        (text, path) => message
            .index()
            .section(path, plain(text))
            .map(|range| Selection::new([], [range])),
    };
    let clipped = whole.map(|whole| whole.within(message.row().object_size));
    match section.partial {
        None => clipped,
        Some(partial) => clipped.map(|whole| whole.cut(partial)),
    }
}

/// The section kinds that one range of the object answers.
fn plain(text: &SectionText) -> Section {
    match text {
        SectionText::Whole => Section::Whole,
        SectionText::Header | SectionText::HeaderFields { .. } => Section::Header,
        SectionText::Text => Section::Text,
        SectionText::Mime => Section::Mime,
    }
}

/// Whether a part number names the message itself: part 1 of a message that is no multipart. Its MIME header is the
/// message's header.
fn is_root(message: &Stored, path: &[u32]) -> bool {
    !path.is_empty()
        && message
            .index()
            .part(path)
            .is_some_and(|part| part.parent().is_none())
}

/// The header of the message with its trace fields; without a read where the index holds it.
fn top_header(message: &Stored) -> Selection<'_> {
    match message.raw_header() {
        Some(raw) => Selection::new([message.head(), raw], []),
        None => Selection::new([message.head()], message.index().parts.first().map(Part::header)),
    }
}

/// Chosen fields of the message that `path` names.
fn select_fields<'a>(
    message: &'a Stored,
    path: &[u32],
    names: &[String],
    not: bool,
) -> Option<Selection<'a>> {
    let names: Vec<&[u8]> = names.iter().map(String::as_bytes).collect();
    if !path.is_empty() {
        return Some(Selection::new(
            [],
            ranges_of_fields(message.index().message(path)?, &names, not),
        ));
    }
    let of_head = fields::pick(message.head(), &names, not);
    match message.raw_header() {
        Some(raw) => Some(Selection::new(of_head.chain(fields::pick(raw, &names, not)), [])),
        None => {
            let root = message.index().message(path)?;
            Some(Selection::new(of_head, ranges_of_fields(root, &names, not)))
        }
    }
}

/// Where chosen fields of an embedded message, or of one with a long header, lie.
///
/// A header with more fields than the index keeps is given whole: its octets would have to be read to choose among them, and
/// a client finds the fields it asked for all the same.
fn ranges_of_fields(root: &Part, names: &[&[u8]], not: bool) -> Vec<Range<u64>> {
    MessageIndex::fields(root, names, not).unwrap_or_else(|| vec![root.header()])
}

fn as_indices(range: &Range<u64>) -> Option<Range<usize>> {
    Some(usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?)
}

impl<'a> Selection<'a> {
    fn new(octets: impl IntoIterator<Item = &'a [u8]>, ranges: impl IntoIterator<Item = Range<u64>>) -> Self {
        Self {
            octets: octets.into_iter().collect(),
            ranges: ranges.into_iter().filter(|r| !r.is_empty()).collect(),
        }
    }

    /// How many octets these are.
    pub(super) fn len(&self) -> u64 {
        let at_hand: u64 = self.octets.iter().map(|octets| octets.len() as u64).sum();
        at_hand
            + self
                .ranges
                .iter()
                .map(|range| range.end - range.start)
                .sum::<u64>()
    }

    /// The stored range from the first to the last octet; `None` if nothing is stored.
    pub(super) fn hull(&self) -> Option<Range<u64>> {
        Some(self.ranges.first()?.start..self.ranges.last()?.end)
    }

    /// The part of it that an object of `size` octets has.
    fn within(mut self, size: u64) -> Self {
        self.ranges
            .iter_mut()
            .for_each(|range| range.end = range.end.min(size));
        self.ranges.retain(|range| !range.is_empty());
        self
    }

    /// The part of it that `<offset.length>` selects; empty if it begins past the end.
    fn cut(self, partial: Partial) -> Self {
        let (mut skip, mut left) = (u64::from(partial.offset), u64::from(partial.length));
        // Of a run of `len` octets: how many of its first are passed over, and how many of the next are taken.
        let mut share = |len: u64| {
            let skipped = skip.min(len);
            let taken = (len - skipped).min(left);
            (skip, left) = (skip - skipped, left - taken);
            (skipped, taken)
        };
        let octets = self.octets.iter().filter_map(|octets| {
            let (skipped, taken) = share(octets.len() as u64);
            octets.get(as_indices(&(skipped..skipped + taken))?)
        });
        let octets: Vec<_> = octets.collect();
        let ranges = self.ranges.iter().map(|range| {
            let (skipped, taken) = share(range.end - range.start);
            range.start + skipped..range.start + skipped + taken
        });
        let ranges: Vec<_> = ranges.collect();
        Self::new(octets, ranges)
    }
}
