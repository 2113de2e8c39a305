//! Mail from other servers: what they may say, where mail may go, and where a message ends.

use proptest::prelude::*;

use super::*;

#[test]
fn a_server_brings_mail() {
    let mut post = Post::new();
    post.talk = join_from("192.0.2.1", &mut post.world, mx::session, settings());
    let hello = post.say("EHLO mx.example.org\r\n");
    assert_eq!(
        hello,
        "250-foo.edu\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-CHUNKING\r\n\
         250-ENHANCEDSTATUSCODES\r\n250 SIZE 10000\r\n"
    );
    let codes = post.codes(&format!(
        "{ENVELOPE}RCPT TO:<green@foo.edu>\r\nDATA\r\n{MESSAGE}.\r\nQUIT\r\n"
    ));
    let expected = [
        "250 2.1.0",
        "250 2.1.5",
        "250 2.1.5",
        "354 Send",
        "250 2.1.5",
        "221 2.0.0",
    ];
    assert_eq!(codes, expected, "one reply for both");
    assert_eq!(post.mails(), [1, 1, 0]);
    let head = String::from_utf8(post.asked().remove(0).head.to_vec()).unwrap();
    assert!(
        head.contains("\r\nReceived: from mx.example.org ([192.0.2.1])\r\n\tby foo.edu with ESMTP\r\n"),
        "{head}"
    );
}

#[test]
fn helo_has_no_extensions() {
    let mut post = Post::new();
    post.talk = join_from("192.0.2.1", &mut post.world, mx::session, settings());
    assert_eq!(post.say("HELO mx.example.org\r\n"), "250 foo.edu\r\n");
    post.say(&format!("{ENVELOPE}DATA\r\n"));
    assert_eq!(post.codes(&format!("{MESSAGE}.\r\n")), ["250 2.1.5"]);
    assert!(String::from_utf8_lossy(&post.asked().remove(0).head).contains(" with SMTP\r\n"));
}

#[test]
fn what_is_not_for_strangers() {
    for (line, code) in [
        ("LHLO x", "500 5.5.1"),
        ("AUTH PLAIN AHBhdEBmb28uZWR1AHg=", "502 5.5.1"),
        ("AUTH", "502 5.5.1"),
        ("MAIL FROM:<a@b> AUTH=<>", "555 5.5.4"),
        ("VRFY pat", "252 2.0.0"),
        ("EXPN staff", "502 5.5.1"),
        ("ETRN foo.edu", "502 5.5.1"),
        ("XCLIENT NAME=trusted.example LOGIN=root", "500 5.5.1"),
        ("PROXY TCP4 10.0.0.1 10.0.0.2 1 25", "500 5.5.1"),
        ("TURN", "500 5.5.1"),
        ("SEND FROM:<a@b>", "500 5.5.1"),
    ] {
        assert_eq!(Post::mx().codes(&format!("{line}\r\n")), [code], "{line}");
    }
}

/// Threats C11.
#[test]
fn nothing_is_relayed() {
    let mut post = Post::mx();
    post.say("MAIL FROM:<s@x.org>\r\n");
    for (path, code) in [
        ("<pat@foo.edu>", "250 2.1.5"),
        ("<Pat+list@FOO.edu>", "250 2.1.5"),
        ("<@relay.example:pat@foo.edu>", "250 2.1.5"),
        ("<nobody@foo.edu>", "550 5.1.1"),
        ("<pat%elsewhere.example@foo.edu>", "550 5.1.1"),
        ("<elsewhere.example!pat@foo.edu>", "550 5.1.1"),
        ("<\"pat@elsewhere.example\"@foo.edu>", "550 5.1.1"),
        ("<\"\"@foo.edu>", "550 5.1.1"),
        ("<pat@foo.edu@elsewhere.example>", "501 5.1.3"),
        ("<pat@elsewhere.example>", "550 5.7.1"),
        ("<@foo.edu:pat@elsewhere.example>", "550 5.7.1"),
        ("<\"pat@foo.edu\"@elsewhere.example>", "550 5.7.1"),
        ("<pat@[192.0.2.1]>", "550 5.7.1"),
    ] {
        post.world.advance(1000);
        assert_eq!(post.codes(&format!("RCPT TO:{path}\r\n")), [code], "{path}");
        post.say("RSET\r\nMAIL FROM:<s@x.org>\r\n");
    }
}

