//! FETCH as a client sees it, and what it asks of the store.

use std::sync::Arc;

use crate::antivirus::Virus;
use crate::imap::{Session, Settings};
use crate::machine::{Action, Done, Effect, Peer, Seed, Stored};
use crate::mime::{Limits, Scanner};
use crate::pair::{Fault, Talk, World};
use crate::store::{
    AccountId, Actor, Budget, Flag, FlagChange, Flags, MailboxName, ModSeq, NewMessage, Page, Refusal, Reply,
    Request, UidSet,
};

/// A client that has selected INBOX.
pub(in crate::imap::command) struct Client {
    pub(in crate::imap::command) world: World,
    account: AccountId,
    talk: Talk,
    tags: u32,
}

impl Client {
    /// INBOX holds these messages.
    pub(in crate::imap::command) fn new(messages: &[(Flags, &str)]) -> Self {
        let mut world = World::new();
        let account = world.create_account("user@example.com", "secret");
        for (flags, message) in messages {
            world
                .append(account, &inbox(), *flags, message.as_bytes())
                .unwrap();
        }
        let mut client = Self {
            world,
            account,
            talk: Talk(0),
            tags: 0,
        };
        client.join("SELECT");
        client
    }

    /// Adds so many messages at once and lets the client see them. Their objects are not there to be read.
    fn fill(&mut self, messages: usize) {
        let octets = b"From: a@example.com\r\nSubject: hello\r\n\r\nHello\r\n";
        let (mut seed, now) = (Seed::new([9; 32]), self.world.now());
        let mut scanner = Scanner::new(Limits::default());
        scanner.push(octets);
        let index = Arc::new(scanner.finish());
        let new = |_| NewMessage {
            stored: Stored {
                object: seed.object(now),
                size: octets.len() as u64,
                sha256: [0; 32],
                received_sha256: [0; 32],
                index: Arc::clone(&index),
                durable_ms: 0,
                virus: Virus::NotScanned,
            },
            flags: Flags::NONE,
            keywords: Vec::new(),
            internal_date_s: now.unix_s(),
            email_id: seed.half(),
        };
        let append = Request::Append {
            name: inbox(),
            instead: None,
            messages: (0..messages).map(new).collect(),
            at_ms: now.unix_ms,
        };
        self.world.ask(Actor::Account(self.account), append).unwrap();
        self.ask("NOOP");
    }

    /// A new session selects INBOX with this command.
    fn join(&mut self, select: &str) {
        let session = Session::new(
            Peer {
                address: None,
                tls: None,
            },
            Arc::new(Settings::default()),
            Seed::new([7; 32]),
        );
        self.talk = self.world.join(session);
        self.ask("LOGIN user@example.com secret");
        self.ask(&format!("{select} INBOX"));
    }

    /// Sends a command. What was answered: the untagged lines and, without its tag, the tagged one.
    pub(in crate::imap::command) fn ask(&mut self, command: &str) -> String {
        self.tags += 1;
        let tag = format!("t{}", self.tags);
        self.world.take(self.talk);
        self.world
            .feed(self.talk, format!("{tag} {command}\r\n").as_bytes());
        let answer = String::from_utf8(self.world.take(self.talk)).unwrap();
        answer
            .replace(&format!("\r\n{tag} "), "\r\n")
            .trim_start_matches(&format!("{tag} "))
            .to_owned()
    }

    /// What was sent since.
    pub(in crate::imap::command) fn heard(&mut self) -> String {
        String::from_utf8(self.world.take(self.talk)).unwrap()
    }

    /// The names of the effects that a command asked for.
    pub(in crate::imap::command) fn effects(&mut self, command: &str) -> Vec<&'static str> {
        let before = self.world.log().len();
        self.ask(command);
        self.world.log()[before..]
            .iter()
            .map(|ended| ended.effect.name())
            .collect()
    }

    fn actions(&mut self, command: &str) -> Vec<Action> {
        let before = self.world.conversation(self.talk).unwrap().actions().len();
        self.ask(command);
        self.world.conversation(self.talk).unwrap().actions()[before..].to_vec()
    }

    fn is_over(&self) -> bool {
        self.world.is_over(self.talk)
    }

    /// Another session expunges a message.
    fn expunge(&mut self, uid: u32) {
        let opened = self.world.log().iter().find_map(|ended| match &ended.outcome {
            Ok(Done::Reply(Reply::Opened(opened))) => Some(opened.clone()),
            _ => None,
        });
        let mailbox = opened.unwrap().mailbox.id;
        let (uids, since) = (UidSet::from_iter([uid]), ModSeq(1));
        let (keywords, unchanged_since) = (Vec::new(), None);
        let (change, flags) = (FlagChange::Add, Flag::Deleted.into());
        let change = Request::ChangeFlags {
            mailbox,
            uids: uids.clone(),
            change,
            flags,
            keywords,
            unchanged_since,
            since,
        };
        let at_ms = self.world.now().unix_ms;
        for request in [
            change,
            Request::Expunge {
                mailbox,
                within: Some(uids),
                at_ms,
                since,
            },
        ] {
            self.world.ask(Actor::Account(self.account), request).unwrap();
        }
    }
}

