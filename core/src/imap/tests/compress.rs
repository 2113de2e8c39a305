use bytes::BytesMut;
use proptest::prelude::*;

use super::*;
use crate::pair::Summary;
use crate::wire::deflate::Deflater;

/// What a client sends, each of it flushed by itself.
fn deflated(said: &[&[u8]]) -> Vec<u8> {
    let (mut deflater, mut out) = (Deflater::new(), BytesMut::new());
    for said in said {
        deflater.push(said, &mut out);
        deflater.flush(&mut out);
    }
    out.into()
}

/// A session that compresses.
fn compressed() -> Stage {
    let mut stage = Stage::selected(2, "1");
    stage.play("1C: a COMPRESS DEFLATE\n1S: a OK DEFLATE is active");
    stage
}

fn say(stage: &mut Stage, octets: &[u8]) {
    let talk = stage.talk('1');
    stage.world.feed(talk, octets);
}

#[test]
fn it_is_offered_where_it_would_work() {
    let mut stage = Stage::new();
    let capabilities = |stage: &mut Stage| {
        let talk = stage.talk('1');
        let said = String::from_utf8(stage.world.take(talk)).unwrap();
        said.contains(" COMPRESS=DEFLATE")
    };
    say(&mut stage, b"a CAPABILITY\r\n");
    assert!(!capabilities(&mut stage), "before log-in");
    stage.logged_in('1');
    say(&mut stage, b"b CAPABILITY\r\n");
    assert!(capabilities(&mut stage));
    say(&mut stage, b"c COMPRESS DEFLATE\r\n");
    say(&mut stage, &deflated(&[b"d CAPABILITY\r\n"]));
    assert!(!capabilities(&mut stage), "it is active");
}

#[test]
fn twice_is_bad_and_says_why() {
    let mut stage = compressed();
    say(&mut stage, &deflated(&[b"b COMPRESS DEFLATE\r\nc NOOP\r\n"]));
    stage.play("1S: b BAD [COMPRESSIONACTIVE] DEFLATE is active already\n1S: c OK NOOP completed");
}

/// RFC 4978, 3: the client waits for the answer. Whether it did is found however its octets were cut.
#[test]
fn what_came_before_compression_ends_the_session() {
    for behind in ["b NOOP\r\n", "b", "\r\n"] {
        for read_max in [1, 1000] {
            let mut stage = Stage::selected(1, "1");
            let talk = stage.talk('1');
            stage.world.set_read_max(talk, read_max);
            say(&mut stage, format!("a COMPRESS DEFLATE\r\n{behind}").as_bytes());
            stage.play(
                "1S: a OK DEFLATE is active\n1S: * BYE Something came between COMPRESS and compression\n1 over",
            );
        }
    }
}

#[test]
fn what_cannot_be_inflated_ends_the_session() {
    let ended = miniz_oxide::deflate::compress_to_vec(b"b NOOP\r\n", 6);
    for (octets, why) in [
        (
            [&deflated(&[b"b NOOP\r\n"])[..], b"\x07"].concat(),
            "What came is not compressed as it should be",
        ),
        (ended, "Compression was ended"),
    ] {
        let mut stage = compressed();
        say(&mut stage, &octets);
        stage.play(&format!("1S: b OK NOOP completed\n1S: * BYE {why}\n1 over"));
    }
}

/// Threat: a kilooctet becomes a mebioctet. A line's and a literal's budgets hold for what it has become; in a message that fits them
/// the ratio tells.
#[test]
fn a_bomb_is_refused() {
    let zeros = |octets| miniz_oxide::deflate::compress_to_vec(&vec![b'x'; octets], 9);
    let mut stage = compressed();
    say(&mut stage, &zeros(3 << 20));
    let talk = stage.talk('1');
    let said = String::from_utf8(stage.world.take(talk)).unwrap();
    assert!(
        said.ends_with("* BYE Too much came of too few octets\r\n"),
        "{said}"
    );
    assert!(said.starts_with("* BAD The line is too long\r\n"), "{said}");
    assert!(stage.world.is_over(talk));

    let mut stage = compressed();
    say(&mut stage, &deflated(&[b"b APPEND INBOX {5000000}\r\n"]));
    stage.play("1S: + Ready for the message");
    say(&mut stage, &zeros(5_000_000));
    stage.play("1S: * BYE Too much came of too few octets\n1 over");
    assert!(!stage.effects().contains(&"FinishUpload"));
}

