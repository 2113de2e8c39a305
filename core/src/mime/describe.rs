//! What the header of a part says about it (RFC 2045, 5 to 8; RFC 2183; RFC 1864; RFC 3282; RFC 2557).

use super::envelope::cut;
use super::header::{HeaderBlock, unfold};
use super::index::{Part, PartKind};
use super::parameter::{self, Parameter};

/// Octets of a media type or another token that are believed.
const TOKEN_OCTETS: usize = 255;
/// Languages of a part that are told.
const LANGUAGES: usize = 64;

/// Fills a part from its header; of a field that stands there twice the first counts. Without a usable Content-Type the part
/// is plain text in US-ASCII (RFC 2045, 5.2) or, in a digest, a message (RFC 2046, 5.1.5).
pub(super) fn describe(block: &HeaderBlock, part: &mut Part, in_digest: bool) {
    let (mut media, mut encoding) = (None, None);
    for field in block.fields() {
        let name = field.name.to_ascii_lowercase();
        let Some(what) = name.strip_prefix(b"content-") else {
            continue;
        };
        let first = |slot: &mut Option<Vec<u8>>| {
            let value = unfold(field.value);
            if slot.is_none() && !value.is_empty() {
                *slot = Some(cut(&value).to_vec());
            }
        };
        match what {
            b"type" if media.is_none() => media = Some(parameter::parse(field.value)),
            b"transfer-encoding" if encoding.is_none() => encoding = Some(parameter::parse(field.value).0),
            b"disposition" if part.disposition.is_none() => {
                part.disposition = Some(parameter::parse(field.value)).filter(|(kind, _)| is_token(kind));
            }
            b"language" if part.language.is_empty() => part.language = languages(field.value),
            b"id" => first(&mut part.id),
            b"description" => first(&mut part.description),
            b"md5" => first(&mut part.md5),
            b"location" => first(&mut part.location),
            _ => {}
        }
    }
    if let Some(encoding) = encoding.filter(|encoding| is_token(encoding)) {
        part.encoding = encoding;
    }
    match media {
        None if in_digest => (part.media_type, part.subtype) = ("message".into(), "rfc822".into()),
        media => set_media(part, media.unwrap_or_default()),
    }
}

/// Believes a Content-Type that has a type and a subtype.
fn set_media(part: &mut Part, (media, params): (String, Vec<Parameter>)) {
    match media.split_once('/') {
        Some((kind, subtype)) if is_token(kind) && is_token(subtype) => {
            (part.media_type, part.subtype, part.params) = (kind.into(), subtype.into(), params);
        }
        _ => part.make_text(),
    }
}

fn is_token(text: &str) -> bool {
    (1..=TOKEN_OCTETS).contains(&text.len()) && !text.contains('\u{fffd}')
}

fn languages(value: &[u8]) -> Vec<Vec<u8>> {
    let value = unfold(value);
    let tags = cut(&value).split(|&octet| octet == b',').map(<[u8]>::trim_ascii);
    tags.filter(|tag| !tag.is_empty())
        .take(LANGUAGES)
        .map(<[u8]>::to_vec)
        .collect()
}

impl Part {
    /// A part whose header begins at `offset`; nothing is known of it yet.
    pub(super) fn beginning_at(offset: u64, parent: Option<usize>) -> Part {
        Part {
            parent: parent.and_then(|parent| u32::try_from(parent).ok()),
            kind: PartKind::Leaf,
            header: offset..offset,
            body: offset..offset,
            lines: 0,
            media_type: String::new(),
            subtype: String::new(),
            params: Vec::new(),
            encoding: "7bit".into(),
            id: None,
            description: None,
            md5: None,
            disposition: None,
            language: Vec::new(),
            location: None,
            message: None,
        }
    }

    /// Takes the part for plain text, whatever it calls itself.
    pub(super) fn make_text(&mut self) {
        self.kind = PartKind::Leaf;
        (self.media_type, self.subtype) = ("text".into(), "plain".into());
        self.params = vec![("charset".into(), b"us-ascii".to_vec())];
    }

    /// Takes the part for octets that nobody looks into.
    pub(super) fn make_opaque(&mut self) {
        self.kind = PartKind::Leaf;
        (self.media_type, self.subtype) = ("application".into(), "octet-stream".into());
        self.params.clear();
    }

    /// The child of a multipart without parts, so that the structure has the part that RFC 3501 wants: plain text without a
    /// header, and empty; or, if no delimiter was found at all, `with_body`, so that its reader loses nothing.
    pub(super) fn only_child(&self, position: usize, with_body: bool) -> Part {
        let mut child = Part::beginning_at(self.body.start, Some(position));
        child.make_text();
        if with_body {
            (child.body, child.lines) = (self.body.clone(), self.lines);
        }
        child
    }

    /// The boundary of a multipart, if it has one of at most `most` octets. Space at its end does not count, since no
    /// boundary ends with it (RFC 2046, 5.1.1).
    pub(super) fn boundary(&self, most: usize) -> Option<Vec<u8>> {
        let (_, boundary) = self.params.iter().find(|(name, _)| name == "boundary")?;
        let boundary = boundary.trim_ascii_end();
        (1..=most).contains(&boundary.len()).then(|| boundary.to_vec())
    }

    /// Whether the part is meant to be saved rather than shown: it says so, has a file name and does not ask to be shown, or
    /// is of a kind that is not shown in line. Signatures are none.
    pub(super) fn is_attachment(&self) -> bool {
        let names = |params: &[Parameter], name: &str| parameter::parameter(params, name).is_some();
        let inline = match &self.disposition {
            Some((kind, _)) if kind == "attachment" => return true,
            Some((kind, _)) => kind == "inline",
            None => false,
        };
        let signature = self.subtype.ends_with("signature") || self.subtype == "pgp-encrypted";
        let named =
            names(&self.params, "name") || self.disposition.as_ref().is_some_and(|d| names(&d.1, "filename"));
        let shown = self.media_type == "text" || self.kind == PartKind::Multipart || self.id.is_some();
        !inline && !signature && self.kind != PartKind::Multipart && (named || !shown)
    }
}