fn inbox() -> MailboxName {
    MailboxName::inbox()
}

const ONE: &str = "Subject: one\r\n\r\nfirst\r\n";
const TWO: &str = "Subject: two\r\nTo: a@b\r\n\r\nsecond\r\n";
const THREE: &str = "Subject: three\r\n\r\nthird\r\n";

fn three() -> Client {
    Client::new(&[(Flags::NONE, ONE), (Flag::Seen.into(), TWO), (Flags::NONE, THREE)])
}

#[test]
fn the_view_answers_without_a_question() {
    let mut client = three();
    assert_eq!(
        client.ask("FETCH 1:2,* (FLAGS RFC822.SIZE)"),
        "* 1 FETCH (FLAGS (\\Recent) RFC822.SIZE 23)\r\n\
         * 2 FETCH (FLAGS (\\Seen \\Recent) RFC822.SIZE 33)\r\n\
         * 3 FETCH (FLAGS (\\Recent) RFC822.SIZE 25)\r\n\
         OK FETCH completed\r\n"
    );
    assert_eq!(
        client.ask("UID FETCH 2:100,200 FLAGS"),
        "* 2 FETCH (UID 2 FLAGS (\\Seen \\Recent))\r\n* 3 FETCH (UID 3 FLAGS (\\Recent))\r\nOK UID FETCH completed\r\n"
    );
    assert_eq!(client.ask("UID FETCH 77 FLAGS"), "OK UID FETCH completed\r\n");
    assert!(client.ask("FETCH 4 FLAGS").starts_with("BAD "));
    assert_eq!(
        client.effects("FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)"),
        [] as [&str; 0]
    );
}

#[test]
fn what_is_read_becomes_seen_at_the_end_in_one_request() {
    let mut client = three();
    assert_eq!(
        client.ask("FETCH 1:3 BODY[TEXT]"),
        "* 1 FETCH (BODY[TEXT] {7}\r\nfirst\r\n)\r\n\
         * 2 FETCH (BODY[TEXT] {8}\r\nsecond\r\n)\r\n\
         * 3 FETCH (BODY[TEXT] {7}\r\nthird\r\n)\r\n\
         * 1 FETCH (FLAGS (\\Seen \\Recent))\r\n\
         * 3 FETCH (FLAGS (\\Seen \\Recent))\r\n\
         OK FETCH completed\r\n"
    );
    assert_eq!(
        client.effects("FETCH 1:3 BODY[TEXT]"),
        ["store.FetchPage"],
        "all are seen now"
    );
    let mut client = three();
    assert_eq!(
        client.effects("FETCH 1:3 BODY[]"),
        ["store.FetchPage", "store.ChangeFlags"]
    );
}

#[test]
fn peeking_and_examining_change_nothing() {
    let mut client = three();
    assert_eq!(
        client.effects("FETCH 1:3 (BODY.PEEK[] RFC822.HEADER)"),
        ["store.FetchPage"]
    );
    client.join("EXAMINE");
    assert_eq!(client.effects("FETCH 1:3 (BODY[] RFC822)"), ["store.FetchPage"]);
}

#[test]
fn headers_are_told_without_reading_objects() {
    let mut client = three();
    let actions = client
        .actions("FETCH 1:3 (ENVELOPE BODYSTRUCTURE BODY.PEEK[HEADER.FIELDS (SUBJECT)] BODY.PEEK[HEADER])");
    assert!(
        !actions
            .iter()
            .any(|action| matches!(action, Action::SendObject { .. }))
    );
    assert_eq!(
        client.ask("FETCH 2 BODY.PEEK[HEADER.FIELDS (TO)]"),
        "* 2 FETCH (BODY[HEADER.FIELDS (TO)] {11}\r\nTo: a@b\r\n\r\n)\r\nOK FETCH completed\r\n"
    );
}

