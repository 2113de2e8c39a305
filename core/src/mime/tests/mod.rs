//! Tests of the scanner and the index over whole messages.

mod examples;
mod hostile;
mod properties;

use super::{Limits, MessageIndex, Part, Scanner, Section, StoredIndex};

/// The index of a message, given in pieces of `cut` octets.
fn scan_in(message: &[u8], cut: usize) -> MessageIndex {
    let mut scanner = Scanner::new(Limits::default());
    message.chunks(cut).for_each(|piece| scanner.push(piece));
    scanner.finish()
}

/// The index of a message that comes in one piece, checked for soundness.
fn scan(message: &[u8]) -> MessageIndex {
    let index = scan_in(message, usize::MAX);
    assert_sound(&index, message);
    index
}

/// `\n` becomes CRLF, so that messages are legible.
fn crlf(text: &str) -> Vec<u8> {
    text.replace('\n', "\r\n").into_bytes()
}

fn text(octets: &[u8]) -> &str {
    std::str::from_utf8(octets).expect("text")
}

/// The octets of a message that a section selects.
fn octets<'a>(message: &'a [u8], index: &MessageIndex, path: &[u32], section: Section) -> Option<&'a str> {
    let range = index.section(path, section)?;
    Some(text(&message[range.start as usize..range.end as usize]))
}

/// What holds for the index of every message, however broken.
fn assert_sound(index: &MessageIndex, message: &[u8]) {
    assert_eq!(index.size, message.len() as u64);
    assert!(index.parts.len() <= Limits::default().parts);
    for (at, part) in index.parts.iter().enumerate() {
        assert_part_sound(index, at, part, message);
    }
    assert_balanced(&index.body());
    assert_balanced(&index.bodystructure());
    assert_stored_alike(index);
}

fn assert_part_sound(index: &MessageIndex, at: usize, part: &Part, message: &[u8]) {
    let (header, body) = (part.header(), part.body());
    assert!(header.start <= header.end && header.end == body.start, "{part:?}");
    assert!(body.start <= body.end && body.end <= index.size, "{part:?}");
    let octets = &message[body.start as usize..body.end as usize];
    let lines = octets.iter().filter(|&&octet| octet == b'\n').count();
    assert_eq!(part.lines() as usize, lines, "{part:?}");
    if let Some(parent) = part.parent() {
        assert!(parent < at);
        let outer = index.parts[parent].body();
        assert!(
            outer.start <= header.start && body.end <= outer.end,
            "{part:?} in {outer:?}"
        );
    }
    let path = index.path(at);
    if part.root().is_none() && !path.is_empty() {
        assert_eq!(index.part(&path), Some(part), "{path:?}");
    }
    let Some(root) = part.root() else { return };
    assert_balanced(root.envelope());
    assert!(part.blank_line().end == header.end && root.blank_octets() <= 2);
    for field in part.fields().into_iter().flatten() {
        let place = &message[field.range.start as usize..field.range.end as usize];
        assert!(place.starts_with(field.name), "{field:?}");
    }
}

/// Parentheses close as they open, outside of quoted strings and literals, and nothing but strings holds odd octets.
fn assert_balanced(wire: &[u8]) {
    let mut depth = 0i32;
    let mut at = 0;
    while at < wire.len() {
        match wire[at] {
            b'(' => depth += 1,
            b')' => depth -= 1,
            b'"' => {
                at += 1;
                while wire[at] != b'"' {
                    at += if wire[at] == b'\\' { 2 } else { 1 };
                }
            }
            b'{' => {
                let end = at
                    + wire[at..]
                        .iter()
                        .position(|&octet| octet == b'}')
                        .expect("literal");
                let length: usize = text(&wire[at + 1..end]).parse().expect("length");
                assert_eq!(&wire[end..end + 3], b"}\r\n");
                at = end + 2 + length;
            }
            octet => assert!(octet.is_ascii_alphanumeric() || octet == b' ', "{octet}"),
        }
        assert!(depth > 0 || at + 1 == wire.len());
        at += 1;
    }
    assert_eq!(depth, 0);
}

/// What is stored is small and says the same.
fn assert_stored_alike(index: &MessageIndex) {
    let stored = index.encode();
    assert!(stored.len() <= super::INDEX_OCTETS);
    assert_eq!(MessageIndex::decode(&stored).as_ref(), Ok(index));
    let looked = StoredIndex::new(&stored).expect("stored");
    assert_eq!(
        Some(looked.envelope()),
        index.parts[0].root().map(|root| root.envelope())
    );
    assert_eq!(looked.bodystructure().expect("structure"), index.bodystructure());
    assert_eq!(looked.body().expect("structure"), index.body());
    assert_eq!(looked.raw_header(), index.raw_header.as_deref());
    assert_eq!(looked.summary().as_ref(), Ok(&index.summary));
    assert_eq!(looked.size(), index.size);
}
