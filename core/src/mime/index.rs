//! The message index: what a FETCH or SEARCH needs to know of a stored message without reading it.
//!
//! Parts are flattened in the order in which they begin, so a child follows its parent and no type is recursive. A message
//! inside a message is a part of its own: the `message/rfc822` part has one child, the *root* of the embedded message, whose
//! header and body are those of that message. Offsets count octets from the start of the stored object.

use std::ops::Range;

use super::about::{About, Field, Params, Root};
use super::structure;

/// Octets that an encoded index has at most.
pub const INDEX_OCTETS: usize = 256 << 10;

/// The index of one stored message.
///
/// It takes little memory for what made it: a part is an entry of 48 octets and what its header says, packed; the texts of
/// BODY and BODYSTRUCTURE are made when they are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageIndex {
    /// Octets of the whole message.
    pub size: u64,
    /// All parts, parents before children; the first is the root. Never empty.
    pub parts: Vec<Part>,
    /// The header of the message as received, with its empty line, if it is short enough to be kept.
    pub raw_header: Option<Vec<u8>>,
    /// What search, sort and thread look at.
    pub summary: Summary,
}

/// The decoded values of a message that search, sort and thread look at. Texts are cut at [`Limits::summary_octets`].
///
/// [`Limits::summary_octets`]: super::Limits::summary_octets
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// Subject, decoded and folded ([`fold`](super::text::fold)).
    pub subject: String,
    /// All addresses of From, decoded and folded: `name <mailbox@host>, …`, those of a group as `group: …;`.
    pub from: String,
    /// All addresses of To, in the form of `from`.
    pub to: String,
    /// All addresses of Cc, in the form of `from`.
    pub cc: String,
    /// All addresses of Bcc, in the form of `from`.
    pub bcc: String,
    /// Message-ID without its angle brackets; empty if there is none.
    pub message_id: String,
    /// The ids of In-Reply-To without angle brackets; at most 100.
    pub in_reply_to: Vec<String>,
    /// The ids of References without angle brackets, oldest first; of more than 100 the last 100.
    pub references: Vec<String>,
    /// What Date shows, its zone disregarded, in seconds since 1970 ([`Sent::local_s`](crate::wire::date::Sent::local_s)):
    /// SENTON and its kin compare days as the sender saw them (RFC 3501, 6.4.4).
    pub sent_s: Option<i64>,
    /// Minutes that the zone of Date is east of UTC: `sent_s - 60 * sent_zone_min` is the moment by which SORT (DATE) and
    /// THREAD order (RFC 5256, 2.2).
    pub sent_zone_min: i16,
    /// The first 200 characters of the first text, in one line (RFC 8970, 3.1).
    pub preview: String,
    /// Whether some part is meant to be saved rather than shown.
    pub has_attachment: bool,
}

/// What a part is to the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartKind {
    /// It has no parts inside, or they are not looked at.
    Leaf,
    /// A multipart: its children are its parts, at least one.
    Multipart,
    /// `message/rfc822` or `message/global`: its one child is the root of the embedded message.
    Message,
}

/// One part of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Where the header begins, where the body begins, where it ends.
    pub(super) places: [u64; 3],
    /// Line ends in the body.
    pub(super) lines: u32,
    /// Position of the part that holds this one; [`NO_PARENT`] for the root.
    pub(super) parent: u16,
    /// What it is to the tree.
    pub kind: PartKind,
    /// What the header says, as [`About`] and [`Root`] unpack it.
    pub(super) packed: Box<[u8]>,
}

/// What stands for a parent where there is none.
pub(super) const NO_PARENT: u16 = u16::MAX;
/// Parts that an index has at most, whatever the limits of a scan are.
pub(super) const PARTS: usize = 10_000;

impl Part {
    /// Position in [`MessageIndex::parts`] of the part that holds this one; `None` for the root.
    pub fn parent(&self) -> Option<usize> {
        (self.parent != NO_PARENT).then_some(self.parent.into())
    }

    /// Octets that the part holds in memory, and about as many as its texts come to.
    pub fn weight(&self) -> usize {
        size_of::<Part>() + self.packed.len()
    }

