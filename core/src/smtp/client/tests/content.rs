//! What goes out between DATA and its end, and what is known of a message that was lost there.

use proptest::prelude::*;

use super::*;
use crate::wire::dot::{Bare, Decoder, Piece};

const BEGIN: &str =
    "C: MAIL FROM:<s0@x.org>\nC: RCPT TO:<a0@y.org>\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n";

fn one_host(mut job: Job) -> Job {
    job.hosts.truncate(1);
    job
}

/// What is sent of a body between the reply to DATA and QUIT.
fn content(head: &[u8], body: &[u8]) -> Vec<u8> {
    let mut job = one_host(job(&[1]));
    job.deliveries[0].head = Bytes::copy_from_slice(head);
    let mut play = Play::with(job, body, &[]);
    play.world.feed(
        play.talk,
        b"220 x\r\n250-x\r\n250 PIPELINING\r\n250 ok\r\n250 ok\r\n",
    );
    play.world.take(play.talk);
    play.world.feed(play.talk, b"354 go\r\n");
    let sent = play.world.take(play.talk);
    play.world.feed(play.talk, b"250 ok\r\n221 bye\r\n");
    assert!(play.world.is_over(play.talk));
    sent
}

/// RFC 5321, 4.5.2.
#[test]
fn dots_are_doubled_and_lines_are_whole() {
    assert_eq!(content(b"", b""), b".\r\n");
    assert_eq!(content(b"A: 1\r\n", b""), b"A: 1\r\n.\r\n");
    assert_eq!(
        content(b".A: 1\r\n", b".\r\n..\r\nx"),
        b"..A: 1\r\n..\r\n...\r\nx\r\n.\r\n"
    );
    // Threats A04: whatever a server takes for a line's end, no dot stands alone behind it.
    assert_eq!(
        content(b"", b"a\n.\nb\r.\rc\r\n.\r"),
        b"a\r\n..\r\nb\r\n..\r\nc\r\n..\r\n.\r\n"
    );
}

/// RFC 3030, 2 and 3: binary mail goes as it is, counted, once it is known that somebody takes it.
#[test]
fn bdat_counts_and_does_not_change() {
    let mut job = one_host(job(&[2, 1]));
    for recipient in &mut job.deliveries[0].recipients {
        recipient.options.body = MailBody::Binary;
    }
    let mut play = Play::with(job, b"\n.\r\0\xff", &[]);
    play.world.feed(
        play.talk,
        b"220 x\r\n250-x\r\n250-CHUNKING\r\n250-BINARYMIME\r\n250 PIPELINING\r\n",
    );
    play.world.take(play.talk);
    play.world.feed(play.talk, b"250 ok\r\n550 no\r\n");
    assert_eq!(play.world.take(play.talk), b"", "before all recipients are known");
    play.world.feed(play.talk, b"250 ok\r\n");
    assert_eq!(
        play.world.take(play.talk),
        b"BDAT 18 LAST\r\nReceived: x\r\n\n.\r\0\xff"
    );
    play.world.feed(play.talk, b"552 5.3.4 no\r\n");
    // Behind chunks that were refused comes RSET.
    assert_eq!(
        play.world.take(play.talk),
        b"RSET\r\nMAIL FROM:<s1@x.org>\r\nRCPT TO:<a1@y.org>\r\nDATA\r\n"
    );
    play.world
        .feed(play.talk, b"250 ok\r\n550 a\r\n503 b\r\n503 c\r\n221 bye\r\n");
    assert_eq!(
        play.fates(),
        [
            "0: refused 550 no",
            "1: refused 552 5.3.4 no",
            "10: refused 550 a"
        ]
    );
}

