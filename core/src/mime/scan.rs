//! The streaming scanner: octets of a message in, its index out.
//!
//! A stack holds the parts that are open, outermost first. Octets go to the header that is being read or, if none is, to the
//! bodies of all open parts at once, which costs nothing: a body is where it begins and ends. While a multipart is open, the
//! beginning of each line that begins with `--` is held until it is known whether it is a delimiter.
//!
//! A delimiter line is `--`, a boundary, perhaps `--`, perhaps space, and nothing else, so that boundaries which begin with
//! one another are told apart (RFC 2046, 5.1.1). It closes all parts inside the multipart that it belongs to (5.1.2).

use memchr::memchr;
use memchr::memmem::Finder;

use super::about::{About, NO_ENVELOPE, put_ends, put_field};
use super::decoded::Measure;
use super::describe::describe;
use super::envelope::Values;
use super::fit;
use super::header::{HeaderBlock, HeaderBudget};
use super::index::{MessageIndex, PARTS, Part, PartKind, Summary};
use super::packed::{Pack, Sink, number};
use super::preview::Preview;
use crate::wire::transfer::Encoding;

/// The budgets of a scan. Beyond them a message is stored all the same; the index just says less about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Parts inside parts. A deeper multipart or message is one opaque part.
    pub depth: usize,
    /// Parts of one message. What follows them in their multipart is in no part.
    pub parts: usize,
    /// Octets of a boundary; a multipart with a longer one is taken as text.
    pub boundary_octets: usize,
    /// Octets of one header field that are looked at.
    pub field_octets: usize,
    /// Octets of all headers of a message that are looked at.
    pub header_octets: usize,
    /// Lines of one header that are looked at.
    pub header_lines: usize,
    /// Header fields of a message, embedded ones included, whose places are kept.
    pub fields: usize,
    /// Addresses in all ENVELOPEs of a message, its own first.
    pub addresses: usize,
    /// Octets of the longest header that is kept as it is.
    pub raw_header_octets: usize,
    /// Octets of each text in the [`Summary`].
    pub summary_octets: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            depth: 50,
            parts: 1_000,
            boundary_octets: 200,
            field_octets: 64 << 10,
            header_octets: 1 << 20,
            header_lines: 2_000,
            fields: 8_000,
            addresses: 1_000,
            raw_header_octets: 16 << 10,
            summary_octets: 8 << 10,
        }
    }
}

/// Makes the index of a message while its octets flow by.
///
/// Call [`push`](Scanner::push) with every piece, in order, then [`finish`](Scanner::finish). How the octets are cut makes
/// no difference to the index.
#[derive(Debug)]
pub struct Scanner {
    limits: Limits,
    /// Octets taken, without those held, and the line ends among them.
    offset: u64,
    newlines: u64,
    /// The last two octets taken.
    tail: [u8; 2],
    /// Whether the next octet begins a line that may be a delimiter.
    at_line_start: bool,
    /// The beginning of a line that may be a delimiter.
    held: Vec<u8>,
    /// Whether any open multipart waits for a delimiter.
    seeking: bool,
    delimiter: Finder<'static>,
    /// The header that is being read: that of the innermost open part.
    header: Option<HeaderBlock>,
    header_octets_left: usize,
    fields_left: usize,
    addresses_left: usize,
    /// The header of the message as it is, until it proves too long.
    raw_header: Option<Vec<u8>>,
    open: Vec<Open>,
    parts: Vec<Part>,
    summary: Summary,
    preview: Preview,
}

/// A part whose end was not seen yet.
#[derive(Debug)]
struct Open {
    /// Its position in `parts`.
    part: usize,
    /// Line ends before its body.
    newlines: u64,
    /// The boundary whose delimiters end its children; gone with the close delimiter.
    boundary: Option<Box<[u8]>>,
    /// Of a leaf: what its body decodes to, as far as it has come.
    measure: Option<Box<Measure>>,
}

/// What a part turned out to be.
struct Body<'a> {
    about: About<'a>,
    kind: PartKind,
}

/// The root of a message whose header was read.
struct NewRoot<'a> {
    block: &'a HeaderBlock,
    values: Values,
    /// Where the header begins, if the table of its fields is to be kept.
    fields: Option<u64>,
}