#[test]
fn a_hundred_recipients_are_a_setting_of_their_own() {
    let text = "[limits]\ninbound_recipients = 2\nrecipients = 3\n";
    let config = crate::config::parse("config.ini", text).unwrap();
    for (settings, allowed) in [(Settings::mx(&config), 2), (Settings::submission(&config), 3)] {
        let hostname = "foo.edu".to_owned();
        let mut post = Post::of(mx::session, Settings { hostname, ..settings });
        post.say("MAIL FROM:<>\r\n");
        for n in 0..=allowed {
            let code = if n < allowed { "250 2.1.5" } else { "452 4.5.3" };
            assert_eq!(post.codes(&format!("RCPT TO:<pat+{n}@foo.edu>\r\n")), [code]);
        }
    }
}

/// Threats A04: a message with a CR or LF alone in it is read to its true end; what was to be smuggled is never a command.
#[test]
fn lone_line_ends_refuse_the_message_at_its_true_end() {
    for fake in [
        "\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r\n.\r", ".\r\r\n", "\n", "\r",
    ] {
        let mut post = Post::mx();
        let text = format!("{ENVELOPE}DATA\r\na{fake}MAIL FROM:<smuggled@x.org>\r\n.\r\nNOOP\r\n");
        let expected = ["250 2.1.0", "250 2.1.5", "354 Send", "550 5.5.2", "250 2.0.0"];
        assert_eq!(post.codes(&text), expected, "{fake:?}");
        assert_eq!(post.mails(), [0, 0, 0]);
    }
    let mut post = Post::mx();
    let text = format!("{ENVELOPE}DATA\r\na\r\n\0.\r\nb\r\n.\r\n");
    assert_eq!(
        post.codes(&text).last().unwrap(),
        "250 2.1.5",
        "a NUL is no line end"
    );
}

#[test]
fn lone_line_ends_in_chunks() {
    for (chunks, code) in [
        ("BDAT 3\r\na\r\nBDAT 3 LAST\r\nb\r\n", "250 2.1.5"),
        ("BDAT 2\r\na\rBDAT 4 LAST\r\n\nb\r\n", "250 2.1.5"),
        ("BDAT 2\r\na\nBDAT 3 LAST\r\nb\r\n", "550 5.5.2"),
        ("BDAT 2\r\na\rBDAT 3 LAST\r\nb\r\n", "550 5.5.2"),
        ("BDAT 2 LAST\r\na\r", "550 5.5.2"),
        ("BDAT 1\r\naBDAT 0 LAST\r\n", "250 2.1.5"),
    ] {
        let mut post = Post::mx();
        post.say(ENVELOPE);
        assert_eq!(post.codes(chunks).last().unwrap(), code, "{chunks:?}");
        assert_eq!(post.codes("NOOP\r\n"), ["250 2.0.0"]);
    }
}

#[test]
fn the_last_chunk_has_one_reply_whatever_happens() {
    for (before, code) in [
        ("", "503 5.5.1"),
        ("MAIL FROM:<>\r\n", "503 5.5.1"),
        ("MAIL FROM:<>\r\nRCPT TO:<no@foo.edu>\r\n", "503 5.5.1"),
        (ENVELOPE, "250 2.1.5"),
    ] {
        let mut post = Post::mx();
        post.say(before);
        assert_eq!(post.codes("BDAT 4 LAST\r\nQUIT"), [code], "{before}");
    }
    let mut post = Post::mx();
    post.say(&format!("{ENVELOPE}RCPT TO:<green@foo.edu>\r\n"));
    assert_eq!(post.codes("BDAT 20000 LAST\r\n"), [""; 0]);
    assert_eq!(post.codes(&"x".repeat(20_000)), ["552 5.3.4"]);
}

proptest! {
    /// For all octets: as many messages end as there are `CRLF.CRLF`, and those without a CR or LF alone are taken.
    #[test]
    fn messages_are_counted_by_their_true_ends(octets in r"(\r\n\.\r\n|\r\n|[.a\r\n\x00]){0,24}") {
        let mut post = Post::mx();
        let envelope = format!("{ENVELOPE}DATA\r\n");
        post.say(&envelope);
        let mut answers = Vec::new();
        for octet in octets.as_bytes() {
            post.world.feed(post.talk, &[*octet]);
            let answer = post.codes_unasked();
            if !answer.is_empty() {
                answers.extend(answer);
                post.say(&envelope);
            }
        }
        let mut expected = Vec::new();
        let mut rest = format!("\r\n{octets}");
        while let Some((message, behind)) = rest.split_once("\r\n.\r\n") {
            let alone = message.replace("\r\n", "").contains(['\r', '\n']);
            expected.push(if alone { "550 5.5.2" } else { "250 2.1.5" });
            rest = format!("\r\n{behind}");
        }
        let taken = expected.iter().filter(|code| code.starts_with('2')).count();
        prop_assert_eq!(answers, expected);
        prop_assert_eq!(post.mails()[0], taken as u64);
    }
}
