//! COPY, MOVE, EXPUNGE.

use super::bench::{Bench, name, refused};
use crate::store::*;

#[test]
fn keywords_are_mapped_by_name() {
    let mut bench = Bench::new(0);
    bench.create("a").unwrap();
    bench.append("a", &[&["x", "work"]]).unwrap();
    bench
        .append("INBOX", &[&["unused"], &["WORK", "y"], &["z"]])
        .unwrap();
    let copied = bench.copy("INBOX", &[2, 3, 7], "a", false).unwrap();
    assert_eq!(
        (copied.source.to_string(), copied.target.to_string()),
        ("2:3".into(), "2:3".into())
    );
    assert_eq!((copied.uid_validity, copied.refreshed), (1001, None));
    assert_eq!(bench.flags("a"), "1:x,work 2:work,y 3:z");
    assert_eq!(bench.open("a", false).view.keywords.to_stored(), "x work y z");
    assert_eq!(bench.line("a").highest_modseq, ModSeq(3));
    assert_eq!(bench.used(), (6, 600));
}

#[test]
fn source_and_target_may_be_one() {
    let mut bench = Bench::new(0);
    bench.append("INBOX", &[&["a"], &[]]).unwrap();
    let copied = bench.copy("INBOX", &[1], "INBOX", false).unwrap();
    assert_eq!(
        (copied.source.to_string(), copied.target.to_string()),
        ("1".into(), "3".into())
    );
    assert_eq!(bench.flags("INBOX"), "1:a 2: 3:a");
    let moved = bench.copy("INBOX", &[1, 2], "INBOX", true).unwrap();
    let refreshed = moved.refreshed.unwrap();
    assert_eq!(
        (moved.source.to_string(), moved.target.to_string()),
        ("1:2".into(), "4:5".into())
    );
    assert_eq!(
        (refreshed.vanished.to_string(), refreshed.changed.to_string()),
        ("1:2".into(), "3:5".into())
    );
    assert_eq!(
        refreshed.view.highest_modseq,
        ModSeq(4),
        "one step for both halves"
    );
    assert_eq!(bench.used(), (3, 300));
}

#[test]
fn a_move_leaves_nothing_behind_and_needs_no_room() {
    let mut bench = Bench::new(250);
    bench.create("a").unwrap();
    bench.append("INBOX", &[&[], &[]]).unwrap();
    assert_eq!(refused(bench.copy("INBOX", &[1], "a", false)), Refusal::OverQuota);
    assert_eq!(
        refused(bench.copy("INBOX", &[1], "none", true)),
        Refusal::NoSuchMailbox
    );
    let before = bench.line("INBOX").highest_modseq;
    let refreshed = bench
        .copy("INBOX", &[1, 2], "a", true)
        .unwrap()
        .refreshed
        .unwrap();
    assert_eq!(
        (refreshed.view.len(), refreshed.vanished.to_string()),
        (0, "1:2".into())
    );
    assert_eq!((bench.line("a").msgs, bench.used()), (2, (2, 200)));
    let again = bench.copy("INBOX", &[1, 2], "a", true).unwrap();
    assert!(again.source.is_empty() && again.target.is_empty());
    assert_eq!(
        bench.line("INBOX").highest_modseq.0,
        before.0 + 1,
        "nothing moved, no step"
    );
}

/// RFC 3501, 6.4.7: a COPY that does not succeed leaves the target as it was.
#[test]
fn a_whole_copy_is_all_or_nothing() {
    let mut bench = Bench::new(0);
    bench.create("a").unwrap();
    bench.append("INBOX", &[&[], &[]]).unwrap();
    let from = bench.line("INBOX").id;
    let request = |uids, key| Request::Copy {
        from,
        uids: UidSet::range(uids),
        whole: true,
        to: name("a"),
        moving: true,
        key: DeliveryKey([key; 16]),
        at_ms: 1,
        since: ModSeq(0),
    };
    assert_eq!(refused(bench.user(request(1..=3, 1))), Refusal::Gone);
    assert_eq!((bench.line("a").msgs, bench.line("INBOX").msgs), (0, 2));
    assert!(bench.user(request(1..=2, 2)).is_ok());
    // Repeated, it is done already, though the messages are gone by now.
    assert!(bench.user(request(1..=2, 2)).is_ok());
    assert_eq!((bench.line("a").msgs, bench.line("INBOX").msgs), (2, 0));
}

#[test]
fn a_repeated_copy_copies_once() {
    let mut bench = Bench::new(0);
    bench.create("a").unwrap();
    let key = DeliveryKey([5; 16]);
    assert!(
        bench
            .copy_keyed("INBOX", &[1], "a", false, key)
            .unwrap()
            .source
            .is_empty()
    );
    bench.append("INBOX", &[&[]]).unwrap();
    assert_eq!(
        bench
            .copy_keyed("INBOX", &[1], "a", false, key)
            .unwrap()
            .source
            .len(),
        1,
        "the key was not used up"
    );
    let again = bench.copy_keyed("INBOX", &[1], "a", false, key).unwrap();
    assert_eq!(
        (again.source.len(), again.target.len(), bench.line("a").msgs),
        (0, 0, 1)
    );
}

#[test]
fn a_deleted_source_holds_no_messages() {
    let mut bench = Bench::new(0);
    bench.create("a").unwrap();
    bench.append("a", &[&[]]).unwrap();
    let from = bench.line("a").id;
    bench
        .user(Request::DeleteMailbox {
            name: name("a"),
            at_ms: 1,
        })
        .unwrap();
    let request = |from| Request::Copy {
        from,
        uids: UidSet::range(1..=9),
        whole: false,
        to: MailboxName::inbox(),
        moving: true,
        key: DeliveryKey([1; 16]),
        at_ms: 1,
        since: ModSeq(2),
    };
    let Ok(Reply::Copied(copied)) = bench.user(request(from)) else {
        panic!()
    };
    assert_eq!(
        (
            copied.source.len(),
            copied.refreshed.unwrap().vanished.to_string()
        ),
        (0, "1".into())
    );
    assert_eq!(
        refused(bench.user(request(MailboxId(9999)))),
        Refusal::NoSuchMailbox
    );
}

#[test]
fn expunge_takes_what_is_marked_and_within() {
    let mut bench = Bench::new(0);
    bench.append("INBOX", &[&[], &[], &[], &[]]).unwrap();
    bench
        .store("INBOX", &[1, 2, 4], FlagChange::Add, "\\Deleted")
        .unwrap();
    let mailbox = bench.line("INBOX").id;
    let mut expunge = |within: Option<UidSet>| {
        let request = Request::Expunge {
            mailbox,
            within,
            at_ms: 0,
            since: ModSeq(3),
        };
        let Ok(Reply::Expunged(expunged)) = bench.user(request) else {
            panic!()
        };
        let refreshed = expunged.refreshed;
        (
            expunged.expunged.to_string(),
            refreshed.vanished.to_string(),
            refreshed.view.highest_modseq.0,
        )
    };
    assert_eq!(expunge(Some(UidSet::range(2..=3))), ("2".into(), "2".into(), 4));
    assert_eq!(
        expunge(Some(UidSet::range(2..=3))),
        (String::new(), "2".into(), 4)
    );
    assert_eq!(expunge(None), ("1,4".into(), "1:2,4".into(), 5));
    assert_eq!(bench.used(), (1, 100));
}
