//! Names, limits, accounts.

use super::bench::{Bench, name, refused};
use crate::store::memory::{MAILBOXES_MAX, SUBSCRIPTIONS_MAX};
use crate::store::*;

#[test]
fn missing_superiors_are_made_and_uid_validity_ascends() {
    let mut bench = Bench::new(0);
    bench.create("a/b/c").unwrap();
    assert_eq!(bench.names(), "INBOX a a/b a/b/c");
    // INBOX was made at 1,000 s; the clock went back to 500 s since.
    let validity = |bench: &mut Bench, of| bench.line(of).uid_validity;
    assert_eq!(
        ["INBOX", "a", "a/b", "a/b/c"].map(|of| validity(&mut bench, of)),
        [1000, 1001, 1002, 1003]
    );
    assert_eq!(refused(bench.create("a/b")), Refusal::AlreadyExists);
    let (mailbox, superiors) = (bench.mailbox("late"), Vec::new());
    bench
        .user(Request::CreateMailbox {
            mailbox,
            superiors,
            at_s: 5000,
        })
        .unwrap();
    let (mailbox, superiors) = (bench.mailbox("later"), Vec::new());
    bench
        .user(Request::CreateMailbox {
            mailbox,
            superiors,
            at_s: 1 << 40,
        })
        .unwrap();
    assert_eq!(["late", "later"].map(|of| validity(&mut bench, of)), [5000, 5001]);
    bench
        .user(Request::DeleteMailbox {
            name: name("late"),
            at_ms: 1,
        })
        .unwrap();
    bench.create("late").unwrap();
    assert_eq!(validity(&mut bench, "late"), 5002, "never one that was");
}

#[test]
fn names_are_deleted_from_below() {
    let mut bench = Bench::new(0);
    bench.create("a/b").unwrap();
    let delete = |bench: &mut Bench, of| {
        bench.user(Request::DeleteMailbox {
            name: name(of),
            at_ms: 1,
        })
    };
    delete(&mut bench, "a").unwrap();
    assert_eq!(bench.names(), "INBOX a/b");
    assert_eq!(refused(delete(&mut bench, "a")), Refusal::HasChildren);
    delete(&mut bench, "a/b").unwrap();
    assert_eq!(refused(delete(&mut bench, "a")), Refusal::NoSuchMailbox);
    assert_eq!(refused(delete(&mut bench, "INBOX")), Refusal::NotPermitted);
}

#[test]
fn renames_take_inferiors_along() {
    for (from, to, want) in [
        ("a", "z", Ok("INBOX INBOX/i x z z/b z/b/c")),
        ("a/b", "z/y", Ok("INBOX INBOX/i a x z z/y z/y/c")),
        ("a/b/c", "a/c", Ok("INBOX INBOX/i a a/b a/c x")),
        ("INBOX/i", "i", Ok("INBOX a a/b a/b/c i x")),
        ("x", "INBOX/x", Ok("INBOX INBOX/i INBOX/x a a/b a/b/c")),
        ("INBOX", "INBOX/old", Ok("INBOX INBOX/i INBOX/old a a/b a/b/c x")),
        ("INBOX", "n/m", Ok("INBOX INBOX/i a a/b a/b/c n n/m x")),
        ("a", "a/z", Err(Refusal::NotPermitted)),
        ("a", "a", Err(Refusal::AlreadyExists)),
        ("a", "x", Err(Refusal::AlreadyExists)),
        ("a", "INBOX", Err(Refusal::AlreadyExists)),
        ("INBOX", "x", Err(Refusal::AlreadyExists)),
        ("none", "z", Err(Refusal::NoSuchMailbox)),
        ("b", "z", Err(Refusal::NoSuchMailbox)),
    ] {
        let mut bench = Bench::new(0);
        ["a/b/c", "x", "INBOX/i"]
            .into_iter()
            .for_each(|of| drop(bench.create(of).unwrap()));
        let answer = bench.rename(from, to).map(|_| bench.names());
        assert_eq!(
            answer,
            want.map(str::to_owned).map_err(Failure::from),
            "{from} to {to}"
        );
    }
}

