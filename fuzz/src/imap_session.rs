//! IMAP: whatever comes, in whatever cut, at whatever pace.

use lightmail_core::imap::Settings;
use lightmail_core::pair::{Summary, World};

use crate::cut::Pace;
use crate::record::{Record, assert_replays};
use crate::responses::responses;
use crate::stage;

/// Any octets to a session that has not logged in, has logged in, has selected INBOX, or idles in it. Any cut gives the
/// same answers and effects; the answers are responses; the record fed again gives the same actions; the store is sound;
/// another session, which idles in INBOX meanwhile, is well.
pub fn imap_session(input: Pace<'_>) {
    let whole = alone(input.start, [(input.cut.octets, 0)].into_iter());
    let cut = alone(input.start, input.cut.pieces().map(|piece| (piece, 0)));
    let said = |summary: &Summary| summary.sent.escape_ascii().to_string();
    assert_eq!(said(&cut), said(&whole), "another cut, other answers");
    assert_eq!(cut, whole, "another cut, another outcome");
    beside_another(input);
}

/// What a client says first.
pub fn opening(start: u8) -> &'static [u8] {
    match start & 3 {
        0 => b"",
        1 => b"l LOGIN user@example.com secret\r\n",
        2 => b"l LOGIN user@example.com secret\r\ns SELECT INBOX\r\n",
        _ => b"l LOGIN user@example.com secret\r\ns SELECT INBOX\r\ni IDLE\r\n",
    }
}

/// What a session hears and does, for the heap's bound.
pub fn record(input: Pace<'_>) -> Record {
    let mut world = stage::world();
    let (talk, recorder) = stage::join_imap(&mut world);
    world.feed(talk, opening(input.start));
    feed(&mut world, talk, input.cut.pieces().map(|piece| (piece, 0)));
    drop(world);
    recorder.record()
}

fn feed<'a>(
    world: &mut World,
    talk: lightmail_core::pair::Talk,
    steps: impl Iterator<Item = (&'a [u8], u64)>,
) {
    for (piece, pause_ms) in steps {
        world.feed(talk, piece);
        world.advance(pause_ms);
    }
    // Bad commands are answered late; a client that waits hears it all.
    world.advance(25_000);
}

fn alone<'a>(start: u8, steps: impl Iterator<Item = (&'a [u8], u64)>) -> Summary {
    play(&mut stage::world(), start, steps)
}

fn beside_another(input: Pace<'_>) {
    let mut world = stage::world();
    let neighbour = world.join(stage::imap(2, Settings::default()));
    world.feed(neighbour, opening(3));
    play(&mut world, input.start, input.steps());
    world.feed(neighbour, b"DONE\r\n");
    let heard = world.take(neighbour);
    let is_well = responses(&heard)
        .iter()
        .any(|response| response.starts_with(b"i OK"));
    // Half an hour is long enough to be logged out.
    assert!(
        is_well || world.is_over(neighbour),
        "the neighbour heard {}",
        heard.escape_ascii()
    );
}

fn play<'a>(world: &mut World, start: u8, steps: impl Iterator<Item = (&'a [u8], u64)>) -> Summary {
    let (talk, recorder) = stage::join_imap(world);
    world.feed(talk, opening(start));
    feed(world, talk, steps);
    let summary = world
        .conversation(talk)
        .map(|one| one.summary())
        .unwrap_or_default();
    responses(&summary.sent);
    stage::sound(world, talk);
    assert_replays(&recorder.record());
    summary
}
