//! Each effect fails in each way: nothing is acknowledged that is not delivered, nothing is delivered twice.

use super::*;
use crate::pair::{Fault, When};
use crate::store::{Budget, Failure, Refusal};

fn fault(effect: &str, failure: impl Into<Failure>) -> Fault {
    Fault {
        effect: effect.to_owned(),
        nth: 1,
        when: When::Before,
        failure: failure.into(),
    }
}

/// Replies to RCPT, or to the end of a message for two recipients.
#[test]
fn a_failed_effect_in_words() {
    let unavailable = || Failure::Unavailable { retry_after_s: 60 };
    let broken = || Failure::broken("x");
    for (effect, failure, code) in [
        ("store.FindRecipient", unavailable(), "451 4.3.0"),
        ("store.FindRecipient", broken(), "451 4.3.0"),
        ("store.FindRecipient", Refusal::NoSuchAccount.into(), "550 5.1.1"),
        ("FinishUpload", unavailable(), "451 4.3.0"),
        ("FinishUpload", broken(), "451 4.3.0"),
        ("FinishUpload", Refusal::Limit(Budget::Space).into(), "452 4.3.1"),
        (
            "FinishUpload",
            Refusal::Limit(Budget::MessageSize).into(),
            "552 5.3.4",
        ),
        ("store.Deliver", unavailable(), "451 4.3.0"),
        ("store.Deliver", broken(), "451 4.3.0"),
        ("store.Deliver", Refusal::OverQuota.into(), "552 5.2.2"),
        ("store.Deliver", Refusal::NoSuchMailbox.into(), "550 5.2.1"),
        ("store.Deliver", Refusal::NotPermitted.into(), "550 5.7.1"),
        ("store.Deliver", Refusal::Limit(Budget::Space).into(), "452 4.3.1"),
    ] {
        let mut post = Post::greeted();
        post.world.fail(fault(effect, failure.clone()));
        let codes = post.codes(&format!(
            "{ENVELOPE}RCPT TO:<green@foo.edu>\r\nDATA\r\n{MESSAGE}.\r\n"
        ));
        match effect {
            "store.FindRecipient" => assert_eq!(
                codes[1..],
                [code, "250 2.1.5", "354 Send", "250 2.1.5"],
                "{failure:?}"
            ),
            _ => assert_eq!(codes[4..], [code, code], "{effect} {failure:?}"),
        }
        // The session goes on, and a retry delivers.
        assert_eq!(
            post.codes(&format!("{ENVELOPE}DATA\r\n{MESSAGE}.\r\n"))[3..],
            ["250 2.1.5"]
        );
        assert_eq!((post.mails()[0], post.world.check()), (1, Vec::new()));
    }
}

#[test]
fn an_effect_whose_answer_is_lost_is_not_made_twice() {
    for effect in ["FinishUpload", "store.Deliver"] {
        let mut post = Post::greeted();
        post.world.fail(Fault::after(effect, 1));
        let mail = format!("{ENVELOPE}DATA\r\n{MESSAGE}.\r\n");
        assert_eq!(post.codes(&mail)[3..], ["451 4.3.0"], "{effect}");
        assert_eq!(post.codes(&mail)[3..], ["250 2.1.5"], "{effect}");
        assert_eq!(
            (post.mails(), post.world.check()),
            (vec![1, 0, 0], Vec::new()),
            "{effect}"
        );
    }
}

#[test]
fn a_recipient_over_quota_or_gone_does_not_disturb_the_others() {
    use crate::store::{Actor, NewAccount, NewMailbox};
    let mut post = Post::greeted();
    let mut seed = Seed::new([9; 32]);
    let inbox = NewMailbox {
        id: seed.mailbox(),
        name: MailboxName::inbox(),
        special_use: None,
        object_id: [0; 16],
    };
    let small = NewAccount {
        id: seed.account(),
        login: "small@foo.edu".to_owned(),
        password: crate::machine::Secret(String::new()).into(),
        quota_bytes: 500,
        mailboxes: vec![inbox],
        at_ms: 0,
    };
    post.world
        .ask(Actor::Operator, Request::CreateAccount(small))
        .unwrap();
    post.say("MAIL FROM:<> SIZE=501\r\n");
    assert_eq!(post.codes("RCPT TO:<small@foo.edu>\r\n"), ["552 5.2.2"]);
    assert_eq!(post.codes("RCPT TO:<pat@foo.edu>\r\n"), ["250 2.1.5"]);
    post.say("RSET\r\nMAIL FROM:<>\r\n");
    post.say("RCPT TO:<small@foo.edu>\r\nRCPT TO:<pat@foo.edu>\r\nRCPT TO:<green@foo.edu>\r\n");
    let gone = Request::DeleteAccount {
        login: "green@foo.edu".to_owned(),
        at_ms: 0,
    };
    post.world.ask(Actor::Operator, gone).unwrap();
    let codes = post.codes(&format!("DATA\r\n{}\r\n.\r\n", "x".repeat(600)));
    assert_eq!(codes[..3], ["354 Send", "552 5.2.2", "250 2.1.5"]);
    assert!(codes[3].starts_with("550 5."), "{}", codes[3]);
    assert_eq!(mails(&mut post.world, "pat@foo.edu"), 1);
}