#[test]
fn a_name_that_has_only_inferiors_is_renamed_with_them() {
    let mut bench = Bench::new(0);
    bench.create("a/b").unwrap();
    bench
        .user(Request::DeleteMailbox {
            name: name("a"),
            at_ms: 1,
        })
        .unwrap();
    bench.rename("a", "z").unwrap();
    assert_eq!(bench.names(), "INBOX z/b");
    bench.create("a/b").unwrap();
    assert_eq!(
        refused(bench.rename("z", "a")),
        Refusal::AlreadyExists,
        "a exists"
    );
    bench
        .user(Request::DeleteMailbox {
            name: name("a"),
            at_ms: 1,
        })
        .unwrap();
    assert_eq!(
        refused(bench.rename("z", "a")),
        Refusal::AlreadyExists,
        "a/b exists"
    );
    let long = format!("{}/x", vec!["d"; 30].join("/"));
    bench.create(&long).unwrap();
    assert_eq!(
        refused(bench.rename("d", "e/f/g")),
        Refusal::Limit(Budget::Mailboxes),
        "too deep"
    );
}

#[test]
fn rename_keeps_what_a_mailbox_is() {
    let mut bench = Bench::new(0);
    bench.create("a").unwrap();
    bench.append("a", &[&["work"], &[]]).unwrap();
    let before = bench.line("a");
    bench.rename("a", "b").unwrap();
    assert_eq!(
        bench.line("b"),
        Mailbox {
            name: name("b"),
            ..before
        }
    );
    assert_eq!(bench.flags("b"), "1:work 2:");
}

#[test]
fn renaming_inbox_moves_its_messages() {
    let mut bench = Bench::new(0);
    bench.append("INBOX", &[&["work"], &[], &[]]).unwrap();
    bench.copy("INBOX", &[1], "INBOX", true).unwrap();
    let before = bench.line("INBOX");
    bench.rename("INBOX", "old").unwrap();
    assert_eq!(bench.flags("old"), "1: 2: 3:work");
    let after = bench.line("INBOX");
    assert_eq!(
        (after.id, after.uid_validity, after.uid_next, after.msgs),
        (before.id, before.uid_validity, Uid(5), 0)
    );
    assert_eq!(after.highest_modseq.0, before.highest_modseq.0 + 1);
    assert_eq!(
        (bench.line("old").highest_modseq, bench.line("old").uid_validity),
        (ModSeq(2), 1001)
    );
    assert_eq!(bench.used(), (3, 300));
    bench.rename("INBOX", "empty").unwrap();
    assert_eq!(
        (bench.line("empty").highest_modseq, bench.line("INBOX")),
        (ModSeq(1), after),
        "nothing to move"
    );
}

#[test]
fn accounts_have_limits() {
    let mut bench = Bench::new(0);
    (2..MAILBOXES_MAX).for_each(|n| {
        let (mailbox, superiors) = (bench.mailbox(&format!("m{n}")), Vec::new());
        let request = Request::CreateMailbox {
            mailbox,
            superiors,
            at_s: 0,
        };
        bench.store.run(Actor::Account(bench.me), request).unwrap();
    });
    assert_eq!(
        refused(bench.create("a/b")),
        Refusal::Limit(Budget::Mailboxes),
        "one is left, two are wanted"
    );
    assert_eq!(
        refused(bench.rename("INBOX", "a/b")),
        Refusal::Limit(Budget::Mailboxes)
    );
    bench.create("a").unwrap();
    assert_eq!(refused(bench.create("b")), Refusal::Limit(Budget::Mailboxes));
    let subscribe = |bench: &mut Bench, n: usize| {
        bench.store.run(
            Actor::Account(bench.me),
            Request::Subscribe {
                name: name(&format!("s{n}")),
            },
        )
    };
    (1..SUBSCRIPTIONS_MAX).for_each(|n| drop(subscribe(&mut bench, n).unwrap()));
    assert_eq!(
        refused(subscribe(&mut bench, 0)),
        Refusal::Limit(Budget::Subscriptions)
    );
    assert_eq!(
        subscribe(&mut bench, 1),
        Ok(Reply::Subscribed),
        "one that is there"
    );
    bench.user(Request::Unsubscribe { name: name("s1") }).unwrap();
    assert_eq!(subscribe(&mut bench, 0), Ok(Reply::Subscribed));
}

