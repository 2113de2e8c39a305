//! LIST with STATUS: what is told of each mailbox, and what it costs.

use super::*;

#[test]
fn each_mailbox_is_followed_by_its_counts() {
    let mut stage = Stage::new();
    stage.deliver(seen());
    stage.deliver(Flags::NONE);
    stage.logged_in('1');
    stage.play(
        r#"1C: a LIST "" (INBOX Drafts nowhere) RETURN (STATUS (MESSAGES UNSEEN UIDNEXT RECENT SIZE))
           1S: * LIST (\HasNoChildren \Drafts) "/" Drafts
           1S: * STATUS Drafts (MESSAGES 0 UNSEEN 0 UIDNEXT 1 RECENT 0 SIZE 0)
           1S: * LIST (\HasNoChildren) "/" INBOX
           1S: * STATUS INBOX (MESSAGES 2 UNSEEN 1 UIDNEXT 3 RECENT 2 SIZE 92)
           1S: a OK LIST completed"#,
    );
}

/// RFC 5819, 2 and 3: what is not there, or is told only for what is below it, has no counts.
#[test]
fn what_is_not_selected_has_no_counts() {
    logged_in(
        "1",
        r#"1C: a CREATE a/b/c
           1S: a OK [MAILBOXID (F...)] CREATE completed
           1C: b SUBSCRIBE a/b/c
           1S: b OK SUBSCRIBE completed
           1C: c SUBSCRIBE gone
           1S: c OK SUBSCRIBE completed
           1C: d LIST (SUBSCRIBED RECURSIVEMATCH) "" (a gone) RETURN (STATUS (MESSAGES))
           1S: * LIST (\HasChildren) "/" a ("CHILDINFO" ("SUBSCRIBED"))
           1S: * LIST (\NonExistent \HasNoChildren \Subscribed) "/" gone
           1S: d OK LIST completed
           1C: e LIST (SUBSCRIBED) "" a* RETURN (STATUS (MESSAGES) CHILDREN)
           1S: * LIST (\HasNoChildren \Subscribed) "/" a/b/c
           1S: * STATUS a/b/c (MESSAGES 0)
           1S: e OK LIST completed
           1C: f LIST "" "" RETURN (STATUS (MESSAGES))
           1S: f OK LIST completed"#,
    );
}

/// A missing level has no counts, though it is listed.
#[test]
fn a_level_without_a_mailbox_has_no_counts() {
    logged_in(
        "1",
        r#"1C: a CREATE x/y
           1S: a OK [MAILBOXID (F...)] CREATE completed
           1C: b DELETE x
           1S: b OK DELETE completed
           1C: c LIST "" x% RETURN (STATUS (MESSAGES))
           1S: * LIST (\NonExistent \HasChildren) "/" x
           1S: c OK LIST completed"#,
    );
}

/// As STATUS does, LIST tells of the selected mailbox only what the client may go on from (RFC 7162, 3.1.7), and enables CONDSTORE.
#[test]
fn highestmodseq_of_the_selected_mailbox() {
    let mut stage = Stage::selected(1, "12");
    stage.play(
        r#"1C: a LIST "" INBOX RETURN (STATUS (HIGHESTMODSEQ))
           1S: * OK [HIGHESTMODSEQ 2] The highest MODSEQ
           1S: * LIST (\HasNoChildren) "/" INBOX
           1S: * STATUS INBOX (HIGHESTMODSEQ 2)
           1S: a OK LIST completed
           2C: b STORE 1 +FLAGS (\Seen)
           2S: * 1 FETCH (FLAGS (\Seen))
           2S: b OK STORE completed
           1C: c LIST "" INBOX RETURN (STATUS (HIGHESTMODSEQ))
           1S: * LIST (\HasNoChildren) "/" INBOX
           1S: * STATUS INBOX (HIGHESTMODSEQ 2)
           1S: c OK LIST completed"#,
    );
}

/// However many mailboxes there are, they are asked for at once.
#[test]
fn one_request_for_all() {
    let mut stage = Stage::new();
    stage.logged_in('1');
    let talk = stage.talk('1');
    for n in 0..100 {
        stage.world.feed(talk, format!("c CREATE m{n}\r\n").as_bytes());
    }
    let before = stage.effects().len();
    stage.world.take(talk);
    stage
        .world
        .feed(talk, b"a LIST \"\" * RETURN (STATUS (MESSAGES RECENT))\r\n");
    let said = String::from_utf8(stage.world.take(talk)).unwrap();
    assert_eq!(said.matches("* STATUS ").count(), 106);
    assert_eq!(stage.effects()[before..], ["store.ListMailboxes"]);
}
