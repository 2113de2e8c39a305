//! DATA and BDAT: where a message ends, and that what is in it comes out as it went in.

use bytes::Bytes;
use lightmail_core::wire::dot::{Bare, Decoder, END, Encoder, Piece};

use crate::cut::Cut;
use crate::stage;

/// The decoder against a model that looks at all octets at once; the encoder against the decoder; a chunk against itself.
pub fn data_decoder(input: Cut<'_>) {
    for policy in [Bare::Report, Bare::Normalise] {
        let whole = decode(Cut::whole(input.octets), policy);
        assert_eq!(decode(input, policy), whole, "another cut, another message");
        if policy == Bare::Report {
            assert_eq!(whole, model(input.octets));
        }
    }
    round_trip(input);
    chunk(input);
}

/// What a decoder gives.
#[derive(Debug, Default, PartialEq)]
struct Message {
    body: Vec<u8>,
    /// Whether a lone CR or LF was in it, once it has ended.
    bare: Option<bool>,
    /// What stands behind it.
    behind: Vec<u8>,
}

fn decode(input: Cut<'_>, policy: Bare) -> Message {
    let (mut decoder, mut message) = (Decoder::new(policy), Message::default());
    for piece in input.pieces() {
        let mut octets = Bytes::copy_from_slice(piece);
        while let Some(piece) = decoder.next(&mut octets) {
            match piece {
                Piece::Body(octets) => message.body.extend_from_slice(&octets),
                Piece::End { bare } => message.bare = Some(bare),
            }
        }
        message.behind.extend_from_slice(&octets);
    }
    message
}

/// The same in plain words, where lone CRs and LFs stay as they are.
fn model(octets: &[u8]) -> Message {
    let lines = [b"\r\n", octets].concat();
    let end = lines.windows(5).position(|five| five == b"\r\n.\r\n");
    let text = &lines[..end.map_or(lines.len(), |end| end + 2)];
    // What may still become the end, or half a line end, is held back.
    let text = match end {
        Some(_) => text,
        None => held_back(text),
    };
    let mut body = Vec::new();
    for at in 2..text.len() {
        let stuffed = text[at] == b'.' && text[..at].ends_with(b"\r\n");
        body.extend((!stuffed).then_some(text[at]));
    }
    let bare = end.map(|end| has_bare(&lines[..end + 2]));
    let behind = end.map_or_else(Vec::new, |end| lines[end + 5..].to_vec());
    Message { body, bare, behind }
}

fn held_back(text: &[u8]) -> &[u8] {
    let held = [&b"\r\n.\r"[..], b"\r"]
        .into_iter()
        .find(|held| text.ends_with(held));
    match held {
        Some(held) => &text[..text.len() - if held.len() > 1 { 2 } else { 1 }],
        None => text,
    }
}

fn has_bare(text: &[u8]) -> bool {
    (0..text.len()).any(|at| match text[at] {
        b'\r' => text.get(at + 1) != Some(&b'\n'),
        b'\n' => at == 0 || text[at - 1] != b'\r',
        _ => false,
    })
}

/// What the encoder writes is one message for our decoder, and for one that takes any line break for a line break.
fn round_trip(input: Cut<'_>) {
    let mut wire = Vec::new();
    let mut encoder = Encoder::default();
    input.pieces().for_each(|piece| encoder.push(piece, &mut wire));
    encoder.finish(&mut wire);
    assert!(!has_bare(&wire), "{}", wire.escape_ascii());
    let lenient = wire.split(|octet| matches!(octet, b'\r' | b'\n'));
    assert!(
        !lenient.into_iter().any(|line| line == b"."),
        "{}",
        wire.escape_ascii()
    );
    wire.extend_from_slice(END);
    let message = decode(Cut::whole(&wire), Bare::Report);
    assert_eq!((message.bare, message.behind.len()), (Some(false), 0));
    assert_eq!(message.body, normal(input.octets), "it came out as another one");
}

/// Every line break CRLF, and one at the end.
fn normal(octets: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (at, &octet) in octets.iter().enumerate() {
        match octet {
            b'\n' if at > 0 && octets[at - 1] == b'\r' => {}
            b'\r' | b'\n' => out.extend_from_slice(b"\r\n"),
            octet => out.push(octet),
        }
    }
    if !out.is_empty() && !out.ends_with(b"\r\n") {
        out.extend_from_slice(b"\r\n");
    }
    out
}

/// A chunk is what was announced: all of it, nothing of it a command, nothing of what follows in it (RFC 3030, 2). A NUL in
/// it is stored as 0x80.
fn chunk(input: Cut<'_>) {
    let octets = &input.octets[..input.octets.len().min(3_000)];
    let mut world = stage::world();
    let talk = world.join(stage::lmtp());
    let before = world.stage.objects.len();
    let envelope = "LHLO x\r\nMAIL FROM:<s@x.org>\r\nRCPT TO:<user@example.com>\r\n";
    world.feed(
        talk,
        format!("{envelope}BDAT {} LAST\r\n", octets.len()).as_bytes(),
    );
    Cut { octets, ..input }
        .pieces()
        .for_each(|piece| world.feed(talk, piece));
    world.take(talk);
    world.feed(talk, b"NOOP\r\n");
    assert!(
        world.take(talk).starts_with(b"250 "),
        "out of step behind a chunk"
    );
    let expected: Vec<u8> = octets
        .iter()
        .map(|&octet| if octet == 0 { 0x80 } else { octet })
        .collect();
    let stored = world.stage.objects.values().any(|body| *body == expected);
    let new = world.stage.objects.len() - before;
    assert!(
        new <= 1 && (new == 0 || stored),
        "what is stored is not what came"
    );
    stage::sound(&mut world, talk);
}
