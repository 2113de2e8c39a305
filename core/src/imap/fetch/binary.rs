//! BINARY: parts with their transfer encoding taken off (RFC 3516, 4.2 and 4.3).
//!
//! A message is told as it is: what it holds is told part by part. The index knows how long a part is once it is decoded, so a
//! literal is announced before an octet is read, and BINARY.SIZE reads none. Decoding goes on beside the octets, as a filter.

use std::ops::Range;

use super::message::{name_path, tell_octets};
use super::response::Response;
use super::section;
use super::stored::Stored;
use crate::imap::ast::{BinarySection, BodySection, Partial, SectionText, Spelling};
use crate::mime::Decoded;
use crate::wire::filter::Filter;
use crate::wire::transfer::Encoding;

/// A part whose encoding is none that can be taken off, or of which nobody knows what that would give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct UnknownEncoding;

/// What a part number names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Octets that stand for themselves: so many.
    Plain(u64),
    /// A body that is encoded, and where it lies.
    Encoded(Encoding, Decoded, Range<u64>),
}

/// The part of a message; `None` if there is no such part.
pub(super) fn find(stored: &Stored, part: &[u32]) -> Result<Option<Found>, UnknownEncoding> {
    let as_it_is = || Ok(section::select(stored, &whole(part, None)).map(|all| Found::Plain(all.len())));
    let Some(part) = stored.index().part(part).filter(|_| !part.is_empty()) else {
        return as_it_is();
    };
    let about = part.about();
    match (Encoding::known(about.encoding), about.decoded) {
        (Some(Encoding::Identity), _) => as_it_is(),
        (Some(encoding), Some(decoded)) => Ok(Some(Found::Encoded(encoding, decoded, part.body()))),
        _ => Err(UnknownEncoding),
    }
}

/// The same part as BODY names it.
fn whole(part: &[u32], partial: Option<Partial>) -> BodySection {
    BodySection {
        part: part.to_vec(),
        text: SectionText::Whole,
        partial,
        peek: true,
        spelling: Spelling::Body,
    }
}

/// The stored range that telling of a part reads; `None` if it reads nothing.
pub(super) fn range(stored: &Stored, wanted: &BinarySection) -> Option<Range<u64>> {
    match find(stored, &wanted.part) {
        Ok(Some(Found::Encoded(_, decoded, body))) => {
            Piece::new(&decoded, body, wanted.partial).map(|piece| piece.read)
        }
        Ok(_) => section::select(stored, &whole(&wanted.part, wanted.partial))?.hull(),
        Err(UnknownEncoding) => None,
    }
}

/// Adds `BINARY.SIZE[part] number`; there is nothing of a part that is not there.
pub(super) fn tell_size(stored: &Stored, part: &[u32], out: &mut Response) {
    let size = match find(stored, part) {
        Ok(Some(Found::Plain(size))) => size,
        Ok(Some(Found::Encoded(_, decoded, _))) => decoded.octets,
        Ok(None) | Err(UnknownEncoding) => 0,
    };
    out.item("BINARY.SIZE[");
    name_path(part, out);
    out.octets(b"] ").number(size);
}

/// Adds `BINARY[part]` and its octets: as a literal, or as a `literal8` where NUL may be among them, `""` if there are none, or
/// `NIL` if there is no such part.
pub(super) fn tell(stored: &Stored, wanted: &BinarySection, out: &mut Response) {
    out.item("BINARY[");
    name_path(&wanted.part, out);
    out.octets(b"]");
    if let Some(partial) = wanted.partial {
        out.octets(b"<").number(partial.offset).octets(b">");
    }
    match find(stored, &wanted.part) {
        Ok(Some(Found::Plain(_))) => tell_plain(stored, wanted, out),
        Ok(Some(Found::Encoded(encoding, decoded, body))) => {
            match Piece::new(&decoded, body, wanted.partial) {
                Some(piece) => {
                    out.octets(if decoded.nul { b" ~{" } else { b" {" });
                    out.number(piece.octets).octets(b"}\r\n");
                    out.object(
                        stored.row().object,
                        piece.read,
                        Filter::DecodeRange(encoding, piece.within),
                    );
                }
                None => _ = out.octets(b" \"\""),
            }
        }
        Ok(None) | Err(UnknownEncoding) => _ = out.octets(b" NIL"),
    }
}

/// No message is stored with NUL in it.
fn tell_plain(stored: &Stored, wanted: &BinarySection, out: &mut Response) {
    match section::select(stored, &whole(&wanted.part, wanted.partial)) {
        Some(selected) if selected.len() > 0 => {
            out.octets(b" {").number(selected.len()).octets(b"}\r\n");
            tell_octets(stored, &selected, out);
        }
        _ => _ = out.octets(b" \"\""),
    }
}

/// Some of the octets that a body decodes to.
struct Piece {
    /// How many.
    octets: u64,
    /// What of the object is read for them.
    read: Range<u64>,
    /// Where they lie in what that decodes to.
    within: Range<u64>,
}

impl Piece {
    /// `None`: there are none.
    fn new(decoded: &Decoded, body: Range<u64>, partial: Option<Partial>) -> Option<Piece> {
        let (from, most) = partial.map_or((0, u64::MAX), |Partial { offset, length }| {
            (offset.into(), length.into())
        });
        let from = from.min(decoded.octets);
        let wanted = from..decoded.octets.min(from.saturating_add(most));
        let octets = wanted.end - wanted.start;
        let (range, within) = decoded.locate(body.end - body.start, wanted);
        let read = body.start + range.start..body.start + range.end;
        (octets > 0 && !read.is_empty()).then_some(Piece { octets, read, within })
    }
}
