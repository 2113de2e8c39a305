//! POP3: whatever comes, in whatever cut, at whatever pace.

use lightmail_core::pair::{Summary, Talk, World};

use crate::cut::Pace;
use crate::record::{Record, assert_replays};
use crate::stage;

/// Any octets to a session that is new, answers a challenge, has logged in, or has marked messages. Any cut gives the same answers
/// and effects; answers have their form; the record fed again gives the same actions; the store is sound; the maildrop is free for
/// the next session.
pub fn pop3_session(input: Pace<'_>) {
    let whole = play(input.start, [(input.cut.octets, 0)].into_iter());
    let cut = play(input.start, input.cut.pieces().map(|piece| (piece, 0)));
    assert_eq!(cut, whole, "another cut, another outcome");
    play(input.start, input.steps());
}

/// What a client says first.
fn opening(start: u8) -> &'static [u8] {
    match start & 3 {
        0 => b"",
        1 => b"AUTH PLAIN\r\n",
        2 => b"USER user@example.com\r\nPASS secret\r\n",
        _ => b"UTF8\r\nUSER user@example.com\r\nPASS secret\r\nDELE 1\r\nDELE 3\r\n",
    }
}

/// What a session hears and does, for the heap's bound.
pub fn record(input: Pace<'_>) -> Record {
    let mut world = stage::world();
    let (talk, recorder) = stage::join_pop3(&mut world);
    world.feed(talk, opening(input.start));
    feed(&mut world, talk, input.cut.pieces().map(|piece| (piece, 0)));
    drop(world);
    recorder.record()
}

fn feed<'a>(world: &mut World, talk: Talk, steps: impl Iterator<Item = (&'a [u8], u64)>) {
    for (piece, pause_ms) in steps {
        world.feed(talk, piece);
        world.advance(pause_ms);
    }
    // Bad commands and wrong passwords are answered late; a client that waits hears it all.
    world.advance(25_000);
}

fn play<'a>(start: u8, steps: impl Iterator<Item = (&'a [u8], u64)>) -> Summary {
    let mut world = stage::world();
    let (talk, recorder) = stage::join_pop3(&mut world);
    world.feed(talk, opening(start));
    feed(&mut world, talk, steps);
    let summary = world
        .conversation(talk)
        .map(|one| one.summary())
        .unwrap_or_default();
    assert_answers(&summary.sent);
    stage::sound(&mut world, talk);
    assert_replays(&recorder.record());
    assert_free(&mut world);
    summary
}

/// Whole lines of at most 512 octets, in lists and messages too, of which the samples have no longer ones (RFC 1939, 3); the first
/// is the greeting.
fn assert_answers(sent: &[u8]) {
    let lines = sent
        .strip_suffix(b"\r\n")
        .unwrap_or_else(|| panic!("not whole: {}", sent.escape_ascii()));
    for line in lines.split(|&octet| octet == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        assert!(
            line.len() <= 510 && !line.contains(&b'\r'),
            "{}",
            line.escape_ascii()
        );
    }
    assert!(sent.starts_with(b"+OK "), "{}", sent.escape_ascii());
}

/// Whatever a session did, its end lets the next one in.
fn assert_free(world: &mut World) {
    let (next, _) = stage::join_pop3(world);
    world.feed(next, opening(2));
    let said = world.take(next);
    let good = said.windows(5).filter(|five| *five == b"\n+OK ").count();
    assert_eq!(good, 2, "{}", said.escape_ascii());
}
