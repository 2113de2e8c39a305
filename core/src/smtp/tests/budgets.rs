//! Limits on what a peer may do, and how it ends.

use bytes::Bytes;

use super::*;
use crate::machine::{Due, Input, Machine, Step, Time};

#[test]
fn a_line_over_the_budget() {
    let mut post = Post::greeted();
    let noop = |octets: usize| format!("NOOP {}\r\n", "x".repeat(octets - 7));
    assert_eq!(post.codes(&noop(4096)), ["250 2.0.0"]);
    assert_eq!(post.codes(&noop(4097)), ["500 5.5.6"]);
    assert_eq!(post.codes(&noop(1_000_000)), ["500 5.5.6"]);
    assert_eq!(post.codes("NOOP\r\n"), ["250 2.0.0"]);
}

#[test]
fn recipients_over_the_budget() {
    let mut post = Post::greeted();
    post.say("MAIL FROM:<>\r\n");
    let codes = post.codes(&"RCPT TO:<pat@foo.edu>\r\n".repeat(6));
    assert_eq!(
        codes,
        [
            "250 2.1.5",
            "250 2.1.5",
            "250 2.1.5",
            "250 2.1.5",
            "250 2.1.5",
            "452 4.5.3"
        ]
    );
}

#[test]
fn bad_commands_are_slowed_down_then_closed() {
    let mut post = Post::greeted();
    let codes = post.codes(&"X\r\n".repeat(100));
    assert_eq!(
        codes.len(),
        11,
        "ten at once, the eleventh before the first pause"
    );
    for bad in 12..20 {
        assert!(!post.world.conversation(post.talk).unwrap().wants_bytes());
        post.world.advance(999);
        assert!(post.codes_unasked().is_empty(), "{bad}");
        post.world.advance(1);
        assert_eq!(post.codes_unasked(), ["500 5.5.1"], "{bad}");
    }
    post.world.advance(1000);
    assert_eq!(post.codes_unasked(), ["500 5.5.1", "421 4.7.0"]);
    assert!(post.is_over());
}

#[test]
fn unknown_recipients_are_no_bad_commands() {
    let mut post = Post::greeted();
    post.say("MAIL FROM:<>\r\n");
    assert_eq!(
        post.codes(&"RCPT TO:<no@foo.edu>\r\n".repeat(50)),
        ["550 5.1.1"; 50]
    );
}

#[test]
fn commands_that_bring_no_mail_on() {
    let mut post = Post::new();
    let codes = post.codes(&"NOOP\r\n".repeat(200));
    assert_eq!(codes.len(), 111);
    post.world.advance(20_000);
    assert_eq!(post.codes_unasked().last().unwrap(), "421 4.7.0");
    // A delivered message clears the account.
    let mut post = Post::greeted();
    for _ in 0..5 {
        post.say(&"RSET\r\n".repeat(90));
        assert_eq!(
            post.codes(&format!("{ENVELOPE}DATA\r\n{MESSAGE}.\r\n"))
                .last()
                .unwrap(),
            "250 2.1.5"
        );
    }
}

#[test]
fn http_is_turned_away_at_the_first_line() {
    for first in [
        "GET / HTTP/1.1",
        "POST /x HTTP/1.0",
        "Host: foo.edu",
        "options * HTTP/1.1",
    ] {
        let mut post = Post::new();
        assert_eq!(
            post.codes(&format!("{first}\r\n{LHLO}")),
            ["421 4.7.0"],
            "{first}"
        );
        assert!(post.is_over());
    }
    let mut post = Post::greeted();
    assert_eq!(post.codes("GET / HTTP/1.1\r\n"), ["500 5.5.1"]);
}

#[test]
fn silence_ends_the_session() {
    for before in [
        "",
        ENVELOPE,
        "MAIL FROM:<>\r\nRCPT TO:<pat@foo.edu>\r\nDATA\r\nhalf",
        "RCPT",
    ] {
        let mut post = Post::greeted();
        post.say(before);
        post.world.advance(299_999);
        assert_eq!(post.codes_unasked(), Vec::<String>::new());
        post.world.advance(1);
        assert_eq!(
            (post.codes_unasked(), post.is_over()),
            (vec!["421 4.4.2".to_owned()], true)
        );
        assert_eq!(post.mails(), [0, 0, 0]);
    }
}

