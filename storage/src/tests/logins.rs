//! Log-ins in SQL: buckets that nodes share and a restart keeps, app passwords, what is kept of a password.

use futures_lite::future::block_on;
use lightmail_core::machine::Secret;
use lightmail_core::store::{
    APP_PASSWORDS_MAX, Actor, Attempt, Budget, Ground, LoginFound, NewAppPassword, PasswordHashes, Refusal,
    Reply, Request, Scopes, ScramVerifiers,
};

use super::town::{Kind, NOW, Town, on_each};
use crate::Storage;
use crate::sql::conn::Conn;

/// One that has a single token, so that no answer depends on how fast a database is.
fn attempt(login: &str, from: [u8; 4]) -> Attempt {
    Attempt {
        login: login.to_owned(),
        from: Some(from.into()),
        per_minute: 1,
        at_ms: NOW.unix_ms,
    }
}

async fn find(storage: &Storage, attempt: &Attempt) -> LoginFound {
    match storage
        .run(Actor::Door, Request::FindLogin(attempt.clone()))
        .await
        .unwrap()
    {
        Reply::LoginFound(found) => found,
        other => panic!("{other:?}"),
    }
}

async fn waits(storage: &Storage, attempt: &Attempt) -> bool {
    let LoginFound { wait_ms, .. } = find(storage, attempt).await;
    assert!(wait_ms <= 60_000, "{wait_ms}");
    wait_ms > 0
}

async fn fail(storage: &Storage, attempt: &Attempt) {
    let counted = storage
        .run(
            Actor::Door,
            Request::CountFailedLogin(attempt.clone(), Ground::WrongPassword),
        )
        .await;
    assert_eq!(counted, Ok(Reply::FailedLoginCounted));
}

async fn operate(storage: &Storage, request: Request) -> Reply {
    storage.run(Actor::Operator, request).await.unwrap()
}

#[test]
fn a_failure_counts_for_its_name_and_for_its_network() {
    on_each(async |kind| {
        let town = Town::new(kind).await;
        fail(&town.storage, &attempt("a@example.com", [192, 0, 2, 1])).await;
        for (login, from, waiting) in [
            ("a@example.com", [192, 0, 2, 1], true),
            ("a@example.com", [192, 0, 2, 2], true),
            ("b@example.com", [192, 0, 2, 1], true),
            ("b@example.com", [192, 0, 2, 2], false),
        ] {
            let waited = waits(&town.storage, &attempt(login, from)).await;
            assert_eq!(waited, waiting, "{kind:?} {login} {from:?}");
        }
    });
}

#[test]
fn nodes_share_what_failed_and_a_restart_keeps_it() {
    on_each(async |kind| {
        let town = Town::new(kind).await;
        let one = attempt("a@example.com", [192, 0, 2, 1]);
        fail(&town.storage, &one).await;
        let other = town.neighbour().await;
        assert!(waits(&other.storage, &one).await);
        town.storage.close().await;
        let again = other.neighbour().await;
        assert!(waits(&again.storage, &one).await);
    });
}

#[test]
fn an_operator_sees_throttles_and_clears_them() {
    on_each(async |kind| {
        let town = Town::new(kind).await;
        fail(&town.storage, &attempt("a@example.com", [192, 0, 2, 1])).await;
        let list = || operate(&town.storage, Request::ListThrottles { at_ms: NOW.unix_ms });
        let Reply::Throttles(some) = list().await else {
            panic!()
        };
        let names: Vec<_> = some.iter().map(|one| one.bucket.as_str()).collect();
        assert_eq!(names, ["login a@example.com", "network 192.0.2.1/32"]);
        assert!(
            some.iter().all(|one| (50_000..=60_000).contains(&one.full_in_ms)),
            "{some:?}"
        );
        let clear = |bucket: Option<&str>| {
            let bucket = bucket.map(str::to_owned);
            operate(&town.storage, Request::ClearThrottles { bucket })
        };
        clear(Some("network 192.0.2.1/32")).await;
        assert!(!waits(&town.storage, &attempt("b@example.com", [192, 0, 2, 1])).await);
        assert!(waits(&town.storage, &attempt("a@example.com", [192, 0, 2, 1])).await);
        clear(None).await;
        assert_eq!(list().await, Reply::Throttles(Vec::new()));
    });
}

