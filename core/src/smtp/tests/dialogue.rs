//! The examples of the RFCs, and each command in and out of its place.

use super::*;

#[test]
fn the_example_of_rfc_2033() {
    let mut post = Post::new();
    let hello = post.say("LHLO foo.edu\r\n");
    assert_eq!(
        hello,
        "250-foo.edu\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-CHUNKING\r\n\
         250-ENHANCEDSTATUSCODES\r\n250 SIZE 10000\r\n"
    );
    assert_eq!(post.codes("MAIL FROM:<chris@bar.com>\r\n"), ["250 2.1.0"]);
    assert_eq!(post.codes("RCPT TO:<pat@foo.edu>\r\n"), ["250 2.1.5"]);
    assert_eq!(post.codes("RCPT TO:<jones@foo.edu>\r\n"), ["550 5.1.1"]);
    assert_eq!(post.codes("RCPT TO:<green@foo.edu>\r\n"), ["250 2.1.5"]);
    assert!(post.say("DATA\r\n").starts_with("354 "));
    assert_eq!(
        post.codes("Blah blah blah...\r\n...etc. etc. etc.\r\n.\r\n"),
        ["250 2.1.5", "250 2.1.5"]
    );
    assert_eq!(post.codes("QUIT\r\n"), ["221 2.0.0"]);
    assert!(post.is_over());
    assert_eq!(post.mails(), [1, 1, 0]);
    let bodies: Vec<_> = post.world.stage.objects.values().cloned().collect();
    assert_eq!(bodies, [&b"Blah blah blah...\r\n..etc. etc. etc.\r\n"[..]]);
    assert_eq!(post.world.check(), Vec::<String>::new());
}

#[test]
fn one_write_holds_two_mails() {
    let mut post = Post::new();
    let mail = |n: u8| format!("{ENVELOPE}DATA\r\n{MESSAGE}{n}\r\n.\r\n");
    let codes = post.codes(&format!("{LHLO}{}{}QUIT\r\n", mail(1), mail(2)));
    let one = ["250 2.1.0", "250 2.1.5", "354 Send", "250 2.1.5"];
    assert_eq!(
        codes,
        [&["250 SIZE"], &one[..], &one[..], &["221 2.0.0"]].concat()
    );
    assert_eq!(post.mails(), [2, 0, 0]);
}

#[test]
fn commands_before_hello() {
    for (line, code) in [
        ("MAIL FROM:<>", "503 5.5.1"),
        ("RCPT TO:<pat@foo.edu>", "503 5.5.1"),
        ("DATA", "503 5.5.1"),
        ("HELO x", "500 5.5.1"),
        ("EHLO x", "500 5.5.1"),
        ("LHLO", "501 5.5.4"),
        ("NOOP", "250 2.0.0"),
        ("RSET", "250 2.0.0"),
    ] {
        assert_eq!(Post::new().codes(&format!("{line}\r\n")), [code], "{line}");
    }
    assert!(Post::new().say("EHLO x\r\n").contains("LHLO"));
}

#[test]
fn every_command_in_its_place() {
    let envelope = ENVELOPE;
    for (before, line, code) in [
        ("", "mail from:<a@b> size=1", "250 2.1.0"),
        ("", "MAIL FROM: <a@b>", "250 2.1.0"),
        ("", "MAIL FROM:<>", "250 2.1.0"),
        ("", "MAIL FROM:a@b", "501 5.1.7"),
        ("", "MAIL TO:<a@b>", "501 5.5.4"),
        ("", "MAIL", "501 5.5.4"),
        ("", "MAIL FROM:<a@b>SIZE=1", "501 5.5.4"),
        ("", "MAIL FROM:<a@b> SIZE=10000", "250 2.1.0"),
        ("", "MAIL FROM:<a@b> SIZE=10001", "552 5.3.4"),
        ("", "MAIL FROM:<a@b> RET=FULL", "555 5.5.4"),
        ("", "MAIL FROM:<ä@b>", "550 5.6.7"),
        ("", "MAIL FROM:<ä@b> SMTPUTF8", "250 2.1.0"),
        ("", "RCPT TO:<pat@foo.edu>", "503 5.5.1"),
        ("", "DATA", "503 5.5.1"),
        (envelope, "MAIL FROM:<a@b>", "503 5.5.1"),
        ("MAIL FROM:<>\r\n", "DATA", "503 5.5.1"),
        ("MAIL FROM:<>\r\nRCPT TO:<no@foo.edu>\r\n", "DATA", "503 5.5.1"),
        (envelope, "DATA x", "501 5.5.4"),
        ("MAIL FROM:<>\r\n", "RCPT TO:<>", "501 5.1.3"),
        ("MAIL FROM:<>\r\n", "RCPT TO:pat@foo.edu", "501 5.1.3"),
        ("MAIL FROM:<>\r\n", "RCPT FROM:<pat@foo.edu>", "501 5.5.4"),
        (
            "MAIL FROM:<>\r\n",
            "RCPT TO:<pat@foo.edu> NOTIFY=NEVER",
            "555 5.5.4",
        ),
        ("MAIL FROM:<>\r\n", "RCPT TO:<ä@foo.edu>", "553 5.6.7"),
        ("MAIL FROM:<> SMTPUTF8\r\n", "RCPT TO:<ä@foo.edu>", "550 5.1.1"),
        ("MAIL FROM:<>\r\n", "RCPT TO:<Pat+News@FOO.edu>", "250 2.1.5"),
        ("MAIL FROM:<>\r\n", "RCPT TO:<postmaster>", "250 2.1.5"),
        ("MAIL FROM:<>\r\n", "RCPT TO:<@a.b,@c.d:pat@foo.edu>", "250 2.1.5"),
        ("", "VRFY pat", "252 2.0.0"),
        ("", "VRFY", "501 5.5.4"),
        ("", "EXPN list", "502 5.5.1"),
        ("", "HELP", "214 2.0.0"),
        ("", "NOOP whatever", "250 2.0.0"),
        ("", "RSET now", "501 5.5.4"),
        ("", "QUIT now", "501 5.5.4"),
        ("", "STARTTLS", "502 5.5.1"),
        ("", "", "500 5.5.1"),
        ("", "NOOP \u{7}", "500 5.5.2"),
    ] {
        let mut post = Post::greeted();
        post.say(before);
        assert_eq!(post.codes(&format!("{line}\r\n")), [code], "{before:?} {line:?}");
        assert!(!post.is_over());
    }
}

