//! Undelete, and import.

use super::bench::{Bench, name, refused, set, words};
use crate::store::*;

/// How a message was found: mailbox, UID, fate.
type Found = (String, u32, Fate);

impl Bench {
    fn expunge(&mut self, of: &str, uids: &[u32], at_ms: u64) {
        self.store(of, uids, FlagChange::Add, "\\Deleted").unwrap();
        let mailbox = self.line(of).id;
        let request = Request::Expunge {
            mailbox,
            within: None,
            at_ms,
            since: ModSeq(0),
        };
        self.user(request).unwrap();
    }

    fn find_deleted(&mut self, mailbox: Option<&str>, from_ms: u64, before_ms: u64) -> Vec<Found> {
        let wanted = FindDeleted {
            account: self.me,
            mailbox: mailbox.map(name),
            from_ms,
            before_ms,
            after: None,
            limit: 100,
        };
        match self.ask(Actor::Operator, Request::FindDeleted(wanted)) {
            Ok(Reply::DeletedFound(found)) => found
                .into_iter()
                .map(|message| (message.name.to_string(), message.uid.0, message.fate))
                .collect(),
            other => panic!("{other:?}"),
        }
    }

    fn undelete(&mut self, from: MailboxId, uids: &[u32], to: &str) -> Result<Undeleted, Failure> {
        let wanted = Undelete {
            account: self.me,
            from,
            uids: set(uids),
            to: name(to),
            at_ms: 9_000_000,
        };
        match self.ask(Actor::Operator, Request::Undelete(wanted))? {
            Reply::Undeleted(done) => Ok(done),
            other => panic!("{other:?}"),
        }
    }

    fn import(
        &mut self,
        keys: &[u8],
        keywords: &[&str],
        ignore_quota: bool,
    ) -> Vec<Result<Delivered, Refusal>> {
        let messages = keys.iter().map(|key| {
            let new = NewMessage {
                stored: self.stored(100),
                flags: Flag::Seen.into(),
                keywords: words(keywords),
                internal_date_s: 77,
                email_id: self.half(),
            };
            (DeliveryKey([*key; 16]), new)
        });
        let messages = messages.collect();
        let import = Import {
            account: self.me,
            mailbox: name("INBOX"),
            messages,
            ignore_quota,
            at_ms: 9_000_000,
        };
        match self.ask(Actor::Operator, Request::Import(import)) {
            Ok(Reply::Imported(answers)) => answers,
            other => panic!("{other:?}"),
        }
    }
}

fn ranges(sets: [&UidSet; 4]) -> [String; 4] {
    sets.map(|set| set.to_string())
}

#[test]
fn messages_come_back_once_under_new_uids_with_their_flags() {
    let mut bench = Bench::new(0);
    bench.append("INBOX", &[&["a"], &[], &["b"]]).unwrap();
    bench.expunge("INBOX", &[1, 3], 5_000_000);
    let inbox = bench.line("INBOX").id;
    let before = bench.line("INBOX").highest_modseq;
    let done = bench.undelete(inbox, &[1, 2, 3, 9], "INBOX").unwrap();
    let sets = ranges([&done.restored, &done.target, &done.lives, &done.gone]);
    assert_eq!(sets, ["1,3", "4:5", "2", "9"]);
    assert_eq!(bench.flags("INBOX"), "2: 4:a 5:b");
    assert_eq!(
        bench.line("INBOX").highest_modseq.0,
        before.0 + 1,
        "one step for all"
    );
    assert_eq!(bench.used(), (3, 300));

    let again = bench.undelete(inbox, &[1, 3], "INBOX").unwrap();
    assert_eq!((again.restored.len(), again.lives.to_string()), (0, "1,3".into()));
    let fates: Vec<_> = bench
        .find_deleted(None, 0, u64::MAX)
        .into_iter()
        .map(|found| found.2)
        .collect();
    assert_eq!(fates, [Fate::Lives, Fate::Lives]);
    // Deleted once more, the newer row is the one that comes back.
    bench.expunge("INBOX", &[4], 6_000_000);
    let fates: Vec<_> = bench
        .find_deleted(None, 0, u64::MAX)
        .into_iter()
        .map(|found| found.2)
        .collect();
    assert_eq!(fates, [Fate::Later, Fate::Lives, Fate::Restorable]);
}

