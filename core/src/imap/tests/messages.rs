use super::*;

#[test]
fn store_tells_what_it_did() {
    let mut stage = Stage::selected(3, "1");
    stage.play(
        r"1C: a STORE 1:2 +FLAGS (\Seen)
          1S: * 1 FETCH (FLAGS (\Seen \Recent))
          1S: * 2 FETCH (FLAGS (\Seen \Recent))
          1S: a OK STORE completed
          1C: b STORE 2 -FLAGS \Seen
          1S: * 2 FETCH (FLAGS (\Recent))
          1S: b OK STORE completed
          1C: c STORE 1 FLAGS.SILENT (\Flagged)
          1S: c OK STORE completed
          1C: d UID STORE 1,9,3 +FLAGS (\Draft)
          1S: * 1 FETCH (UID 1 FLAGS (\Flagged \Draft \Recent))
          1S: * 3 FETCH (UID 3 FLAGS (\Draft \Recent))
          1S: d OK UID STORE completed
          1C: e STORE 4 FLAGS ()
          1S: e BAD There is no message of such a number
          1C: f UID STORE 77 FLAGS ()
          1S: f OK UID STORE completed
          1C: g STORE 1 +FLAGS (\Seen)
          1S: * 1 FETCH (FLAGS (\Seen \Flagged \Draft \Recent))
          1S: g OK STORE completed",
    );
}

#[test]
fn a_new_keyword_is_told_before_it_is_used() {
    let mut stage = Stage::selected(1, "12");
    stage.play(
        r"1C: a STORE 1 +FLAGS (Work)
          1S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft Work)
          1S: * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft Work \*)] Flags that stay
          1S: * 1 FETCH (FLAGS (Work \Recent))
          1S: a OK STORE completed
          2C: b NOOP
          2S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft Work)
          2S: * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft Work \*)] Flags that stay
          2S: * 1 FETCH (FLAGS (Work))
          2S: b OK NOOP completed",
    );
}

#[test]
fn the_57th_keyword_is_the_last() {
    let mut stage = Stage::selected(1, "1");
    let names: Vec<_> = (0..57).map(|n| format!("k{n}")).collect();
    let names = names.join(" ");
    stage.play(&format!(
        r"1C: a STORE 1 FLAGS.SILENT ({names})
          1S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft {names})
          1S: * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft {names})] Flags that stay
          1S: a OK STORE completed
          1C: b STORE 1 +FLAGS (more)
          1S: b NO [LIMIT] The mailbox has no room for another keyword"
    ));
}

/// RFC 3501, 6.4.6: SILENT hides one's own change only.
#[test]
fn silence_does_not_hide_the_changes_of_others() {
    let mut stage = Stage::selected(2, "12");
    stage.play(
        r"2C: a STORE 1 +FLAGS.SILENT (\Answered)
          2S: a OK STORE completed
          1C: b STORE 1:2 +FLAGS.SILENT (\Seen)
          1S: * 1 FETCH (FLAGS (\Seen \Answered \Recent))
          1S: b OK STORE completed
          2C: c NOOP
          2S: * 1 FETCH (FLAGS (\Seen \Answered))
          2S: * 2 FETCH (FLAGS (\Seen))
          2S: c OK NOOP completed
          1C: d NOOP
          1S: d OK NOOP completed",
    );
}

/// Of four messages, session 1 has expunged the first and the third; session 2 has not been told.
fn expunged() -> Stage {
    let mut stage = Stage::selected(4, "12");
    stage.play(
        r"1C: a STORE 1,3 +FLAGS.SILENT (\Deleted)
          1S: a OK STORE completed
          1C: b EXPUNGE
          1S: * 1 EXPUNGE
          1S: * 2 EXPUNGE
          1S: * 2 RECENT
          1S: b OK EXPUNGE completed",
    );
    stage
}

