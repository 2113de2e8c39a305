//! What the header of a part says about it, packed: an empty part costs no memory beside its entry in the index.
//!
//! Packed are, one behind the other: the kind of media, which optional values there are, those values, and of the root of a
//! message its envelope, the empty line and the table of its fields.

use std::ops::Range;

use super::decoded::Decoded;
use super::packed::{BadIndex, Input, Pack, Sink, flag, number, text};
use super::parameter::Parameter;

/// What the header of a part says about it. Without a header: plain text in US-ASCII (RFC 2045, 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About<'a> {
    /// Media type in lower case, `text` if none is given.
    pub media_type: &'a str,
    /// Media subtype in lower case, `plain` if none is given.
    pub subtype: &'a str,
    /// Parameters of Content-Type; [`parameter`](super::parameter::parameter) decodes them.
    pub params: Params<'a>,
    /// Content-Transfer-Encoding in lower case, `7bit` if none is given.
    pub encoding: &'a str,
    /// Content-ID as written, with its angle brackets.
    pub id: Option<&'a [u8]>,
    /// Content-Description as written.
    pub description: Option<&'a [u8]>,
    /// Content-MD5 (RFC 1864).
    pub md5: Option<&'a [u8]>,
    /// Content-Disposition in lower case, and its parameters (RFC 2183).
    pub disposition: Option<(&'a str, Params<'a>)>,
    /// Content-Language tags (RFC 3282).
    pub language: Tags<'a>,
    /// Content-Location (RFC 2557).
    pub location: Option<&'a [u8]>,
    /// Of a leaf in base64 or quoted-printable: what its body decodes to. It says so itself, not its header.
    pub decoded: Option<Decoded>,
}

impl Default for About<'_> {
    fn default() -> Self {
        About {
            media_type: "text",
            subtype: "plain",
            params: Params(b"\x07charset\x08us-ascii"),
            encoding: "7bit",
            id: None,
            description: None,
            md5: None,
            disposition: None,
            language: Tags::default(),
            location: None,
            decoded: None,
        }
    }
}

/// Parameters: name in lower case and value, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Params<'a>(pub(super) &'a [u8]);

impl<'a> Params<'a> {
    /// Their packed form.
    pub(super) fn pack<'p>(params: impl Iterator<Item = (&'p str, &'p [u8])>) -> Vec<u8> {
        let mut out = Vec::new();
        for (name, value) in params {
            text(&mut out, name.as_bytes());
            text(&mut out, value);
        }
        out
    }

    /// Name and value of each.
    pub fn iter(self) -> impl Iterator<Item = (&'a str, &'a [u8])> + Clone {
        let mut input = Input { rest: self.0 };
        std::iter::from_fn(move || pair(&mut input).ok())
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }
}

/// A list of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tags<'a>(pub(super) &'a [u8]);

impl<'a> Tags<'a> {
    pub(super) fn pack<'t>(tags: impl Iterator<Item = &'t [u8]>) -> Vec<u8> {
        let mut out = Vec::new();
        tags.for_each(|tag| text(&mut out, tag));
        out
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = &'a [u8]> + Clone {
        let mut input = Input { rest: self.0 };
        std::iter::from_fn(move || input.text().ok())
    }
}

fn pair<'a>(input: &mut Input<'a>) -> Result<(&'a str, &'a [u8]), BadIndex> {
    Ok((input.str()?, input.text()?))
}

/// Media that need no words.
const EXPLICIT: u8 = 0;
const PLAIN: u8 = 1;
const RFC822: u8 = 2;
/// The first octet's mark of a root.
const ROOT: u8 = 0x80;

impl<'a> About<'a> {
    /// What a packed form says; behind it, what is said of a root.
    pub(super) fn unpack(packed: &'a [u8]) -> (About<'a>, Option<&'a [u8]>) {
        let mut input = Input { rest: packed };
        let (about, root) = About::read(&mut input).unwrap_or_default();
        (about, root.then_some(input.rest))
    }

    fn read(input: &mut Input<'a>) -> Result<(About<'a>, bool), BadIndex> {
        let (media, there) = (input.octet()?, input.octet()?);
        let mut about = About::default();
        match media & !ROOT {
            PLAIN => {}
            RFC822 => {
                (about.media_type, about.subtype, about.params) = ("message", "rfc822", Params::default());
            }
            _ => {
                (about.media_type, about.subtype) = (input.str()?, input.str()?);
                about.params = Params(input.entries(pair)?);
            }
        }
        let there = |bit: u8| there & 1 << bit != 0;
        if there(0) {
            about.encoding = input.str()?;
        }
        let values = [
            &mut about.id,
            &mut about.description,
            &mut about.md5,
            &mut about.location,
        ];
        for (value, bit) in values.into_iter().zip(1..) {
            *value = there(bit).then(|| input.text()).transpose()?;
        }
        if there(5) {
            about.disposition = Some((input.str()?, Params(input.entries(pair)?)));
        }
        if there(6) {
            about.language = Tags(input.entries(Input::text)?);
        }
        if there(7) {
            about.decoded = Some(Decoded::load(input)?);
        }
        Ok((about, media & ROOT != 0))
    }

