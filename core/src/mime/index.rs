//! The message index: what a FETCH or SEARCH needs to know of a stored message without reading it.
//!
//! Parts are flattened in the order in which they begin, so a child follows its parent and no type is recursive. A message
//! inside a message is a part of its own: the `message/rfc822` part has one child, the *root* of the embedded message, whose
//! header and body are those of that message. Offsets count octets from the start of the stored object.

use std::ops::Range;

use super::parameter::Parameter;

/// Octets that an encoded index has at most.
pub const INDEX_OCTETS: usize = 256 << 10;

/// The index of one stored message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageIndex {
    /// Octets of the whole message.
    pub size: u64,
    /// All parts, parents before children; the first is the root. Never empty.
    pub parts: Vec<Part>,
    /// The finished text of `BODY` (RFC 3501, 7.4.2: BODYSTRUCTURE without extension data).
    pub body: Vec<u8>,
    /// The finished text of `BODYSTRUCTURE` with all its extension data.
    pub bodystructure: Vec<u8>,
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
    /// Position in [`MessageIndex::parts`] of the part that holds this one; `None` for the root.
    pub parent: Option<u32>,
    /// What it is to the tree.
    pub kind: PartKind,
    /// The header with its empty line. For the root of a message: that message's header.
    pub header: Range<u64>,
    /// The body. It begins where the header ends.
    pub body: Range<u64>,
    /// Line ends in the body.
    pub lines: u64,
    /// Media type in lower case, `text` if none is given.
    pub media_type: String,
    /// Media subtype in lower case, `plain` if none is given.
    pub subtype: String,
    /// Parameters of Content-Type; [`parameter`](super::parameter::parameter) decodes them.
    pub params: Vec<Parameter>,
    /// Content-Transfer-Encoding in lower case, `7bit` if none is given.
    pub encoding: String,
    /// Content-ID as written, with its angle brackets.
    pub id: Option<Vec<u8>>,
    /// Content-Description as written.
    pub description: Option<Vec<u8>>,
    /// Content-MD5 (RFC 1864).
    pub md5: Option<Vec<u8>>,
    /// Content-Disposition in lower case, and its parameters (RFC 2183).
    pub disposition: Option<(String, Vec<Parameter>)>,
    /// Content-Language tags (RFC 3282).
    pub language: Vec<Vec<u8>>,
    /// Content-Location (RFC 2557).
    pub location: Option<Vec<u8>>,
    /// For the root of a message: what only messages have.
    pub message: Option<Box<MessageRoot>>,
}

/// What the root of a message has beside what every part has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRoot {
    /// The finished text of ENVELOPE, parentheses included (RFC 3501, 7.4.2).
    pub envelope: Vec<u8>,
    /// The fields of the header, in order; `None` if there were too many to keep.
    pub fields: Option<Vec<Field>>,
    /// The empty line that ends the header; empty if the message ends before it.
    pub blank_line: Range<u64>,
}

/// One header field and where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The name as written.
    pub name: Box<[u8]>,
    /// The whole field, continuation lines and the last line end included.
    pub range: Range<u64>,
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
        let root = Part {
            body: 0..size,
            media_type: "text".into(),
            subtype: "plain".into(),
            encoding: "8bit".into(),
            ..Part::beginning_at(0, None)
        };
        let body = format!("(\"TEXT\" \"PLAIN\" NIL NIL NIL \"8BIT\" {size} 0");
        MessageIndex {
            size,
            parts: vec![root],
            bodystructure: format!("{body} NIL NIL NIL NIL)").into(),
            body: format!("{body})").into(),
            raw_header: None,
            summary: Summary::default(),
        }
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
            (Section::Whole, _) => self.part(path).map(|part| part.body.clone()),
            (Section::Header, _) => self.message(path).map(|root| root.header.clone()),
            (Section::Text, _) => self.message(path).map(|root| root.body.clone()),
            (Section::Mime, []) => None,
            (Section::Mime, _) => self.part(path).map(|part| part.header.clone()),
        }
    }

    /// The octets that `HEADER.FIELDS (names)` selects of the message rooted in `root`, or with `not` those that
    /// `HEADER.FIELDS.NOT (names)` does; the empty line is the last of them in both cases. Neighbours are joined.
    ///
    /// Names compare without regard to ASCII case. `None` if the table of fields was too long to keep: then the header's own
    /// octets have to be read and filtered.
    pub fn fields(root: &Part, names: &[&[u8]], not: bool) -> Option<Vec<Range<u64>>> {
        let message = root.message.as_ref()?;
        let named = message.fields.as_ref()?.iter();
        let named = named.filter(|field| names.iter().any(|name| name.eq_ignore_ascii_case(&field.name)));
        let named = named.map(|field| field.range.clone());
        let mut picked = Vec::new();
        if !not {
            named
                .chain([message.blank_line.clone()])
                .for_each(|range| join(&mut picked, range));
            return Some(picked);
        }
        let mut from = root.header.start;
        for range in named {
            join(&mut picked, from..range.start);
            from = range.end;
        }
        join(&mut picked, from..root.header.end);
        Some(picked)
    }

    /// The section number of the part at a position of [`MessageIndex::parts`], as a client names it; empty for the root of a
    /// multipart message and for positions that do not exist.
    pub fn path(&self, position: usize) -> Vec<u32> {
        let mut path = Vec::new();
        let mut at = position;
        while let Some(part) = self.parts.get(at) {
            let holder = part.parent.and_then(|parent| self.parts.get(parent as usize));
            match holder.map(|holder| holder.kind) {
                Some(PartKind::Multipart) => path.push(self.ordinal(at)),
                _ if part.kind != PartKind::Multipart => path.push(1),
                _ => {}
            }
            let Some(parent) = part.parent else { break };
            at = parent as usize;
        }
        path.reverse();
        path
    }

    /// The positions of the children of the part at `parent`, in order.
    pub fn children(&self, parent: usize) -> impl Iterator<Item = usize> + '_ {
        let later = self.parts.iter().enumerate().skip(parent.saturating_add(1));
        later
            .filter(move |(_, part)| part.parent.is_some_and(|p| p as usize == parent))
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
        let parent = self.parts.get(at).and_then(|part| part.parent);
        let before = self
            .parts
            .iter()
            .take(at)
            .filter(|part| part.parent == parent)
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
