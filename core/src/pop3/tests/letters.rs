use super::*;
use crate::machine::Action;
use crate::store::{Actor, Request, UidSet};
use crate::wire::filter::Filter;

#[test]
fn numbers_and_sizes() {
    let mut stage = Stage::logged_in(3, "1");
    stage.play(
        "1C: STAT
         1S: +OK 3 138
         1C: LIST
         1S: +OK 3 messages (138 octets)
         1S: 1 46
         1S: 2 46
         1S: 3 46
         1S: .
         1C: LIST 3
         1S: +OK 3 46
         1C: LIST 4
         1S: -ERR There is no such message
         1C: LIST 0
         1S: -ERR Messages are numbered from 1 on
         1C: LIST 99999999999999999999
         1S: -ERR There is no such message
         1C: LIST +1
         1S: -ERR Messages are numbered from 1 on
         1C: DELE 2
         1S: +OK Deleted at QUIT
         1C: STAT
         1S: +OK 2 92
         1C: LIST
         1S: +OK 2 messages (92 octets)
         1S: 1 46
         1S: 3 46
         1S: .
         1C: LIST 2
         1S: -ERR The message is deleted; RSET brings it back
         1C: RETR 2
         1S: -ERR The message is deleted; RSET brings it back
         1C: RSET
         1S: +OK 3 messages (138 octets)
         1C: LIST 2
         1S: +OK 2 46
         1C: NOOP
         1S: +OK ...",
    );
}

/// RFC 1939, 7: ids are the same in every session, and never another message's.
#[test]
fn unique_ids_stay() {
    let mut stage = Stage::logged_in(2, "1");
    stage.say('1', b"UIDL 2\r\n");
    let id = stage.hear('1').unwrap();
    stage.play("1C: DELE 1\n1S: +OK Deleted at QUIT\n1C: QUIT\n1S: +OK Goodbye\n1 over");
    stage.deliver(MESSAGE);
    stage.log_in('2');
    let now = id.replacen("+OK 2", "+OK 1", 1);
    stage.play(&format!("2C: UIDL 1\n2S: {now}"));
    stage.say('2', b"UIDL\r\n");
    let lines: Vec<_> = std::iter::from_fn(|| stage.hear('2')).collect();
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert_eq!(lines[1], now.replacen("+OK ", "", 1));
    let ids: Vec<_> = lines[1..3].iter().map(|line| &line[2..]).collect();
    assert_ne!(ids[0], ids[1]);
    for id in ids {
        assert!(
            id.len() <= 70 && id.bytes().all(|octet| (0x21..=0x7e).contains(&octet)),
            "{id}"
        );
    }
}

#[test]
fn what_is_sent_is_stuffed_and_ended() {
    let mut stage = Stage::new(0);
    stage.deliver(b".Subject: x\r\n\r\n.\r\n..\r\n\r\nno end");
    stage.deliver(b"");
    stage.log_in('1');
    stage.play(
        "1C: RETR 1
         1S: +OK 30 octets
         1S: ..Subject: x
         1S:\n1S: ..
         1S: ...
         1S:\n1S: no end
         1S: .
         1C: TOP 1 1
         1S: +OK The top follows
         1S: ..Subject: x
         1S:\n1S: ..
         1S: .
         1C: TOP 1 0
         1S: +OK The top follows
         1S: ..Subject: x
         1S:\n1S: .
         1C: TOP 1 99999999999999999999
         1S: +OK The top follows
         1S: ..Subject: x
         1S:\n1S: ..
         1S: ...
         1S:\n1S: no end
         1S: .
         1C: TOP 1
         1S: -ERR Write TOP...
         1C: TOP 1 -1
         1S: -ERR Write TOP...
         1C: TOP 3 1
         1S: -ERR There is no such message
         1C: RETR 2
         1S: +OK 0 octets
         1S: .
         1C: TOP 2 3
         1S: +OK The top follows
         1S: .",
    );
}

