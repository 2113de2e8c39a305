use super::*;

#[test]
fn select_tells_all_that_is_required() {
    let mut stage = Stage::new();
    stage.deliver(seen());
    stage.deliver(Flags::NONE);
    stage.logged_in('1');
    stage.play(
        r"1C: a SELECT inbox
          1S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft)
          1S: * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft \*)] ...
          1S: * 2 EXISTS
          1S: * 2 RECENT
          1S: * OK [UNSEEN 2] ...
          1S: * OK [UIDVALIDITY ...] ...
          1S: * OK [UIDNEXT 3] ...
          1S: * OK [MAILBOXID (F...)] ...
          1S: a OK [READ-WRITE] SELECT completed
          1C: b EXAMINE INBOX
          1S: * OK [CLOSED] The previous mailbox is closed
          1S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft)
          1S: * OK [PERMANENTFLAGS ()] ...
          1S: * 2 EXISTS
          1S: * 0 RECENT
          1S: * OK [UNSEEN 2] ...
          1S: * OK [UIDVALIDITY ...] ...
          1S: * OK [UIDNEXT 3] ...
          1S: * OK [MAILBOXID (F...)] ...
          1S: b OK [READ-ONLY] EXAMINE completed",
    );
}

#[test]
fn a_failed_select_leaves_no_mailbox() {
    let mut stage = Stage::selected(1, "1");
    stage.play(
        "1C: a SELECT nowhere
         1S: * OK [CLOSED] The previous mailbox is closed
         1S: a NO [NONEXISTENT] There is no such mailbox
         1C: b CHECK
         1S: b BAD Select a mailbox first",
    );
}

#[test]
fn create_delete_rename() {
    logged_in(
        "1",
        r#"1C: a CREATE INBOX
           1S: a NO [ALREADYEXISTS] A mailbox of that name exists
           1C: b DELETE inbox
           1S: b NO [CANNOT] INBOX stays
           1C: c CREATE a/b/
           1S: c OK [MAILBOXID (F...)] CREATE completed
           1C: d LIST "" a%
           1S: * LIST (\HasChildren) "/" a
           1S: d OK LIST completed
           1C: e DELETE a
           1S: e OK DELETE completed
           1C: f LIST "" a*
           1S: * LIST (\Noselect \HasChildren) "/" a
           1S: * LIST (\HasNoChildren) "/" a/b
           1S: f OK LIST completed
           1C: g DELETE a
           1S: g NO [HASCHILDREN] The mailbox has only inferiors, and they stay
           1C: h RENAME a/b c/d
           1S: h OK RENAME completed
           1C: i LIST "" "%/d"
           1S: * LIST (\HasNoChildren) "/" c/d
           1S: i OK LIST completed
           1C: j RENAME c c/e
           1S: j NO [CANNOT] A mailbox cannot become its own inferior
           1C: k RENAME c Sent
           1S: k NO [ALREADYEXISTS] A mailbox of that name exists
           1C: l DELETE nowhere
           1S: l NO [NONEXISTENT] There is no such mailbox
           1C: m CREATE a//b
           1S: m BAD expected a mailbox name without an empty level ..."#,
    );
}

#[test]
fn renaming_inbox_moves_its_messages() {
    let mut stage = Stage::selected(2, "1");
    stage.play(
        "1C: a RENAME INBOX INBOX/old
         1S: * 1 EXPUNGE
         1S: * 1 EXPUNGE
         1S: * 0 RECENT
         1S: a OK RENAME completed
         1C: b STATUS INBOX/old (MESSAGES)
         1S: * STATUS INBOX/old (MESSAGES 2)
         1S: b OK STATUS completed",
    );
}

#[test]
fn deleting_the_selected_mailbox_empties_it() {
    let mut stage = Stage::new();
    stage.logged_in('1');
    stage.play(
        "1C: a CREATE x
         1S: a OK [MAILBOXID (F...)] CREATE completed
         1C: b APPEND x {1+}
         1C: y
         1S: b OK [APPENDUID ... 1] APPEND completed",
    );
    let talk = stage.talk('1');
    stage.world.feed(talk, b"c SELECT x\r\n");
    stage.world.take(talk);
    stage.play(
        "1C: d DELETE x
         1S: * 1 EXPUNGE
         1S: * 0 RECENT
         1S: d OK DELETE completed
         1C: e EXPUNGE
         1S: e NO [NONEXISTENT] There is no such mailbox
         1C: f CLOSE
         1S: f OK CLOSE completed
         1C: g UNSELECT
         1S: g BAD Select a mailbox first",
    );
}

#[test]
fn list_patterns_and_attributes() {
    logged_in(
        "1",
        r#"1C: a LIST "" ""
           1S: * LIST (\Noselect) "/" ""
           1S: a OK LIST completed
           1C: b LIST "" %
           1S: * LIST (\HasNoChildren \Archive) "/" Archive
           1S: * LIST (\HasNoChildren \Drafts) "/" Drafts
           1S: * LIST (\HasNoChildren) "/" INBOX
           1S: * LIST (\HasNoChildren \Junk) "/" Junk
           1S: * LIST (\HasNoChildren \Sent) "/" Sent
           1S: * LIST (\HasNoChildren \Trash) "/" Trash
           1S: b OK LIST completed
           1C: c CREATE "INBOX/Entw&APw-rfe &- mehr"
           1S: c OK [MAILBOXID (F...)] CREATE completed
           1C: d LIST inbox/ *
           1S: * LIST (\HasNoChildren) "/" "INBOX/Entw&APw-rfe &- mehr"
           1S: d OK LIST completed
           1C: e LIST "" iNbOx
           1S: * LIST (\HasChildren) "/" INBOX
           1S: e OK LIST completed
           1C: f LIST "" nothing*
           1S: f OK LIST completed"#,
    );
}