#[test]
fn octets_that_are_not_text() {
    let mut post = Post::greeted();
    post.world.feed(post.talk, b"MAIL FROM:<\xff@b>\r\nNOOP \0\r\n");
    assert_eq!(post.codes("\r\n"), ["500 5.5.2", "500 5.5.2", "500 5.5.1"]);
}

#[test]
fn a_new_hello_and_rset_end_the_transaction() {
    for end in [LHLO, "RSET\r\n"] {
        let mut post = Post::greeted();
        post.say(ENVELOPE);
        post.say(end);
        assert_eq!(post.codes("DATA\r\n"), ["503 5.5.1"]);
        assert_eq!(post.codes("MAIL FROM:<>\r\n"), ["250 2.1.0"]);
    }
}

#[test]
fn an_address_given_twice_is_answered_twice_and_delivered_once() {
    let mut post = Post::greeted();
    let rcpt = "RCPT TO:<pat@foo.edu>\r\nRCPT TO:<green@foo.edu>\r\nRCPT TO:<pat@FOO.edu>\r\n";
    post.say(&format!("MAIL FROM:<>\r\n{rcpt}DATA\r\n"));
    assert_eq!(post.codes(&format!("{MESSAGE}.\r\n")), ["250 2.1.5"; 3]);
    assert_eq!(post.mails(), [1, 1, 0]);
}

#[test]
fn heads_are_per_recipient_and_bounded() {
    let mut post = Post::new();
    post.say("LHLO evil) by (us\r\nMAIL FROM:<Chris@Bar.COM> SMTPUTF8\r\n");
    post.say("RCPT TO:<Pat+x@foo.EDU>\r\nRCPT TO:<green@foo.edu>\r\nDATA\r\n");
    post.say(&format!("{MESSAGE}.\r\n"));
    let heads: Vec<_> = post
        .asked()
        .iter()
        .map(|one| String::from_utf8(one.head.to_vec()).unwrap())
        .collect();
    let (object, _) = post.world.stage.objects.first_key_value().unwrap();
    let head = |to: &str| {
        format!(
            "Return-Path: <Chris@bar.com>\r\nDelivered-To: {to}\r\nReceived: from evil??by??us\r\n\tby foo.edu with \
             UTF8LMTP\r\n\tid {object};\r\n\tWed, 25 Feb 2026 06:13:20 +0000\r\n"
        )
    };
    assert_eq!(heads, [head("Pat+x@foo.edu"), head("green@foo.edu")]);
}

#[test]
fn the_longest_head_fits() {
    let mut post = Post::new();
    post.say(&format!("LHLO {}\r\n", "ü".repeat(2000)));
    let domain = ["d".repeat(63), "d".repeat(63), "d".repeat(61)].join(".");
    post.say(&format!("MAIL FROM:<{}@{domain}>\r\n", "s".repeat(64)));
    post.say(&format!("RCPT TO:<pat+{}@foo.edu>\r\nDATA\r\n", "p".repeat(60)));
    assert_eq!(post.codes(&format!("{MESSAGE}.\r\n")), ["250 2.1.5"]);
    let head = post.asked().remove(0).head;
    assert!(
        head.len() + 255 + 190 <= Recipient::HEAD_MAX,
        "with the longest name of ours and the longest domain of theirs"
    );
    assert!(head.split(|octet| *octet == b'\n').all(|line| line.len() < 998));
}
