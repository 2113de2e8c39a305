//! The stored form of a message index: a version, the texts that FETCH copies, the summary, the parts.
//!
//! Numbers are LEB128, texts are their length and their octets. The order is that of use, so that ENVELOPE is found without
//! reading the rest. Reading trusts nothing: it allocates no more than a constant multiple of what it was given.

use std::array::TryFromSliceError;
use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;

use super::index::{Field, INDEX_OCTETS, MessageIndex, MessageRoot, Part, PartKind, Summary};
use super::parameter::Parameter;
use super::structure;

/// The first octet. A reader that does not know it scans the message again.
const VERSION: u8 = 1;
/// Parts that a stored index has at most: any budget of the scanner, and room.
const PARTS: usize = 10_000;

/// A stored index that cannot be read: damaged, or of another version. The message has to be scanned again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadIndex;

impl From<TryFromSliceError> for BadIndex {
    fn from(_: TryFromSliceError) -> BadIndex {
        BadIndex
    }
}

/// A stored index, looked into without being built.
#[derive(Debug, Clone, Copy)]
pub struct StoredIndex<'a> {
    size: u64,
    envelope: &'a [u8],
    structures: Option<(&'a [u8], &'a [u8])>,
    raw_header: Option<&'a [u8]>,
    summary: &'a [u8],
    parts: &'a [u8],
}

impl MessageIndex {
    /// The stored form, at most [`INDEX_OCTETS`] for an index that a scanner made.
    pub fn encode(&self) -> Bytes {
        let whole = self.write(true);
        match whole.len() > INDEX_OCTETS {
            true => self.write(false).into(),
            false => whole.into(),
        }
    }

    /// Reads a stored form. Errors: it is damaged or of another version.
    pub fn decode(stored: &[u8]) -> Result<MessageIndex, BadIndex> {
        StoredIndex::new(stored)?.index()
    }

    /// Octets of the smallest stored form: without the finished structures.
    pub(super) fn encoded_octets(&self) -> usize {
        self.write(false).len()
    }

    fn write(&self, with_structures: bool) -> Vec<u8> {
        let mut out = vec![VERSION];
        number(&mut out, self.size);
        let root = self.parts.first().and_then(|root| root.message.as_ref());
        text(&mut out, root.map_or(&[], |root| &root.envelope));
        out.push(u8::from(with_structures));
        if with_structures {
            text(&mut out, &self.bodystructure);
            text(&mut out, &self.body);
        }
        optional(&mut out, self.raw_header.as_deref());
        text(&mut out, &summary(&self.summary));
        number(&mut out, self.parts.len() as u64);
        for (at, part) in self.parts.iter().enumerate() {
            write_part(&mut out, part, at == 0);
        }
        out
    }
}

impl<'a> StoredIndex<'a> {
    /// Looks at a stored form. Errors: it is damaged or of another version.
    pub fn new(stored: &'a [u8]) -> Result<StoredIndex<'a>, BadIndex> {
        let mut input = Input { rest: stored };
        if input.octet()? != VERSION {
            return Err(BadIndex);
        }
        let (size, envelope) = (input.number()?, input.text()?);
        let structures = match input.octet()? {
            0 => None,
            1 => Some((input.text()?, input.text()?)),
            _ => return Err(BadIndex),
        };
        let (raw_header, summary) = (input.optional()?, input.text()?);
        Ok(StoredIndex {
            size,
            envelope,
            structures,
            raw_header,
            summary,
            parts: input.rest,
        })
    }

    /// Octets of the whole message.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The finished text of ENVELOPE.
    pub fn envelope(&self) -> &'a [u8] {
        self.envelope
    }

