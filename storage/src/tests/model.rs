//! Random requests give equal answers from the reference store and from SQLite.

use futures_lite::future::block_on;
use lightmail_core::store::memory::Store;
use lightmail_core::store::{Actor, Failure, Reply, Request, sample};
use proptest::prelude::*;

use super::check::check;
use super::scratch::Scratch;
use crate::Storage;

/// Words of a fault are for the log: here all faults are one.
fn plain(answer: Result<Reply, Failure>) -> Result<Reply, Failure> {
    answer.map_err(|failure| match failure {
        Failure::Broken(_) => Failure::broken(""),
        failure => failure,
    })
}

/// Asks one process after the other: what one of them keeps of the database must not outlive what others change.
async fn same_answers(script: Vec<(Actor, Request)>, processes: usize) {
    let scratch = Scratch::new();
    let mut storages = Vec::new();
    for _ in 0..processes {
        storages.push(Storage::open_at(scratch.path(), 4).await.unwrap());
    }
    let mut model = Store::new();
    for (at, (actor, request)) in script.into_iter().enumerate() {
        let storage = &storages[at % processes];
        let expected = plain(model.run(actor, request.clone()));
        let found = plain(storage.run(actor, request.clone()).await);
        assert_eq!(found, expected, "request {at}: {actor:?} {request:?}");
    }
    let findings = check(scratch.path()).await;
    assert!(findings.is_empty(), "{findings:#?}");
    for storage in storages {
        storage.close().await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn sqlite_answers_as_the_reference_store_does(script in sample::scripts(70)) {
        block_on(same_answers(script, 1));
    }

    #[test]
    fn sqlite_answers_about_calendars_as_the_reference_store_does(script in sample::calendar_scripts(70)) {
        block_on(same_answers(script, 1));
    }

    #[test]
    fn processes_on_one_database_answer_as_one(script in sample::scripts(70)) {
        block_on(same_answers(script, 3));
    }
}
