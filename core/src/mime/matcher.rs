//! Words looked for in a whole message while its octets flow by (SEARCH TEXT, BODY and HEADER; RFC 3501, 6.4.4).
//!
//! A [`Matcher`] knows from the message index where texts and headers lie. Texts are decoded (transfer encoding, charset),
//! headers are unfolded and their encoded words decoded, both are folded, then searched. Texts are parts of the types `text`
//! and `message`; headers are those of the message, of messages within, and of parts, so that names of attachments are found.
//! What attachments contain, preambles and boundaries is passed over, as RFC 3501 allows.
//!
//! Invariants: any split of the octets gives the same answer. Memory depends on the needles, time on octets times needles.

use std::ops::Range;
use std::sync::Arc;

use memchr::memmem;

use super::encoded_word;
use super::header::is_folding;
use super::index::{MessageIndex, Part, PartKind};
use super::scan::Limits;
use super::text::{TextDecoder, fold};
use crate::machine::{Needle, ScanTarget, Scope};
use crate::wire::filter::Flow;
use crate::wire::transfer::{Decoder, Encoding};

/// Octets decoded at a time, and at least as many are searched at a time.
const CHUNK: usize = 8 * 1024;

/// Looks for needles in one message.
///
/// Call [`push`](Matcher::push) with the octets of the object from its first on, until they end or are enough, then
/// [`finish`](Matcher::finish).
pub struct Matcher {
    needles: Needles,
    segments: Segments,
    segment: Option<Segment>,
    reader: Reader,
    position: u64,
}

/// Octets of the object that are read in one way.
struct Segment {
    range: Range<u64>,
    kind: Kind,
}

/// How octets are read.
enum Kind {
    /// The header of the message itself.
    TopHeader,
    /// A header within the body.
    Header,
    /// A text.
    Text { transfer: Encoding, charset: Vec<u8> },
}

/// What reads the current segment.
enum Reader {
    Nothing,
    Header(FieldReader),
    Text(Box<TextReader>),
}

impl Matcher {
    /// Looks for `needles`, at most 64, in the message that `target` describes; its `head` is searched at once.
    pub fn new(target: &ScanTarget, needles: &[Needle]) -> Self {
        let mut matcher = Self {
            needles: Needles::new(needles),
            segments: Segments {
                index: Arc::clone(&target.index),
                next: (0, false),
                end: 0,
            },
            segment: None,
            reader: Reader::Header(FieldReader::new(true)),
            position: 0,
        };
        matcher.read(&target.head);
        matcher.end_segment();
        matcher
    }

    /// Takes the next octets of the object.
    pub fn push(&mut self, octets: &[u8]) -> Flow {
        let octets_at = self.position;
        self.position += octets.len() as u64;
        while let Some(segment) = &self.segment {
            if self.needles.all_found() || segment.range.start >= self.position {
                break;
            }
            let ends = segment.range.end <= self.position;
            let from = index(segment.range.start.saturating_sub(octets_at));
            let to = index(segment.range.end.saturating_sub(octets_at)).min(octets.len());
            self.read(octets.get(from..to).unwrap_or_default());
            if !ends {
                break;
            }
            self.end_segment();
        }
        let over = self.segment.is_none() || self.needles.all_found();
        if over { Flow::Enough } else { Flow::More }
    }

    /// Ends the message, wherever it stands. Bit `n` is set if needle `n` was found.
    pub fn finish(mut self) -> u64 {
        self.end_segment();
        self.needles.found
    }

    fn read(&mut self, octets: &[u8]) {
        match &mut self.reader {
            Reader::Nothing => {}
            Reader::Header(reader) => reader.read(octets, &mut self.needles),
            Reader::Text(reader) => octets
                .chunks(CHUNK)
                .for_each(|chunk| reader.read(chunk, &mut self.needles)),
        }
    }

