//! Keeps an index within its budget by saying less, least needed first.

use super::index::{INDEX_OCTETS, MessageIndex, Part, PartKind};

/// Octets of a value that survives when long ones have to go.
const SHORT_OCTETS: usize = 200;

/// Makes an index small enough to be stored: drops the raw header, the tables of fields of embedded messages, that of the
/// message, long values of parts; then takes ever higher parts for opaque, and last leaves the root bare.
///
/// The finished structures are made afterwards and count for nothing here: where there is no room for them, the encoding leaves
/// them out and reading makes them again.
pub(super) fn fit(index: &mut MessageIndex) {
    let steps: [fn(&mut MessageIndex); 4] = [
        |index| index.raw_header = None,
        |index| index.parts.iter_mut().skip(1).for_each(drop_fields),
        |index| index.parts.iter_mut().for_each(drop_fields),
        |index| index.parts.iter_mut().for_each(drop_long_values),
    ];
    let mut steps = steps.into_iter();
    let mut depth = depths(&index.parts).into_iter().max().unwrap_or(0);
    while index.encoded_octets() > INDEX_OCTETS {
        match steps.next() {
            Some(step) => step(index),
            None if depth > 0 => {
                depth /= 2;
                flatten(&mut index.parts, depth);
            }
            None => return index.parts.iter_mut().for_each(make_bare),
        }
    }
}

fn drop_fields(part: &mut Part) {
    if let Some(message) = &mut part.message {
        message.fields = None;
    }
}

fn drop_long_values(part: &mut Part) {
    let short = |value: &Vec<u8>| value.len() <= SHORT_OCTETS;
    part.params
        .retain(|(name, value)| name.len() + value.len() <= SHORT_OCTETS);
    if let Some((_, params)) = &mut part.disposition {
        params.retain(|(name, value)| name.len() + value.len() <= SHORT_OCTETS);
    }
    for value in [
        &mut part.id,
        &mut part.description,
        &mut part.md5,
        &mut part.location,
    ] {
        *value = value.take().filter(short);
    }
    part.language.retain(short);
}

/// Leaves of the root what no reader can do without.
fn make_bare(root: &mut Part) {
    root.make_opaque();
    (
        root.id,
        root.description,
        root.md5,
        root.location,
        root.disposition,
    ) = (None, None, None, None, None);
    root.language.clear();
}

/// How many parts each part lies in.
fn depths(parts: &[Part]) -> Vec<usize> {
    let mut depths: Vec<usize> = Vec::with_capacity(parts.len());
    for part in parts {
        let above = part.parent.and_then(|parent| depths.get(parent as usize));
        depths.push(above.map_or(0, |above| above + 1));
    }
    depths
}

/// Removes the parts that lie in more than `deepest` others; what held them becomes opaque.
fn flatten(parts: &mut Vec<Part>, deepest: usize) {
    let depths = depths(parts);
    let mut places: Vec<Option<u32>> = Vec::with_capacity(parts.len());
    let mut kept: Vec<Part> = Vec::new();
    for (mut part, depth) in parts.drain(..).zip(depths) {
        if depth > deepest {
            places.push(None);
            continue;
        }
        part.parent = part.parent.and_then(|parent| *places.get(parent as usize)?);
        if depth == deepest && part.kind != PartKind::Leaf {
            part.make_opaque();
        }
        places.push(u32::try_from(kept.len()).ok());
        kept.push(part);
    }
    *parts = kept;
}