/// RFC 5321, 4.5.3.2.6: behind its end a message may have arrived, before it cannot.
#[test]
fn what_is_lost_behind_the_end_may_have_arrived() {
    let closed = "4.4.2 The server has closed the connection";
    let late = "4.4.2 The server has not answered in time";
    let sent = "C: Received: x\nC: Subject: hi\nC:\nC: Hello\nC: .\n";
    for (end, fate) in [
        (format!("{sent}close"), format!("0: unknown {closed}")),
        (format!("{sent}time 9m\ntime 1m"), format!("0: unknown {late}")),
        (format!("{sent}S| 25\nclose"), format!("0: unknown {closed}")),
        (
            format!("{sent}S: what?"),
            "0: unknown 4.5.0 what was answered is no reply of SMTP".to_owned(),
        ),
        (
            format!("{sent}S: 354 more?"),
            "0: unknown 4.5.0 A reply does not fit the command".to_owned(),
        ),
    ] {
        let mut play = Play::new(one_host(job(&[1])));
        play.play(&format!("{}{BEGIN}{end}\nover", offering("X")));
        assert_eq!(play.fates(), [fate]);
    }
    for (end, fate) in [("close", closed), ("time 5m", late)] {
        let mut play = Play::new(one_host(job(&[1])));
        let envelope = "C: MAIL FROM:<s0@x.org>\nC: RCPT TO:<a0@y.org>\nC: DATA\nS: 250 ok\nS: 250 ok\n";
        play.play(&format!("{}{envelope}{end}\nover", offering("X")));
        assert_eq!(play.fates(), [format!("0: later {fate}")]);
    }
}

/// A body that cannot be read, before its first octet or behind it: the lone dot is never sent, and the others have their turn.
#[test]
fn half_a_message_is_never_ended() {
    for (fault, heard) in [
        (Fault::before("SendObject", 1), ""),
        (Fault::after("SendObject", 1), "C: Received: x\n"),
    ] {
        let mut play = Play::with(one_host(job(&[1, 1])), MESSAGE.as_bytes(), &[fault]);
        let second = "C: MAIL FROM:<s1@x.org>\nC: RCPT TO:<a1@y.org>\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n\
                      C: Received: x\nC: Subject: hi\nC:\nC: Hello\nC: .\nS: 250 taken\nC: QUIT\nS: 221 bye\nover";
        play.play(&format!("{}{BEGIN}{heard}", offering("X")));
        play.said.clear();
        play.play(&format!("{}{second}", offering("X")));
        let fates = play.fates();
        assert!(fates[0].starts_with("0: later 4."), "{fates:?}");
        assert_eq!(fates[1], "10: delivered 250 taken");
    }
}

/// The connection breaks while the body goes out.
#[test]
fn a_message_that_was_cut_is_sent_another_day() {
    let mut job = one_host(job(&[1]));
    for body in [MailBody::SevenBit, MailBody::Binary] {
        job.deliveries[0].recipients[0].options.body = body;
        let mut play = Play::with(job.clone(), MESSAGE.as_bytes(), &[Fault::after("SendObject", 1)]);
        play.world.feed(play.talk, b"220 x\r\n250-x\r\n250-CHUNKING\r\n250-BINARYMIME\r\n250 PIPELINING\r\n250 ok\r\n250 ok\r\n354 go\r\n");
        let again = play
            .actions()
            .iter()
            .filter(|action| matches!(action, Action::Connect(_)))
            .count();
        assert_eq!((again, play.world.is_over(play.talk)), (1, true));
        assert!(play.fates()[0].starts_with("0: later "));
    }
}

/// Messages that a server sees, which takes CRLF for a line's end, or LF and CR as well.
fn seen(sent: &[u8], lenient: bool) -> usize {
    if !lenient {
        let (mut decoder, mut input) = (Decoder::new(Bare::Report), Bytes::copy_from_slice(sent));
        let pieces = std::iter::from_fn(|| decoder.next(&mut input));
        return pieces
            .filter(|piece| matches!(piece, Piece::End { bare: false }))
            .count();
    }
    let text: Vec<u8> = sent
        .iter()
        .map(|octet| if *octet == b'\r' { b'\n' } else { *octet })
        .collect();
    text.split(|octet| *octet == b'\n')
        .filter(|line| *line == b".")
        .count()
}

proptest! {
    /// Threats A04: one message in, one message out, for strict and for lenient servers; and it is the same message.
    #[test]
    fn one_message_is_one_message(head in "([.a]{0,3}\r\n){0,3}", body in "[.a\r\n]{0,40}") {
        let sent = content(head.as_bytes(), body.as_bytes());
        prop_assert!(sent.ends_with(b".\r\n"));
        prop_assert_eq!((seen(&sent, false), seen(&sent, true)), (1, 1));
        let text = format!("{head}{body}");
        let whole = content(b"", text.as_bytes());
        prop_assert_eq!(sent, whole);
    }
}
