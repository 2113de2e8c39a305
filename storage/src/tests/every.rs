//! The failure sweep over requests: each request of some sequences, among which every request there is succeeds, has each
//! of its statements fail in each way, and its COMMIT. (A statement whose answer is lost is one before the next that fails, or
//! before COMMIT.) It is answered as if nothing had been, or it says that it failed and has done nothing; the invariants
//! hold each time.
//!
//! Requests touch rows alone, so there are no bodies here: what becomes of these when their own effects fail is swept by `sweep`
//! and `garbage`, which read every body behind each failure.

use std::collections::BTreeSet;
use std::io::ErrorKind;

use futures_lite::future::block_on;
use lightmail_core::store::memory::Store;
use lightmail_core::store::{Actor, Failure, Request, sample};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;

use super::model::plain;
use super::town::{Kind, Town};
use crate::Point;

type Script = Vec<(Actor, Request)>;

/// A request's name; of calendars each of theirs; of mail, one of its own where it goes into a mailbox in place of another.
fn name(request: &Request) -> String {
    match request {
        Request::Calendar(request) => {
            let text = format!("{request:?}");
            let end = text.find(|c: char| !c.is_alphanumeric());
            format!("calendar {}", &text[..end.unwrap_or(text.len())])
        }
        Request::Append { instead: Some(_), .. } => "store.Append, instead".to_owned(),
        Request::Deliver { recipients, .. } if recipients.iter().any(|one| one.instead.is_some()) => {
            "store.Deliver, instead".to_owned()
        }
        request => request.name().to_owned(),
    }
}

/// What succeeds in a sequence, and how long it has to be for that.
fn successes(script: &Script, known: &BTreeSet<String>) -> (BTreeSet<String>, usize) {
    let mut store = Store::new();
    let (mut new, mut len) = (BTreeSet::new(), 0);
    for (at, (actor, request)) in script.iter().enumerate() {
        let succeeded = store.run(*actor, request.clone()).is_ok();
        if succeeded && !known.contains(&name(request)) && new.insert(name(request)) {
            len = at + 1;
        }
    }
    (new, len)
}

/// A few sequences, the same each time.
fn scripts() -> Vec<Script> {
    let mut runner = TestRunner::deterministic();
    let mut candidates: Vec<Script> = Vec::new();
    for _ in 0..200 {
        candidates.push(sample::scripts(60).new_tree(&mut runner).unwrap().current());
        candidates.push(
            sample::calendar_scripts(40)
                .new_tree(&mut runner)
                .unwrap()
                .current(),
        );
        candidates.push(sample::place_scripts(40).new_tree(&mut runner).unwrap().current());
    }
    let (mut chosen, mut known) = (Vec::new(), BTreeSet::new());
    loop {
        let best = candidates
            .iter()
            .map(|script| (successes(script, &known), script));
        let Some(((new, len), script)) = best.max_by_key(|((new, len), _)| (new.len(), usize::MAX - len))
        else {
            break;
        };
        if new.is_empty() {
            break;
        }
        chosen.push(script[..len].to_vec());
        known.extend(new);
    }
    let drawn: BTreeSet<_> = candidates
        .iter()
        .flatten()
        .map(|(_, request)| name(request))
        .collect();
    assert_eq!(known, drawn, "all that is ever drawn succeeds somewhere");
    chosen
}

/// The statement that fails first, of a request that is tried until none does; the most statements of a request.
///
/// Nothing passes such a failure over, so the request changes nothing and can be tried again with the next.
async fn fail_each_statement(kind: Kind, script: &Script) -> usize {
    let town = Town::new(kind).await;
    let (mut model, mut most) = (Store::new(), 0);
    for (actor, request) in script {
        let expected = plain(model.run(*actor, request.clone()));
        for nth in 0.. {
            town.storage
                .faults()
                .fail_after(Point::Statement, nth, ErrorKind::Other);
            let found = plain(town.storage.run(*actor, request.clone()).await);
            let met = !town.storage.faults().is_armed();
            town.storage.faults().disarm();
            if met && crate::sql::without_claim(request).is_none() {
                assert_eq!(found, Err(Failure::broken("")), "statement {nth} of {request:?}");
            }
            if met {
                assert_eq!(town.check().await, [""; 0], "statement {nth} of {request:?}");
                continue;
            }
            assert_eq!(found, expected, "{request:?}, after {nth} failures");
            most = most.max(nth);
            break;
        }
    }
    most
}

/// A fault that each request of a sequence meets.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// At a statement, after so many.
    Statement(usize, ErrorKind),
    /// COMMIT is not done, or it is and its answer is lost.
    Commit(Point),
}

impl Way {
    fn arm(self, town: &Town) {
        match self {
            Way::Statement(nth, kind) => town.storage.faults().fail_after(Point::Statement, nth, kind),
            Way::Commit(point) => {
                // A file has no connection that could be lost.
                let kind = match &town.server {
                    None => ErrorKind::Other,
                    Some(_) => ErrorKind::ConnectionReset,
                };
                town.storage.faults().fail_once(point, kind);
            }
        }
    }

    /// Whether it was done, whatever the answer says: of a file nobody can be asked.
    fn is_done_unsaid(self, kind: Kind) -> bool {
        kind == Kind::Sqlite && matches!(self, Way::Commit(Point::Committed))
    }
}

/// Runs a sequence in which each request meets the fault; what is answered in the end must be what it is without faults.
async fn fail_in_one_way(kind: Kind, script: &Script, way: Way) {
    let town = Town::new(kind).await;
    let mut model = Store::new();
    for (actor, request) in script {
        let expected = plain(model.run(*actor, request.clone()));
        way.arm(&town);
        let mut found = town.storage.run(*actor, request.clone()).await;
        let met = !town.storage.faults().is_armed();
        town.storage.faults().disarm();
        let failed = matches!(found, Err(Failure::Broken(_) | Failure::Unavailable { .. }));
        if met && way.is_done_unsaid(kind) {
            // The answers that follow show that it was.
            continue;
        }
        if met && (failed || crate::sql::without_claim(request).is_some()) {
            // Mail is read though nothing can be claimed: once more claims it.
            let again = town.storage.run(*actor, request.clone()).await;
            found = if failed { again } else { found };
        }
        assert_eq!(plain(found), expected, "{way:?}: {request:?}");
    }
    assert_eq!(town.check().await, [""; 0], "{way:?}");
}

async fn sweep_script(kind: Kind, script: &Script) {
    let most = fail_each_statement(kind, script).await;
    // A file meets neither another writer nor a network in the middle of a transaction.
    let kinds: &[_] = match kind {
        Kind::Sqlite => &[],
        Kind::MySql => &[ErrorKind::Deadlock, ErrorKind::TimedOut],
    };
    let statements = (0..most).flat_map(|nth| kinds.iter().map(move |kind| Way::Statement(nth, *kind)));
    let commits = [Point::Commit, Point::Committed].map(Way::Commit);
    for way in statements.chain(commits) {
        fail_in_one_way(kind, script, way).await;
    }
}

fn sweep(kind: Kind) {
    let scripts = scripts();
    // Most of the time they wait for the disk or the database.
    std::thread::scope(|scope| {
        for script in &scripts {
            scope.spawn(move || block_on(sweep_script(kind, script)));
        }
    });
}

#[test]
fn every_request_on_sqlite_survives_every_failure() {
    sweep(Kind::Sqlite);
}

#[test]
fn every_request_on_mysql_survives_every_failure() {
    sweep(Kind::MySql);
}