#[test]
fn what_was_moved_comes_back_from_where_it_was_last() {
    let mut bench = Bench::new(0);
    bench.create("Trash").unwrap();
    bench.append("INBOX", &[&[], &[]]).unwrap();
    bench.copy("INBOX", &[1, 2], "Trash", true).unwrap();
    let found = |fate| {
        vec![
            ("INBOX".to_owned(), 1, fate),
            ("INBOX".to_owned(), 2, Fate::Lives),
        ]
    };
    assert_eq!(
        bench.find_deleted(None, 0, u64::MAX),
        found(Fate::Lives),
        "a move is no deletion"
    );
    bench.expunge("Trash", &[1], 8_000_000);
    let mut all = found(Fate::Later);
    all.push(("Trash".to_owned(), 1, Fate::Restorable));
    assert_eq!(bench.find_deleted(None, 0, u64::MAX), all);
    assert_eq!(
        bench.find_deleted(Some("INBOX"), 0, u64::MAX),
        found(Fate::Restorable),
        "if only INBOX is asked for"
    );
    assert_eq!(
        bench.find_deleted(None, 8_000_000, 8_000_001),
        all.split_off(2),
        "by the time of deletion"
    );
}

#[test]
fn a_deleted_mailbox_gives_its_messages_to_another() {
    let mut bench = Bench::new(0);
    bench.create("a").unwrap();
    bench.append("a", &[&["x"], &["y"]]).unwrap();
    let old = bench.line("a").id;
    let delete = Request::DeleteMailbox {
        name: name("a"),
        at_ms: 5_000_000,
    };
    bench.user(delete).unwrap();
    assert_eq!(refused(bench.undelete(old, &[1], "a")), Refusal::NoSuchMailbox);
    bench.create("a").unwrap();
    bench.append("a", &[&["z"]]).unwrap();
    let done = bench.undelete(old, &[1, 2], "a").unwrap();
    assert_eq!(done.target.to_string(), "2:3");
    assert_eq!(bench.flags("a"), "1:z 2:x 3:y", "keywords are mapped by name");
}

#[test]
fn what_the_quota_does_not_hold_stays_deleted() {
    let mut bench = Bench::new(250);
    bench.append("INBOX", &[&[], &[]]).unwrap();
    bench.expunge("INBOX", &[1, 2], 5_000_000);
    bench.append("INBOX", &[&[]]).unwrap();
    let inbox = bench.line("INBOX").id;
    let done = bench.undelete(inbox, &[1, 2], "INBOX").unwrap();
    assert_eq!(
        (done.restored.to_string(), done.over_quota.to_string()),
        ("1".into(), "2".into())
    );
    assert_eq!(bench.used(), (2, 200));
}

#[test]
fn an_import_brings_each_message_once() {
    let mut bench = Bench::new(350);
    let first = bench.import(&[1, 2, 1], &["x"], false);
    let uid =
        |answer: &Result<Delivered, Refusal>| answer.map(|delivered| (delivered.uid.0, delivered.repeated));
    let uids = |answers: &[_]| answers.iter().map(uid).collect::<Vec<_>>();
    assert_eq!(uids(&first), [Ok((1, false)), Ok((2, false)), Ok((1, true))]);
    assert_eq!(bench.line("INBOX").highest_modseq, ModSeq(2), "one step for all");
    bench.expunge("INBOX", &[2], 5_000_000);
    let again = bench.import(&[2, 3, 4, 5], &[], false);
    assert_eq!(
        uids(&again),
        [
            Ok((2, true)),
            Ok((3, false)),
            Ok((4, false)),
            Err(Refusal::OverQuota)
        ]
    );
    assert_eq!(
        uids(&bench.import(&[5], &[], true)),
        [Ok((5, false))],
        "the quota may be passed over"
    );
    let row = *bench.open("INBOX", false).view.iter().next().unwrap();
    assert_eq!((row.internal_date_s, row.flags.has(Flag::Seen)), (77, true));
    let known = Request::FindImported {
        keys: vec![DeliveryKey([5; 16]), DeliveryKey([6; 16])],
    };
    assert_eq!(
        bench.ask(Actor::Operator, known),
        Ok(Reply::ImportedFound(vec![true, false]))
    );
}
