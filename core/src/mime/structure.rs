//! BODY and BODYSTRUCTURE as finished text (RFC 3501, 7.4.2 and 9: `body`).

use super::about::{About, NO_ENVELOPE, Params};
use super::index::{Part, PartKind};
use super::packed::{Pack, Sink};
use super::quote::{nstring, string};

/// The finished text of a message's structure.
pub(super) struct Structure<'a> {
    pub parts: &'a [Part],
    /// That of BODYSTRUCTURE, else that of BODY.
    pub extended: bool,
}

impl Pack for Structure<'_> {
    /// Parts stand in the order in which they begin, so a list of those that are open is all the walk has to know.
    fn pack(&self, out: &mut impl Sink) {
        let mut open: Vec<(usize, &Part)> = Vec::new();
        for (at, part) in self.parts.iter().enumerate() {
            while let Some((_, inner)) = open.pop_if(|(holder, _)| Some(*holder) != part.parent()) {
                close(out, inner, self.extended);
            }
            begin(out, part);
            if part.kind == PartKind::Message {
                let root = self.parts.get(at + 1).and_then(Part::root);
                out.put(b" ");
                out.put(root.map_or(NO_ENVELOPE, |root| root.envelope()));
                out.put(b" ");
            }
            open.push((at, part));
        }
        while let Some((_, part)) = open.pop() {
            close(out, part, self.extended);
        }
    }
}

/// What stands before the children.
fn begin(out: &mut impl Sink, part: &Part) {
    out.put(b"(");
    if part.kind == PartKind::Multipart {
        return;
    }
    let about = part.about();
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
    out.put(format!(" {}", body.end - body.start).as_bytes());
}

/// What stands behind the children: lines, then what is special to the extended form.
fn close(out: &mut impl Sink, part: &Part, extended: bool) {
    let (multipart, about) = (part.kind == PartKind::Multipart, part.about());
    if multipart {
        out.put(b" ");
        string(out, about.subtype.as_bytes());
    }
    if part.kind == PartKind::Message || (!multipart && about.media_type == "text") {
        out.put(format!(" {}", part.lines).as_bytes());
    }
    if extended {
        out.put(b" ");
        match multipart {
            true => params(out, about.params),
            false => nstring(out, about.md5),
        }
        extension(out, &about);
    }
    out.put(b")");
}

/// Disposition, language and location.
fn extension(out: &mut impl Sink, about: &About<'_>) {
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
fn params(out: &mut impl Sink, params: Params<'_>) {
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
