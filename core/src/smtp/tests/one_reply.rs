//! SMTP's one reply to a message for several recipients: nothing is lost, nothing comes twice.

use super::*;
use crate::pair::Fault;
use crate::store::{Actor, Request};

const BOTH: &str = "MAIL FROM:<s@x.org>\r\nRCPT TO:<pat@foo.edu>\r\nRCPT TO:<green@foo.edu>\r\n";

fn limit(post: &mut Post, login: &str, quota_bytes: u64) {
    let request = Request::SetQuota {
        login: login.to_owned(),
        quota_bytes,
    };
    post.world.ask(Actor::Operator, request).unwrap();
}

fn send(post: &mut Post) -> String {
    post.say("DATA\r\n");
    post.codes(&format!("{MESSAGE}.\r\n")).join(" ")
}

#[test]
fn all_of_one_mind() {
    let mut post = Post::mx();
    post.say(BOTH);
    assert_eq!(send(&mut post), "250 2.1.5");
    assert_eq!(post.mails(), [1, 1, 0]);
    let mut post = Post::mx();
    for login in ["pat@foo.edu", "green@foo.edu"] {
        limit(&mut post, login, 10);
    }
    post.say(BOTH);
    assert_eq!(send(&mut post), "552 5.2.2", "nobody has it, and nobody will");
    assert_eq!(post.mails(), [0, 0, 0]);
}

/// The one with room has it, and has it once however often the sender tries; the other is refused by name at the next try.
#[test]
fn some_have_it_and_some_cannot() {
    let mut post = Post::mx();
    limit(&mut post, "green@foo.edu", 10);
    post.say(BOTH);
    assert_eq!(send(&mut post), "451 4.2.0");
    assert_eq!(post.mails(), [1, 0, 0]);
    // On the same connection and on another one.
    post.say(BOTH);
    assert_eq!(send(&mut post), "451 4.2.0");
    post.talk = join_from("192.0.2.1", &mut post.world, mx::session, settings());
    post.say("EHLO x\r\n");
    post.say(BOTH);
    assert_eq!(send(&mut post), "451 4.2.0");
    assert_eq!(post.mails(), [1, 0, 0]);
    // A sender that says how long the message is learns it at RCPT.
    let sized = BOTH.replace("<s@x.org>", "<s@x.org> SIZE=36");
    post.talk = join_from("192.0.2.1", &mut post.world, mx::session, settings());
    post.say("EHLO x\r\n");
    assert_eq!(post.codes(&sized), ["250 2.1.0", "250 2.1.5", "552 5.2.2"]);
    assert_eq!(send(&mut post), "250 2.1.5");
    assert_eq!(post.mails(), [1, 0, 0]);
    // Room is made: the rest is delivered.
    limit(&mut post, "green@foo.edu", 1000);
    post.say(BOTH);
    assert_eq!(send(&mut post), "250 2.1.5");
    assert_eq!(post.mails(), [2, 1, 0], "told, so it is the same mail once more");
}

/// Whether the reply is lost or the delivery fails: a retry brings what is missing and nothing twice.
#[test]
fn a_retry_after_451_brings_nothing_twice() {
    for fault in [
        Fault::before("store.Deliver", 1),
        Fault::after("store.Deliver", 1),
        Fault::before("FinishUpload", 1),
    ] {
        let mut post = Post::mx();
        post.world.fail(fault);
        post.say(BOTH);
        assert_eq!(send(&mut post), "451 4.3.0");
        post.say(BOTH);
        assert_eq!(send(&mut post), "250 2.1.5");
        assert_eq!(post.mails(), [1, 1, 0]);
        assert_eq!(post.world.check(), Vec::<String>::new());
    }
}

#[test]
fn a_message_answered_451_confirms_nothing() {
    let mut post = Post::mx();
    limit(&mut post, "green@foo.edu", 10);
    post.say(BOTH);
    assert_eq!(send(&mut post), "451 4.2.0");
    post.say("NOOP\r\nNOOP\r\n");
    let confirms = |post: &Post| {
        let log = post.world.log().iter();
        log.filter(|one| matches!(&one.effect, Effect::ConfirmDelivery(_)))
            .count()
    };
    assert_eq!(confirms(&post), 0);
    post.say(ENVELOPE);
    assert_eq!(send(&mut post), "250 2.1.5");
    post.say("NOOP\r\n");
    assert_eq!(confirms(&post), 1);
}