    /// The header with its empty line. For the root of a message: that message's header.
    pub fn header(&self) -> Range<u64> {
        let [start, end, _] = self.places;
        start..end
    }

    /// The body. It begins where the header ends.
    pub fn body(&self) -> Range<u64> {
        let [_, start, end] = self.places;
        start..end
    }

    /// Line ends in the body; what is more than fits into the `number` of RFC 3501 is not counted.
    pub fn lines(&self) -> u32 {
        self.lines
    }

    /// What the header says of the part.
    pub fn about(&self) -> About<'_> {
        About::unpack(&self.packed).0
    }

    /// For the root of a message: what only messages have.
    pub fn root(&self) -> Option<Root<'_>> {
        About::unpack(&self.packed).1.map(Root::unpack)
    }

    /// For the root of a message: the fields of its header, in order; `None` if there were too many to keep.
    pub fn fields(&self) -> Option<impl Iterator<Item = Field<'_>>> {
        self.root()?.fields(self.header().start)
    }

    /// For the root of a message: the empty line that ends the header; empty if the message ends before it.
    pub fn blank_line(&self) -> Range<u64> {
        let (end, octets) = (
            self.header().end,
            self.root().map_or(0, |root| root.blank_octets()),
        );
        end.saturating_sub(octets)..end
    }
}

/// What of a part is asked for (RFC 3501, 6.4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// `BODY[]`, `BODY[1.2]`: the whole message, or the body of a part.
    Whole,
    /// `BODY[HEADER]`, `BODY[1.HEADER]`: the header of the message or of an embedded message.
    Header,
    /// `BODY[TEXT]`, `BODY[1.TEXT]`: the body of the message or of an embedded message.
    Text,
    /// `BODY[1.MIME]`: the header of a part.
    Mime,
}

impl MessageIndex {
    /// The index of a message of which nothing is known but its size: one text without a header.
    pub fn unknown(size: u64) -> MessageIndex {
        let about = About {
            params: Params::default(),
            encoding: "8bit",
            ..About::default()
        };
        let mut root = Part::beginning_at(0, None);
        (root.places, root.packed) = ([0, 0, size], about.alone());
        MessageIndex {
            size,
            parts: vec![root],
            raw_header: None,
            summary: Summary::default(),
        }
    }

    /// About how many octets of memory it takes.
    pub fn weight(&self) -> usize {
        let Summary {
            subject,
            from,
            to,
            cc,
            bcc,
            message_id,
            in_reply_to,
            references,
            preview,
            ..
        } = &self.summary;
        let texts = [subject, from, to, cc, bcc, message_id, preview];
        let texts = texts.into_iter().chain(in_reply_to).chain(references);
        let header = self.raw_header.as_ref().map_or(0, Vec::len);
        let parts: usize = self.parts.iter().map(Part::weight).sum();
        size_of::<MessageIndex>()
            + header
            + parts
            + texts.map(|text| size_of::<String>() + text.len()).sum::<usize>()
    }

    /// The finished text of `BODY` (RFC 3501, 7.4.2: BODYSTRUCTURE without extension data).
    pub fn body(&self) -> Vec<u8> {
        structure::write(&self.parts, false)
    }

    /// The finished text of `BODYSTRUCTURE` with all its extension data.
    pub fn bodystructure(&self) -> Vec<u8> {
        structure::write(&self.parts, true)
    }

    /// The part that a section number names; the root for the empty path.
    ///
    /// Part 1 of a message that is not a multipart is its body; numbers go on through an embedded message as if its
    /// parts were those of the part that holds it (RFC 3501, 6.4.5). `None` if there is no such part.
    pub fn part(&self, path: &[u32]) -> Option<&Part> {
        self.parts.get(self.position(path)?)
    }

    /// The root of the message that `path` names: the message itself for the empty path, else the message embedded in the
    /// part. `None` if there is no such part or it holds no message.
    pub fn message(&self, path: &[u32]) -> Option<&Part> {
        let at = self.position(path)?;
        match path {
            [] => self.parts.get(at),
            _ => self.parts.get(self.embedded(at)?),
        }
    }