/// RFC 8437, 4.1: the client's layer ends behind its command, so that what follows may come with it.
#[test]
fn the_next_log_in_may_follow_uncompressed() {
    let mut stage = compressed();
    let next = b"c LOGIN user@example.com secret\r\nd COMPRESS DEFLATE\r\n";
    say(
        &mut stage,
        &[&deflated(&[b"b UNAUTHENTICATE\r\n"])[..], next].concat(),
    );
    stage.play("1S: b OK UNAUTHENTICATE completed\n1S: c OK ...\n1S: d OK DEFLATE is active");
    say(&mut stage, &deflated(&[b"e NOOP\r\n"]));
    stage.play("1S: e OK NOOP completed");
}

#[test]
fn nothing_compressed_may_follow_the_end() {
    let log_in = b"c LOGIN user@example.com secret\r\n";
    for said in [
        deflated(&[&[&b"b UNAUTHENTICATE\r\n"[..], log_in].concat()]),
        deflated(&[b"b UNAUTHENTICATE\r\nc"]),
    ] {
        for read_max in [1, 1000] {
            let mut stage = compressed();
            let talk = stage.talk('1');
            stage.world.set_read_max(talk, read_max);
            say(&mut stage, &said);
            stage.play(
                "1S: b OK UNAUTHENTICATE completed\n1S: * BYE What came is not compressed as it should be\n1 over",
            );
        }
    }
}

const CONVERSATION: &[&[u8]] = &[
    b"b FETCH 1:* (FLAGS BODY.PEEK[])\r\nc APPEND INBOX {20+}\r\nSubject: a\r\n\r\n",
    b"body\r\n\r\nd STORE 1 +FLAGS (\\Deleted)\r\ne EXPUNGE\r\nf SEARCH TEXT {5+}\r\nhello\r\n",
    b"g IDLE\r\nDONE\r\nh XYZZY\r\n",
    b"i UNAUTHENTICATE\r\n",
];

/// What is heard and done when reads give at most so many octets.
fn play(sizes: &[usize], read_max: usize) -> Summary {
    let mut stage = compressed();
    let talk = stage.talk('1');
    stage.world.set_read_max(talk, read_max);
    let plain = b"j LOGIN user@example.com secret\r\nk LOGOUT\r\n";
    let octets = [&deflated(CONVERSATION)[..], plain].concat();
    let (mut rest, mut sizes) = (&octets[..], sizes.iter().cycle());
    while !rest.is_empty() {
        let (now, later) = rest.split_at((*sizes.next().unwrap()).min(rest.len()));
        stage.world.feed(talk, now);
        rest = later;
    }
    stage.world.conversation(talk).unwrap().summary()
}

#[test]
fn the_conversation_is_answered() {
    let said = String::from_utf8(play(&[usize::MAX], usize::MAX).sent).unwrap();
    for expected in [
        "b OK", "c OK", "d OK", "e OK", "f OK", "g OK", "h BAD", "i OK", "j OK", "k OK",
    ] {
        assert!(
            said.lines().any(|line| line.starts_with(expected)),
            "no {expected} in {said}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_cut_is_the_same(sizes in proptest::collection::vec(1usize..80, 1..20), read_max in 1usize..80) {
        prop_assert_eq!(play(&sizes, read_max), play(&[usize::MAX], usize::MAX));
    }

    /// Whatever comes, the session keeps its side of the contract and ends.
    #[test]
    fn no_octets_break_it(octets in proptest::collection::vec(any::<u8>(), 0..300), size in 1usize..50) {
        let mut stage = compressed();
        let talk = stage.talk('1');
        octets.chunks(size).for_each(|part| stage.world.feed(talk, part));
        stage.world.close(talk);
        stage.world.advance(60_000);
        prop_assert!(stage.world.is_over(talk));
    }
}