impl Pack for NewRoot<'_> {
    fn pack(&self, out: &mut impl Sink) {
        let envelope = self.values.packed_octets();
        let known = envelope != NO_ENVELOPE.len();
        number(out, if known { envelope as u64 } else { 0 });
        if known {
            self.values.pack(out);
        }
        let blank_octets = self.block.blank_line().map_or(0, |line| line.end - line.start);
        put_ends(out, blank_octets, self.fields.is_some());
        let Some(mut from) = self.fields else { return };
        for field in self.block.fields() {
            from = put_field(out, field.name, field.place, from);
        }
    }
}

/// Octets that a delimiter line may have beside its boundary, trailing space included.
const DELIMITER_SLACK: usize = 64;

impl Scanner {
    /// A scanner at the start of a message.
    pub fn new(limits: Limits) -> Scanner {
        let mut scanner = Scanner {
            offset: 0,
            newlines: 0,
            tail: [0; 2],
            at_line_start: true,
            held: Vec::new(),
            seeking: false,
            delimiter: Finder::new(b"\n--"),
            header: None,
            header_octets_left: limits.header_octets,
            fields_left: limits.fields,
            addresses_left: limits.addresses,
            raw_header: Some(Vec::new()),
            open: Vec::new(),
            parts: Vec::new(),
            summary: Summary::default(),
            preview: Preview::default(),
            limits,
        };
        scanner.begin_part(None);
        scanner
    }

    /// Takes the next octets of the message.
    pub fn push(&mut self, octets: &[u8]) {
        let mut rest = octets;
        while !rest.is_empty() {
            let taken = match (self.at_line_start && self.seeking, self.header.is_some()) {
                (true, _) => self.line_start(rest),
                (_, true) => self.header_octets(rest),
                (_, false) => self.body_octets(rest),
            };
            rest = rest.get(taken..).unwrap_or_default();
        }
    }

    /// Ends the message, wherever it stands, and gives its index.
    pub fn finish(mut self) -> MessageIndex {
        self.settle_held(true);
        while self.header.is_some() {
            self.end_header();
        }
        self.close_down_to(0, 0);
        self.summary.preview = self.preview.text();
        self.summary.has_attachment = self.parts.iter().any(Part::is_attachment);
        let mut index = MessageIndex {
            size: self.offset,
            parts: self.parts,
            raw_header: self.raw_header,
            summary: self.summary,
        };
        fit::fit(&mut index);
        index
    }

    /// Takes octets of a line that may be a delimiter, up to its end or to where it cannot be one any more. Only a line that
    /// comes in pieces is copied.
    fn line_start(&mut self, rest: &[u8]) -> usize {
        if self.held.is_empty() && !rest.starts_with(b"-") {
            self.at_line_start = false;
            return 0;
        }
        let most = self.limits.boundary_octets.saturating_add(DELIMITER_SLACK);
        let near = rest.get(..most.saturating_sub(self.held.len())).unwrap_or(rest);
        let end = memchr(b'\n', near);
        let taken = end.map_or(near.len(), |at| at + 1);
        let piece = near.get(..taken).unwrap_or(near);
        if self.held.is_empty() && end.is_some() {
            self.settle_line(piece, true);
            return taken;
        }
        self.held.extend_from_slice(piece);
        let hopeful = self.held.starts_with(b"--") || self.held == b"-";
        if end.is_some() || !hopeful || self.held.len() >= most {
            self.settle_held(end.is_some());
        }
        taken
    }

    fn settle_held(&mut self, whole: bool) {
        let line = std::mem::take(&mut self.held);
        if !line.is_empty() {
            self.settle_line(&line, whole);
        }
    }

    /// Decides what octets are, which are a `whole` line or the beginning of one.
    fn settle_line(&mut self, line: &[u8], whole: bool) {
        self.at_line_start = false;
        match self.match_delimiter(line).filter(|_| whole) {
            Some((level, last)) => self.cross_delimiter(level, last, line),
            None if self.header.is_some() => _ = self.header_octets(line),
            None => _ = self.body_octets(line),
        }
    }

    /// Which open part a line is a delimiter of, the innermost first, and whether it is the last one.
    fn match_delimiter(&self, line: &[u8]) -> Option<(usize, bool)> {
        let text = line.strip_prefix(b"--")?.trim_ascii_end();
        let closing = text.strip_suffix(b"--");
        self.open.iter().enumerate().rev().find_map(|(level, open)| {
            let boundary = open.boundary.as_deref()?;
            match boundary {
                _ if boundary == text => Some((level, false)),
                _ if Some(boundary) == closing => Some((level, true)),
                _ => None,
            }
        })
    }

