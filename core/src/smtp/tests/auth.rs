//! AUTH: who logs in, how, and what is answered (RFC 4954).

use super::*;
use crate::config::Plaintext;
use crate::machine::Secret;
use crate::store::{Actor, NewAppPassword, Scopes};

/// `\0pat@foo.edu\0x`
const PAT: &str = "AHBhdEBmb28uZWR1AHg=";
/// `\0pat@foo.edu\0y`
const WRONG: &str = "AHBhdEBmb28uZWR1AHk=";

/// Where passwords may pass in the clear.
fn clear() -> Settings {
    Settings {
        plaintext: Plaintext::Always,
        ..settings()
    }
}

fn post() -> Post {
    Post::of(submission::session, clear())
}

/// Plays a dialogue: `C: ` lines are said, `S: ` lines are the codes of what is answered.
fn play(post: &mut Post, dialogue: &str) {
    let mut heard = Vec::new();
    for line in dialogue.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match line.split_at(3) {
            ("C: ", said) => {
                assert_eq!(heard, [""; 0], "before {said}");
                heard = post
                    .say(&format!("{said}\r\n"))
                    .lines()
                    .map(str::to_owned)
                    .collect();
                post.world.advance(10_000);
                heard.extend(
                    String::from_utf8(post.world.take(post.talk))
                        .unwrap()
                        .lines()
                        .map(str::to_owned),
                );
            }
            ("S: ", expected) => {
                assert!(
                    heard.first().is_some_and(|heard| heard.starts_with(expected)),
                    "{expected}: {heard:?}"
                );
                heard.remove(0);
            }
            _ => panic!("no line of a dialogue: {line}"),
        }
    }
    assert_eq!(heard, [""; 0]);
}

#[test]
fn a_user_logs_in_and_sends() {
    let mut post = post();
    assert_eq!(post.codes("MAIL FROM:<pat@foo.edu>\r\n"), ["530 5.7.0"]);
    assert_eq!(post.codes(&format!("AUTH PLAIN {PAT}\r\n")), ["235 2.7.0"]);
    post.say("MAIL FROM:<pat@foo.edu>\r\nRCPT TO:<green@foo.edu>\r\nDATA\r\n");
    assert_eq!(
        post.codes(&format!("From: pat@foo.edu\r\n{MESSAGE}.\r\n")),
        ["250 2.1.5"]
    );
    assert_eq!(post.mails(), [0, 1, 0]);
    assert!(String::from_utf8_lossy(&post.asked().remove(0).head).contains(" with ESMTPA\r\n"));
}

#[test]
fn exchanges() {
    for exchange in [
        "C: AUTH PLAIN AHBhdEBmb28uZWR1AHg=",
        "C: auth plain
         S: 334
         C: AHBhdEBmb28uZWR1AHg=",
        "C: AUTH LOGIN
         S: 334 VXNlcm5hbWU6
         C: cGF0QGZvby5lZHU=
         S: 334 UGFzc3dvcmQ6
         C: eA==",
        "C: AUTH PLAIN
         S: 334
         C: *
         S: 501 5.7.0
         C: AUTH PLAIN !
         S: 501 5.5.2
         C: AUTH PLAIN =
         S: 501 5.5.2
         C: AUTH PLAIN
         S: 334
         C: !
         S: 501 5.5.2
         C: AUTH PLAIN YQBwYXRAZm9vLmVkdQB4
         S: 535 5.7.8
         C: AUTH XYZZY
         S: 504 5.5.4
         C: AUTH
         S: 501 5.5.4
         C: AUTH PLAIN AHBhdEBmb28uZWR1AHg=",
    ] {
        let mut post = post();
        play(&mut post, &format!("{exchange}\nS: 235 2.7.0 "));
        play(&mut post, "C: AUTH PLAIN\nS: 503 5.5.1 ");
    }
}

#[test]
fn its_place() {
    let mut post = Post::new();
    post.talk = join_from("192.0.2.1", &mut post.world, submission::session, clear());
    play(&mut post, &format!("C: AUTH PLAIN {PAT}\nS: 503 5.5.1 "));
    post.say("EHLO x\r\n");
    play(
        &mut post,
        &format!(
            "C: AUTH PLAIN {PAT}
             S: 235
             C: MAIL FROM:<pat@foo.edu> AUTH=<>
             S: 250
             C: AUTH PLAIN {PAT}
             S: 503 5.5.1
             C: RSET
             S: 250
             C: MAIL FROM:<pat@foo.edu> AUTH=e+3Dmc2@example.com
             S: 250"
        ),
    );
    let hello = post.say("EHLO x\r\n");
    assert!(!hello.contains("AUTH"), "{hello}");
    assert_eq!(
        post.codes("MAIL FROM:<pat@foo.edu>\r\n"),
        ["250 2.1.0"],
        "a hello logs nobody out"
    );
}