#[test]
fn addresses_lead_to_inbox_with_or_without_detail() {
    let mut bench = Bench::new(1000);
    bench.append("INBOX", &[&[]]).unwrap();
    let place = RecipientPlace {
        account: bench.me,
        mailbox: bench.line("INBOX").id,
        room_bytes: Some(900),
    };
    for (address, base, want) in [
        ("user@example.com", None, Some(&place)),
        ("user+x@example.com", Some("user@example.com"), Some(&place)),
        ("user+x@example.com", None, None),
        ("other@example.com", Some("others@example.com"), None),
    ] {
        let request = Request::FindRecipient {
            address: address.to_owned(),
            base: base.map(str::to_owned),
        };
        let want = want
            .cloned()
            .map(|place| Reply::RecipientFound(vec![place]))
            .ok_or(Failure::Refused(Refusal::NoSuchAccount));
        assert_eq!(bench.ask(Actor::Door, request), want, "{address}");
    }
}

#[test]
fn a_deleted_account_leaves_sessions_a_way_out() {
    let mut bench = Bench::new(0);
    bench.append("INBOX", &[&[]]).unwrap();
    let inbox = bench.line("INBOX");
    let login = "user@example.com".to_owned();
    bench
        .ask(
            Actor::Operator,
            Request::DeleteAccount {
                login: login.clone(),
                at_ms: 1,
            },
        )
        .unwrap();
    assert_eq!(bench.names(), "");
    assert_eq!(
        bench.user(Request::ListSubscriptions),
        Ok(Reply::Subscriptions(Vec::new()))
    );
    assert_eq!(refused(bench.create("x")), Refusal::NoSuchAccount);
    assert_eq!(
        refused(bench.user(Request::Subscribe { name: name("x") })),
        Refusal::NoSuchAccount
    );
    let request = Request::Refresh {
        mailbox: inbox.id,
        since: inbox.highest_modseq,
        claim_recent: true,
    };
    let Ok(Reply::Refreshed(refreshed)) = bench.user(request) else {
        panic!()
    };
    assert_eq!(
        (
            refreshed.vanished.iter().collect::<Vec<_>>(),
            refreshed.view.len()
        ),
        (vec![1], 0)
    );
    assert_eq!(
        bench.deliver(50, &[(bench.me, inbox.id, 1)]),
        [Err(Refusal::NoSuchMailbox)]
    );
    assert_eq!(
        bench.ask(Actor::Operator, Request::FindAccount { login: login.clone() }),
        Ok(Reply::AccountFound(None))
    );
    bench.me = bench.account(&login, 0);
    assert_eq!(bench.names(), "INBOX");
}

#[test]
fn what_is_somebody_elses_is_not_there() {
    let mut bench = Bench::new(0);
    let mine = bench.line("INBOX").id;
    let other = bench.account("other@example.com", 0);
    let uids = UidSet::range(1..=9);
    for request in [
        Request::Refresh {
            mailbox: mine,
            since: ModSeq(0),
            claim_recent: false,
        },
        Request::FetchPage {
            mailbox: mine,
            uids: uids.clone(),
        },
        Request::Expunge {
            mailbox: mine,
            within: None,
            at_ms: 1,
            since: ModSeq(0),
        },
    ] {
        assert_eq!(
            refused(bench.ask(Actor::Account(other), request.clone())),
            Refusal::NoSuchMailbox,
            "{request:?}"
        );
        assert_eq!(
            refused(bench.ask(Actor::Door, request.clone())),
            Refusal::NotPermitted,
            "{request:?}"
        );
    }
    assert_eq!(
        bench.deliver(50, &[(other, mine, 1)]),
        [Err(Refusal::NoSuchMailbox)]
    );
}

#[test]
fn ids_are_not_used_twice() {
    let mut bench = Bench::new(0);
    let mailbox = NewMailbox {
        id: bench.line("INBOX").id,
        ..bench.mailbox("a")
    };
    let answer = bench.user(Request::CreateMailbox {
        mailbox,
        superiors: Vec::new(),
        at_s: 1,
    });
    assert!(matches!(answer, Err(Failure::Broken(_))), "{answer:?}");
}