    /// A delimiter: what is inside its multipart ends before the line end in front of it, which belongs to the delimiter.
    fn cross_delimiter(&mut self, level: usize, last: bool, line: &[u8]) {
        while self.header.is_some() {
            self.end_header();
        }
        let line_end = match self.tail {
            [b'\r', b'\n'] => 2,
            [_, b'\n'] => 1,
            _ => 0,
        };
        self.close_down_to(level + 1, line_end);
        self.consume(line);
        let Some(open) = self.open.last_mut() else { return };
        let parent = open.part;
        if last {
            open.boundary = None;
            self.seek();
        } else if self.parts.len() < self.most_parts() {
            self.begin_part(Some(parent));
        }
    }

    /// Takes octets of one header line.
    fn header_octets(&mut self, rest: &[u8]) -> usize {
        let taken = memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        let line = rest.get(..taken).unwrap_or(rest);
        if self.parts.len() == 1 {
            let room = self.limits.raw_header_octets;
            self.raw_header = self
                .raw_header
                .take()
                .filter(|raw| raw.len() + line.len() <= room);
            self.raw_header
                .iter_mut()
                .for_each(|raw| raw.extend_from_slice(line));
        }
        let ended = self
            .header
            .as_mut()
            .is_some_and(|header| header.push(line, self.offset));
        self.consume(line);
        if ended {
            self.end_header();
        }
        taken
    }

    /// Takes octets of bodies, up to the line end before what may be a delimiter.
    fn body_octets(&mut self, rest: &[u8]) -> usize {
        let taken = match self.seeking.then(|| self.delimiter.find(rest)) {
            Some(Some(at)) => at + 1,
            Some(None) if rest.ends_with(b"\n-") => rest.len() - 1,
            _ => rest.len(),
        };
        let text = rest.get(..taken).unwrap_or(rest);
        if let Some(open) = self.open.last_mut() {
            self.preview.push(open.part, text);
            if let Some(measure) = &mut open.measure {
                measure.push(text);
            }
        }
        self.consume(text);
        taken
    }

    /// Counts octets.
    fn consume(&mut self, octets: &[u8]) {
        self.offset += octets.len() as u64;
        self.newlines += memchr::memchr_iter(b'\n', octets).count() as u64;
        match octets {
            [.., a, b] => self.tail = [*a, *b],
            [a] => self.tail = [self.tail[1], *a],
            [] => {}
        }
        self.at_line_start = self.tail[1] == b'\n';
    }

    /// Opens a part whose header begins here.
    fn begin_part(&mut self, parent: Option<usize>) {
        let budget = HeaderBudget {
            field_octets: self.limits.field_octets,
            octets: self.header_octets_left,
            lines: self.limits.header_lines,
        };
        self.header = Some(HeaderBlock::new(budget));
        self.open.push(Open {
            part: self.parts.len(),
            newlines: self.newlines,
            boundary: None,
            measure: None,
        });
        self.add(Part::beginning_at(self.offset, parent));
    }

    /// Adds a part. The table grows fourfold, at most to its budget: an empty part takes few octets of a message.
    fn add(&mut self, part: Part) {
        if self.parts.len() == self.parts.capacity() {
            let room = self.most_parts().saturating_sub(self.parts.len());
            self.parts
                .reserve_exact((3 * self.parts.len()).clamp(1, room.max(1)));
        }
        self.parts.push(part);
    }

    /// The header of the innermost part is complete: now it is known what the part is.
    fn end_header(&mut self) {
        let Some(block) = self.header.take() else { return };
        self.header_octets_left = self.header_octets_left.saturating_sub(block.held_octets());
        let Some(at) = self.open.last().map(|open| open.part) else {
            return;
        };
        let parent = self.parts.get(at).and_then(|part| self.parts.get(part.parent()?));
        let in_digest = parent.is_some_and(|parent| {
            let about = parent.about();
            about.media_type == "multipart" && about.subtype == "digest"
        });
        let embedded = parent.is_some_and(|parent| parent.kind == PartKind::Message);
        let said = describe(&block, in_digest);
        let body = self.begin_body(at, said.about());
        let packed = match at == 0 || embedded {
            true => body.about.with_root(&self.read_root(&block, at == 0)),
            false => body.about.alone(),
        };
        let offset = self.offset;
        if let Some(part) = self.parts.get_mut(at) {
            let [start, ..] = part.places;
            part.places = [start, offset, offset];
            (part.packed, part.kind) = (packed, body.kind);
        }
        match (body.kind, self.open.last_mut()) {
            (PartKind::Message, _) => self.begin_part(Some(at)),
            (PartKind::Leaf, Some(open)) => open.measure = Measure::begin(body.about.encoding).map(Box::new),
            _ => {}
        }
        self.seek();
    }

