//! What the header of a part says about it (RFC 2045, 5 to 8; RFC 2183; RFC 1864; RFC 3282; RFC 2557).

use std::ops::Range;

use super::about::{About, Params, Said, Tags, packed_params};
use super::decoded::Decoded;
use super::envelope::cut;
use super::header::{HeaderBlock, unfold};
use super::index::{NO_PARENT, Part, PartKind};
use super::parameter::{self, Parameter};

/// Octets of a media type or another token that are believed.
const TOKEN_OCTETS: usize = 255;
/// Languages of a part that are told.
const LANGUAGES: usize = 64;

/// Reads what a header says; of a field that stands there twice the first counts. Without a usable Content-Type the part is
/// plain text in US-ASCII (RFC 2045, 5.2) or, in a digest, a message (RFC 2046, 5.1.5).
pub(super) fn describe(block: &HeaderBlock, in_digest: bool) -> Said {
    let (mut said, mut media) = (Said::default(), None);
    for field in block.fields() {
        let Some((prefix, what)) = field.name.split_at_checked(8) else {
            continue;
        };
        if !prefix.eq_ignore_ascii_case(b"content-") {
            continue;
        }
        let first = |slot: &mut Option<Vec<u8>>| {
            let value = unfold(field.value);
            if slot.is_none() && !value.is_empty() {
                *slot = Some(cut(&value).to_vec());
            }
        };
        match what.to_ascii_lowercase().as_slice() {
            b"type" if media.is_none() => media = Some(parameter::parse(field.value)),
            b"transfer-encoding" if said.encoding.is_none() => {
                said.encoding = Some(parameter::parse(field.value).0);
            }
            b"disposition" if said.disposition.is_none() => {
                let (kind, params) = parameter::parse(field.value);
                said.disposition = Some((kind, packed_params(&params))).filter(|(kind, _)| is_token(kind));
            }
            b"language" if said.language.is_empty() => said.language = languages(field.value),
            b"id" => first(&mut said.id),
            b"description" => first(&mut said.description),
            b"md5" => first(&mut said.md5),
            b"location" => first(&mut said.location),
            _ => {}
        }
    }
    said.encoding = said.encoding.filter(|encoding| is_token(encoding));
    said.media = match media {
        None if in_digest => Some(("message".into(), "rfc822".into(), Vec::new())),
        media => media.and_then(believed),
    };
    said
}

/// A Content-Type that has a type and a subtype.
fn believed((media, params): (String, Vec<Parameter>)) -> Option<(String, String, Vec<u8>)> {
    let (kind, subtype) = media.split_once('/')?;
    (is_token(kind) && is_token(subtype)).then(|| (kind.into(), subtype.into(), packed_params(&params)))
}

fn is_token(text: &str) -> bool {
    (1..=TOKEN_OCTETS).contains(&text.len()) && !text.contains('\u{fffd}')
}

/// Language tags, packed.
fn languages(value: &[u8]) -> Vec<u8> {
    let value = unfold(value);
    let tags = cut(&value).split(|&octet| octet == b',').map(<[u8]>::trim_ascii);
    Tags::pack(tags.filter(|tag| !tag.is_empty()).take(LANGUAGES))
}

impl<'a> About<'a> {
    /// Octets that nobody looks into.
    pub(super) const OPAQUE: About<'static> = About {
        media_type: "application",
        subtype: "octet-stream",
        params: Params(b""),
        encoding: "7bit",
        id: None,
        description: None,
        md5: None,
        disposition: None,
        language: Tags(b""),
        location: None,
        decoded: None,
    };

    /// The same part taken for plain text, whatever it calls itself.
    pub(super) fn as_text(self) -> About<'a> {
        let About {
            media_type,
            subtype,
            params,
            ..
        } = About::default();
        About {
            media_type,
            subtype,
            params,
            ..self
        }
    }

    /// The same part taken for octets that nobody looks into.
    pub(super) fn as_opaque(self) -> About<'a> {
        let About {
            media_type,
            subtype,
            params,
            ..
        } = About::OPAQUE;
        About {
            media_type,
            subtype,
            params,
            ..self
        }
    }

    /// The boundary of a multipart, if it has one of at most `most` octets. Space at its end does not count, since no
    /// boundary ends with it (RFC 2046, 5.1.1).
    pub(super) fn boundary(&self, most: usize) -> Option<&'a [u8]> {
        let (_, boundary) = self.params.iter().find(|(name, _)| *name == "boundary")?;
        Some(boundary.trim_ascii_end()).filter(|boundary| (1..=most).contains(&boundary.len()))
    }
}

impl Part {
    /// A part whose header begins at `offset`; nothing is known of it yet.
    pub(super) fn beginning_at(offset: u64, parent: Option<usize>) -> Part {
        let parent = parent.and_then(|parent| u16::try_from(parent).ok());
        Part {
            places: [offset; 3],
            lines: 0,
            parent: parent.unwrap_or(NO_PARENT),
            kind: PartKind::Leaf,
            packed: Box::default(),
        }
    }

    /// What is packed of this part if `about` is said of it.
    pub(super) fn packed_with(&self, about: About<'_>) -> Box<[u8]> {
        match self.root() {
            Some(root) => about.with_root(&root),
            None => about.alone(),
        }
    }

    /// What the body turned out to decode to.
    pub(super) fn set_decoded(&mut self, decoded: Decoded) {
        let decoded = Some(decoded);
        self.packed = self.packed_with(About {
            decoded,
            ..self.about()
        });
    }

    /// Takes the part for octets that nobody looks into.
    pub(super) fn make_opaque(&mut self) {
        self.kind = PartKind::Leaf;
        self.packed = self.packed_with(self.about().as_opaque());
    }

    /// The child of a multipart without parts, so that the structure has the part that RFC 3501 wants: plain text without a
    /// header, and empty; or, if no delimiter was found at all, `with_body`, so that its reader loses nothing.
    pub(super) fn only_child(&self, position: usize, with_body: bool) -> Part {
        let Range { start, end } = self.body();
        let mut child = Part::beginning_at(start, Some(position));
        if with_body {
            (child.places, child.lines) = ([start, start, end], self.lines);
        }
        child
    }

    /// Whether the part is meant to be saved rather than shown: it says so, has a file name and does not ask to be shown, or
    /// is of a kind that is not shown in line. Signatures are none.
    pub(super) fn is_attachment(&self) -> bool {
        let about = self.about();
        let inline = match about.disposition {
            Some(("attachment", _)) => return true,
            Some((kind, _)) => kind == "inline",
            None => false,
        };
        let signature = about.subtype.ends_with("signature") || about.subtype == "pgp-encrypted";
        let names = |params: Params<'_>, name| parameter::stands_in(params.iter(), name);
        let named = names(about.params, "name") || about.disposition.is_some_and(|d| names(d.1, "filename"));
        let shown = about.media_type == "text" || self.kind == PartKind::Multipart || about.id.is_some();
        !inline && !signature && self.kind != PartKind::Multipart && (named || !shown)
    }
}