#[test]
fn the_shell_is_told_which_objects_come_next() {
    let messages: Vec<_> = (0..20).map(|_| (Flags::NONE, ONE)).collect();
    let mut client = Client::new(&messages);
    let actions = client.actions("FETCH 1:20 BODY.PEEK[]");
    let mut hinted = Vec::new();
    let mut sent = 0;
    for action in actions {
        match action {
            Action::Soon(ranges) => hinted.extend(ranges),
            Action::SendObject { object, range, .. } => {
                assert_eq!(
                    hinted.get(sent),
                    Some(&(object, range)),
                    "object {sent} was not hinted at in its turn"
                );
                sent += 1;
            }
            _ => {}
        }
    }
    assert_eq!((sent, hinted.len()), (20, 20));
}

/// However many messages: what is put together at a time stays small.
#[test]
fn a_long_answer_leaves_piece_by_piece() {
    let messages: Vec<_> = (0..3_000).map(|_| (Flags::NONE, "\r\n")).collect();
    let mut client = Client::new(&messages);
    let actions = client.actions("FETCH 1:* (UID FLAGS INTERNALDATE)");
    let sizes: Vec<_> = actions
        .iter()
        .map(|action| match action {
            Action::Send(octets) => octets.len(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(
        sizes.len() > 3 && sizes.iter().all(|&size| size <= 64 * 1024),
        "{sizes:?}"
    );
    let answer = client.ask("FETCH 1:* FLAGS");
    assert_eq!(answer.lines().count(), 3_001);
    assert!(
        (1..)
            .zip(answer.lines())
            .take(3_000)
            .all(|(n, line)| line == format!("* {n} FETCH (FLAGS (\\Recent))"))
    );
}

#[test]
fn pages_are_pulled_until_all_is_told() {
    let messages: Vec<_> = (0..600).map(|_| (Flags::NONE, "A: b\r\n\r\nbody")).collect();
    let mut client = Client::new(&messages);
    let answer = client.ask("FETCH 1:* BODY.PEEK[HEADER]");
    assert_eq!(
        answer
            .matches(" FETCH (BODY[HEADER] {8}\r\nA: b\r\n\r\n)\r\n")
            .count(),
        600
    );
    assert_eq!(
        client.effects("FETCH 1:600 BODY.PEEK[TEXT]"),
        ["store.FetchPage"; 3]
    );
}

/// A message that another session has expunged is told as long as its row is there.
#[test]
fn expunged_messages_are_told_until_they_are_gone() {
    let mut client = three();
    client.expunge(2);
    assert!(
        client
            .ask("FETCH 2 (UID RFC822.SIZE)")
            .starts_with("* 2 FETCH (UID 2 RFC822.SIZE 33)\r\n")
    );
    assert!(
        client
            .ask("FETCH 2 BODY.PEEK[TEXT]")
            .contains("{8}\r\nsecond\r\n)\r\n")
    );
    client.world.fail(Fault {
        failure: Refusal::Gone.into(),
        ..Fault::before("SendObject", 2)
    });
    let answer = client.ask("FETCH 1:3 BODY.PEEK[TEXT]");
    assert!(
        answer.contains("first") && !answer.contains("* 2 FETCH") && answer.contains("third"),
        "{answer}"
    );
    assert!(answer.contains("\r\nNO [EXPUNGEISSUED] "), "{answer}");
}

#[test]
fn a_broken_object_leaves_out_one_message() {
    let mut client = three();
    client.world.fail(Fault::before("SendObject", 2));
    let answer = client.ask("FETCH 1:3 (FLAGS BODY[TEXT])");
    assert!(
        answer.contains("first") && !answer.contains("* 2 FETCH") && answer.contains("third"),
        "{answer}"
    );
    assert!(answer.contains("\r\nNO [SERVERBUG] "), "{answer}");
    assert!(
        client
            .ask("FETCH 1:3 FLAGS")
            .contains("* 1 FETCH (FLAGS (\\Seen \\Recent))\r\n")
    );
}

#[test]
fn what_cannot_be_had_now_ends_the_command() {
    let mut client = three();
    client.world.fail(Fault::timeout("SendObject", 2));
    let answer = client.ask("FETCH 1:3 BODY[TEXT]");
    assert!(answer.contains("first") && !answer.contains("third"), "{answer}");
    assert!(
        answer.contains("* 1 FETCH (FLAGS (\\Seen \\Recent))\r\nNO [UNAVAILABLE] "),
        "{answer}"
    );
    assert!(
        client
            .ask("FETCH 3 FLAGS")
            .contains("* 3 FETCH (FLAGS (\\Recent))\r\n"),
        "it was not read"
    );
    client.world.fail(Fault::timeout("store.FetchPage", 1));
    assert!(client.ask("FETCH 1:3 BODY[]").starts_with("NO [UNAVAILABLE] "));
}

/// No NIL, no tagged line: the client would take either for the section's content.
#[test]
fn a_response_that_cannot_be_finished_is_cut() {
    let mut client = three();
    client.world.fail(Fault::before("SendObject", 2));
    let answer = client.ask("FETCH 1:3 (BODY[TEXT] BODY[])");
    assert_eq!(answer, "* 1 FETCH (BODY[TEXT] {7}\r\nfirst\r\n");
    assert!(client.is_over());
}

#[test]
fn a_failure_to_mark_is_told() {
    let mut client = three();
    client.world.fail(Fault::timeout("store.ChangeFlags", 1));
    let answer = client.ask("FETCH 1 BODY[TEXT]");
    assert!(
        answer.starts_with("* 1 FETCH (BODY[TEXT] {7}\r\nfirst\r\n)\r\nNO [UNAVAILABLE] "),
        "{answer}"
    );
}

#[test]
fn flags_that_were_told_are_no_news() {
    let mut client = three();
    let change = client.effects("FETCH 1 BODY[]");
    assert_eq!(change, ["store.FetchPage", "store.ChangeFlags"]);
    assert_eq!(
        client.ask("FETCH 1 FLAGS"),
        "* 1 FETCH (FLAGS (\\Seen \\Recent))\r\nOK FETCH completed\r\n"
    );
}

#[test]
fn nothing_is_lost_when_the_client_leaves_midway() {
    let mut client = three();
    client.world.fail(Fault::after("SendObject", 2));
    let answer = client.ask("FETCH 1:3 BODY[TEXT]");
    assert!(
        answer.contains("{8}\r\nseco") && !answer.contains("third"),
        "{answer}"
    );
    assert!(client.is_over());
    assert_eq!(client.world.check(), [] as [String; 0]);
    assert!(
        !client
            .world
            .log()
            .iter()
            .any(|ended| matches!(ended.effect, Effect::FinishUpload(_)))
    );
}

/// What a FETCH of a whole large mailbox costs: no object is read, and what it holds between two waits does not grow with
/// the mailbox.
#[test]
fn a_large_mailbox_is_told_without_reading_objects_and_piece_by_piece() {
    const MESSAGES: usize = 10_000;
    let mut client = Client::new(&[]);
    client.fill(MESSAGES);
    let from = client.world.conversation(client.talk).unwrap().actions().len();
    let answer = client.ask("FETCH 1:* (UID FLAGS ENVELOPE BODYSTRUCTURE)");
    assert_eq!(answer.matches(" FETCH (UID ").count(), MESSAGES);
    assert!(answer.ends_with("\r\nOK FETCH completed\r\n"));
    let conversation = client.world.conversation(client.talk).unwrap();
    let reads = |action: &&Action| matches!(action, Action::SendObject { .. } | Action::Soon(_));
    assert_eq!(conversation.actions().iter().skip(from).filter(reads).count(), 0);
    let peaks = conversation.peaks();
    assert!(peaks.send <= super::BATCH + 4 * 1024, "{peaks:?}");
    let page_octets = answer.len() * Page::ROWS_MAX / MESSAGES;
    assert!(
        peaks.drain <= page_octets + super::BATCH,
        "{peaks:?}, a page is {page_octets}"
    );
    assert_eq!(peaks.effects, 1);
}

/// On a full disk mail can still be read.
#[test]
fn without_space_for_the_mark_the_body_is_told_and_all_is_well() {
    let mut client = three();
    client.world.fail(Fault {
        failure: Refusal::Limit(Budget::Space).into(),
        ..Fault::before("store.ChangeFlags", 1)
    });
    assert_eq!(
        client.ask("FETCH 1 BODY[TEXT]"),
        "* 1 FETCH (BODY[TEXT] {7}\r\nfirst\r\n)\r\nOK FETCH completed\r\n"
    );
}