    /// Searches what was held back, and prepares for the next segment.
    fn end_segment(&mut self) {
        match std::mem::replace(&mut self.reader, Reader::Nothing) {
            Reader::Nothing => {}
            Reader::Header(mut reader) => reader.end_field(&mut self.needles),
            Reader::Text(reader) => reader.finish(&mut self.needles),
        }
        self.segment = self.segments.next();
        self.reader = match self.segment.as_ref().map(|segment| &segment.kind) {
            None => Reader::Nothing,
            Some(Kind::TopHeader) => Reader::Header(FieldReader::new(true)),
            Some(Kind::Header) => Reader::Header(FieldReader::new(false)),
            Some(Kind::Text { transfer, charset }) => {
                Reader::Text(Box::new(TextReader::new(*transfer, charset)))
            }
        };
    }
}

fn index(octets: u64) -> usize {
    usize::try_from(octets).unwrap_or(usize::MAX)
}

/// What of a message is read, ascending, without overlap.
struct Segments {
    index: Arc<MessageIndex>,
    /// The next part, and whether its header is behind.
    next: (usize, bool),
    /// Where the last segment ended.
    end: u64,
}

impl Iterator for Segments {
    type Item = Segment;

    fn next(&mut self) -> Option<Segment> {
        loop {
            let (at, behind) = self.next;
            let part = self.index.parts.get(at)?;
            self.next = if behind { (at + 1, false) } else { (at, true) };
            let segment = match behind {
                false => Some(Segment::header(part)),
                true => Segment::text(part),
            };
            let Some(mut segment) = segment else { continue };
            segment.range.start = segment.range.start.max(self.end);
            self.end = self.end.max(segment.range.end);
            if !segment.range.is_empty() {
                return Some(segment);
            }
        }
    }
}

impl Segment {
    fn header(part: &Part) -> Segment {
        let kind = if part.parent().is_none() {
            Kind::TopHeader
        } else {
            Kind::Header
        };
        Segment {
            range: part.header(),
            kind,
        }
    }

    /// The body of a part that is a text.
    fn text(part: &Part) -> Option<Segment> {
        let about = part.about();
        let text = part.kind == PartKind::Leaf && matches!(about.media_type, "text" | "message");
        text.then(|| {
            let named = about.params.iter().find(|(name, _)| *name == "charset");
            let charset = named.map_or_else(|| b"us-ascii".to_vec(), |(_, charset)| charset.to_vec());
            let transfer = Encoding::named(about.encoding);
            Segment {
                range: part.body(),
                kind: Kind::Text { transfer, charset },
            }
        })
    }
}

/// Reads a header field by field. Holds one field, at most as much of it as the index looks at.
struct FieldReader {
    top: bool,
    field: Vec<u8>,
    /// Whether the next octet begins a line.
    at_line: bool,
    octets_max: usize,
}

impl FieldReader {
    fn new(top: bool) -> Self {
        Self {
            top,
            field: Vec::new(),
            at_line: true,
            octets_max: Limits::default().field_octets,
        }
    }

    fn read(&mut self, octets: &[u8], needles: &mut Needles) {
        for line in octets.split_inclusive(|&octet| octet == b'\n') {
            if self.at_line && !matches!(line.first(), Some(b' ' | b'\t')) {
                self.end_field(needles);
            }
            let room = self.octets_max.saturating_sub(self.field.len());
            self.field.extend(line.iter().take(room));
            self.at_line = line.ends_with(b"\n");
        }
    }

    fn end_field(&mut self, needles: &mut Needles) {
        let mut field = std::mem::take(&mut self.field);
        let colon = memchr::memchr(b':', &field).unwrap_or(field.len());
        let name = field.get(..colon).unwrap_or_default().trim_ascii();
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        field.drain(..field.len().min(colon + 1));
        field.retain(|octet| !is_folding(octet));
        let value = encoded_word::decode(field.trim_ascii());
        if !name.is_empty() {
            needles.search_field(&name, &value, self.top);
        }
        field.clear();
        if field.capacity() <= CHUNK {
            self.field = field;
        }
    }
}

/// Reads a text as it flows by.
struct TextReader {
    transfer: Decoder,
    charset: TextDecoder,
    octets: Vec<u8>,
    text: String,
    /// Folded text that may still hold the beginning of a needle.
    window: Vec<u8>,
}