    /// The finished text of BODYSTRUCTURE; made now if it was too long to be stored.
    pub fn bodystructure(&self) -> Result<Cow<'a, [u8]>, BadIndex> {
        self.structures.map_or_else(
            || Ok(structure::write(&self.parts()?, true).into()),
            |s| Ok(s.0.into()),
        )
    }

    /// The finished text of BODY; made now if it was too long to be stored.
    pub fn body(&self) -> Result<Cow<'a, [u8]>, BadIndex> {
        self.structures.map_or_else(
            || Ok(structure::write(&self.parts()?, false).into()),
            |s| Ok(s.1.into()),
        )
    }

    /// The header as received, if it was short enough to be stored.
    pub fn raw_header(&self) -> Option<&'a [u8]> {
        self.raw_header
    }

    /// What search, sort and thread look at.
    pub fn summary(&self) -> Result<Summary, BadIndex> {
        let mut input = Input { rest: self.summary };
        Ok(Summary {
            subject: input.string()?,
            from: input.string()?,
            to: input.string()?,
            cc: input.string()?,
            bcc: input.string()?,
            message_id: input.string()?,
            in_reply_to: input.list(Input::string)?,
            references: input.list(Input::string)?,
            sent_s: input
                .optional()?
                .map(<[u8; 8]>::try_from)
                .transpose()?
                .map(i64::from_be_bytes),
            sent_zone_min: i16::from_be_bytes([input.octet()?, input.octet()?]),
            preview: input.string()?,
            has_attachment: input.octet()? == 1,
        })
    }

    /// The whole index.
    pub fn index(&self) -> Result<MessageIndex, BadIndex> {
        let parts = self.parts()?;
        Ok(MessageIndex {
            size: self.size,
            body: self
                .structures
                .map_or_else(|| structure::write(&parts, false), |s| s.1.to_vec()),
            bodystructure: self
                .structures
                .map_or_else(|| structure::write(&parts, true), |s| s.0.to_vec()),
            raw_header: self.raw_header.map(<[u8]>::to_vec),
            summary: self.summary()?,
            parts,
        })
    }

    fn parts(&self) -> Result<Vec<Part>, BadIndex> {
        let mut input = Input { rest: self.parts };
        let count = usize::try_from(input.number()?)
            .ok()
            .filter(|count| (1..=PARTS).contains(count));
        let mut parts = Vec::new();
        for at in 0..count.ok_or(BadIndex)? {
            parts.push(input.part(at, self.size)?);
        }
        let root = parts
            .first_mut()
            .and_then(|root: &mut Part| root.message.as_mut());
        if let Some(root) = root {
            root.envelope = self.envelope.to_vec();
        }
        match input.rest.is_empty() {
            true => Ok(parts),
            false => Err(BadIndex),
        }
    }
}

