//! What holds for the index of every message, however broken.

use lightmail_core::mime::{INDEX_OCTETS, Limits, MessageIndex, Part, Section, StoredIndex};

/// Panics if the index of `message` says anything that is not so.
pub fn assert_sound(index: &MessageIndex, message: &[u8]) {
    assert_eq!(index.size, message.len() as u64);
    assert!((1..=Limits::default().parts).contains(&index.parts.len()));
    for (at, part) in index.parts.iter().enumerate() {
        assert_part(index, at, part, message);
    }
    assert_balanced(&index.body());
    assert_balanced(&index.bodystructure());
    assert_stored_alike(index);
    if let Some(raw) = &index.raw_header {
        assert!(message.starts_with(raw), "the header is another one");
    }
    assert!(index.summary.preview.chars().count() <= 200);
}

fn range<'a>(message: &'a [u8], range: &std::ops::Range<u64>) -> &'a [u8] {
    let place = usize::try_from(range.start)
        .ok()
        .zip(usize::try_from(range.end).ok());
    place
        .and_then(|(from, to)| message.get(from..to))
        .unwrap_or_else(|| panic!("{range:?} is not in the message"))
}

fn assert_part(index: &MessageIndex, at: usize, part: &Part, message: &[u8]) {
    range(message, &part.header());
    assert_eq!(part.header().end, part.body().start, "{part:?}");
    let lines = range(message, &part.body())
        .iter()
        .filter(|&&octet| octet == b'\n')
        .count();
    assert_eq!(part.lines() as usize, lines, "{part:?}");
    if let Some(parent) = part.parent() {
        assert!(parent < at, "{part:?} is before what holds it");
        let parent = &index.parts[parent];
        assert!(
            parent.body().start <= part.header().start && part.body().end <= parent.body().end,
            "{part:?} in {parent:?}"
        );
    }
    let path = index.path(at);
    if part.root().is_none() && !path.is_empty() {
        assert_eq!(index.part(&path), Some(part), "{path:?}");
        assert_eq!(index.section(&path, Section::Whole), Some(part.body()));
    }
    let Some(root) = part.root() else { return };
    assert_balanced(root.envelope());
    assert_eq!(part.blank_line().end, part.header().end);
    assert!(root.blank_octets() <= 2);
    for field in part.fields().into_iter().flatten() {
        assert!(range(message, &field.range).starts_with(field.name), "{field:?}");
    }
    assert_fields(part, message);
}

/// A choice of fields and what it leaves out are the header, with the empty line in both.
fn assert_fields(root: &Part, message: &[u8]) {
    let names: [&[u8]; 2] = [b"Subject", b"content-type"];
    let picked = [false, true].map(|not| MessageIndex::fields(root, &names, not));
    let [Some(named), Some(others)] = picked else {
        return;
    };
    let octets =
        |ranges: &[std::ops::Range<u64>]| ranges.iter().map(|one| range(message, one).len()).sum::<usize>();
    let blank = root.blank_line();
    let header = range(message, &root.header()).len() + range(message, &blank).len();
    assert_eq!(
        octets(&named) + octets(&others),
        header,
        "{named:?} and {others:?}"
    );
}

/// Parentheses close as they open, outside of quoted strings and literals, and nothing but strings holds odd octets.
fn assert_balanced(wire: &[u8]) {
    let (mut depth, mut rest) = (0i32, wire);
    while let Some((&first, tail)) = rest.split_first() {
        rest = match first {
            b'"' => behind_quoted(tail),
            b'{' => behind_literal(tail),
            b'(' | b')' => tail,
            octet => {
                assert!(
                    octet.is_ascii_alphanumeric() || octet == b' ',
                    "{octet} in {}",
                    wire.escape_ascii()
                );
                tail
            }
        };
        depth += i32::from(first == b'(') - i32::from(first == b')');
        assert!(depth > 0 || rest.is_empty(), "{}", wire.escape_ascii());
    }
    assert_eq!(depth, 0, "{}", wire.escape_ascii());
}

fn behind_quoted(mut rest: &[u8]) -> &[u8] {
    loop {
        rest = match rest {
            [b'"', tail @ ..] => return tail,
            [b'\\', b'"' | b'\\', tail @ ..] => tail,
            [b'\\' | b'\r' | b'\n' | 0 | 128.., ..] | [] => {
                panic!("no quoted string: {}", rest.escape_ascii())
            }
            [_, tail @ ..] => tail,
        };
    }
}

fn behind_literal(rest: &[u8]) -> &[u8] {
    let end = rest.iter().position(|&octet| octet == b'}').unwrap_or(rest.len());
    let size = std::str::from_utf8(&rest[..end])
        .ok()
        .and_then(|digits| digits.parse::<usize>().ok());
    let octets = rest[end..].strip_prefix(b"}\r\n").zip(size);
    let tail = octets.and_then(|(octets, size)| octets.get(size..));
    tail.unwrap_or_else(|| panic!("no literal: {}", rest.escape_ascii()))
}

/// What is stored is small and says the same.
fn assert_stored_alike(index: &MessageIndex) {
    let stored = index.encode();
    assert!(stored.len() <= INDEX_OCTETS, "{} octets to store", stored.len());
    assert_eq!(MessageIndex::decode(&stored).as_ref(), Ok(index));
    let looked = StoredIndex::new(&stored).unwrap_or_else(|_| panic!("it cannot be looked into"));
    let root = index.parts.first().and_then(|root| root.root());
    assert_eq!(Some(looked.envelope()), root.map(|root| root.envelope()));
    assert_eq!(
        looked.bodystructure().as_deref(),
        Ok(index.bodystructure().as_slice())
    );
    assert_eq!(looked.body().as_deref(), Ok(index.body().as_slice()));
    assert_eq!(looked.raw_header(), index.raw_header.as_deref());
    assert_eq!(looked.summary().as_ref(), Ok(&index.summary));
    assert_eq!(looked.size(), index.size);
}