#[test]
fn expunge_tells_numbers_as_they_shift() {
    let mut stage = expunged();
    stage.play(
        r"2C: c STORE 4 +FLAGS (\Seen)
          2S: * 4 FETCH (FLAGS (\Seen))
          2S: c OK STORE completed
          2C: d STORE 1,2 +FLAGS (\Flagged)
          2S: * 2 FETCH (FLAGS (\Flagged))
          2S: d NO [EXPUNGEISSUED] Some of the messages are gone
          2C: e UID STORE 1:2 -FLAGS (\Flagged)
          2S: * 1 EXPUNGE
          2S: * 2 EXPUNGE
          2S: * 1 FETCH (UID 2 FLAGS ())
          2S: e OK UID STORE completed
          1C: f EXPUNGE
          1S: * 2 FETCH (FLAGS (\Seen \Recent))
          1S: f OK EXPUNGE completed",
    );
}

/// RFC 4315, 2.1.
#[test]
fn uid_expunge_leaves_the_others() {
    let mut stage = Stage::selected(3, "1");
    stage.play(
        r"1C: a STORE 1:3 +FLAGS.SILENT (\Deleted)
          1S: a OK STORE completed
          1C: b UID EXPUNGE 2:9
          1S: * 2 EXPUNGE
          1S: * 2 EXPUNGE
          1S: * 1 RECENT
          1S: b OK UID EXPUNGE completed
          1C: c UID EXPUNGE 100:200
          1S: c OK UID EXPUNGE completed
          1C: d EXPUNGE 1
          1S: d BAD ...",
    );
}

#[test]
fn close_expunges_in_silence_and_unselect_does_not() {
    let mut stage = Stage::selected(2, "1");
    stage.play(
        r"1C: a STORE 1 +FLAGS.SILENT (\Deleted)
          1S: a OK STORE completed
          1C: b UNSELECT
          1S: b OK UNSELECT completed
          1C: c STATUS INBOX (MESSAGES)
          1S: * STATUS INBOX (MESSAGES 2)
          1S: c OK STATUS completed",
    );
    let talk = stage.talk('1');
    for (select, messages) in [("EXAMINE", 2), ("SELECT", 1)] {
        stage.world.feed(talk, format!("d {select} INBOX\r\n").as_bytes());
        stage.world.take(talk);
        stage.play(&format!(
            "1C: e CLOSE
             1S: e OK CLOSE completed
             1C: f STATUS INBOX (MESSAGES)
             1S: * STATUS INBOX (MESSAGES {messages})
             1S: f OK STATUS completed"
        ));
    }
}

#[test]
fn a_mailbox_opened_by_examine_is_not_changed() {
    let mut stage = Stage::new();
    stage.deliver(Flags::NONE);
    stage.logged_in('1');
    let talk = stage.talk('1');
    stage.world.feed(talk, b"s EXAMINE INBOX\r\n");
    stage.world.take(talk);
    for command in [
        "STORE 1 FLAGS ()",
        "UID STORE 1 FLAGS ()",
        "EXPUNGE",
        "UID EXPUNGE 1",
        "MOVE 1 Sent",
        "UID MOVE 1 Sent",
    ] {
        stage.play(&format!(
            "1C: a {command}\n1S: a NO [READ-ONLY] The mailbox is selected read-only"
        ));
    }
    stage.play("1C: b COPY 1 Sent\n1S: b OK [COPYUID ... 1 1] COPY completed");
}

#[test]
fn copy() {
    let mut stage = Stage::selected(3, "12");
    stage.play(
        r"1C: a COPY 2:3 Sent
          1S: a OK [COPYUID ... 2:3 1:2] COPY completed
          1C: b COPY 1 nowhere
          1S: b NO [TRYCREATE] There is no such mailbox
          1C: c UID COPY 70:80 Sent
          1S: c OK There was no such message
          1C: d COPY 4 Sent
          1S: d BAD There is no message of such a number
          1C: e COPY 1 INBOX
          1S: * 4 EXISTS
          1S: * 4 RECENT
          1S: e OK [COPYUID ... 1 4] COPY completed
          2C: f UID STORE 1 +FLAGS.SILENT (\Deleted)
          2S: * 4 EXISTS
          2S: f OK UID STORE completed
          2C: g EXPUNGE
          2S: * 1 EXPUNGE
          2S: g OK EXPUNGE completed
          1C: h STORE 2 FLAGS.SILENT ()
          1S: h OK STORE completed
          1C: i COPY 1:2 Sent
          1S: i NO [EXPUNGEISSUED] Some of the messages are gone
          1C: j UID COPY 1:2 Sent
          1S: * 1 EXPUNGE
          1S: * 3 RECENT
          1S: j OK [COPYUID ... 2 3] UID COPY completed",
    );
}

