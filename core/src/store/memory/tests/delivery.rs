//! Delivery and APPEND: keys, quota, UIDs.

use super::bench::{Bench, name, refused};
use crate::store::memory::check;
use crate::store::*;

fn new(uid: u32) -> Result<Delivered, Refusal> {
    Ok(Delivered {
        uid_validity: 1000,
        uid: Uid(uid),
        repeated: false,
    })
}

fn repeated(uid: u32) -> Result<Delivered, Refusal> {
    new(uid).map(|delivered| Delivered {
        repeated: true,
        ..delivered
    })
}

#[test]
fn a_key_delivers_once_until_it_is_confirmed() {
    let mut bench = Bench::new(0);
    let inbox = (bench.me, bench.line("INBOX").id);
    let to = |key| (inbox.0, inbox.1, key);
    assert_eq!(
        bench.deliver(50, &[to(1), to(2), to(1)]),
        [new(1), new(2), repeated(1)],
        "twice in one envelope"
    );
    assert_eq!(
        bench.line("INBOX").highest_modseq,
        ModSeq(2),
        "one step for the envelope"
    );
    assert_eq!(
        bench.deliver(50, &[to(2), to(3)]),
        [repeated(2), new(3)],
        "a retry"
    );
    bench.create("a").unwrap();
    bench.copy("INBOX", &[1], "a", true).unwrap();
    assert_eq!(
        bench.deliver(50, &[to(1)]),
        [repeated(1)],
        "wherever the message is now"
    );
    bench
        .store
        .confirm(&[DeliveryKey([1; 16]), DeliveryKey([99; 16])]);
    assert_eq!(bench.deliver(50, &[to(1), to(2)]), [new(4), repeated(2)]);
    assert_eq!(bench.used(), (4, 4 * 57));
}

#[test]
fn each_recipient_is_answered_on_its_own() {
    let mut bench = Bench::new(150);
    let inbox = (bench.me, bench.line("INBOX").id);
    let other = bench.account("other@example.com", 0);
    let to = |key| (inbox.0, inbox.1, key);
    let stored = bench.stored(50);
    let answers = bench.deliver_object(stored.clone(), &[to(1), (other, inbox.1, 2), to(3), to(4), to(3)]);
    let full = Err(Refusal::OverQuota);
    assert_eq!(
        answers,
        [new(1), Err(Refusal::NoSuchMailbox), new(2), full, repeated(2)]
    );
    assert_eq!(bench.line("INBOX").bytes, 2 * 57);
    bench.user(Request::ListMailboxes { recent: false }).unwrap();
    bench.store("INBOX", &[1], FlagChange::Add, "\\Deleted").unwrap();
    let request = Request::Expunge {
        mailbox: inbox.1,
        within: None,
        at_ms: 1,
        since: ModSeq(0),
    };
    bench.user(request).unwrap();
    assert_eq!(
        bench.deliver_object(stored, &[to(4)]),
        [new(3)],
        "a refused recipient leaves no key; the body is shared"
    );
    assert_eq!(bench.store.objects().count(), 1);
}

#[test]
fn appends_are_all_or_none() {
    let mut bench = Bench::new(250);
    assert_eq!(
        refused(bench.append("INBOX", &[&[], &[], &[]])),
        Refusal::OverQuota
    );
    assert_eq!(refused(bench.append("none", &[&[]])), Refusal::NoSuchMailbox);
    let Ok(Reply::Appended(appended)) = bench.append("INBOX", &[&["a"], &["b"]]) else {
        panic!()
    };
    assert_eq!(
        (appended.uid_validity, appended.uids.to_string()),
        (1000, "1:2".to_owned())
    );
    assert_eq!(bench.flags("INBOX"), "1:a 2:b");
    assert_eq!(bench.line("INBOX").highest_modseq, ModSeq(2));
    assert_eq!(
        bench.open("INBOX", false).view.get(Uid(1)).unwrap().sent_date_s,
        7,
        "no Date: INTERNALDATE"
    );
}

#[test]
fn an_object_that_has_messages_is_not_appended() {
    let mut bench = Bench::new(0);
    let stored = bench.stored(50);
    let message = NewMessage {
        stored,
        flags: Flags::NONE,
        keywords: Vec::new(),
        internal_date_s: 0,
        email_id: [0; 16],
    };
    let request = Request::Append {
        name: MailboxName::inbox(),
        instead: None,
        messages: vec![message],
        at_ms: 1,
    };
    assert!(bench.user(request.clone()).is_ok());
    assert!(matches!(bench.user(request), Err(Failure::Broken(_))));
}

