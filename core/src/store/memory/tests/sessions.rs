//! What sessions see: recent messages, changes, pages.

use super::bench::{Bench, name};
use crate::store::memory::Store;
use crate::store::*;

#[test]
fn a_message_is_recent_in_one_session() {
    let mut bench = Bench::new(0);
    bench.append("INBOX", &[&[], &[]]).unwrap();
    let recent = |bench: &mut Bench| match bench.user(Request::StatusMailbox {
        name: name("INBOX"),
        recent: true,
    }) {
        Ok(Reply::Status(status)) => status.recent,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        (recent(&mut bench), bench.open("INBOX", false).recent_from),
        (2, Uid(1)),
        "EXAMINE claims nothing"
    );
    let opened = bench.open("INBOX", true);
    assert_eq!((opened.recent_from, opened.mailbox.recent_from), (Uid(1), Uid(1)));
    assert_eq!(
        (recent(&mut bench), bench.open("INBOX", true).recent_from),
        (0, Uid(3))
    );
    bench.append("INBOX", &[&[]]).unwrap();
    assert_eq!(recent(&mut bench), 1);
    // A session that stores has selected the mailbox, so it claims.
    let changed = bench.store("INBOX", &[], FlagChange::Add, "\\Seen").unwrap();
    assert_eq!((changed.refreshed.recent_from, recent(&mut bench)), (Uid(3), 0));
}

#[test]
fn a_refresh_tells_what_is_newer() {
    let mut bench = Bench::new(0);
    bench.append("INBOX", &[&[], &[], &[]]).unwrap();
    bench.store("INBOX", &[2], FlagChange::Add, "\\Deleted").unwrap();
    let mailbox = bench.line("INBOX").id;
    bench
        .user(Request::Expunge {
            mailbox,
            within: None,
            at_ms: 1,
            since: ModSeq(0),
        })
        .unwrap();
    bench.append("INBOX", &[&[]]).unwrap();
    for (since, changed, vanished) in [
        (0, "1,3:4", "2"),
        (2, "4", "2"),
        (3, "4", "2"),
        (4, "4", ""),
        (5, "", ""),
        (99, "", ""),
    ] {
        let request = Request::Refresh {
            mailbox,
            since: ModSeq(since),
            claim_recent: false,
        };
        let Ok(Reply::Refreshed(refreshed)) = bench.user(request) else {
            panic!()
        };
        let told = (refreshed.changed.to_string(), refreshed.vanished.to_string());
        assert_eq!(told, (changed.to_owned(), vanished.to_owned()), "since {since}");
        let view = &refreshed.view;
        assert_eq!(
            (view.highest_modseq, view.uid_next, view.len(), view.unseen()),
            (ModSeq(5), Uid(5), 3, 3)
        );
    }
}

#[test]
fn a_deleted_mailbox_can_still_be_read_by_its_session() {
    let mut bench = Bench::new(0);
    bench.create("a").unwrap();
    bench.append("a", &[&[]]).unwrap();
    let line = bench.line("a");
    bench
        .user(Request::DeleteMailbox {
            name: name("a"),
            at_ms: 1,
        })
        .unwrap();
    assert_eq!(bench.store.highest_modseq(line.id), Some(ModSeq(3)));
    assert_eq!(page(&mut bench, line.id, UidSet::range(1..=1)).rows.len(), 1);
    let request = Request::Expunge {
        mailbox: line.id,
        within: None,
        at_ms: 1,
        since: ModSeq(0),
    };
    assert_eq!(bench.user(request), Err(Refusal::NoSuchMailbox.into()));
    bench.create("a").unwrap();
    assert!(bench.line("a").id != line.id && bench.line("a").uid_validity > line.uid_validity);
}

fn page(bench: &mut Bench, mailbox: MailboxId, uids: UidSet) -> Page {
    match bench.user(Request::FetchPage { mailbox, uids }) {
        Ok(Reply::Page(page)) => page,
        other => panic!("{other:?}"),
    }
}

#[test]
fn pages_end_by_rows_or_octets() {
    let mut bench = Bench::new(0);
    let none: &[&str] = &[];
    bench.append("INBOX", &[none; 300]).unwrap();
    let mailbox = bench.line("INBOX").id;
    let first = page(&mut bench, mailbox, UidSet::range(1..=u32::MAX));
    assert_eq!(
        (first.rows.len(), first.rest.to_string()),
        (256, format!("257:{}", u32::MAX))
    );
    let second = page(&mut bench, mailbox, first.rest);
    assert_eq!((second.rows.len(), second.rest.to_string()), (44, String::new()));
    assert_eq!(
        page(&mut bench, mailbox, UidSet::range(1..=256)).rest.to_string(),
        ""
    );
    assert_eq!((second.rows[0].uid, second.rows[0].object_size), (Uid(257), 100));
    swell(&mut bench.store, mailbox, Page::OCTETS_MAX / 4);
    let first = page(&mut bench, mailbox, UidSet::range(2..=9));
    assert_eq!((first.rows.len(), first.rest.to_string()), (4, "6:9".to_owned()));
}

/// Gives every message an index of so many octets.
fn swell(store: &mut Store, mailbox: MailboxId, octets: usize) {
    let messages = store.folders.get_mut(&mailbox).unwrap().messages.values_mut();
    messages.for_each(|message| message.index = vec![0; octets].into());
}
