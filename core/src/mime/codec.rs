//! The stored form of a message index: a version, the texts that FETCH copies, the summary, the parts.
//!
//! The order is that of use, so that ENVELOPE is found without reading the rest. Reading trusts nothing: it allocates no more
//! than a constant multiple of what it was given.

use std::borrow::Cow;

use bytes::Bytes;

use super::about::{About, Root};
use super::index::{INDEX_OCTETS, MessageIndex, PARTS, Part, PartKind, Summary};
use super::packed::{BadIndex, Input, Pack, Sink, flag, number, optional, text};
use super::structure;

/// The first octet. Of a version that is not known nothing is read: then the message is told as one text.
const VERSION: u8 = 2;
/// A version that says nothing of decoded bodies.
const UNMEASURED: u8 = 1;

/// A stored index, looked into without being built.
#[derive(Debug, Clone, Copy)]
pub struct StoredIndex<'a> {
    version: u8,
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
        let (body, bodystructure) = (self.body(), self.bodystructure());
        let structures = Some((bodystructure.as_slice(), body.as_slice()));
        let bare = Form {
            index: self,
            structures: None,
        };
        let whole = Form { structures, ..bare };
        let stored = whole.written();
        if stored.len() > INDEX_OCTETS {
            bare.written()
        } else {
            stored
        }
        .into()
    }

    /// Reads a stored form. Errors: it is damaged or of another version.
    pub fn decode(stored: &[u8]) -> Result<MessageIndex, BadIndex> {
        StoredIndex::new(stored)?.index()
    }

    /// Octets of the smallest stored form: without the finished structures.
    pub(super) fn encoded_octets(&self) -> usize {
        Form {
            index: self,
            structures: None,
        }
        .packed_octets()
    }
}

impl<'a> StoredIndex<'a> {
    /// Looks at a stored form. Errors: it is damaged or of another version.
    pub fn new(stored: &'a [u8]) -> Result<StoredIndex<'a>, BadIndex> {
        let mut input = Input { rest: stored };
        let version = input.octet()?;
        if !matches!(version, VERSION | UNMEASURED) {
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
            version,
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
        self.structures
            .map_or_else(|| Ok(self.structure(true)?.into()), |s| Ok(s.0.into()))
    }

    /// The finished text of BODY; made now if it was too long to be stored.
    pub fn body(&self) -> Result<Cow<'a, [u8]>, BadIndex> {
        self.structures
            .map_or_else(|| Ok(self.structure(false)?.into()), |s| Ok(s.1.into()))
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

    /// [`Summary::preview`] alone.
    pub fn preview(&self) -> Result<&'a str, BadIndex> {
        let mut input = Input { rest: self.summary };
        for _ in 0..6 {
            input.text()?;
        }
        input.entries(Input::text)?;
        input.entries(Input::text)?;
        input.optional()?;
        // The zone of Date.
        input.octet()?;
        input.octet()?;
        input.str()
    }

    /// The whole index.
    pub fn index(&self) -> Result<MessageIndex, BadIndex> {
        Ok(MessageIndex {
            size: self.size,
            raw_header: self.raw_header.map(<[u8]>::to_vec),
            summary: self.summary()?,
            parts: self.parts()?,
        })
    }

    fn structure(&self, extended: bool) -> Result<Vec<u8>, BadIndex> {
        Ok(structure::write(&self.parts()?, extended))
    }

    fn parts(&self) -> Result<Vec<Part>, BadIndex> {
        let mut input = Input { rest: self.parts };
        let count = usize::try_from(input.number()?)
            .ok()
            .filter(|count| (1..=PARTS).contains(count));
        let mut parts = Vec::new();
        for _ in 0..count.ok_or(BadIndex)? {
            let part = load_part(&mut input, &parts, self)?;
            parts.push(part);
        }
        match input.rest.is_empty() {
            true => Ok(parts),
            false => Err(BadIndex),
        }
    }
}

/// A stored form: with the finished structures, or without them where there is no room.
struct Form<'a> {
    index: &'a MessageIndex,
    /// BODYSTRUCTURE and BODY.
    structures: Option<(&'a [u8], &'a [u8])>,
}

