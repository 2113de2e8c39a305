//! The epoch that tells of a restored database, and the numbers that are passed over after one.

use std::thread;

use futures_lite::future::block_on;
use lightmail_core::store::{ModSeq, UidSet};

use super::fsck::store::{Bodies, Store};
use super::town::{Kind, on_each};
use crate::fsck::Wish;
use crate::{Bump, epoch};

const BUMP: Bump = Bump {
    hard: false,
    at_ms: 1_790_000_000_000,
};

async fn epochs(store: &Store) -> (u64, u64) {
    epoch::epochs(store.storage().inner()).await.unwrap()
}

fn stores() -> impl Iterator<Item = (Kind, Bodies)> {
    let places = [Bodies::Folder, Bodies::Bucket];
    Kind::ALL
        .into_iter()
        .flat_map(move |kind| places.map(|bodies| (kind, bodies)))
}

#[test]
fn a_restored_database_is_refused_until_its_numbers_are_raised() {
    for (kind, bodies) in stores() {
        block_on(async {
            let store = Store::new(kind, bodies).await;
            for n in 1..=3 {
                store.storage().enter_epoch().await.unwrap();
                assert_eq!(epochs(&store).await, (n, n), "{kind:?} {bodies:?}");
            }
            store.plant("UPDATE meta SET v = '2' WHERE k = 'epoch'").await;
            let refused = store.storage().enter_epoch().await.unwrap_err().to_string();
            assert!(
                refused.contains("epoch 2") && refused.contains("lightmail admin bump --after-restore"),
                "{refused}"
            );
            store.storage().bump(BUMP).await.unwrap();
            assert_eq!(epochs(&store).await, (4, 4));
            store.storage().enter_epoch().await.unwrap();
        });
    }
}

#[test]
fn a_database_that_lost_its_epoch_is_refused() {
    block_on(async {
        let store = Store::new(Kind::Sqlite, Bodies::Folder).await;
        store.storage().enter_epoch().await.unwrap();
        store.plant("DELETE FROM meta WHERE k = 'epoch'").await;
        assert!(store.storage().enter_epoch().await.is_err());
    });
}

#[test]
fn a_raise_that_was_killed_half_way_refuses_nobody() {
    block_on(async {
        let store = Store::new(Kind::Sqlite, Bodies::Folder).await;
        store.storage().enter_epoch().await.unwrap();
        store.plant("UPDATE meta SET v = '9' WHERE k = 'epoch'").await;
        store.storage().enter_epoch().await.unwrap();
        assert_eq!(epochs(&store).await, (10, 10));
    });
}

#[test]
fn nodes_that_start_at_once_do_not_refuse_each_other() {
    on_each(async |kind| {
        let store = Store::new(kind, Bodies::Folder).await;
        let mut nodes = Vec::new();
        for _ in 0..4 {
            nodes.push(store.town.neighbour().await);
        }
        thread::scope(|scope| {
            for node in &nodes {
                scope.spawn(move || {
                    for _ in 0..5 {
                        block_on(node.storage.enter_epoch()).unwrap();
                    }
                });
            }
        });
        let (objects, database) = epochs(&store).await;
        assert_eq!(objects, database);
        // Of those that are the first at the same moment one raises it for all.
        assert!((17..=20).contains(&database), "{database}");
    });
}

#[test]
fn raised_numbers_are_passed_over_and_their_uids_told_as_expunged() {
    on_each(async |kind| {
        let store = Store::new(kind, Bodies::Folder).await;
        let before = store.refresh(ModSeq(1)).await.view;
        assert_eq!(store.storage().bump(BUMP).await.unwrap().accounts, 1);
        let told = store.refresh(before.highest_modseq).await;
        assert_eq!(told.view.uid_next.0, before.uid_next.0 + 10_000);
        assert_eq!(told.view.highest_modseq.0, before.highest_modseq.0 + 1_000_000);
        assert_eq!(
            told.vanished,
            UidSet::range(before.uid_next.0..=before.uid_next.0 + 9_999)
        );
        assert_eq!(told.view.uid_validity, before.uid_validity);
        let (found, _) = store.fsck(Wish::new(0)).await;
        assert!(found.is_empty(), "{found:#?}");
    });
}

#[test]
fn a_new_uid_validity_is_larger_than_any_that_may_have_been_given() {
    on_each(async |kind| {
        let store = Store::new(kind, Bodies::Folder).await;
        let hard = Bump { hard: true, ..BUMP };
        store.storage().bump(hard).await.unwrap();
        let again = store.town.neighbour().await;
        let store = Store { town: again, ..store };
        let view = store.refresh(ModSeq(1)).await.view;
        assert!(u64::from(view.uid_validity) > BUMP.at_ms / 1000);
        let (found, _) = store.fsck(Wish::new(0)).await;
        assert!(found.is_empty(), "{found:#?}");
    });
}

#[test]
fn a_run_that_was_killed_goes_on_behind_the_account_it_did_last() {
    on_each(async |kind| {
        let store = Store::new(kind, Bodies::Folder).await;
        let before = store.refresh(ModSeq(1)).await.view;
        store
            .plant("INSERT INTO meta (k, v) SELECT 'bump', CAST(MAX(id) AS CHAR) FROM accounts")
            .await;
        assert_eq!(store.storage().bump(BUMP).await.unwrap().accounts, 0);
        assert_eq!(store.refresh(ModSeq(1)).await.view.uid_next, before.uid_next);
        assert_eq!(store.storage().bump(BUMP).await.unwrap().accounts, 1, "a new run");
    });
}
