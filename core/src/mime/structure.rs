//! BODY and BODYSTRUCTURE as finished text (RFC 3501, 7.4.2 and 9: `body`).

use super::index::{Part, PartKind};
use super::parameter::Parameter;
use super::quote::{nstring, string};

/// A step of the walk through the tree.
enum Step {
    Open(usize),
    Close(usize),
}

/// The finished text of a message's structure; with `extended` that of BODYSTRUCTURE, else that of BODY.
///
/// The walk keeps its own stack, so that depth costs no call frames.
pub(super) fn write(parts: &[Part], extended: bool) -> Vec<u8> {
    let children = children(parts);
    let mut out = Vec::new();
    let mut steps = vec![Step::Open(0)];
    while let Some(step) = steps.pop() {
        let (Step::Open(at) | Step::Close(at)) = step;
        let (Some(part), Some(inner)) = (parts.get(at), children.get(at)) else {
            continue;
        };
        if matches!(step, Step::Close(_)) {
            close(&mut out, part, extended);
            continue;
        }
        open(&mut out, part);
        if part.kind == PartKind::Message {
            let root = inner
                .first()
                .and_then(|&root| parts.get(root))
                .and_then(|root| root.message.as_ref());
            out.push(b' ');
            out.extend_from_slice(root.map_or(&b"NIL"[..], |root| &root.envelope));
            out.push(b' ');
        }
        steps.push(Step::Close(at));
        steps.extend(inner.iter().rev().map(|&child| Step::Open(child)));
    }
    out
}

/// For each part the positions of its children.
fn children(parts: &[Part]) -> Vec<Vec<usize>> {
    let mut children = vec![Vec::new(); parts.len()];
    for (at, part) in parts.iter().enumerate() {
        if let Some(list) = part.parent.and_then(|parent| children.get_mut(parent as usize)) {
            list.push(at);
        }
    }
    children
}

/// What stands before the children.
fn open(out: &mut Vec<u8>, part: &Part) {
    out.push(b'(');
    if part.kind == PartKind::Multipart {
        return;
    }
    string(out, part.media_type.as_bytes());
    out.push(b' ');
    string(out, part.subtype.as_bytes());
    out.push(b' ');
    params(out, &part.params);
    out.push(b' ');
    nstring(out, part.id.as_deref());
    out.push(b' ');
    nstring(out, part.description.as_deref());
    out.push(b' ');
    string(out, part.encoding.as_bytes());
    out.extend_from_slice(format!(" {}", part.body.end - part.body.start).as_bytes());
}

/// What stands behind the children: lines, then what is special to the extended form.
fn close(out: &mut Vec<u8>, part: &Part, extended: bool) {
    let multipart = part.kind == PartKind::Multipart;
    if multipart {
        out.push(b' ');
        string(out, part.subtype.as_bytes());
    }
    if part.kind == PartKind::Message || (!multipart && part.media_type == "text") {
        out.extend_from_slice(format!(" {}", part.lines).as_bytes());
    }
    if extended {
        out.push(b' ');
        match multipart {
            true => params(out, &part.params),
            false => nstring(out, part.md5.as_deref()),
        }
        extension(out, part);
    }
    out.push(b')');
}

/// Disposition, language and location.
fn extension(out: &mut Vec<u8>, part: &Part) {
    match &part.disposition {
        None => out.extend_from_slice(b" NIL "),
        Some((kind, list)) => {
            out.extend_from_slice(b" (");
            string(out, kind.as_bytes());
            out.push(b' ');
            params(out, list);
            out.extend_from_slice(b") ");
        }
    }
    match part.language.as_slice() {
        [] => out.extend_from_slice(b"NIL"),
        [tag] => string(out, tag),
        [first, more @ ..] => {
            out.push(b'(');
            string(out, first);
            for tag in more {
                out.push(b' ');
                string(out, tag);
            }
            out.push(b')');
        }
    }
    out.push(b' ');
    nstring(out, part.location.as_deref());
}

/// `"(" string SP string *(SP string SP string) ")" / nil`
fn params(out: &mut Vec<u8>, params: &[Parameter]) {
    if params.is_empty() {
        return out.extend_from_slice(b"NIL");
    }
    for (nth, (name, value)) in params.iter().enumerate() {
        out.push(if nth == 0 { b'(' } else { b' ' });
        string(out, name.as_bytes());
        out.push(b' ');
        string(out, value);
    }
    out.push(b')');
}
