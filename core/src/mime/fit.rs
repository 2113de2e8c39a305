//! Keeps an index within its budget by saying less, least needed first.

use super::about::{About, Params, Tags};
use super::index::{INDEX_OCTETS, MessageIndex, NO_PARENT, Part, PartKind};

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
    if let Some(root) = part.root() {
        part.packed = part.about().with_root(&root.without_fields());
    }
}

fn drop_long_values(part: &mut Part) {
    let about = part.about();
    let short = |value: &&[u8]| value.len() <= SHORT_OCTETS;
    let params = |params: Params<'_>| {
        Params::pack(
            params
                .iter()
                .filter(|(name, value)| name.len() + value.len() <= SHORT_OCTETS),
        )
    };
    let (media, language) = (
        params(about.params),
        Tags::pack(about.language.iter().filter(short)),
    );
    let disposition = about.disposition.map(|(kind, list)| (kind, params(list)));
    let about = About {
        params: Params(&media),
        id: about.id.filter(short),
        description: about.description.filter(short),
        md5: about.md5.filter(short),
        location: about.location.filter(short),
        disposition: disposition.as_ref().map(|(kind, list)| (*kind, Params(list))),
        language: Tags(&language),
        ..about
    };
    part.packed = part.packed_with(about);
}

/// Leaves of the root what no reader can do without.
fn make_bare(root: &mut Part) {
    root.kind = PartKind::Leaf;
    let bare = About {
        encoding: root.about().encoding,
        ..About::OPAQUE
    };
    root.packed = root.packed_with(bare);
}

/// How many parts each part lies in.
fn depths(parts: &[Part]) -> Vec<usize> {
    let mut depths: Vec<usize> = Vec::with_capacity(parts.len());
    for part in parts {
        let above = part.parent().and_then(|parent| depths.get(parent));
        depths.push(above.map_or(0, |above| above + 1));
    }
    depths
}

/// Removes the parts that lie in more than `deepest` others; what held them becomes opaque.
fn flatten(parts: &mut Vec<Part>, deepest: usize) {
    let depths = depths(parts);
    let mut places: Vec<Option<u16>> = Vec::with_capacity(parts.len());
    let mut kept: Vec<Part> = Vec::new();
    for (mut part, depth) in parts.drain(..).zip(depths) {
        if depth > deepest {
            places.push(None);
            continue;
        }
        let parent = part.parent().and_then(|parent| *places.get(parent)?);
        part.parent = parent.unwrap_or(NO_PARENT);
        if depth == deepest && part.kind != PartKind::Leaf {
            part.make_opaque();
        }
        places.push(u16::try_from(kept.len()).ok());
        kept.push(part);
    }
    *parts = kept;
}