fn number(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn text(out: &mut Vec<u8>, value: &[u8]) {
    number(out, value.len() as u64);
    out.extend_from_slice(value);
}

fn optional(out: &mut Vec<u8>, value: Option<&[u8]>) {
    out.push(u8::from(value.is_some()));
    if let Some(value) = value {
        text(out, value);
    }
}

fn params(out: &mut Vec<u8>, params: &[Parameter]) {
    number(out, params.len() as u64);
    for (name, value) in params {
        text(out, name.as_bytes());
        text(out, value);
    }
}

fn summary(summary: &Summary) -> Vec<u8> {
    let mut out = Vec::new();
    for value in [
        &summary.subject,
        &summary.from,
        &summary.to,
        &summary.cc,
        &summary.bcc,
        &summary.message_id,
    ] {
        text(&mut out, value.as_bytes());
    }
    for ids in [&summary.in_reply_to, &summary.references] {
        number(&mut out, ids.len() as u64);
        ids.iter().for_each(|id| text(&mut out, id.as_bytes()));
    }
    optional(
        &mut out,
        summary
            .sent_s
            .map(i64::to_be_bytes)
            .as_ref()
            .map(<[u8; 8]>::as_slice),
    );
    out.extend(summary.sent_zone_min.to_be_bytes());
    text(&mut out, summary.preview.as_bytes());
    out.push(u8::from(summary.has_attachment));
    out
}

fn write_part(out: &mut Vec<u8>, part: &Part, root: bool) {
    number(out, part.parent.map_or(0, |parent| u64::from(parent) + 1));
    out.push(part.kind as u8);
    number(out, part.header.start);
    number(out, part.header.end - part.header.start);
    number(out, part.body.end - part.body.start);
    number(out, part.lines);
    for token in [&part.media_type, &part.subtype, &part.encoding] {
        text(out, token.as_bytes());
    }
    params(out, &part.params);
    for value in [&part.id, &part.description, &part.md5, &part.location] {
        optional(out, value.as_deref());
    }
    optional(out, part.disposition.as_ref().map(|(kind, _)| kind.as_bytes()));
    if let Some((_, list)) = &part.disposition {
        params(out, list);
    }
    number(out, part.language.len() as u64);
    part.language.iter().for_each(|tag| text(out, tag));
    out.push(u8::from(part.message.is_some()));
    if let Some(message) = &part.message {
        write_message(out, message, part.header.start, root);
    }
}

/// The envelope of the whole message stands at the front of the index, not here.
fn write_message(out: &mut Vec<u8>, message: &MessageRoot, start: u64, root: bool) {
    text(out, if root { &[] } else { &message.envelope });
    number(out, message.blank_line.end - message.blank_line.start);
    out.push(u8::from(message.fields.is_some()));
    let Some(fields) = &message.fields else { return };
    number(out, fields.len() as u64);
    let mut from = start;
    for field in fields {
        text(out, &field.name);
        number(out, field.range.start - from);
        number(out, field.range.end - field.range.start);
        from = field.range.end;
    }
}

/// What is left of a stored form.
struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    fn octet(&mut self) -> Result<u8, BadIndex> {
        let (&first, rest) = self.rest.split_first().ok_or(BadIndex)?;
        self.rest = rest;
        Ok(first)
    }

    fn flag(&mut self) -> Result<bool, BadIndex> {
        match self.octet()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(BadIndex),
        }
    }

    fn number(&mut self) -> Result<u64, BadIndex> {
        let mut value = 0u64;
        for shift in (0..63).step_by(7) {
            let octet = self.octet()?;
            value |= u64::from(octet & 0x7f) << shift;
            if octet & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(BadIndex)
    }

    fn text(&mut self) -> Result<&'a [u8], BadIndex> {
        let length = usize::try_from(self.number()?).map_err(|_| BadIndex)?;
        let (text, rest) = self.rest.split_at_checked(length).ok_or(BadIndex)?;
        self.rest = rest;
        Ok(text)
    }

    fn octets(&mut self) -> Result<Vec<u8>, BadIndex> {
        self.text().map(<[u8]>::to_vec)
    }

    fn string(&mut self) -> Result<String, BadIndex> {
        String::from_utf8(self.octets()?).map_err(|_| BadIndex)
    }

    fn optional(&mut self) -> Result<Option<&'a [u8]>, BadIndex> {
        match self.flag()? {
            true => self.text().map(Some),
            false => Ok(None),
        }
    }

    /// A list grows as its entries are read, each of at least one octet: its announced length allocates nothing.
    fn list<T>(&mut self, entry: fn(&mut Self) -> Result<T, BadIndex>) -> Result<Vec<T>, BadIndex> {
        let count = self.number()?;
        let mut list = Vec::new();
        for _ in 0..count {
            list.push(entry(self)?);
        }
        Ok(list)
    }

    fn params(&mut self) -> Result<Vec<Parameter>, BadIndex> {
        self.list(|input| Ok((input.string()?, input.octets()?)))
    }

    /// A range of `length` octets from `start`, inside a message of `size` octets.
    fn range(start: u64, length: u64, size: u64) -> Result<Range<u64>, BadIndex> {
        let end = start
            .checked_add(length)
            .filter(|&end| end <= size)
            .ok_or(BadIndex)?;
        Ok(start..end)
    }

    fn part(&mut self, at: usize, size: u64) -> Result<Part, BadIndex> {
        let mut part = self.place(at, size)?;
        part.lines = self.number()?;
        (part.media_type, part.subtype, part.encoding) = (self.string()?, self.string()?, self.string()?);
        part.params = self.params()?;
        for value in [
            &mut part.id,
            &mut part.description,
            &mut part.md5,
            &mut part.location,
        ] {
            *value = self.optional()?.map(<[u8]>::to_vec);
        }
        if let Some(kind) = self.optional()? {
            let kind = String::from_utf8(kind.to_vec()).map_err(|_| BadIndex)?;
            part.disposition = Some((kind, self.params()?));
        }
        part.language = self.list(Self::octets)?;
        if self.flag()? {
            part.message = Some(Box::new(self.message(&part.header)?));
        }
        Ok(part)
    }

    /// A part's place in the tree and in the object. Only the first has no parent; the others come after theirs.
    fn place(&mut self, at: usize, size: u64) -> Result<Part, BadIndex> {
        let parent = self.number()?.checked_sub(1);
        let kind = match self.octet()? {
            0 => PartKind::Leaf,
            1 => PartKind::Multipart,
            2 => PartKind::Message,
            _ => return Err(BadIndex),
        };
        if parent.is_none() != (at == 0) || parent.is_some_and(|parent| parent >= at as u64) {
            return Err(BadIndex);
        }
        let header = Self::range(self.number()?, self.number()?, size)?;
        let mut part = Part::beginning_at(
            header.start,
            parent.and_then(|parent| usize::try_from(parent).ok()),
        );
        part.kind = kind;
        part.body = Self::range(header.end, self.number()?, size)?;
        part.header = header;
        Ok(part)
    }

    fn message(&mut self, header: &Range<u64>) -> Result<MessageRoot, BadIndex> {
        let envelope = self.octets()?;
        let blank = header
            .end
            .checked_sub(self.number()?)
            .filter(|&blank| blank >= header.start);
        let blank_line = blank.ok_or(BadIndex)?..header.end;
        if !self.flag()? {
            return Ok(MessageRoot {
                envelope,
                fields: None,
                blank_line,
            });
        }
        let mut fields = Vec::new();
        let mut from = header.start;
        for _ in 0..self.number()? {
            let name = self.text()?.into();
            let start = from.checked_add(self.number()?).ok_or(BadIndex)?;
            let range = Self::range(start, self.number()?, header.end)?;
            from = range.end;
            fields.push(Field { name, range });
        }
        Ok(MessageRoot {
            envelope,
            fields: Some(fields),
            blank_line,
        })
    }
}