#[test]
fn the_hello_has_one_deadline() {
    let mut post = Post::new();
    for _ in 0..7 {
        post.say("x");
        post.world.advance(40_000);
    }
    assert!(!post.is_over());
    post.world.advance(40_000);
    assert_eq!(
        (post.codes_unasked(), post.is_over()),
        (vec!["421 4.4.2".to_owned()], true)
    );
}

/// A peer whose octets and whose deadline come together is not given more time.
#[test]
fn octets_do_not_put_the_hello_off() {
    let mut server = lmtp::session(
        Peer {
            address: None,
            tls: None,
        },
        Arc::new(settings()),
        Seed::new([1; 32]),
    );
    let mut say = |mono_ms, text: &'static str| {
        let (now, octets) = (Time { mono_ms, unix_ms: 0 }, Bytes::from(text));
        server.handle(now, Input::Bytes { octets, waited: true });
        while let Step::Act(_) = server.poll() {}
        server.poll()
    };
    let wait = Step::Wait {
        bytes: true,
        until: Some(Due::At(300_000)),
    };
    assert_eq!(say(0, "x"), wait);
    assert_eq!(say(299_999, "x"), wait);
    assert_eq!(say(300_000, "x"), Step::Over);
}

/// Octets that never cease and never suffice.
#[test]
fn a_message_has_to_come_along() {
    for (begin, trickle) in [("DATA\r\n", "x"), ("BDAT 1000000 LAST\r\n", "x")] {
        let mut post = Post::with(Settings {
            data_rate: 500,
            slow_ms: 30_000,
            message_size_max: 1_000_000,
            ..settings()
        });
        post.say(LHLO);
        post.say(&format!("{ENVELOPE}{begin}{}", "y".repeat(5_000)));
        for _ in 0..4 {
            post.world.advance(10_000);
            assert_eq!(post.say(trickle), "", "30 s, and 10 s for 5,000 octets");
        }
        post.world.advance(10_000);
        assert_eq!(post.codes(trickle), ["421 4.4.2"]);
        assert_eq!((post.mails(), post.is_over()), (vec![0, 0, 0], true));
    }
}

/// What is refused comes along too.
#[test]
fn a_refused_chunk_may_be_long() {
    let mut post = Post::with(Settings {
        data_rate: 500,
        slow_ms: 1_000,
        message_size_max: 10,
        ..settings()
    });
    post.say(LHLO);
    post.say(&format!("{ENVELOPE}BDAT 40000 LAST\r\n"));
    for _ in 0..3 {
        assert_eq!(post.say(&"x".repeat(10_000)), "");
        post.world.advance(20_000);
    }
    assert_eq!(post.codes(&"x".repeat(10_000)), ["552 5.3.4"]);
}

#[test]
fn draining_ends_an_idle_session_and_finishes_a_mail() {
    let mut post = Post::greeted();
    post.say(ENVELOPE);
    post.world.shutdown();
    assert_eq!(
        (post.codes_unasked(), post.is_over()),
        (vec!["421 4.3.2".to_owned()], true)
    );

    let mut post = Post::greeted();
    post.say(&format!("{ENVELOPE}DATA\r\nhalf"));
    post.world.shutdown();
    assert_eq!(post.codes_unasked(), Vec::<String>::new());
    assert_eq!(post.codes("\r\n.\r\nNOOP\r\n"), ["250 2.1.5", "421 4.3.2"]);
    assert_eq!((post.mails(), post.is_over()), (vec![1, 0, 0], true));
}

/// While an effect is in flight nothing is read, so what one drain sends depends on no announcement.
#[test]
fn bounded() {
    let mut post = Post::with(Settings {
        message_size_max: 100_000_000,
        ..settings()
    });
    post.say(LHLO);
    post.say(&format!(
        "{ENVELOPE}BDAT 50000000 LAST\r\n{}",
        "x".repeat(3_000_000)
    ));
    let conversation = post.world.conversation(post.talk).unwrap();
    let peaks = conversation.peaks();
    assert!(
        peaks.send < 300 && peaks.effects == 1 && peaks.uploads == 1,
        "{peaks:?}"
    );
    let largest = conversation.actions().iter().map(|action| match action {
        crate::machine::Action::Feed(_, octets) => octets.len(),
        _ => 0,
    });
    assert!(largest.max() <= Some(crate::machine::READ_MAX));
}