    /// The packed form of a part that is no root.
    pub(super) fn alone(&self) -> Box<[u8]> {
        match *self == About::default() {
            true => Box::default(),
            false => Whole {
                about: *self,
                root: None::<&Root<'_>>,
            }
            .packed()
            .into(),
        }
    }

    /// The packed form of the root of a message.
    pub(super) fn with_root(self, root: &impl Pack) -> Box<[u8]> {
        Whole {
            about: self,
            root: Some(root),
        }
        .packed()
        .into()
    }

    /// Reads the stored form, in which every value is spelled out. `measured`: it tells of decoded bodies.
    pub(super) fn load(input: &mut Input<'a>, measured: bool) -> Result<About<'a>, BadIndex> {
        let mut about = About {
            media_type: input.str()?,
            subtype: input.str()?,
            encoding: input.str()?,
            params: Params(input.entries(pair)?),
            ..About::default()
        };
        for value in [
            &mut about.id,
            &mut about.description,
            &mut about.md5,
            &mut about.location,
        ] {
            *value = input.optional()?;
        }
        if input.flag()? {
            about.disposition = Some((input.str()?, Params(input.entries(pair)?)));
        }
        about.language = Tags(input.entries(Input::text)?);
        if measured && input.flag()? {
            about.decoded = Some(Decoded::load(input)?);
        }
        Ok(about)
    }

    /// Writes what [`load`](About::load) reads.
    pub(super) fn store(&self, out: &mut impl Sink) {
        for token in [self.media_type, self.subtype, self.encoding] {
            text(out, token.as_bytes());
        }
        list(out, self.params.iter().count(), self.params.0);
        for value in [self.id, self.description, self.md5, self.location] {
            super::packed::optional(out, value);
        }
        flag(out, self.disposition.is_some());
        if let Some((kind, params)) = self.disposition {
            text(out, kind.as_bytes());
            list(out, params.iter().count(), params.0);
        }
        list(out, self.language.iter().count(), self.language.0);
        flag(out, self.decoded.is_some());
        if let Some(decoded) = self.decoded {
            decoded.store(out);
        }
    }
}

fn list(out: &mut impl Sink, count: usize, entries: &[u8]) {
    number(out, count as u64);
    out.put(entries);
}

/// All that is packed for a part.
struct Whole<'a, R> {
    about: About<'a>,
    root: Option<&'a R>,
}

impl<R: Pack> Pack for Whole<'_, R> {
    fn pack(&self, out: &mut impl Sink) {
        let (about, default) = (&self.about, About::default());
        let media = match (about.media_type, about.subtype, about.params) {
            ("text", "plain", params) if params == default.params => PLAIN,
            ("message", "rfc822", Params(b"")) => RFC822,
            _ => EXPLICIT,
        };
        let values = [about.id, about.description, about.md5, about.location];
        let encoded = about.encoding != default.encoding;
        let [id, description, md5, location] = values.map(|value| value.is_some());
        let language = !about.language.0.is_empty();
        let there = [
            encoded,
            id,
            description,
            md5,
            location,
            about.disposition.is_some(),
            language,
            about.decoded.is_some(),
        ];
        let there = there.iter().rev().fold(0, |bits, &bit| bits << 1 | u8::from(bit));
        out.put(&[media | if self.root.is_some() { ROOT } else { 0 }, there]);
        if media == EXPLICIT {
            text(out, about.media_type.as_bytes());
            text(out, about.subtype.as_bytes());
            list(out, about.params.iter().count(), about.params.0);
        }
        if encoded {
            text(out, about.encoding.as_bytes());
        }
        values.into_iter().flatten().for_each(|value| text(out, value));
        if let Some((kind, params)) = about.disposition {
            text(out, kind.as_bytes());
            list(out, params.iter().count(), params.0);
        }
        if language {
            list(out, about.language.iter().count(), about.language.0);
        }
        if let Some(decoded) = about.decoded {
            decoded.store(out);
        }
        if let Some(root) = self.root {
            root.pack(out);
        }
    }
}

/// What the root of a message has beside what every part has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Root<'a> {
    envelope: &'a [u8],
    /// Octets of the empty line.
    blank_octets: u64,
    fields: Option<&'a [u8]>,
}

/// An ENVELOPE of which nothing is known; it takes no room when it is packed.
pub(super) const NO_ENVELOPE: &[u8] = b"(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)";

impl<'a> Root<'a> {
    pub(super) fn unpack(packed: &'a [u8]) -> Root<'a> {
        let mut input = Input { rest: packed };
        let envelope = input.text().ok().filter(|envelope| !envelope.is_empty());
        let ends = input.number().unwrap_or(0);
        let (blank_octets, fields) = (ends >> 1, (ends & 1 != 0).then_some(input.rest));
        Root {
            envelope: envelope.unwrap_or(NO_ENVELOPE),
            blank_octets,
            fields,
        }
    }

    /// The finished text of ENVELOPE, parentheses included (RFC 3501, 7.4.2).
    pub fn envelope(&self) -> &'a [u8] {
        self.envelope
    }

