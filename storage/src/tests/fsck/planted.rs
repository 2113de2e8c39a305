//! Planted corruptions: each is found, named right, and repaired where that needs no guessing.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use futures_lite::future::block_on;
use lightmail_core::machine::ObjectKind;
use lightmail_core::store::ModSeq;

use super::super::town::{Kind, object_id, on_each};
use super::store::{Bodies, Store, text};
use crate::fsck::{Finding, Repair, Subject, Wish};

/// A corruption of rows: what plants it, the rules that find it, those that a repair leaves broken, and what takes it back then.
struct Planted {
    plant: &'static str,
    found: &'static [&'static str],
    left: &'static [&'static str],
    undo: &'static str,
}

const fn mended(plant: &'static str, found: &'static [&'static str]) -> Planted {
    Planted {
        plant,
        found,
        left: &[],
        undo: "",
    }
}

const fn told(
    plant: &'static str,
    found: &'static [&'static str],
    left: &'static [&'static str],
    undo: &'static str,
) -> Planted {
    Planted {
        plant,
        found,
        left,
        undo,
    }
}

macro_rules! inbox {
    ($set:literal) => {
        concat!("UPDATE mailboxes SET ", $set, " WHERE name = X'494E424F58'")
    };
}

const ROWS: &[Planted] = &[
    mended(inbox!("msgs = msgs + 1"), &["mailbox-counts", "account-counts"]),
    mended(inbox!("unseen = 0"), &["mailbox-counts"]),
    mended(
        "UPDATE accounts SET used_bytes = used_bytes + 7",
        &["account-counts"],
    ),
    mended(
        "UPDATE object_keys SET refs = refs + 1 WHERE id = (SELECT MIN(object_id) FROM messages)",
        &["references"],
    ),
    mended(
        "UPDATE object_keys SET refs = 0, zero_at = 1 WHERE id = (SELECT MIN(object_id) FROM messages)",
        &["references"],
    ),
    mended(
        "INSERT INTO deliveries (k, mailbox_id, uid, at) SELECT X'00112233445566778899AABBCCDDEEFF', id, 99, 1 \
         FROM mailboxes WHERE name = X'494E424F58'",
        &["delivery-leads-nowhere"],
    ),
    mended(
        "INSERT INTO message_index (mailbox_id, uid, head, sha256, cache) SELECT mailbox_id, 98, head, sha256, cache \
         FROM message_index WHERE uid = 3",
        &["index-without-message"],
    ),
    mended("DELETE FROM message_index WHERE uid = 3", &["index-missing"]),
    mended(
        "INSERT INTO expunged (mailbox_id, modseq, uid_lo, uid_hi) VALUES (77, 5, 1, 2)",
        &["expunged-without-mailbox"],
    ),
    mended(
        inbox!("uid_next = 4"),
        &["uid-next", "uid-unaccounted", "recent-from"],
    ),
    mended(inbox!("highest_modseq = 2"), &["highest-modseq"]),
    mended(
        "DELETE FROM message_index WHERE uid = 4; DELETE FROM messages WHERE uid = 4",
        &[
            "uid-unaccounted",
            "references",
            "mailbox-counts",
            "delivery-leads-nowhere",
        ],
    ),
    mended(
        "INSERT INTO expunged (mailbox_id, modseq, uid_lo, uid_hi) SELECT id, 2, 2, 3 FROM mailboxes \
         WHERE name = X'494E424F58'",
        &["uid-unaccounted"],
    ),
    mended(inbox!("recent_from = 99"), &["recent-from"]),
    mended("UPDATE uid_validity_seq SET last = 1", &["uid-validity-last"]),
    mended("DELETE FROM uid_validity_seq", &["uid-validity-last"]),
    mended(
        "INSERT INTO addresses (address, account_id) VALUES ('nobody@example.com', 77)",
        &["address-without-account"],
    ),
    mended(
        "INSERT INTO aliases (address, account_id) SELECT 'info@example.com', id FROM accounts; \
         INSERT INTO aliases (address, account_id) VALUES ('info@example.com', 77)",
        &["alias-without-account"],
    ),
    mended(
        "UPDATE domains SET catch_all = 77",
        &["catch-all-without-account"],
    ),
    mended("DELETE FROM domains", &["address-without-domain"]),
    mended(
        "INSERT INTO subscriptions (account_id, name_hash, name) VALUES (77, X'00112233445566778899AABBCCDDEEFF', X'41')",
        &["subscription-without-account"],
    ),
    mended(
        "DELETE FROM object_keys WHERE id = (SELECT MIN(object_id) FROM messages)",
        &["body-without-row"],
    ),
    mended("UPDATE calendars SET objects = 9", &["calendar-counts"]),
    mended("UPDATE calendars SET modseq = 1", &["calendar-modseq"]),
    told(
        "UPDATE object_keys SET state = 2 WHERE id = (SELECT MIN(object_id) FROM messages)",
        &["body-claimed"],
        &["body-claimed"],
        "UPDATE object_keys SET state = 1",
    ),
    told(
        "UPDATE messages SET size = size + 1 WHERE uid = 3",
        &["body-differs-from-message", "mailbox-counts"],
        &["body-differs-from-message"],
        "UPDATE messages SET size = size - 1 WHERE uid = 3",
    ),
    told(
        "UPDATE messages SET modseq = 1 WHERE uid = 3",
        &["uid-or-modseq-too-small"],
        &["uid-or-modseq-too-small"],
        "UPDATE messages SET modseq = 3 WHERE uid = 3",
    ),
    told(
        inbox!("deleted_at = 5"),
        &["deleted-mailbox"],
        &["deleted-mailbox"],
        inbox!("deleted_at = 0"),
    ),
    told(
        "INSERT INTO mailboxes (id, account_id, name, name_hash, uid_validity, object_id, keywords) SELECT 78, account_id, \
         X'42', X'00112233445566778899AABBCCDDEEFF', uid_validity, object_id, X'' FROM mailboxes WHERE name = X'494E424F58'",
        &["uid-validity-twice"],
        &["uid-validity-twice"],
        "DELETE FROM mailboxes WHERE id = 78",
    ),
    told(
        "UPDATE calendar_objects SET etag = X'00112233445566778899AABBCCDDEEFF' WHERE name = X'3030302E696373'",
        &["calendar-object-body"],
        &["calendar-object-body"],
        "UPDATE calendar_objects SET etag = (SELECT SUBSTR(o.sha256, 1, 16) FROM object_keys o \
         WHERE o.id = calendar_objects.object_id)",
    ),
    told(
        "UPDATE calendar_objects SET deleted_at = 5 WHERE name = X'3030302E696373'",
        &["calendar-object-state"],
        &["calendar-object-state"],
        "UPDATE calendar_objects SET deleted_at = 0",
    ),
    told(
        "UPDATE calendars SET deleted_at = 5",
        &["calendar-state"],
        &["calendar-state"],
        "UPDATE calendars SET deleted_at = 0",
    ),
    told(
        "INSERT INTO queue (id, object_id, sender, rcpt, domain, state, next_at, expires_at, lease_owner, last_error) VALUES \
         (X'00112233445566778899AABBCCDDEEFF', X'00112233445566778899AABBCCDDEEFF', '', '', '', 1, 0, 0, \
         X'00000000000000000000000000000000', X'')",
        &["queued-without-body"],
        &["queued-without-body"],
        "DELETE FROM queue",
    ),
    // The last one, as the mailbox it leaves behind has another message less.
    told(
        "UPDATE messages SET mailbox_id = 77 WHERE uid = 5; UPDATE message_index SET mailbox_id = 77 WHERE uid = 5",
        &[
            "message-without-mailbox",
            "uid-unaccounted",
            "mailbox-counts",
            "delivery-leads-nowhere",
        ],
        &["message-without-mailbox"],
        "DELETE FROM message_index WHERE mailbox_id = 77; DELETE FROM messages WHERE mailbox_id = 77",
    ),
];