    /// The octets of the object that `BODY[path.section]` selects; `None` if there is no such part or it has no such section.
    pub fn section(&self, path: &[u32], section: Section) -> Option<Range<u64>> {
        match (section, path) {
            (Section::Whole, []) => Some(0..self.size),
            (Section::Whole, _) => self.part(path).map(Part::body),
            (Section::Header, _) => self.message(path).map(Part::header),
            (Section::Text, _) => self.message(path).map(Part::body),
            (Section::Mime, []) => None,
            (Section::Mime, _) => self.part(path).map(Part::header),
        }
    }

    /// The octets that `HEADER.FIELDS (names)` selects of the message rooted in `root`, or with `not` those that
    /// `HEADER.FIELDS.NOT (names)` does; the empty line is the last of them in both cases. Neighbours are joined.
    ///
    /// Names compare without regard to ASCII case. `None` if the table of fields was too long to keep: then the header's own
    /// octets have to be read and filtered.
    pub fn fields(root: &Part, names: &[&[u8]], not: bool) -> Option<Vec<Range<u64>>> {
        let named = root.fields()?;
        let named = named.filter(|field| names.iter().any(|name| name.eq_ignore_ascii_case(field.name)));
        let named = named.map(|field| field.range);
        let mut picked = Vec::new();
        if !not {
            named
                .chain([root.blank_line()])
                .for_each(|range| join(&mut picked, range));
            return Some(picked);
        }
        let mut from = root.header().start;
        for range in named {
            join(&mut picked, from..range.start);
            from = range.end;
        }
        join(&mut picked, from..root.header().end);
        Some(picked)
    }

    /// The section number of the part at a position of [`MessageIndex::parts`], as a client names it; empty for the root of a
    /// multipart message and for positions that do not exist.
    pub fn path(&self, position: usize) -> Vec<u32> {
        let mut path = Vec::new();
        let mut at = position;
        while let Some(part) = self.parts.get(at) {
            let holder = part.parent().and_then(|parent| self.parts.get(parent));
            match holder.map(|holder| holder.kind) {
                Some(PartKind::Multipart) => path.push(self.ordinal(at)),
                _ if part.kind != PartKind::Multipart => path.push(1),
                _ => {}
            }
            let Some(parent) = part.parent() else { break };
            at = parent;
        }
        path.reverse();
        path
    }

    /// The positions of the children of the part at `parent`, in order.
    pub fn children(&self, parent: usize) -> impl Iterator<Item = usize> + '_ {
        let later = self.parts.iter().enumerate().skip(parent.saturating_add(1));
        later
            .filter(move |(_, part)| part.parent() == Some(parent))
            .map(|(at, _)| at)
    }

    /// The position of the part that a section number names.
    fn position(&self, path: &[u32]) -> Option<usize> {
        let (mut at, mut whole) = (0, true);
        for &number in path {
            if !whole && self.parts.get(at)?.kind == PartKind::Message {
                (at, whole) = (self.embedded(at)?, true);
            }
            at = match self.parts.get(at)?.kind {
                PartKind::Multipart => self
                    .children(at)
                    .nth(usize::try_from(number).ok()?.checked_sub(1)?)?,
                _ if whole && number == 1 => at,
                _ => return None,
            };
            whole = false;
        }
        Some(at)
    }

    /// The root of the message embedded in the part at `at`.
    fn embedded(&self, at: usize) -> Option<usize> {
        let part = self.parts.get(at).filter(|part| part.kind == PartKind::Message);
        part.and_then(|_| self.children(at).next())
    }

    /// Which child of its parent the part at `at` is, counted from 1.
    fn ordinal(&self, at: usize) -> u32 {
        let parent = self.parts.get(at).and_then(Part::parent);
        let before = self
            .parts
            .iter()
            .take(at)
            .filter(|part| part.parent() == parent)
            .count();
        u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
    }
}

/// Adds a range, grown into the last one where they touch. Empty ranges are left out.
fn join(ranges: &mut Vec<Range<u64>>, next: Range<u64>) {
    match ranges.last_mut() {
        _ if next.is_empty() => {}
        Some(last) if last.end == next.start => last.end = next.end,
        _ => ranges.push(next),
    }
}
