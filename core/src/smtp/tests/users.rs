//! Submission: what users may send, and as whom (RFC 6409).

use super::*;
use crate::config::Plaintext;
use crate::pair::Fault;

/// `\0pat@foo.edu\0x`
const PAT: &str = "AUTH PLAIN AHBhdEBmb28uZWR1AHg=\r\n";

fn user_settings() -> Settings {
    Settings {
        plaintext: Plaintext::Always,
        ..settings()
    }
}

/// Pat has logged in.
fn pat() -> Post {
    pat_with(user_settings())
}

fn pat_with(settings: Settings) -> Post {
    let mut post = Post::of(submission::session, settings);
    assert_eq!(post.codes(PAT), ["235 2.7.0"]);
    post
}

/// Threats C12.
#[test]
fn the_sender_is_the_users_own() {
    for (path, code) in [
        ("<pat@foo.edu>", "250 2.1.0"),
        ("<Pat@FOO.edu>", "250 2.1.0"),
        ("<\"pat\"@foo.edu>", "250 2.1.0"),
        ("<pat+news@foo.edu>", "250 2.1.0"),
        ("<>", "250 2.1.0"),
        ("<green@foo.edu>", "550 5.7.1"),
        ("<nobody@foo.edu>", "550 5.7.1"),
        ("<pat@elsewhere.example>", "550 5.7.1"),
        ("<\"pat@foo.edu\"@elsewhere.example>", "550 5.7.1"),
    ] {
        let mut post = pat();
        assert_eq!(post.codes(&format!("MAIL FROM:{path}\r\n")), [code], "{path}");
        let next = if code.starts_with('2') {
            "250 2.1.5"
        } else {
            "503 5.5.1"
        };
        assert_eq!(post.codes("RCPT TO:<green@foo.edu>\r\n"), [next], "{path}");
    }
}

#[test]
fn from_is_the_users_own() {
    for (from, code) in [
        ("From: pat@foo.edu\r\n", "250 2.1.5"),
        ("From: \"Pat\" <PAT+x@foo.edu>\r\n", "250 2.1.5"),
        ("From: pat@foo.edu, Pat <pat+y@foo.edu>\r\n", "250 2.1.5"),
        ("From: green@foo.edu\r\n", "550 5.7.1"),
        ("From: \"pat@foo.edu\" <green@foo.edu>\r\n", "550 5.7.1"),
        ("From: pat@foo.edu, green@foo.edu\r\n", "550 5.7.1"),
        ("From: pat@foo.edu\r\nFrom: green@foo.edu\r\n", "550 5.7.1"),
        ("From: green@foo.edu\r\nSender: pat@foo.edu\r\n", "550 5.7.1"),
        ("From: pat\r\n", "550 5.7.1"),
        ("", "550 5.7.1"),
    ] {
        let mut post = pat();
        post.say("MAIL FROM:<>\r\nRCPT TO:<green@foo.edu>\r\nRCPT TO:<pat@foo.edu>\r\nDATA\r\n");
        assert_eq!(post.codes(&format!("{from}{MESSAGE}.\r\n")), [code], "{from}");
        let mails = u64::from(code.starts_with('2'));
        assert_eq!(post.mails(), [mails, mails, 0], "{from}");
        assert_eq!(post.world.stage.objects.len() as u64, mails, "{from}");
    }
}

#[test]
fn an_operator_may_leave_it_unchecked() {
    let mut post = pat_with(Settings {
        sender_check: false,
        ..user_settings()
    });
    assert_eq!(
        post.codes("MAIL FROM:<boss@elsewhere.example>\r\n"),
        ["250 2.1.0"]
    );
    post.say("RCPT TO:<green@foo.edu>\r\nDATA\r\n");
    assert_eq!(
        post.codes(&format!("From: boss@elsewhere.example\r\n{MESSAGE}.\r\n")),
        ["250 2.1.5"]
    );
}

/// Until there is a queue: not to other domains, whoever has logged in.
#[test]
fn mail_stays_here() {
    let mut post = pat();
    post.say("MAIL FROM:<pat@foo.edu>\r\n");
    assert_eq!(post.codes("RCPT TO:<them@elsewhere.example>\r\n"), ["550 5.7.1"]);
    assert_eq!(post.codes("RCPT TO:<nobody@foo.edu>\r\n"), ["550 5.1.1"]);
}

#[test]
fn what_cannot_be_looked_up_is_temporary() {
    let mut post = pat();
    post.world.fail(Fault::before("store.FindSender", 1));
    assert_eq!(post.codes("MAIL FROM:<pat@foo.edu>\r\n"), ["451 4.3.0"]);
    post.say("MAIL FROM:<pat@foo.edu>\r\nRCPT TO:<green@foo.edu>\r\nDATA\r\n");
    post.world.fail(Fault::before("store.FindSender", 1));
    let message = format!("From: pat@foo.edu\r\n{MESSAGE}.\r\n");
    assert_eq!(post.codes(&message), ["451 4.3.0"]);
    post.say("MAIL FROM:<pat@foo.edu>\r\nRCPT TO:<green@foo.edu>\r\nDATA\r\n");
    assert_eq!(post.codes(&message), ["250 2.1.5"]);
    assert_eq!(post.mails(), [0, 1, 0]);
}

/// A peer that never logs in has no more time than one that never says hello.
#[test]
fn the_log_in_has_a_deadline() {
    let mut post = Post::of(submission::session, user_settings());
    for _ in 0..5 {
        assert!(!post.is_over());
        post.world.advance(60_000);
        post.say("NOOP\r\n");
    }
    assert!(post.is_over());
    let mut post = pat();
    for _ in 0..5 {
        post.world.advance(60_000);
        assert_eq!(post.codes("NOOP\r\n"), ["250 2.0.0"]);
    }
}