#[test]
fn uids_modseqs_and_sizes_end() {
    let mut bench = Bench::new(0);
    let inbox = bench.line("INBOX").id;
    let to = (bench.me, inbox, 1);
    let mut huge = bench.stored(50);
    huge.size = 1 << 32;
    assert_eq!(
        bench.deliver_object(huge, &[to]),
        [Err(Refusal::Limit(Budget::MessageSize))]
    );
    bench.append("INBOX", &[&[]]).unwrap();
    let full = Refusal::Limit(Budget::Uids);
    bench.store.folders.get_mut(&inbox).unwrap().line.uid_next = Uid(UID_MAX.0 - 1);
    let run = |bench: &mut Bench, uids: u32| {
        let key = DeliveryKey(bench.half());
        let uids = UidSet::range(1..=uids);
        let request = Request::Copy {
            from: inbox,
            uids,
            whole: true,
            to: MailboxName::inbox(),
            moving: false,
            key,
            at_ms: 1,
            since: ModSeq(0),
        };
        bench.store.run(Actor::Account(bench.me), request)
    };
    for uid in [UID_MAX.0 - 1, UID_MAX.0] {
        let Ok(Reply::Copied(copied)) = run(&mut bench, 1) else {
            panic!()
        };
        assert_eq!(copied.target.to_string(), uid.to_string());
    }
    assert_eq!(refused(run(&mut bench, 1)), full);
    assert!(
        check(&bench.store)
            .iter()
            .all(|finding| finding.starts_with("I7")),
        "the gap is ours"
    );
    let mut bench = Bench::new(0);
    bench.append("INBOX", &[&[]]).unwrap();
    let inbox = bench.line("INBOX").id;
    bench.store.folders.get_mut(&inbox).unwrap().line.highest_modseq = ModSeq(i64::MAX as u64);
    assert_eq!(
        refused(bench.store("INBOX", &[1], FlagChange::Add, "\\Seen")),
        full
    );
    assert_eq!(refused(bench.append("INBOX", &[&[]])), full);
    assert_eq!(bench.deliver(50, &[(bench.me, inbox, 9)]), [Err(full)]);
}

/// What stands in for INBOX is made with the first message that is kept, and subscribed.
#[test]
fn a_mailbox_in_place_of_another_is_made_once() {
    let mut bench = Bench::new(0);
    let inbox = bench.line("INBOX").id;
    let answers = bench.deliver_instead("Apart", &[(inbox, 1, &["$Virus"]), (inbox, 2, &[])]);
    let brought: Vec<_> = answers.iter().map(|answer| answer.unwrap().uid.0).collect();
    assert_eq!(brought, [1, 2]);
    let answers = bench.deliver_instead("Apart", &[(inbox, 1, &[]), (inbox, 3, &[])]);
    let brought: Vec<_> = answers
        .iter()
        .map(|answer| (answer.unwrap().uid.0, answer.unwrap().repeated))
        .collect();
    assert_eq!(brought, [(1, true), (3, false)]);
    assert_eq!((bench.line("INBOX").msgs, bench.line("Apart").msgs), (0, 3));
    match bench.user(Request::ListSubscriptions) {
        Ok(Reply::Subscriptions(names)) => assert!(names.contains(&name("Apart"))),
        other => panic!("{other:?}"),
    }
}

#[test]
fn nothing_is_made_for_what_is_refused() {
    let mut bench = Bench::new(50);
    let inbox = bench.line("INBOX").id;
    let answers = bench.deliver_instead("Apart", &[(inbox, 1, &[])]);
    assert_eq!(answers, [Err(Refusal::OverQuota)]);
    let mut bench = Bench::new(0);
    let words: Vec<String> = (0..58).map(|n| format!("k{n}")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let answers = bench.deliver_instead("Apart", &[(inbox, 1, &words), (MailboxId(99), 2, &[])]);
    assert_eq!(
        answers,
        [Err(Refusal::Limit(Budget::Keywords)), Err(Refusal::NoSuchMailbox)]
    );
    let (message, instead) = (bench.message(100, &words), bench.mailbox("Apart"));
    let append = bench.user(Request::Append {
        name: name("INBOX"),
        instead: Some(instead),
        messages: vec![message],
        at_ms: 9_000,
    });
    assert_eq!(refused(append), Refusal::Limit(Budget::Keywords));
    let status = bench.user(Request::StatusMailbox {
        name: name("Apart"),
        recent: false,
    });
    assert_eq!(refused(status), Refusal::NoSuchMailbox);
}