/// RFC 6851, 3.1 and 4.3.
#[test]
fn a_move_says_where_to_before_it_expunges() {
    let mut stage = Stage::selected(3, "1");
    stage.play(
        r"1C: a MOVE 1,3 Sent
          1S: * OK [COPYUID ... 1,3 1:2] Moved
          1S: * 1 EXPUNGE
          1S: * 2 EXPUNGE
          1S: * 1 RECENT
          1S: a OK MOVE completed
          1C: b UID MOVE 2 nowhere
          1S: b NO [TRYCREATE] There is no such mailbox
          1C: c UID MOVE 2 INBOX
          1S: * OK [COPYUID ... 2 4] Moved
          1S: * 1 EXPUNGE
          1S: * 1 EXISTS
          1S: c OK UID MOVE completed
          1C: d UID MOVE 99 Sent
          1S: d OK There was no such message",
    );
}

#[test]
fn an_empty_mailbox_has_no_numbers() {
    let mut stage = Stage::selected(0, "1");
    stage.play(
        "1C: a STORE 1:* FLAGS ()
         1S: a BAD There is no message of such a number
         1C: b UID STORE 1:* FLAGS ()
         1S: b OK UID STORE completed",
    );
}

#[test]
fn noop_and_check_bring_news() {
    let mut stage = Stage::selected(1, "1");
    stage.deliver(Flags::NONE);
    stage.play("1C: a NOOP\n1S: * 2 EXISTS\n1S: * 2 RECENT\n1S: a OK NOOP completed");
    stage.deliver(Flags::NONE);
    stage.play("1C: a CHECK\n1S: * 3 EXISTS\n1S: * 3 RECENT\n1S: a OK CHECK completed");
}

/// RFC 3501, 5.5 and 7.4.1: numbers mean what they meant until the client hears otherwise.
#[test]
fn fetch_by_number_hears_of_no_expunge() {
    let mut stage = expunged();
    stage.play(
        r"2C: c FETCH 1:* UID
          2S: * 1 FETCH (UID 1)
          2S: * 2 FETCH (UID 2)
          2S: * 3 FETCH (UID 3)
          2S: * 4 FETCH (UID 4)
          2S: c OK FETCH completed
          2C: d STORE 4 +FLAGS.SILENT (\Flagged)
          2S: d OK STORE completed
          2C: e FETCH 3:4 (UID FLAGS)
          2S: * 3 FETCH (UID 3 FLAGS ())
          2S: * 4 FETCH (UID 4 FLAGS (\Flagged))
          2S: e OK FETCH completed
          2C: f SEARCH ALL
          2S: * SEARCH 1 2 3 4
          2S: f OK SEARCH completed
          2C: g UID FETCH 1:* FLAGS
          2S: * 1 FETCH (UID 1 FLAGS ())
          2S: * 2 FETCH (UID 2 FLAGS ())
          2S: * 3 FETCH (UID 3 FLAGS ())
          2S: * 4 FETCH (UID 4 FLAGS (\Flagged))
          2S: * 1 EXPUNGE
          2S: * 2 EXPUNGE
          2S: g OK UID FETCH completed
          2C: h FETCH 1:* UID
          2S: * 1 FETCH (UID 2)
          2S: * 2 FETCH (UID 4)
          2S: h OK FETCH completed",
    );
}