/// Only input that had to be waited for proves that the reply was seen.
#[test]
fn deliveries_are_confirmed_when_the_reply_was_seen() {
    let confirmed = |post: &Post| {
        let effects = post
            .world
            .log()
            .iter()
            .filter_map(|effected| match &effected.effect {
                Effect::ConfirmDelivery(keys) => Some(keys.clone()),
                _ => None,
            });
        effects.collect::<Vec<_>>()
    };
    let mail = format!("{ENVELOPE}RCPT TO:<green@foo.edu>\r\nDATA\r\n{MESSAGE}.\r\n");
    let mut post = Post::greeted();
    post.say(&mail);
    assert!(confirmed(&post).is_empty());
    let keys: Vec<_> = post.asked().iter().map(|one| one.key).collect();
    post.say("NOOP\r\n");
    post.say("NOOP\r\n");
    assert_eq!(confirmed(&post), [keys]);

    let mut pipelined = Post::greeted();
    pipelined.world.set_read_max(pipelined.talk, mail.len());
    pipelined.say(&format!("{mail}QUIT\r\n"));
    assert!(confirmed(&pipelined).is_empty() && pipelined.is_over());

    let mut closed = Post::greeted();
    closed.say(&mail);
    closed.world.close(closed.talk);
    assert!(confirmed(&closed).is_empty() && closed.is_over());
}

/// The same mail once more on a connection that is not lost is no retry, however fast it comes.
#[test]
fn the_same_mail_twice_in_one_breath_comes_twice() {
    let mail = format!("{ENVELOPE}DATA\r\n{MESSAGE}.\r\n");
    let mut post = Post::greeted();
    post.say(&mail.repeat(2));
    assert_eq!(mails(&mut post.world, "pat@foo.edu"), 2);
    // Its reply to the second is unconfirmed: from elsewhere that is a retry.
    let elsewhere = join(&mut post.world, settings());
    post.world.feed(elsewhere, format!("{LHLO}{mail}").as_bytes());
    assert_eq!(mails(&mut post.world, "pat@foo.edu"), 2);
}

/// A connection that breaks while an effect is under way: whatever had not begun does not begin (RFC 5321, 4.1.1.10).
#[test]
fn a_broken_connection_is_a_temporary_error() {
    let mut post = Post::greeted();
    post.say(&format!("{ENVELOPE}DATA\r\n{MESSAGE}."));
    post.world.cut(post.talk);
    assert_eq!((post.mails(), post.is_over()), (vec![0, 0, 0], true));
}

/// Whose virus was found, and that its body is not kept.
#[test]
fn a_refused_message_leaves_no_body() {
    let mut post = Post::greeted();
    post.world.stage.virus = Some("Blah".to_owned());
    let said = post.say(&format!("{ENVELOPE}DATA\r\n{MESSAGE}.\r\n"));
    let last = said.lines().last().unwrap();
    assert_eq!(last, "550 5.7.1 The message has a virus in it: Blah");
    assert_eq!((post.mails(), post.asked().len()), (vec![0, 0, 0], 0));
    assert!(post.world.stage.objects.is_empty());
    // A body that cannot be deleted now is the sweep's, and no reason to keep the client waiting.
    post.world.fail(Fault::before("DeleteObjects", 1));
    assert_eq!(
        post.codes(&format!("{ENVELOPE}DATA\r\n{MESSAGE}.\r\n"))
            .last()
            .unwrap(),
        "550 5.7.1"
    );
    assert_eq!(post.world.check(), Vec::<String>::new());
}