/// RFC 6154, 5; RFC 5258, 3.
#[test]
fn extended_list() {
    logged_in(
        "1",
        r#"1C: a LIST (SPECIAL-USE) "" *
           1S: * LIST (\HasNoChildren \Archive) "/" Archive
           1S: * LIST (\HasNoChildren \Drafts) "/" Drafts
           1S: * LIST (\HasNoChildren \Junk) "/" Junk
           1S: * LIST (\HasNoChildren \Sent) "/" Sent
           1S: * LIST (\HasNoChildren \Trash) "/" Trash
           1S: a OK LIST completed
           1C: b LIST "" (INBOX Sent) RETURN (SPECIAL-USE CHILDREN SUBSCRIBED)
           1S: * LIST (\HasNoChildren \Subscribed) "/" INBOX
           1S: * LIST (\HasNoChildren \Subscribed \Sent) "/" Sent
           1S: b OK LIST completed
           1C: c LIST (RECURSIVEMATCH) "" *
           1S: c BAD ...
           1C: d SUBSCRIBE ghost/child
           1S: d OK SUBSCRIBE completed
           1C: e LIST (SUBSCRIBED) "" g*
           1S: * LIST (\NonExistent \HasNoChildren \Subscribed) "/" ghost/child
           1S: e OK LIST completed
           1C: f LIST (SUBSCRIBED RECURSIVEMATCH) "" g%
           1S: * LIST (\NonExistent \HasNoChildren) "/" ghost ("CHILDINFO" ("SUBSCRIBED"))
           1S: f OK LIST completed
           1C: g LIST (SUBSCRIBED RECURSIVEMATCH) "" g*
           1S: * LIST (\NonExistent \HasNoChildren \Subscribed) "/" ghost/child
           1S: g OK LIST completed"#,
    );
}

/// RFC 3501, 6.3.9.
#[test]
fn lsub_shows_superiors_for_what_a_percent_hides() {
    logged_in(
        "1",
        r#"1C: a SUBSCRIBE foo/bar
           1S: a OK SUBSCRIBE completed
           1C: b LSUB "" f%
           1S: * LSUB (\Noselect) "/" foo
           1S: b OK LSUB completed
           1C: c LSUB "" f*
           1S: * LSUB () "/" foo/bar
           1S: c OK LSUB completed
           1C: d SUBSCRIBE foo
           1S: d OK SUBSCRIBE completed
           1C: e LSUB "" f%
           1S: * LSUB () "/" foo
           1S: e OK LSUB completed
           1C: f UNSUBSCRIBE foo
           1S: f OK UNSUBSCRIBE completed
           1C: g UNSUBSCRIBE foo/bar
           1S: g OK UNSUBSCRIBE completed
           1C: h LSUB "" f*
           1S: h OK LSUB completed"#,
    );
}

#[test]
fn a_long_list_leaves_piece_by_piece() {
    let mut stage = Stage::new();
    stage.logged_in('1');
    let talk = stage.talk('1');
    for n in 0..1000 {
        stage
            .world
            .feed(talk, format!("a CREATE {n:0>200}\r\n").as_bytes());
    }
    stage.world.take(talk);
    stage.world.feed(talk, b"b LIST \"\" *\r\n");
    let heard = stage.world.take(talk);
    assert_eq!(
        heard
            .split(|&octet| octet == b'\n')
            .filter(|line| line.starts_with(b"* LIST"))
            .count(),
        1006
    );
    let peaks = stage.world.conversation(talk).unwrap().peaks();
    assert!(peaks.send < 48 * 1024, "{peaks:?}");
}

#[test]
fn status() {
    let mut stage = Stage::selected(2, "1");
    stage.deliver(seen());
    stage.play(
        "1C: a STATUS inbox (MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN)
         1S: * STATUS INBOX (MESSAGES 3 RECENT 1 UIDNEXT 4 UIDVALIDITY ... UNSEEN 2)
         1S: a OK STATUS completed
         1C: b STATUS nowhere (MESSAGES)
         1S: b NO [NONEXISTENT] There is no such mailbox
         1C: c STATUS INBOX ()
         1S: c BAD ...",
    );
}

/// Many wildcards over many long names: other sessions get their turn in between.
#[test]
fn a_costly_list_takes_turns() {
    let mut stage = Stage::new();
    stage.logged_in('1');
    let talk = stage.talk('1');
    for n in 0..60 {
        stage
            .world
            .feed(talk, format!("a CREATE {n:a>250}\r\n").as_bytes());
    }
    stage.world.take(talk);
    let pattern = "*a".repeat(120);
    stage
        .world
        .feed(talk, format!("b LIST \"\" {pattern}\r\n").as_bytes());
    assert!(!stage.world.conversation(talk).unwrap().wants_bytes());
    assert_eq!(
        stage.world.conversation(talk).unwrap().deadline_ms(),
        Some(stage.world.now().mono_ms)
    );
    stage.play("time 1s\n1S: b OK LIST completed");
}
