//! STORE and keywords.

use super::bench::{Bench, refused};
use crate::store::*;

#[test]
fn only_real_changes_take_a_modseq() {
    use FlagChange::{Add, Remove, Replace};
    let mut bench = Bench::new(0);
    bench.append("INBOX", &[&[], &[], &[]]).unwrap();
    for (uids, change, flags, applied, modseq, after) in [
        (&[1, 2][..], Add, "\\Seen", "1:2", 3, "1:\\Seen 2:\\Seen 3:"),
        (&[1, 2, 3], Add, "\\Seen", "3", 4, "1:\\Seen 2:\\Seen 3:\\Seen"),
        (&[1, 2, 3], Add, "\\Seen", "", 4, "1:\\Seen 2:\\Seen 3:\\Seen"),
        (&[9], Add, "new", "", 4, "1:\\Seen 2:\\Seen 3:\\Seen"),
        (&[1], Remove, "unknown", "", 4, "1:\\Seen 2:\\Seen 3:\\Seen"),
        (
            &[2],
            Replace,
            "\\Draft work",
            "2",
            5,
            "1:\\Seen 2:\\Draft,work 3:\\Seen",
        ),
        (&[2, 3], Remove, "WORK \\Seen", "2:3", 6, "1:\\Seen 2:\\Draft 3:"),
        (&[1, 2, 3], Replace, "", "1:2", 7, "1: 2: 3:"),
    ] {
        let changed = bench.store("INBOX", uids, change, flags).unwrap();
        assert_eq!(changed.applied.to_string(), applied, "{change:?} {flags}");
        assert_eq!(
            changed.refreshed.view.highest_modseq,
            ModSeq(modseq),
            "{change:?} {flags}"
        );
        assert_eq!(bench.flags("INBOX"), after, "{change:?} {flags}");
    }
    let keywords = bench.open("INBOX", false).view.keywords.to_stored();
    assert_eq!(
        keywords, "work",
        "the list keeps what it has and takes only what is set"
    );
}

#[test]
fn unchanged_since_leaves_newer_messages_alone() {
    let mut bench = Bench::new(0);
    bench.append("INBOX", &[&[], &[]]).unwrap();
    bench.store("INBOX", &[2], FlagChange::Add, "\\Seen").unwrap();
    let changed = bench
        .store_since("INBOX", &[1, 2, 3], FlagChange::Add, "\\Flagged", Some(2))
        .unwrap();
    assert_eq!(
        (changed.applied.to_string(), changed.modified.to_string()),
        ("1".into(), "2".into())
    );
    let changed = bench
        .store_since("INBOX", &[1, 2], FlagChange::Add, "new", Some(0))
        .unwrap();
    assert_eq!(
        (changed.applied.to_string(), changed.modified.to_string()),
        ("".into(), "1:2".into())
    );
    assert!(bench.open("INBOX", false).view.keywords.is_empty());
}

#[test]
fn a_full_list_of_keywords_refuses_new_ones_only() {
    let mut bench = Bench::new(0);
    let all: Vec<_> = (0..Keywords::MAX).map(|n| format!("k{n}")).collect();
    bench.append("INBOX", &[&[], &[]]).unwrap();
    bench
        .store("INBOX", &[1], FlagChange::Add, &all.join(" "))
        .unwrap();
    let full = Refusal::Limit(Budget::Keywords);
    let before = bench.line("INBOX");
    assert_eq!(
        refused(bench.store("INBOX", &[1], FlagChange::Add, "k1 one-more")),
        full
    );
    assert_eq!(refused(bench.append("INBOX", &[&["k1"], &["one-more"]])), full);
    assert_eq!(bench.line("INBOX"), before);
    assert!(
        bench.store("INBOX", &[9], FlagChange::Add, "one-more").is_ok(),
        "nothing to set it on"
    );
    assert!(bench.store("INBOX", &[1], FlagChange::Remove, "one-more").is_ok());
    assert!(bench.store("INBOX", &[2], FlagChange::Add, "K56").is_ok());
    bench.create("a").unwrap();
    bench.append("a", &[&["one-more"]]).unwrap();
    assert_eq!(refused(bench.copy("a", &[1], "INBOX", false)), full);
}
