//! Random requests give equal answers from the reference store from SQLite and from MySQL.

use std::io::ErrorKind;

use futures_lite::future::block_on;
use lightmail_core::store::memory::Store;
use lightmail_core::store::{Actor, Failure, Reply, Request, sample};
use proptest::prelude::*;

use super::town::{Kind, Town};
use crate::Point;

/// Words of a fault are for the log: here all faults are one.
pub(super) fn plain(answer: Result<Reply, Failure>) -> Result<Reply, Failure> {
    // How full a bucket is, is told by the database's clock.
    let answer = answer.map(|reply| match reply {
        Reply::Throttles(_) => Reply::Throttles(Vec::new()),
        reply => reply,
    });
    answer.map_err(|failure| match failure {
        Failure::Broken(_) => Failure::broken(""),
        failure => failure,
    })
}

/// Asks one process after the other: what one of them keeps of the database must not outlive what others change.
async fn same_answers(kind: Kind, script: Vec<(Actor, Request)>, processes: usize) {
    same_answers_with(kind, script, processes, |_| {}).await;
}

async fn same_answers_with(
    kind: Kind,
    script: Vec<(Actor, Request)>,
    processes: usize,
    prepare: impl Fn(&Town),
) {
    let mut towns = vec![Town::new(kind).await];
    while towns.len() < processes {
        let another = towns[0].neighbour().await;
        towns.push(another);
    }
    towns.iter().for_each(prepare);
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
    fn sqlite_answers_about_calendars_as_the_reference_store_does(script in sample::calendar_scripts(70)) {
        block_on(same_answers(Kind::Sqlite, script, 1));
    }

    #[test]
    fn sqlite_answers_about_logins_as_the_reference_store_does(script in sample::login_scripts(70)) {
        block_on(same_answers(Kind::Sqlite, script, 2));
    }

    #[test]
    fn sqlite_answers_about_addresses_as_the_reference_store_does(script in sample::place_scripts(70)) {
        block_on(same_answers(Kind::Sqlite, script, 2));
    }

    #[test]
    fn mysql_answers_about_addresses_as_the_reference_store_does(script in sample::place_scripts(70)) {
        block_on(same_answers(Kind::MySql, script, 2));
    }

    #[test]
    fn mysql_answers_about_calendars_as_the_reference_store_does(script in sample::calendar_scripts(70)) {
        block_on(same_answers(Kind::MySql, script, 2));
    }

    #[test]
    fn sqlite_answers_about_the_deleted_as_the_reference_store_does(script in sample::undelete_scripts(70)) {
        block_on(same_answers(Kind::Sqlite, script, 2));
    }

    #[test]
    fn mysql_answers_about_the_deleted_as_the_reference_store_does(script in sample::undelete_scripts(70)) {
        block_on(same_answers(Kind::MySql, script, 2));
    }

    #[test]
    fn processes_on_one_database_answer_as_one(script in sample::scripts(70)) {
        block_on(same_answers(Kind::Sqlite, script, 3));
    }
}

/// A fault that a request meets on its way.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// At a statement, after so many.
    Statement(usize, ErrorKind),
    /// At COMMIT: it was not done, or it was done and the answer is lost.
    Commit(Point),
}

fn faults() -> impl Strategy<Value = Fault> {
    let kinds = prop_oneof![
        Just(ErrorKind::Deadlock),
        Just(ErrorKind::ConnectionReset),
        Just(ErrorKind::Other)
    ];
    prop_oneof![
        3 => (0..14_usize, kinds).prop_map(|(nth, kind)| Fault::Statement(nth, kind)),
        1 => Just(Fault::Commit(Point::Commit)),
        1 => Just(Fault::Commit(Point::Committed)),
    ]
}

/// Every request meets a fault. It is answered as if there were none; or it says that it failed, and has done nothing: the
/// next try is answered as the first should have been.
async fn same_answers_with_faults(script: Vec<((Actor, Request), Fault)>) {
    let town = Town::new(Kind::MySql).await;
    let mut model = Store::new();
    for (at, ((actor, request), fault)) in script.into_iter().enumerate() {
        let expected = plain(model.run(actor, request.clone()));
        match fault {
            Fault::Statement(nth, kind) => town.storage.faults().fail_after(Point::Statement, nth, kind),
            Fault::Commit(point) => town.storage.faults().fail_once(point, ErrorKind::ConnectionReset),
        }
        let mut found = town.storage.run(actor, request.clone()).await;
        let met = !town.storage.faults().is_armed();
        town.storage.faults().disarm();
        let excused = match fault {
            Fault::Statement(_, ErrorKind::Other) => true,
            // Reading is not tried again where the database is well.
            Fault::Statement(..) => crate::sql::may_only_read(&request),
            Fault::Commit(_) => false,
        };
        if met && excused && matches!(found, Err(Failure::Broken(_) | Failure::Unavailable { .. })) {
            found = town.storage.run(actor, request.clone()).await;
        } else if met && crate::sql::without_claim(&request).is_some() {
            // It may have been answered by reading alone. Once more claims what it would have claimed, and no more.
            let _ = town.storage.run(actor, request.clone()).await;
        }
        assert_eq!(
            plain(found),
            expected,
            "request {at}: {actor:?} {request:?} {fault:?}"
        );
    }
    assert_eq!(town.check().await, [""; 0]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 100, ..ProptestConfig::default() })]

    #[test]
    fn faults_change_no_answer_about_the_deleted(
        script in sample::undelete_scripts(70),
        faults in prop::collection::vec(faults(), 70),
    ) {
        block_on(same_answers_with_faults(script.into_iter().zip(faults).collect()));
    }

    #[test]
    fn faults_change_no_answer(script in sample::scripts(70), faults in prop::collection::vec(faults(), 70)) {
        block_on(same_answers_with_faults(script.into_iter().zip(faults).collect()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 100, ..ProptestConfig::default() })]

    #[test]
    fn mysql_answers_as_the_reference_store_does(script in sample::scripts(70)) {
        block_on(same_answers(Kind::MySql, script, 1));
    }

    #[test]
    fn a_server_of_one_statement_a_packet_answers_as_well(script in sample::scripts(70)) {
        block_on(same_answers_with(Kind::MySql, script, 1, |town| town.storage.inner().database.go_one_by_one()));
    }

    #[test]
    fn nodes_on_one_server_answer_as_one(script in sample::scripts(70)) {
        block_on(same_answers(Kind::MySql, script, 3));
    }
}
