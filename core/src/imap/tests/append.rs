use super::*;
use crate::pair::Fault;

#[test]
fn a_message_is_kept_as_it_is() {
    let mut stage = Stage::selected(1, "1");
    stage.play(
        r#"1C: a APPEND Sent (\Seen $Work) "17-Jul-2026 02:44:25 -0700" {11}
           1S: + Ready for the message
           1C| a: b\r\n\r\nc\r\n\r\n
           1S: a OK [APPENDUID ... 1] APPEND completed
           1C| b APPEND {5+}\r\nINBOX {4+}\r\n\nx\ry\r\n
           1S: * 2 EXISTS
           1S: * 2 RECENT
           1S: b OK [APPENDUID ... 2] APPEND completed"#,
    );
    let bodies: Vec<_> = stage.world.stage.objects.values().collect();
    assert!(bodies.iter().any(|body| &body[..] == b"\nx\ry"), "{bodies:?}");
    assert!(
        bodies.iter().any(|body| &body[..] == b"a: b\r\n\r\nc\r\n"),
        "{bodies:?}"
    );
}

#[test]
fn what_cannot_be_kept_is_refused_before_it_comes() {
    let mut stage = Stage::new();
    stage.settings.message_size = 1000;
    stage.logged_in('1');
    stage.play(
        r#"1C: a APPEND nowhere {10}
           1S: a NO [TRYCREATE] There is no such mailbox
           1C: b APPEND INBOX {1001}
           1S: b NO [TOOBIG] The message is too big
           1C: c APPEND INBOX {0}
           1S: c NO [CANNOT] A message without octets is none
           1C: d APPEND INBOX (\Recent) {10}
           1S: d BAD expected ...
           1C: e APPEND INBOX
           1S: e BAD expected a space ...
           1C: f APPEND INBOX "text"
           1S: f BAD expected ...
           1C: g APPEND INBOX ~{1001}
           1S: g NO [TOOBIG] The message is too big
           1C: h NOOP
           1S: h OK NOOP completed"#,
    );
    assert!(stage.world.stage.objects.is_empty());
}

#[test]
fn what_comes_unasked_is_passed_over() {
    let mut stage = Stage::new();
    stage.settings.message_size = 1000;
    stage.settings.after_login.skip = 2000;
    stage.logged_in('1');
    let too_big = "x".repeat(1001);
    stage.play(&format!(
        r#"1C| a APPEND nowhere {{4+}}\r\nxxxx\r\nb NOOP\r\n
           1S: a NO [TRYCREATE] There is no such mailbox
           1S: b OK NOOP completed
           1C| c APPEND INBOX {{1001+}}\r\n{too_big}\r\n
           1S: c NO [TOOBIG] The message is too big
           1C| d APPEND INBOX {{0+}}\r\n\r\ne NOOP\r\n
           1S: d NO [CANNOT] A message without octets is none
           1S: e OK NOOP completed
           1C: f APPEND INBOX {{3000+}}
           1S: f NO [TOOBIG] The message is too big
           1S: * BYE [TOOBIG] The next command cannot be found
           1 over"#
    ));
}

#[test]
fn a_nul_is_refused_and_nothing_is_kept() {
    let mut stage = Stage::new();
    stage.logged_in('1');
    stage.play(
        r"1C: a APPEND INBOX {3}
          1S: + Ready for the message
          1C| x\0y\r\n
          1S: a BAD The message has a NUL in it
          1C| b APPEND INBOX {3}\r\n
          1S: + Ready for the message
          1C| xyz {2\r\n
          1S: b BAD expected another message or the end of the command behind the message
          1C: d APPEND INBOX ~{3}
          1S: + Ready for the message
          1C| x\0y\r\n
          1S: d NO [UNKNOWN-CTE] Mailboxes here keep no NUL
          1C: c NOOP
          1S: c OK NOOP completed",
    );
    assert!(stage.world.stage.objects.is_empty());
}

#[test]
fn a_failure_is_answered_and_the_session_goes_on() {
    for (fault, answer) in [
        (Fault::timeout("store.StatusMailbox", 1), None),
        (Fault::timeout("FinishUpload", 1), Some("a NO [UNAVAILABLE] ...")),
        (Fault::before("store.Append", 1), Some("a NO [SERVERBUG] ...")),
    ] {
        let mut stage = Stage::new();
        stage.world.fail(fault);
        stage.logged_in('1');
        match answer {
            None => stage.play("1C: a APPEND INBOX {1}\n1S: a NO [UNAVAILABLE] ..."),
            Some(answer) => stage.play(&format!(
                "1C: a APPEND INBOX {{1}}\n1S: + Ready for the message\n1C: x\n1S: {answer}"
            )),
        };
        stage.play("1C: b NOOP\n1S: b OK NOOP completed");
    }
}

#[test]
fn the_message_passes_through_and_is_not_held() {
    let mut stage = Stage::new();
    stage.logged_in('1');
    let talk = stage.talk('1');
    stage.world.feed(talk, b"a APPEND INBOX {10000000}\r\n");
    for _ in 0..1000 {
        stage.world.feed(talk, &[b'x'; 10_000]);
    }
    stage.world.feed(talk, b"\r\n");
    let heard = String::from_utf8(stage.world.take(talk)).unwrap();
    assert!(heard.contains("a OK [APPENDUID"), "{heard}");
}

#[test]
fn a_stalled_message_ends_the_session() {
    logged_in(
        "1",
        "1C: a APPEND INBOX {10}
         1S: + Ready for the message
         1C| abc
         time 5m
         1S: * BYE Logged out: silent for too long
         1 over",
    );
}
