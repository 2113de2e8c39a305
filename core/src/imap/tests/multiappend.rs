//! Several messages in one APPEND (RFC 3502): all or none.

use super::*;
use crate::machine::Action;
use crate::pair::Fault;

/// How many messages INBOX has, as a new session sees it.
fn messages(stage: &mut Stage) -> String {
    stage.logged_in('9');
    let talk = stage.talk('9');
    stage.world.feed(talk, b"z STATUS INBOX (MESSAGES)\r\n");
    let said = String::from_utf8(stage.world.take(talk)).unwrap();
    said.lines().next().unwrap().to_owned()
}

#[test]
fn each_message_has_its_own_flags_and_date() {
    let mut stage = Stage::selected(1, "1");
    stage.play(
        r#"1C: a APPEND INBOX (\Seen) {4}
           1S: + Ready for the message
           1C|  x\r\n "17-Jul-2026 02:44:25 -0700" ~{4}\r\n
           1S: + Ready for the message
           1C|  y\r\n (\Draft $Work) {3+}\r\nz\r\n\r\n
           1S: * 4 EXISTS
           1S: * 4 RECENT
           1S: * FLAGS ...
           1S: * OK [PERMANENTFLAGS ...
           1S: a OK [APPENDUID ... 2:4] APPEND completed
           1C: b FETCH 2:4 (FLAGS INTERNALDATE BODY.PEEK[])
           1S: * 2 FETCH (FLAGS (\Seen \Recent) INTERNALDATE ... BODY[] {4}
           1S:  x
           1S: )
           1S: * 3 FETCH (FLAGS (\Recent) INTERNALDATE "17-Jul-2026 09:44:25 +0000" BODY[] {4}
           1S:  y
           1S: )
           1S: * 4 FETCH (FLAGS (\Draft $Work \Recent) INTERNALDATE ... BODY[] {3}
           1S: z
           1S: )
           1S: b OK FETCH completed"#,
    );
}

#[test]
fn what_ends_before_its_last_message_leaves_none() {
    for (rest, answer) in [
        (r" {0}\r\n", "a NO [CANNOT] ..."),
        (r" {0+}\r\n\r\n", "a NO [CANNOT] ..."),
        (r" {1001}\r\n", "a NO [TOOBIG] ..."),
        (r" (\Recent) {3}\r\n", "a BAD expected another message ..."),
        (r"{3}\r\n", "a BAD expected another message ..."),
        (r" (\Seen)\r\n", "a BAD expected another message ..."),
        (r" {3+}\r\nx\0y\r\n", "a BAD The message has a NUL in it"),
        (
            r" {3+}\r\nx\0y {3+}\r\nabc\r\n",
            "a BAD The message has a NUL in it",
        ),
        (r" ~{3+}\r\nx\0y {3}\r\n", "a NO [UNKNOWN-CTE] ..."),
    ] {
        let mut stage = Stage::new();
        stage.settings.message_size = 1000;
        stage.logged_in('1');
        stage.play(&format!(
            "1C| a APPEND INBOX {{3+}}\\r\\nabc{rest}\n1S: {answer}\n1C: b NOOP\n1S: b OK NOOP completed"
        ));
        assert_eq!(messages(&mut stage), "* STATUS INBOX (MESSAGES 0)", "{rest}");
        let findings = stage.world.check();
        assert!(findings.is_empty(), "{findings:?}");
    }
}

#[test]
fn a_connection_that_ends_leaves_no_message() {
    for sent in [
        "a APPEND INBOX {3+}\r\nabc {3}\r\n",
        "a APPEND INBOX {3+}\r\nabc {3}\r\nxy",
        "a APPEND INBOX {3+}\r\nabc {3+}\r\nxyz",
    ] {
        let mut stage = Stage::new();
        stage.logged_in('1');
        let talk = stage.talk('1');
        stage.world.feed(talk, sent.as_bytes());
        stage.world.close(talk);
        assert_eq!(messages(&mut stage), "* STATUS INBOX (MESSAGES 0)");
    }
}

#[test]
fn a_failure_leaves_no_message() {
    for (fault, pluses) in [
        (Fault::timeout("FinishUpload", 1), 1),
        (Fault::before("FinishUpload", 2), 2),
        (Fault::before("store.Append", 1), 2),
    ] {
        let mut stage = Stage::new();
        stage.world.fail(fault);
        stage.logged_in('1');
        let first = "1C: a APPEND INBOX {1}\n1S: + Ready for the message\n1C: x {1}";
        let second = ["", "1S: + Ready for the message\n1C: y"][pluses - 1];
        let rest = "1S: a NO ...\n1C: b NOOP\n1S: b OK NOOP completed";
        stage.play(&[first, second, rest].join("\n"));
        assert_eq!(messages(&mut stage), "* STATUS INBOX (MESSAGES 0)");
    }
}

/// One upload is open at a time, and none of the messages is held.
#[test]
fn messages_come_one_after_the_other() {
    let mut stage = Stage::new();
    stage.logged_in('1');
    let talk = stage.talk('1');
    stage.world.feed(talk, b"a APPEND INBOX {4000000+}\r\n");
    for _ in 0..3 {
        (0..400).for_each(|_| stage.world.feed(talk, &[b'x'; 10_000]));
        stage.world.feed(talk, b" {4000000+}\r\n");
    }
    (0..400).for_each(|_| stage.world.feed(talk, &[b'x'; 10_000]));
    stage.world.feed(talk, b"\r\n");
    let heard = String::from_utf8(stage.world.take(talk)).unwrap();
    assert!(
        heard.contains("a OK [APPENDUID") && heard.contains(" 1:4]"),
        "{heard}"
    );
    let conversation = stage.world.conversation(talk).unwrap();
    assert_eq!(conversation.peaks().uploads, 1);
    let opened = conversation
        .actions()
        .iter()
        .filter(|action| matches!(action, Action::OpenUpload(..)));
    assert_eq!(opened.count(), 4);
}

#[test]
fn there_is_an_end_to_how_many_messages() {
    let mut stage = Stage::new();
    stage.logged_in('1');
    let talk = stage.talk('1');
    stage.world.feed(talk, b"a APPEND INBOX");
    (0..256).for_each(|_| stage.world.feed(talk, b" {1+}\r\nx"));
    stage.world.feed(talk, b"\r\nb APPEND INBOX");
    (0..257).for_each(|_| stage.world.feed(talk, b" {1+}\r\nx"));
    stage.world.feed(talk, b"\r\n");
    let heard = String::from_utf8(stage.world.take(talk)).unwrap();
    assert!(
        heard.contains("a OK [APPENDUID") && heard.contains("b NO [LIMIT]"),
        "{heard}"
    );
    assert_eq!(messages(&mut stage), "* STATUS INBOX (MESSAGES 256)");
}

/// Messages of many parts have large indexes: they are counted.
#[test]
fn there_is_an_end_to_what_is_known_of_them() {
    let part = "--b\r\nContent-Type: a/b\r\nContent-Description: a long one, again and again\r\n\r\n\r\n";
    let message = format!(
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n{}",
        part.repeat(900)
    );
    let mut stage = Stage::new();
    stage.logged_in('1');
    let talk = stage.talk('1');
    stage.world.feed(talk, b"a APPEND INBOX");
    for _ in 0..100 {
        stage
            .world
            .feed(talk, format!(" {{{}+}}\r\n{message}", message.len()).as_bytes());
    }
    stage.world.feed(talk, b"\r\n");
    let heard = String::from_utf8(stage.world.take(talk)).unwrap();
    assert!(heard.contains("a NO [LIMIT]"), "{heard}");
}

#[test]
fn a_refused_append_leaves_no_body() {
    for fault in [false, true] {
        let mut stage = Stage::new();
        stage.logged_in('1');
        stage.world.stage.virus = Some("evil".to_owned());
        if fault {
            stage.world.fail(Fault::before("DeleteObjects", 1));
        }
        stage.play(
            r#"1C| a APPEND INBOX {3+}\r\nabc {4+}\r\nevil\r\n
               1S: a NO [CANNOT] The message has a virus in it: evil
               1C: b NOOP
               1S: b OK NOOP completed"#,
        );
        assert_eq!(messages(&mut stage), "* STATUS INBOX (MESSAGES 0)");
        assert_eq!(stage.world.stage.objects.is_empty(), !fault);
    }
}
