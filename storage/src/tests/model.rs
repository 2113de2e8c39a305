//! Random requests give equal answers from the reference store from SQLite and from MySQL.

use futures_lite::future::block_on;
use lightmail_core::store::memory::Store;
use lightmail_core::store::{Actor, Failure, Reply, Request, sample};
use proptest::prelude::*;

use super::town::{Kind, Town};

/// Words of a fault are for the log: here all faults are one.
fn plain(answer: Result<Reply, Failure>) -> Result<Reply, Failure> {
    answer.map_err(|failure| match failure {
        Failure::Broken(_) => Failure::broken(""),
        failure => failure,
    })
}

/// Asks one process after the other: what one of them keeps of the database must not outlive what others change.
async fn same_answers(kind: Kind, script: Vec<(Actor, Request)>, processes: usize) {
    let mut towns = vec![Town::new(kind).await];
    while towns.len() < processes {
        let another = towns[0].neighbour().await;
        towns.push(another);
    }
    let mut model = Store::new();
    for (at, (actor, request)) in script.into_iter().enumerate() {
        let storage = &towns[at % processes].storage;
        let expected = plain(model.run(actor, request.clone()));
        let found = plain(storage.run(actor, request.clone()).await);
        assert_eq!(found, expected, "request {at}: {actor:?} {request:?}");
    }
    let findings = towns[0].check().await;
    assert!(findings.is_empty(), "{findings:#?}");
    for town in towns {
        town.storage.close().await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn sqlite_answers_as_the_reference_store_does(script in sample::scripts(70)) {
        block_on(same_answers(Kind::Sqlite, script, 1));
    }

    #[test]
    fn processes_on_one_database_answer_as_one(script in sample::scripts(70)) {
        block_on(same_answers(Kind::Sqlite, script, 3));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 100, ..ProptestConfig::default() })]

    #[test]
    fn mysql_answers_as_the_reference_store_does(script in sample::scripts(70)) {
        block_on(same_answers(Kind::MySql, script, 1));
    }

    #[test]
    fn nodes_on_one_server_answer_as_one(script in sample::scripts(70)) {
        block_on(same_answers(Kind::MySql, script, 3));
    }
}