fn names(found: &[Finding]) -> BTreeSet<&str> {
    found.iter().map(|finding| finding.rule.name).collect()
}

fn at_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

fn check() -> Wish {
    Wish {
        bodies: true,
        ..Wish::new(at_ms())
    }
}

fn repair() -> Wish {
    Wish {
        repair: true,
        ..check()
    }
}

async fn assert_clean(store: &Store, after: &str) {
    let (found, _) = store.fsck(check()).await;
    assert!(found.is_empty(), "after {after}: {found:#?}");
}

async fn plant_and_repair(store: &Store, planted: &Planted) {
    let what = planted.plant;
    store.plant(planted.plant).await;
    let (found, summary) = store.fsck(check()).await;
    assert_eq!(
        names(&found),
        planted.found.iter().copied().collect(),
        "{what}: {found:#?}"
    );
    assert!(found.iter().all(|finding| finding.repair == Repair::NotAsked));
    assert_eq!(summary.repaired, 0);
    let (found, _) = store.fsck(repair()).await;
    let open = found.iter().filter(|finding| finding.repair != Repair::Done);
    let left: BTreeSet<_> = planted.left.iter().copied().collect();
    assert_eq!(
        open.map(|finding| finding.rule.name).collect::<BTreeSet<_>>(),
        left,
        "{what}: {found:#?}"
    );
    let (found, _) = store.fsck(check()).await;
    assert_eq!(names(&found), left, "after the repair of {what}: {found:#?}");
    if !planted.undo.is_empty() {
        store.plant(planted.undo).await;
        store.fsck(repair()).await;
    }
    assert_clean(store, what).await;
}