/// Only the header is read where no line of the body is wanted; and one question brings what the next commands need.
#[test]
fn top_reads_what_it_sends_and_pages_are_shared() {
    let mut stage = Stage::logged_in(3, "1");
    let talk = stage.talk('1');
    stage.world.feed(talk, b"TOP 1 0\r\nTOP 2 0\r\nRETR 3\r\n");
    let actions = stage.world.conversation(talk).unwrap().actions();
    let ranges: Vec<_> = actions
        .iter()
        .filter_map(|action| match action {
            Action::SendObject { range, .. } => Some(range.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(ranges, [0..39, 0..39, 0..46]);
    let pages = stage
        .effects()
        .iter()
        .filter(|name| **name == "store.FetchPage")
        .count();
    assert_eq!(pages, 1);
}

/// RFC 6856, 2.1: a header beyond ASCII goes out as it is only to who has said UTF8; it is as large either way.
#[test]
fn a_header_in_utf8_has_a_surrogate() {
    for (says_utf8, subject) in [(true, "Subject: é"), (false, "Subject: ??")] {
        let mut stage = Stage::new(1);
        stage.deliver("Subject: é\r\n\r\né\r\n".as_bytes());
        if says_utf8 {
            stage.play("1C: UTF8\n1S: +OK Headers come in UTF-8 now");
        }
        stage.log_in('1');
        stage.play(&format!(
            "1C: RETR 2
             1S: +OK 19 octets
             1S: {subject}
             1S:\n1S: é
             1S: .
             1C: TOP 2 1
             1S: +OK The top follows
             1S: {subject}
             1S:\n1S: é
             1S: .
             1C: UTF8
             1S: -ERR You have logged in already"
        ));
    }
    // Of an ASCII header nothing is changed, and it is known to be one.
    let mut stage = Stage::logged_in(1, "1");
    let talk = stage.talk('1');
    stage.world.feed(talk, b"RETR 1\r\n");
    let actions = stage.world.conversation(talk).unwrap().actions();
    let plain = |action: &&Action| {
        matches!(
            action,
            Action::SendObject {
                filter: Filter::DotStuff,
                ..
            }
        )
    };
    assert_eq!(actions.iter().filter(plain).count(), 1);
}

/// What another session expunges stays readable until its row goes, and is told to be gone then.
#[test]
fn messages_that_are_gone_meanwhile() {
    let mut stage = Stage::logged_in(2, "1");
    let Some((account, mailbox)) = inbox(&mut stage) else {
        panic!()
    };
    let at_ms = stage.world.now().unix_ms;
    let request = Request::DeleteMessages {
        mailbox,
        uids: UidSet::range(1..=1),
        at_ms,
    };
    stage.world.ask(Actor::Account(account), request).unwrap();
    stage.play(
        "1C: STAT
         1S: +OK 2 92
         1C: TOP 1 0
         1S: +OK The top follows
         1S: From: a@example.com
         1S: Subject: hello
         1S:\n1S: .",
    );
    let collect = Request::CollectMessages {
        before_ms: u64::MAX,
        limit: 10,
        at_ms,
    };
    stage.world.ask(Actor::Worker, collect).unwrap();
    stage.play("1C: QUIT\n1S: +OK Goodbye\n1 over");
    stage.log_in('2');
    stage.play("2C: STAT\n2S: +OK 1 46");
}

fn inbox(stage: &mut Stage) -> Option<(AccountId, crate::store::MailboxId)> {
    let account = stage.account;
    let reply = stage
        .world
        .ask(Actor::Account(account), Request::ListMailboxes { recent: false })
        .unwrap();
    let crate::store::Reply::Mailboxes(all) = reply else {
        return None;
    };
    let inbox = all.iter().find(|one| one.mailbox.name == MailboxName::inbox())?;
    Some((account, inbox.mailbox.id))
}

#[test]
fn a_message_whose_row_is_gone() {
    let mut stage = Stage::logged_in(2, "1");
    let Some((account, mailbox)) = inbox(&mut stage) else {
        panic!()
    };
    let request = Request::DeleteMessages {
        mailbox,
        uids: UidSet::range(1..=1),
        at_ms: 1,
    };
    stage.world.ask(Actor::Account(account), request).unwrap();
    let collect = Request::CollectMessages {
        before_ms: u64::MAX,
        limit: 10,
        at_ms: 2,
    };
    stage.world.ask(Actor::Worker, collect).unwrap();
    stage.play(
        "1C: RETR 1
         1S: -ERR The message is gone: it was deleted elsewhere
         1C: DELE 1
         1S: +OK Deleted at QUIT
         1C: QUIT
         1S: +OK Goodbye
         1 over",
    );
}

/// A long list is told piece by piece, whole.
#[test]
fn a_long_list() {
    let mut stage = Stage::logged_in(1234, "1");
    stage.play("1C: DELE 700\n1S: +OK Deleted at QUIT");
    stage.say('1', b"LIST\r\n");
    let lines: Vec<_> = std::iter::from_fn(|| stage.hear('1')).collect();
    assert_eq!(lines.len(), 1235);
    let numbers = (1..=1234).filter(|number| *number != 700);
    assert!(
        lines[1..]
            .iter()
            .zip(numbers)
            .all(|(line, number)| *line == format!("{number} 46"))
    );
    assert_eq!(lines.last().unwrap(), ".");
}
