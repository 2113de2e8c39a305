//! Servers that mean harm: every budget and every deadline ends in a clear outcome.

use super::*;

const QUIT: &str = "C: QUIT\nS: 221 bye\nover\n";

fn one_host(count: &[u8]) -> Job {
    let mut job = job(count);
    job.hosts.truncate(1);
    job
}

/// What becomes of a message whose server says this.
fn told(said: &[u8]) -> String {
    let mut play = Play::new(one_host(&[1]));
    play.world.feed(play.talk, said);
    assert!(play.world.is_over(play.talk), "{}", said.escape_ascii());
    play.fates().join("|")
}

#[test]
fn replies_that_are_none() {
    assert_eq!(
        told(b"HTTP/1.1 400 Bad Request\r\n"),
        "0: later 4.5.0 what was answered is no reply of SMTP"
    );
    assert_eq!(told(b"220 a\0b\r\n"), "0: later 4.5.0 a reply has a NUL in it");
    assert_eq!(
        told(b"220 a\rb\r\n"),
        "0: later 4.5.0 a line of a reply has no proper end"
    );
    assert_eq!(
        told(&[b'2'; 5_000]),
        "0: later 4.5.0 a line of a reply is too long"
    );
    assert_eq!(
        told(&b"220-x\r\n".repeat(10_000)),
        "0: later 4.5.0 a reply has too many lines"
    );
    let keywords: String = (0..10_000).map(|number| format!("250-X{number}\r\n")).collect();
    assert_eq!(
        told(format!("220 x\r\n{keywords}250 end\r\n").as_bytes()),
        "0: later 4.5.0 a reply has too many lines"
    );
    assert_eq!(
        told(b"250 not a greeting\r\n"),
        "0: later 4.5.0 A reply does not fit the command"
    );
    assert_eq!(
        told(b"220 x\r\n354 what\r\n"),
        "0: later 4.5.0 A reply does not fit the command"
    );
    // DATA that is done before it has begun.
    assert_eq!(
        told(b"220 x\r\n250 x\r\n250 ok\r\n250 ok\r\n250 done\r\n"),
        "0: later 4.5.0 A reply does not fit the command"
    );
    assert_eq!(
        told(b"220 x\r\n250 x\r\n354 ok\r\n"),
        "0: later 4.5.0 A reply does not fit the command"
    );
}

/// Threats A09: what a server says is safe in a log and in a report.
#[test]
fn words_of_a_server_are_harmless() {
    let said = "220 x\r\n250 x\r\n550 5.1.1 a\t\x1b[31mb\u{202e}\x7f\r\n221 bye\r\n";
    assert_eq!(told(said.as_bytes()), "0: refused 550 5.1.1 a??[31mb??");
}

/// One octet after the other is no progress: the time of a command is that of its whole reply (RFC 5321, 4.5.3.2).
#[test]
fn a_slow_reply_is_a_late_one() {
    for (before, minutes) in [
        ("", 5),
        ("220 x\r\n250 x\r\n", 5),
        ("220 x\r\n250 x\r\n250 ok\r\n250 ok\r\n", 2),
    ] {
        let mut play = Play::new(one_host(&[1]));
        play.world.feed(play.talk, before.as_bytes());
        play.world.feed(play.talk, b"250");
        for _ in 0..minutes * 60 {
            assert!(!play.world.is_over(play.talk), "too early: {before}");
            play.world.feed(play.talk, b"-");
            play.world.advance(1_000);
        }
        assert!(play.world.is_over(play.talk), "{before}");
        assert_eq!(
            play.fates(),
            ["0: later 4.4.2 The server has not answered in time"]
        );
    }
}

/// Each whole reply has its own time, but a server that is in no hurry keeps no more than its recipients.
#[test]
fn every_reply_has_its_time() {
    let mut play = Play::new(one_host(&[3]));
    play.world
        .feed(play.talk, b"220 x\r\n250-x\r\n250 PIPELINING\r\n");
    for reply in ["250 ok\r\n", "250 ok\r\n", "550 a\r\n", "550 b\r\n"] {
        play.world.advance(4 * 60_000);
        play.world.feed(play.talk, reply.as_bytes());
    }
    assert!(!play.world.is_over(play.talk));
    play.world.advance(2 * 60_000);
    assert!(play.world.is_over(play.talk));
}

/// A server that takes one recipient of a hundred at a time is sent as many transactions, and no more.
#[test]
fn a_server_that_always_has_too_many_comes_to_an_end() {
    let mut play = Play::new(one_host(&[10]));
    play.world
        .feed(play.talk, b"220 x\r\n250-x\r\n250 PIPELINING\r\n");
    for left in (0..10).rev() {
        let replies = format!(
            "250 ok\r\n250 ok\r\n{}354 go\r\n250 taken\r\n",
            "452 too many\r\n".repeat(left)
        );
        play.world.feed(play.talk, replies.as_bytes());
    }
    play.world.feed(play.talk, b"221 bye\r\n");
    assert_eq!(play.fates().len(), 10);
    assert_eq!(play.sent().matches("DATA").count(), 10);
}

