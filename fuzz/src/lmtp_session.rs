//! LMTP: whatever comes, in whatever cut, at whatever pace.

use lightmail_core::machine::Effect;
use lightmail_core::pair::{Summary, Talk, World};
use lightmail_core::store::Request;

use crate::cut::Pace;
use crate::record::{Record, assert_replays};
use crate::stage;

/// Any octets to a session that is new, has been greeted, has an envelope, or takes DATA. Any cut gives the same replies,
/// uploads and effects; replies have their form; no more messages arrive than there are ends of messages.
pub fn lmtp_session(input: Pace<'_>) {
    let whole = play(input, [(input.cut.octets, 0)].into_iter());
    let cut = play(input, input.cut.pieces().map(|piece| (piece, 0)));
    assert_eq!(cut, whole, "another cut, another outcome");
    play(input, input.steps());
}

/// What a client says first.
fn opening(start: u8) -> &'static [u8] {
    match start & 3 {
        0 => b"",
        1 => b"LHLO x\r\n",
        2 => {
            b"LHLO x\r\nMAIL FROM:<s@x.org>\r\nRCPT TO:<user@example.com>\r\nRCPT TO:<other@example.com>\r\n"
        }
        _ => b"LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<user+a@example.com>\r\nDATA\r\n",
    }
}

/// What a session hears and does, for the heap's bound.
pub fn record(input: Pace<'_>) -> Record {
    let mut world = stage::world();
    let (talk, recorder) = stage::join_lmtp(&mut world);
    world.feed(talk, opening(input.start));
    feed(&mut world, talk, input.cut.pieces().map(|piece| (piece, 0)));
    drop(world);
    recorder.record()
}

pub(crate) fn feed<'a>(world: &mut World, talk: Talk, steps: impl Iterator<Item = (&'a [u8], u64)>) {
    for (piece, pause_ms) in steps {
        world.feed(talk, piece);
        world.advance(pause_ms);
    }
    world.advance(25_000);
}

fn play<'a>(input: Pace<'_>, steps: impl Iterator<Item = (&'a [u8], u64)>) -> Summary {
    let mut world = stage::world();
    let (talk, recorder) = stage::join_lmtp(&mut world);
    world.feed(talk, opening(input.start));
    feed(&mut world, talk, steps);
    let summary = world
        .conversation(talk)
        .map(|one| one.summary())
        .unwrap_or_default();
    assert_replies(&summary.sent);
    assert_deliveries(&summary, input.cut.octets);
    stage::sound(&mut world, talk);
    assert_replays(&recorder.record());
    summary
}

/// `Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF` (RFC 5321, 4.2).
pub(crate) fn assert_replies(sent: &[u8]) {
    let lines = sent
        .strip_suffix(b"\r\n")
        .unwrap_or_else(|| panic!("not whole: {}", sent.escape_ascii()));
    let mut open = None;
    for line in lines.split(|&octet| octet == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let (code, rest) = line.split_at(line.len().min(3));
        assert!(
            matches!(code, [b'2'..=b'5', b'0'..=b'9', b'0'..=b'9']),
            "{}",
            line.escape_ascii()
        );
        assert!(
            rest.iter().all(|octet| (b' '..=b'~').contains(octet)),
            "{}",
            line.escape_ascii()
        );
        assert!(
            line.len() <= 510,
            "{} octets in a line (RFC 5321, 4.5.3.1.5)",
            line.len()
        );
        assert!(open.is_none_or(|open| open == code), "{}", sent.escape_ascii());
        open = rest.starts_with(b"-").then_some(code);
    }
    assert!(open.is_none(), "a reply is not whole: {}", sent.escape_ascii());
}

/// Nothing but `CRLF.CRLF` and `BDAT … LAST` ends a message.
pub(crate) fn assert_deliveries(summary: &Summary, octets: &[u8]) {
    let delivers = |effect: &&Effect| matches!(effect, Effect::Store(_, Request::Deliver { .. }));
    let messages = summary.effects.iter().filter(delivers).count();
    let text = [b"\r\n", octets].concat().to_ascii_uppercase();
    let dots = text.windows(5).filter(|five| *five == b"\r\n.\r\n").count();
    let lasts = text.windows(4).filter(|four| *four == b"LAST").count();
    assert!(
        messages <= dots + lasts,
        "{messages} messages of {dots} dots and {lasts} chunks"
    );
}