impl TextReader {
    fn new(transfer: Encoding, charset: &[u8]) -> Self {
        Self {
            transfer: Decoder::new(transfer),
            charset: TextDecoder::new(charset),
            octets: Vec::new(),
            text: String::new(),
            window: Vec::new(),
        }
    }

    fn read(&mut self, octets: &[u8], needles: &mut Needles) {
        self.octets.clear();
        self.transfer.push(octets, &mut self.octets);
        self.decode(false);
        // Searching only when there is more new text than old keeps the time linear, however long the needles are.
        if self.window.len() >= CHUNK + 2 * needles.overlap {
            needles.search_body(&self.window);
            self.window.drain(..self.window.len() - needles.overlap);
        }
    }

    fn finish(mut self, needles: &mut Needles) {
        self.octets.clear();
        self.transfer.finish(&mut self.octets);
        self.charset.push(&self.octets, true, &mut self.text);
        self.window.extend_from_slice(fold(&self.text).as_bytes());
        needles.search_body(&self.window);
    }

    fn decode(&mut self, last: bool) {
        self.charset.push(&self.octets, last, &mut self.text);
        self.window.extend_from_slice(fold(&self.text).as_bytes());
        self.text.clear();
    }
}

/// What is looked for, and what was found.
struct Needles {
    needles: Vec<(Needle, memmem::Finder<'static>)>,
    found: u64,
    /// How many octets at the end of a text may be the beginning of a needle.
    overlap: usize,
}

impl Needles {
    fn new(needles: &[Needle]) -> Self {
        let finder = |needle: &Needle| memmem::Finder::new(&needle.text).into_owned();
        let needles: Vec<_> = needles
            .iter()
            .take(64)
            .map(|needle| (needle.clone(), finder(needle)))
            .collect();
        let overlap = needles
            .iter()
            .map(|(needle, _)| needle.text.len().saturating_sub(1))
            .max()
            .unwrap_or(0);
        let mut needles = Self {
            needles,
            found: 0,
            overlap,
        };
        // The empty text is in every message, even in one without a text.
        needles.search(b"", |needle| !matches!(needle.scope, Scope::Field(_)));
        needles
    }

    fn all_found(&self) -> bool {
        self.found.count_ones() as usize == self.needles.len()
    }

    /// Searches a text of the body.
    fn search_body(&mut self, text: &[u8]) {
        self.search(text, |needle| !matches!(needle.scope, Scope::Field(_)));
    }

    /// Searches a field of a header; `top`: of the message's own.
    fn search_field(&mut self, name: &str, value: &str, top: bool) {
        let named = |needle: &Needle| match &needle.scope {
            Scope::Field(field) => top && field.eq_ignore_ascii_case(name),
            Scope::Text | Scope::Body => false,
        };
        if self.needles.iter().any(|(needle, _)| named(needle)) {
            self.search_long("", value, named);
        }
        self.search_long(&format!("{name}: "), value, |needle| match needle.scope {
            Scope::Text => true,
            Scope::Body => !top,
            Scope::Field(_) => false,
        });
    }

    /// Searches a folded beginning and a text that is not folded yet, and may be long.
    fn search_long(&mut self, beginning: &str, text: &str, counts: impl Fn(&Needle) -> bool) {
        let mut window = beginning.as_bytes().to_vec();
        let mut rest = text;
        loop {
            let piece = CHUNK + 2 * self.overlap;
            let (next, later) = rest.split_at(rest.floor_char_boundary(piece));
            window.extend_from_slice(fold(next).as_bytes());
            self.search(&window, &counts);
            if later.is_empty() {
                return;
            }
            window.drain(..window.len().saturating_sub(self.overlap));
            rest = later;
        }
    }

    fn search(&mut self, text: &[u8], counts: impl Fn(&Needle) -> bool) {
        for (n, (needle, finder)) in self.needles.iter().enumerate() {
            let bit = 1 << n;
            if self.found & bit == 0 && counts(needle) && finder.find(text).is_some() {
                self.found |= bit;
            }
        }
    }
}

#[cfg(test)]
mod tests;