/// Threats A03: no password is looked at that came in the clear.
#[test]
fn passwords_in_the_clear() {
    let mut post = Post::of(
        submission::session,
        Settings {
            tls: true,
            ..settings()
        },
    );
    let hello = post.say("EHLO x\r\n");
    assert!(
        hello.contains("250-STARTTLS\r\n") && !hello.contains("AUTH"),
        "{hello}"
    );
    let asked = post.world.log().len();
    assert_eq!(post.codes(&format!("AUTH PLAIN {PAT}\r\n")), ["504 5.5.4"]);
    assert_eq!(post.codes("MAIL FROM:<pat@foo.edu>\r\n"), ["530 5.7.0"]);
    assert!(post.say("MAIL FROM:<>\r\n").contains("STARTTLS"));
    assert_eq!(post.world.log().len(), asked);
    assert_eq!(post.codes("STARTTLS\r\n"), ["220 2.0.0"]);
    let hello = post.say("EHLO x\r\n");
    assert!(hello.contains("250-AUTH PLAIN LOGIN\r\n"), "{hello}");
    assert_eq!(post.codes(&format!("AUTH PLAIN {PAT}\r\n")), ["235 2.7.0"]);
}

/// RFC 3207, 4.2: what was known before TLS is forgotten, who has logged in among it.
#[test]
fn tls_logs_out() {
    let mut post = Post::of(submission::session, Settings { tls: true, ..clear() });
    post.say(&format!("AUTH PLAIN {PAT}\r\n"));
    post.say("STARTTLS\r\n");
    assert!(post.say("EHLO x\r\n").contains("250-AUTH "));
    assert_eq!(post.codes("MAIL FROM:<>\r\n"), ["530 5.7.0"]);
}

#[test]
fn each_failure_is_answered_later_and_the_last_one_ends_it() {
    let mut post = post();
    for failures in 1..=5u64 {
        assert_eq!(post.codes(&format!("AUTH PLAIN {WRONG}\r\n")), [""; 0]);
        post.world.advance(1000 * (failures - 1));
        assert_eq!(post.codes_unasked(), [""; 0]);
        post.world.advance(1000);
        assert_eq!(post.codes_unasked(), ["535 5.7.8"]);
    }
    assert!(post.is_over());
}

#[test]
fn a_check_that_fails_is_no_wrong_password() {
    let mut post = post();
    post.world.fail(crate::pair::Fault::before("store.FindLogin", 1));
    assert_eq!(post.codes(&format!("AUTH PLAIN {PAT}\r\n")), ["454 4.7.0"]);
    assert_eq!(post.codes(&format!("AUTH PLAIN {PAT}\r\n")), ["235 2.7.0"]);
}

#[test]
fn too_many_wrong_passwords() {
    let mut post = Post::of(
        submission::session,
        Settings {
            attempts_per_minute: 1,
            ..clear()
        },
    );
    let mut answers = Vec::new();
    for _ in 0..4 {
        post.say(&format!("AUTH PLAIN {WRONG}\r\n"));
        post.world.advance(5000);
        answers.extend(post.codes_unasked());
    }
    assert!(answers.contains(&"454 4.7.0".to_owned()), "{answers:?}");
}

#[test]
fn lines_of_an_exchange_are_long() {
    let mut post = post();
    post.say("AUTH PLAIN\r\n");
    let long = "A".repeat(crate::sasl::RESPONSE_LEN_MAX);
    assert_eq!(
        post.codes(&format!("{long}\r\n")),
        ["501 5.5.2"],
        "read whole, and no PLAIN"
    );
    post.say("AUTH PLAIN\r\n");
    assert_eq!(
        post.codes(&format!("{long}A\r\nNOOP\r\n")),
        ["500 5.5.6", "250 2.0.0"]
    );
}

/// An app password is asked for only where its scope is `smtp`.
#[test]
fn app_passwords() {
    for (scopes, asked) in [("imap,smtp", 1), ("imap,pop3", 0)] {
        let mut post = post();
        let password = NewAppPassword {
            login: "pat@foo.edu".into(),
            label: "phone".into(),
            hash: Secret("of the phone".into()),
            scopes: Scopes::parse(scopes).unwrap(),
            until_ms: None,
            at_ms: 0,
        };
        post.world
            .ask(Actor::Operator, Request::AddAppPassword(password))
            .unwrap();
        post.say(&format!("AUTH PLAIN {WRONG}\r\n"));
        let checks = post.world.log().iter().filter_map(|one| match &one.effect {
            Effect::VerifyPassword(check) => Some(check.app_passwords.len()),
            _ => None,
        });
        assert_eq!(checks.collect::<Vec<_>>(), [asked], "{scopes}");
    }
}
