//! BODY and BODYSTRUCTURE as finished text (RFC 3501, 7.4.2 and 9: `body`).

use super::about::{About, NO_ENVELOPE, Params};
use super::index::{Part, PartKind};
use super::packed::Sink;
use super::quote::{nstring, string};

/// Octets that a part takes in most messages.
const USUAL_OCTETS: usize = 128;

/// The finished text of a message's structure; with `extended` that of BODYSTRUCTURE, else that of BODY.
///
/// Parts stand in the order in which they begin, so a list of those that are open is all the walk has to know.
pub(super) fn write(parts: &[Part], extended: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(parts.len().saturating_mul(USUAL_OCTETS));
    let mut open: Vec<(usize, &Part, About<'_>)> = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        while let Some((_, inner, about)) = open.pop_if(|(holder, ..)| Some(*holder) != part.parent()) {
            close(&mut out, inner, &about, extended);
        }
        let about = part.about();
        begin(&mut out, part, &about);
        if part.kind == PartKind::Message {
            let root = parts.get(at + 1).and_then(Part::root);
            out.put(b" ");
            out.put(root.map_or(NO_ENVELOPE, |root| root.envelope()));
            out.put(b" ");
        }
        open.push((at, part, about));
    }
    while let Some((_, part, about)) = open.pop() {
        close(&mut out, part, &about, extended);
    }
    out
}

/// What stands before the children.
fn begin(out: &mut Vec<u8>, part: &Part, about: &About<'_>) {
    out.put(b"(");
    if part.kind == PartKind::Multipart {
        return;
    }
    string(out, about.media_type.as_bytes());
    out.put(b" ");
    string(out, about.subtype.as_bytes());
    out.put(b" ");
    params(out, about.params);
    out.put(b" ");
    nstring(out, about.id);
    out.put(b" ");
    nstring(out, about.description);
    out.put(b" ");
    string(out, about.encoding.as_bytes());
    let body = part.body();
    decimal(out, body.end - body.start);
}

/// What stands behind the children: lines, then what is special to the extended form.
fn close(out: &mut Vec<u8>, part: &Part, about: &About<'_>, extended: bool) {
    let multipart = part.kind == PartKind::Multipart;
    if multipart {
        out.put(b" ");
        string(out, about.subtype.as_bytes());
    }
    if part.kind == PartKind::Message || (!multipart && about.media_type == "text") {
        decimal(out, part.lines.into());
    }
    if extended {
        out.put(b" ");
        match multipart {
            true => params(out, about.params),
            false => nstring(out, about.md5),
        }
        extension(out, about);
    }
    out.put(b")");
}

/// `SP number`
fn decimal(out: &mut Vec<u8>, number: u64) {
    let (mut digits, mut rest, mut first) = ([b'0'; 20], number, 20);
    for digit in digits.iter_mut().rev() {
        *digit += u8::try_from(rest % 10).unwrap_or(0);
        (rest, first) = (rest / 10, first - 1);
        if rest == 0 {
            break;
        }
    }
    out.put(b" ");
    out.put(digits.get(first..).unwrap_or_default());
}

/// Disposition, language and location.
fn extension(out: &mut Vec<u8>, about: &About<'_>) {
    match about.disposition {
        None => out.put(b" NIL "),
        Some((kind, list)) => {
            out.put(b" (");
            string(out, kind.as_bytes());
            out.put(b" ");
            params(out, list);
            out.put(b") ");
        }
    }
    let mut tags = about.language.iter();
    match (tags.next(), tags.clone().next()) {
        (None, _) => out.put(b"NIL"),
        (Some(tag), None) => string(out, tag),
        (Some(first), Some(_)) => {
            out.put(b"(");
            string(out, first);
            for tag in tags {
                out.put(b" ");
                string(out, tag);
            }
            out.put(b")");
        }
    }
    out.put(b" ");
    nstring(out, about.location);
}

/// `"(" string SP string *(SP string SP string) ")" / nil`
fn params(out: &mut Vec<u8>, params: Params<'_>) {
    if params.is_empty() {
        return out.put(b"NIL");
    }
    for (nth, (name, value)) in params.iter().enumerate() {
        out.put(if nth == 0 { b"(" } else { b" " });
        string(out, name.as_bytes());
        out.put(b" ");
        string(out, value);
    }
    out.put(b")");
}