/// A server that closes after each message is asked again as long as it takes some, and once more at most.
#[test]
fn a_server_that_closes_comes_to_an_end() {
    let mut play = Play::new(one_host(&[1, 1, 1]));
    let taken = "S: 220 x\nC: EHLO us.example\nS: 250-x\nS: 250 PIPELINING\n";
    let content = "C: Received: x\nC: Subject: hi\nC:\nC: Hello\nC: .\n";
    let message = |number: u8| {
        format!(
            "C: MAIL FROM:<s{number}@x.org>\nC: RCPT TO:<a{number}@y.org>\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n{content}S: 250 taken\n"
        )
    };
    play.play(&format!(
        "-> 192.0.2.1\n{taken}{}C: MAIL FROM:<s1@x.org>\nC: RCPT TO:<a1@y.org>\nC: DATA\nclose\n",
        message(0)
    ));
    play.play(&format!(
        "-> 192.0.2.1\n{taken}{}C: MAIL FROM:<s2@x.org>\nC: RCPT TO:<a2@y.org>\nC: DATA\nclose\n",
        message(1)
    ));
    play.play("-> 192.0.2.1\nclose\nover");
    let closed = "later 4.4.2 The server has closed the connection";
    assert_eq!(
        play.fates(),
        [
            "0: delivered 250 taken",
            "10: delivered 250 taken",
            &format!("20: {closed}")
        ]
    );
}

/// TLS that never ends, and a connection that never stands.
#[test]
fn what_never_comes_is_not_waited_for() {
    let mut client = Client::new(one_host(&[1]), Settings::default());
    // Gives an input, or lets the time come that the client waits for; whether it is not over.
    let mut until_ms = 0;
    let mut give = |client: &mut Client, input: Input| {
        let late = matches!(input, Input::Tick);
        let now = Time {
            mono_ms: if late { until_ms } else { 0 },
            unix_ms: 0,
        };
        client.handle(now, input);
        loop {
            match client.poll() {
                Step::Act(_) => {}
                Step::Wait { until, .. } => {
                    until_ms = until.unwrap().at_ms(now);
                    return true;
                }
                Step::Over => return false,
            }
        }
    };
    let peer = crate::machine::Peer {
        address: Some([192, 0, 2, 1].into()),
        tls: None,
    };
    assert!(give(&mut client, Input::Tick));
    assert!(give(&mut client, Input::Connected(Ok(peer))));
    let octets = Bytes::from_static(b"220 x\r\n250-x\r\n250 STARTTLS\r\n220 go\r\n");
    assert!(give(&mut client, Input::Bytes { octets, waited: true }));
    assert!(
        give(&mut client, Input::Tick),
        "the host is asked again, without TLS"
    );
    assert!(!give(&mut client, Input::Tick));
    let report = client.report();
    assert_eq!(report.connections, 2);
    assert_eq!(
        fate(&report.done[0].fate),
        "later 4.4.1 The server cannot be reached: no answer in time"
    );
}

/// A drain lets a message come to its end and begins none.
#[test]
fn a_drain_ends_what_has_begun() {
    let down = "later 4.3.2 We are shutting down";
    let envelope = "C: MAIL FROM:<s0@x.org>\nC: RCPT TO:<a0@y.org>\nC: DATA\nS: 250 ok\nS: 250 ok\n";
    let hello = format!("-> 192.0.2.1\n{HELLO}");
    for script in ["-> 192.0.2.1", &hello, &format!("{}{envelope}", offering("X"))] {
        let mut play = Play::new(job(&[1, 1]));
        play.play(script);
        play.world.shutdown();
        assert!(play.world.is_over(play.talk), "{script}");
        assert_eq!(play.fates(), [format!("0: {down}"), format!("10: {down}")]);
    }
    let mut play = Play::new(job(&[1, 1]));
    play.play(&format!(
        "{}{envelope}S: 354 go\nC: Received: x\nC: Subject: hi\nC:\nC: Hello\nC: .\n",
        offering("X")
    ));
    play.world.shutdown();
    play.play(&format!("S: 250 taken\n{QUIT}"));
    assert_eq!(
        play.fates(),
        ["0: delivered 250 taken".to_owned(), format!("10: {down}")]
    );
}

/// Whoever stops a client learns what may have arrived.
#[test]
fn a_client_that_is_stopped_has_a_report() {
    let envelope =
        "C: MAIL FROM:<s0@x.org>\nC: RCPT TO:<a0@y.org>\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n";
    let mut play = Play::new(job(&[1, 1]));
    play.play(&format!(
        "{}{envelope}C: Received: x\nC: Subject: hi\nC:\nC: Hello\nC: .\n",
        offering("X")
    ));
    let stopped = "4.3.0 The client was stopped";
    assert_eq!(
        play.fates(),
        [format!("0: unknown {stopped}"), format!("10: later {stopped}")]
    );
}