    /// Octets of the empty line that ends the header; 0 if the message ends before it.
    pub fn blank_octets(&self) -> u64 {
        self.blank_octets
    }

    /// The fields of a header that begins at `start`, in order; `None` if there were too many to keep.
    pub(super) fn fields(&self, start: u64) -> Option<impl Iterator<Item = Field<'a>> + use<'a>> {
        let mut input = Input { rest: self.fields? };
        let mut from = start;
        Some(std::iter::from_fn(move || {
            let (name, gap, octets) = field(&mut input).ok()?;
            let start = from.saturating_add(gap);
            from = start.saturating_add(octets);
            Some(Field {
                name,
                range: start..from,
            })
        }))
    }

    pub(super) fn without_fields(self) -> Root<'a> {
        Root { fields: None, ..self }
    }

    /// Reads the stored form; the envelope of the whole message stands elsewhere. The header is checked
    /// against its fields.
    pub(super) fn load(
        input: &mut Input<'a>,
        header: &Range<u64>,
        envelope: Option<&'a [u8]>,
    ) -> Result<Root<'a>, BadIndex> {
        let stored = input.text()?;
        let blank_octets = input.number()?;
        if blank_octets > header.end - header.start {
            return Err(BadIndex);
        }
        let fields = match input.flag()? {
            true => Some(input.entries(field)?),
            false => None,
        };
        let mut from = header.start;
        let mut checked = Input {
            rest: fields.unwrap_or_default(),
        };
        while !checked.rest.is_empty() {
            let (_, gap, octets) = field(&mut checked)?;
            let start = from.checked_add(gap).ok_or(BadIndex)?;
            from = Input::range(start, octets, header.end)?.end;
        }
        Ok(Root {
            envelope: envelope.unwrap_or(stored),
            blank_octets,
            fields,
        })
    }

    /// Writes what [`load`](Root::load) reads.
    pub(super) fn store(&self, out: &mut impl Sink, with_envelope: bool) {
        text(out, if with_envelope { self.envelope } else { &[] });
        number(out, self.blank_octets);
        flag(out, self.fields.is_some());
        if let Some(fields) = self.fields {
            let mut input = Input { rest: fields };
            let count = std::iter::from_fn(|| field(&mut input).ok()).count();
            list(out, count, fields);
        }
    }
}

impl Pack for Root<'_> {
    fn pack(&self, out: &mut impl Sink) {
        let known = self.envelope != NO_ENVELOPE;
        text(out, if known { self.envelope } else { &[] });
        put_ends(out, self.blank_octets, self.fields.is_some());
        out.put(self.fields.unwrap_or_default());
    }
}

/// Adds what ends a packed root but for the table of its fields: octets of the empty line, and whether there is a table.
pub(super) fn put_ends(out: &mut impl Sink, blank_octets: u64, fields: bool) {
    number(out, blank_octets << 1 | u64::from(fields));
}

/// One header field and where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field<'a> {
    /// The name as written.
    pub name: &'a [u8],
    /// The whole field, continuation lines and the last line end included.
    pub range: Range<u64>,
}

/// Name, octets between the field and the one before it, octets of the field.
fn field<'a>(input: &mut Input<'a>) -> Result<(&'a [u8], u64, u64), BadIndex> {
    Ok((input.text()?, input.number()?, input.number()?))
}

/// Adds a field that lies at `place` to a packed table, whose last one ended at `from`; gives where this one ends.
pub(super) fn put_field(out: &mut impl Sink, name: &[u8], place: (u64, u64), from: u64) -> u64 {
    text(out, name);
    number(out, place.0.saturating_sub(from));
    number(out, place.1.saturating_sub(place.0));
    place.1
}

/// What a header says, as it is read.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// Type, subtype and packed parameters.
    pub media: Option<(String, String, Vec<u8>)>,
    pub encoding: Option<String>,
    pub id: Option<Vec<u8>>,
    pub description: Option<Vec<u8>>,
    pub md5: Option<Vec<u8>>,
    pub disposition: Option<(String, Vec<u8>)>,
    /// Packed.
    pub language: Vec<u8>,
    pub location: Option<Vec<u8>>,
}

impl Said {
    pub fn about(&self) -> About<'_> {
        let default = About::default();
        let (media_type, subtype, params) = match &self.media {
            Some((kind, subtype, params)) => (kind.as_str(), subtype.as_str(), Params(params)),
            None => (default.media_type, default.subtype, default.params),
        };
        About {
            media_type,
            subtype,
            params,
            encoding: self.encoding.as_deref().unwrap_or(default.encoding),
            id: self.id.as_deref(),
            description: self.description.as_deref(),
            md5: self.md5.as_deref(),
            disposition: self
                .disposition
                .as_ref()
                .map(|(kind, params)| (kind.as_str(), Params(params))),
            language: Tags(&self.language),
            location: self.location.as_deref(),
            decoded: None,
        }
    }
}

/// Parameters as [`parse`](super::parameter::parse) finds them, packed.
pub(super) fn packed_params(params: &[Parameter]) -> Vec<u8> {
    Params::pack(
        params
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_slice())),
    )
}