impl Form<'_> {
    /// The form, whose size is guessed: to count it would take as long as to write it.
    fn written(&self) -> Vec<u8> {
        let structures = self
            .structures
            .map_or(0, |(long, short)| long.len() + short.len());
        let header = self.index.raw_header.as_ref().map_or(0, Vec::len);
        let mut out = Vec::with_capacity(2 * (structures + header));
        self.pack(&mut out);
        out
    }
}

impl Pack for Form<'_> {
    fn pack(&self, out: &mut impl Sink) {
        let index = self.index;
        out.put(&[VERSION]);
        number(out, index.size);
        let root = index.parts.first().and_then(Part::root);
        text(out, root.map_or(&[], |root| root.envelope()));
        flag(out, self.structures.is_some());
        if let Some((bodystructure, body)) = self.structures {
            text(out, bodystructure);
            text(out, body);
        }
        optional(out, index.raw_header.as_deref());
        number(out, index.summary.packed_octets() as u64);
        index.summary.pack(out);
        number(out, index.parts.len() as u64);
        for (at, part) in index.parts.iter().enumerate() {
            store_part(out, part, at == 0);
        }
    }
}

impl Pack for Summary {
    fn pack(&self, out: &mut impl Sink) {
        for value in [
            &self.subject,
            &self.from,
            &self.to,
            &self.cc,
            &self.bcc,
            &self.message_id,
        ] {
            text(out, value.as_bytes());
        }
        for ids in [&self.in_reply_to, &self.references] {
            number(out, ids.len() as u64);
            ids.iter().for_each(|id| text(out, id.as_bytes()));
        }
        optional(
            out,
            self.sent_s
                .map(i64::to_be_bytes)
                .as_ref()
                .map(<[u8; 8]>::as_slice),
        );
        out.put(&self.sent_zone_min.to_be_bytes());
        text(out, self.preview.as_bytes());
        flag(out, self.has_attachment);
    }
}

/// The envelope of the whole message stands at the front of the index, not here.
fn store_part(out: &mut impl Sink, part: &Part, whole: bool) {
    let (header, body) = (part.header(), part.body());
    number(out, part.parent().map_or(0, |parent| parent as u64 + 1));
    out.put(&[part.kind as u8]);
    number(out, header.start);
    number(out, header.end - header.start);
    number(out, body.end - body.start);
    number(out, part.lines().into());
    part.about().store(out);
    let root = part.root();
    flag(out, root.is_some());
    if let Some(root) = root {
        root.store(out, !whole);
    }
}

/// A part, the next after those in `before`. What holds it is the last of them or holds that.
fn load_part<'a>(input: &mut Input<'a>, before: &[Part], index: &StoredIndex<'a>) -> Result<Part, BadIndex> {
    let mut part = load_place(input, before, index.size)?;
    part.lines = u32::try_from(input.number()?).map_err(|_| BadIndex)?;
    let about = About::load(input, index.version != UNMEASURED)?;
    part.packed = match input.flag()? {
        false => about.alone(),
        true => {
            let envelope = before.is_empty().then_some(index.envelope);
            about.with_root(&Root::load(input, &part.header(), envelope)?)
        }
    };
    Ok(part)
}

/// A part's place in the tree and in the object. Only the first has no parent.
fn load_place(input: &mut Input<'_>, before: &[Part], size: u64) -> Result<Part, BadIndex> {
    let parent = match input.number()?.checked_sub(1) {
        Some(parent) => Some(usize::try_from(parent).map_err(|_| BadIndex)?),
        None => None,
    };
    let kind = match input.octet()? {
        0 => PartKind::Leaf,
        1 => PartKind::Multipart,
        2 => PartKind::Message,
        _ => return Err(BadIndex),
    };
    let mut open = std::iter::successors(before.len().checked_sub(1), |&at| before.get(at)?.parent());
    if !parent.map_or(before.is_empty(), |parent| open.any(|at| at == parent)) {
        return Err(BadIndex);
    }
    let header = Input::range(input.number()?, input.number()?, size)?;
    let body = Input::range(header.end, input.number()?, size)?;
    let mut part = Part::beginning_at(header.start, parent);
    (part.kind, part.places) = (kind, [header.start, body.start, body.end]);
    Ok(part)
}