/// On SQLite, where time is the machine's.
#[test]
fn rows_of_full_buckets_go_with_later_failures() {
    block_on(async {
        let town = Town::new(Kind::Sqlite).await;
        for n in 0..20 {
            fail(
                &town.storage,
                &attempt(&format!("u{n}@example.com"), [192, 0, 2, n]),
            )
            .await;
        }
        let rows = async || -> i64 {
            let Conn::Sqlite(mut conn) = town.eye().await else {
                panic!()
            };
            let count = sqlx::query_scalar("SELECT COUNT(*) FROM throttles");
            count.fetch_one(&mut conn).await.unwrap()
        };
        assert_eq!(rows().await, 40);
        for n in 0..5 {
            let later = Attempt {
                at_ms: NOW.unix_ms + 60_000 + 60_000 * n,
                ..attempt("a@example.com", [198, 51, 100, 1])
            };
            fail(&town.storage, &later).await;
        }
        assert!(rows().await <= 10, "{}", rows().await);
    });
}

#[test]
fn an_account_has_so_many_app_passwords_and_takes_them_with_it() {
    on_each(async |kind| {
        let town = Town::new(kind).await;
        town.settle("a@example.com").await;
        let add = |n: usize| {
            let new = NewAppPassword {
                login: "a@example.com".to_owned(),
                label: format!("{n}"),
                hash: Secret(format!("{n:064}")),
                scopes: Scopes(5),
                until_ms: (n == 1).then_some(7),
                at_ms: NOW.unix_ms,
            };
            town.storage.run(Actor::Operator, Request::AddAppPassword(new))
        };
        for n in 0..APP_PASSWORDS_MAX {
            assert_eq!(add(n).await, Ok(Reply::AppPasswordAdded));
        }
        assert_eq!(add(0).await, Err(Refusal::AlreadyExists.into()));
        assert_eq!(add(99).await, Err(Refusal::Limit(Budget::AppPasswords).into()));
        let found = find(&town.storage, &attempt("a@example.com", [192, 0, 2, 1])).await;
        let app_passwords = found.account.unwrap().app_passwords;
        assert_eq!(app_passwords.len(), APP_PASSWORDS_MAX);
        assert_eq!(
            (app_passwords[1].scopes, app_passwords[1].until_ms),
            (Scopes(5), Some(7))
        );
        let delete = Request::DeleteAccount {
            login: "a@example.com".to_owned(),
            at_ms: NOW.unix_ms,
        };
        operate(&town.storage, delete).await;
        town.settle("a@example.com").await;
        let found = find(&town.storage, &attempt("a@example.com", [192, 0, 2, 1])).await;
        assert_eq!(found.account.unwrap().app_passwords, []);
    });
}

#[test]
fn what_is_kept_of_a_password_is_of_the_one_that_was_checked() {
    on_each(async |kind| {
        let town = Town::new(kind).await;
        let home = town.settle("a@example.com").await;
        let was = Secret(String::new());
        let fuller = PasswordHashes {
            bcrypt: Secret("hash".into()),
            scram: Some(ScramVerifiers {
                sha256: Secret("a".into()),
                sha1: Secret("b".into()),
            }),
        };
        let keep = |was: &Secret| Request::KeepPassword {
            account: home.account,
            was: was.clone(),
            password: fuller.clone(),
        };
        let password = async || {
            let found = find(&town.storage, &attempt("a@example.com", [192, 0, 2, 1])).await;
            found.account.unwrap().password
        };
        town.storage
            .run(Actor::Door, keep(&Secret("other".into())))
            .await
            .unwrap();
        assert_eq!(password().await, was.clone().into(), "it has another by now");
        town.storage.run(Actor::Door, keep(&was)).await.unwrap();
        assert_eq!(password().await, fuller);
    });
}