#[test]
fn each_corruption_of_rows_is_found_and_repaired_as_promised() {
    on_each(async |kind| {
        let store = Store::new(kind, Bodies::Folder).await;
        assert_clean(&store, "nothing").await;
        for planted in ROWS {
            plant_and_repair(&store, planted).await;
        }
        let rules = ROWS.iter().flat_map(|planted| planted.found);
        let rules: BTreeSet<_> = rules.copied().collect();
        assert_eq!(
            rules.len(),
            crate::fsck::rules_of_rows(),
            "a corruption for each rule"
        );
    });
}

/// What is done to the body of UID 3.
async fn hurt(store: &Store, rule: &str) {
    let (object, octets) = (store.objects[1], text(3));
    match rule {
        "body-missing" => store.overwrite(object, None).await,
        "body-size" => store.overwrite(object, Some(&octets.as_bytes()[1..])).await,
        _ => {
            store
                .overwrite(object, Some(octets.to_uppercase().as_bytes()))
                .await
        }
    }
}

#[test]
fn a_body_that_is_missing_or_wrong_is_told_with_its_message_and_never_repaired() {
    for (kind, bodies) in stores() {
        block_on(async {
            let store = Store::new(kind, bodies).await;
            for rule in ["body-missing", "body-size", "body-hash"] {
                hurt(&store, rule).await;
                for wish in [check(), repair()] {
                    let (found, _) = store.fsck(wish).await;
                    assert_eq!(names(&found), [rule].into(), "{kind:?} {bodies:?}");
                    assert_eq!(
                        found[0].subject,
                        Subject::Key(ObjectKind::Email, store.objects[1])
                    );
                    assert_ne!(found[0].repair, Repair::Done);
                    let place = &found[0].places[0];
                    assert_eq!(place.account.as_deref(), Some("a@example.com"));
                    assert_eq!((place.folder.as_deref(), place.uid), (Some("INBOX"), Some(3)));
                    assert!(found[0].rule.remedy.contains("restore"));
                }
                store.overwrite(store.objects[1], Some(text(3).as_bytes())).await;
                assert_clean(&store, rule).await;
            }
        });
    }
}

fn stores() -> impl Iterator<Item = (Kind, Bodies)> {
    let places = [Bodies::Folder, Bodies::Bucket];
    Kind::ALL
        .into_iter()
        .flat_map(move |kind| places.map(|bodies| (kind, bodies)))
}

#[test]
fn a_wrong_hash_is_found_only_where_bodies_are_read() {
    block_on(async {
        let store = Store::new(Kind::Sqlite, Bodies::Folder).await;
        hurt(&store, "body-hash").await;
        let (found, summary) = store.fsck(Wish::new(at_ms())).await;
        assert_eq!((names(&found), summary.bodies), (BTreeSet::new(), 0));
        // Four messages, one that waits for the garbage worker, two calendar objects.
        assert_eq!(store.fsck(check()).await.1.bodies, 7);
    });
}

#[test]
fn a_body_without_a_row_is_told_once_it_is_old() {
    for (kind, bodies) in stores() {
        block_on(async {
            let store = Store::new(kind, bodies).await;
            store.overwrite(object_id(), Some(b"nobody's")).await;
            assert_clean(&store, "an upload").await;
            let old = Wish {
                orphan_age_ms: 0,
                at_ms: at_ms() + 2000,
                ..repair()
            };
            let (found, summary) = store.fsck(old).await;
            assert_eq!(names(&found), ["orphan"].into(), "{kind:?} {bodies:?}");
            assert_eq!((summary.found, summary.repaired), (1, 0));
        });
    }
}

#[test]
fn a_row_that_was_lost_is_told_to_clients_as_expunged() {
    on_each(async |kind| {
        let store = Store::new(kind, Bodies::Folder).await;
        let before = store.refresh(ModSeq(1)).await.view.highest_modseq;
        store
            .plant("DELETE FROM message_index WHERE uid = 4; DELETE FROM messages WHERE uid = 4")
            .await;
        store.fsck(repair()).await;
        let told = store.refresh(before).await;
        assert!(told.view.highest_modseq > before);
        assert_eq!(told.vanished, lightmail_core::store::UidSet::range(4..=4));
    });
}