    /// Reads what the root of a message has beside other parts; of the whole message, its summary too.
    fn read_root<'b>(&mut self, block: &'b HeaderBlock, whole: bool) -> NewRoot<'b> {
        let summary_octets = whole.then_some(self.limits.summary_octets);
        let values = Values::read(block, &mut self.addresses_left, summary_octets);
        if let Some(octets) = summary_octets {
            self.summary = values.summary(octets);
        }
        let count = block.fields().count();
        let start = self.open.last().and_then(|open| self.parts.get(open.part));
        let fields = (count <= self.fields_left).then(|| start.map_or(0, |part| part.header().start));
        self.fields_left = self.fields_left.saturating_sub(count);
        NewRoot {
            block,
            values,
            fields,
        }
    }

    /// Decides whether the part is a container, if it looks like one and the budgets allow, or a leaf.
    fn begin_body<'a>(&mut self, at: usize, about: About<'a>) -> Body<'a> {
        let room = self.open.len() <= self.limits.depth && self.parts.len() < self.most_parts();
        let mut outer = self.open.iter().filter_map(|open| self.parts.get(open.part));
        let embedded = outer.any(|part| part.kind == PartKind::Message);
        let leaf = |about| Body {
            about,
            kind: PartKind::Leaf,
        };
        let Some(open) = self.open.last_mut() else {
            return leaf(about);
        };
        open.newlines = self.newlines;
        match (about.media_type, about.subtype) {
            ("multipart", _) => match about.boundary(self.limits.boundary_octets) {
                Some(boundary) if room => {
                    open.boundary = Some(boundary.into());
                    Body {
                        about,
                        kind: PartKind::Multipart,
                    }
                }
                Some(_) => leaf(about.as_opaque()),
                None => leaf(about.as_text()),
            },
            ("message", "rfc822" | "global") => match Encoding::named(about.encoding) {
                Encoding::Identity if room => Body {
                    about,
                    kind: PartKind::Message,
                },
                _ => leaf(about.as_opaque()),
            },
            _ => {
                if !embedded {
                    self.preview.begin(at, &about);
                }
                leaf(about)
            }
        }
    }

    fn most_parts(&self) -> usize {
        self.limits.parts.min(PARTS)
    }

    /// Closes the open parts from `level` on; their bodies end here, less a line end of `line_end` octets, unless a header
    /// among them has that line end.
    fn close_down_to(&mut self, level: usize, line_end: u64) {
        let last_header = self.parts.last().map_or(0, |part| part.header().end);
        let end = self.offset.saturating_sub(line_end).max(last_header);
        let offset = self.offset;
        let newlines = self.newlines.saturating_sub(u64::from(end < offset));
        for open in self.open.split_off(level.min(self.open.len())).into_iter().rev() {
            let childless = self.parts.len() == open.part + 1;
            let room = self.parts.len() < self.most_parts();
            let Some(part) = self.parts.get_mut(open.part) else {
                continue;
            };
            let [start, body, _] = part.places;
            part.places = [start, body, end];
            if let Some(measure) = open.measure {
                part.set_decoded(measure.end(offset.saturating_sub(end)));
            }
            part.lines = u32::try_from(newlines.saturating_sub(open.newlines)).unwrap_or(u32::MAX);
            match part.kind {
                PartKind::Multipart if childless && room => {
                    let only = part.only_child(open.part, open.boundary.is_some());
                    self.add(only);
                }
                PartKind::Multipart if childless => part.make_opaque(),
                _ => {}
            }
        }
        self.seek();
    }

    fn seek(&mut self) {
        self.seeking = self.open.iter().any(|open| open.boundary.is_some());
    }
}
