use super::*;
use crate::pair::Fault;

const CONVERSATION: &str =
    "USER user@example.com\r\nPASS secret\r\nLIST\r\nRETR 1\r\nTOP 2 1\r\nDELE 1\r\nQUIT\r\n";

/// Each effect fails once, in each way: every command is answered all the same, the store is sound, and the maildrop is free behind
/// it, at the latest when the lease has run out.
#[test]
fn whatever_fails_is_answered() {
    let effects = {
        let mut stage = Stage::new(2);
        let talk = stage.talk('1');
        stage.world.feed(talk, CONVERSATION.as_bytes());
        stage.effects()
    };
    let expected = [
        "store.FindLogin",
        "VerifyPassword",
        "TakePlace",
        "store.TakeLease",
        "store.OpenMailbox",
        "store.FetchPage",
        "store.DeleteMessages",
        "store.TakeLease",
    ];
    assert_eq!(effects, expected);
    for (at, effect) in effects.iter().enumerate() {
        let nth = effects[..=at].iter().filter(|other| *other == effect).count();
        for fault in [
            Fault::before(effect, nth),
            Fault::after(effect, nth),
            Fault::timeout(effect, nth),
        ] {
            let mut stage = Stage::new(2);
            let talk = stage.talk('1');
            stage.world.fail(fault.clone());
            stage.world.feed(talk, CONVERSATION.as_bytes());
            let said = String::from_utf8_lossy(&stage.world.take(talk)).into_owned();
            let answers = said
                .lines()
                .filter(|line| line.starts_with("+OK") || line.starts_with("-ERR"))
                .count();
            assert_eq!(answers, 7, "after {fault:?}: {said}");
            assert!(stage.world.is_over(talk));
            let findings = stage.world.check();
            assert!(findings.is_empty(), "{findings:?} after {fault:?}");
            stage.world.advance(180_000);
            stage.log_in('2');
        }
    }
}

/// RFC 3206, 4: what may be mended by waiting, and what may not; neither is the password's fault.
#[test]
fn a_failure_of_ours_is_told_as_one() {
    let mut stage = Stage::new(1);
    stage.world.fail(Fault::before("store.FindLogin", 1));
    stage.play(
        "1C: USER user@example.com
         1S: +OK Say PASS
         1C: PASS secret
         1S: -ERR [SYS/...",
    );
    stage.log_in('1');
    stage.world.fail(Fault::before("SendObject", 1));
    stage.play(
        "1C: RETR 1
         1S: -ERR [SYS/...
         1C: RETR 1
         1S: +OK 46 octets
         1S: From: a@example.com
         1S: Subject: hello
         1S:
         1S: Hello
         1S: .",
    );
}

/// RFC 1939, 6: QUIT is not well if it could not remove what it should, and nothing of it is gone then.
#[test]
fn a_quit_that_removes_nothing_says_so() {
    let mut stage = Stage::logged_in(2, "1");
    stage.world.fail(Fault::before("store.DeleteMessages", 1));
    stage.play(
        "1C: DELE 1
         1S: +OK Deleted at QUIT
         1C: QUIT
         1S: -ERR [SYS/...
         1 over",
    );
    stage.log_in('2');
    stage.play("2C: STAT\n2S: +OK 2 92");
}
