//! Where mail goes, and who may send: the order of what an address may be.

use super::bench::*;
use super::*;
use crate::store::{
    ALIAS_ACCOUNTS_MAX, ALIASES_MAX, AliasLine, Budget, DomainReply, DomainRequest, NewAccount, SENDERS_MAX,
    base_of,
};

/// `user@example.com`, Anna and Bob.
fn three() -> (Bench, AccountId, AccountId) {
    let mut bench = Bench::new(0);
    let anna = bench.account("anna@example.com", 0);
    let bob = bench.account("bob@example.com", 0);
    (bench, anna, bob)
}

fn domain(bench: &mut Bench, request: DomainRequest) -> Result<DomainReply, Refusal> {
    match bench.ask(Actor::Operator, Request::Domain(request)) {
        Ok(Reply::Domain(reply)) => Ok(reply),
        Err(Failure::Refused(why)) => Err(why),
        other => panic!("{other:?}"),
    }
}

fn alias(bench: &mut Bench, address: &str, logins: &[&str]) -> Result<DomainReply, Refusal> {
    let request = DomainRequest::AddAlias {
        address: address.to_owned(),
        logins: logins.iter().map(|login| (*login).to_owned()).collect(),
    };
    domain(bench, request)
}

fn catch_all(bench: &mut Bench, name: &str, login: Option<&str>) {
    let request = DomainRequest::SetCatchAll {
        domain: name.to_owned(),
        login: login.map(str::to_owned),
    };
    domain(bench, request).unwrap();
}

/// The ids of the accounts that get mail for an address.
fn accounts(bench: &mut Bench, address: &str) -> Result<Vec<AccountId>, Refusal> {
    let request = Request::FindRecipient {
        address: address.to_owned(),
        base: base_of(address),
    };
    match bench.ask(Actor::Door, request) {
        Ok(Reply::RecipientFound(places)) => Ok(places.iter().map(|place| place.account).collect()),
        Err(Failure::Refused(why)) => Err(why),
        other => panic!("{other:?}"),
    }
}

fn may_send(bench: &mut Bench, id: AccountId, address: &str) -> bool {
    let request = Request::FindSender {
        addresses: vec![address.to_owned()],
    };
    match bench.ask(Actor::Account(id), request) {
        Ok(Reply::SenderFound(may)) => may[0],
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_whole_address_comes_before_its_base_and_that_before_the_catch_all() {
    let (mut bench, anna, bob) = three();
    let me = bench.me;
    alias(
        &mut bench,
        "info@example.com",
        &["bob@example.com", "anna@example.com"],
    )
    .unwrap();
    alias(&mut bench, "anna+bills@example.com", &["bob@example.com"]).unwrap();
    let unknown = accounts(&mut bench, "nobody@example.com");
    assert_eq!(unknown, Err(Refusal::NoSuchAccount));
    catch_all(&mut bench, "example.com", Some("user@example.com"));
    for (address, expected) in [
        ("anna@example.com", Ok(vec![anna])),
        ("anna+x@example.com", Ok(vec![anna])),
        ("anna+bills@example.com", Ok(vec![bob])),
        ("info@example.com", Ok(vec![anna, bob])),
        ("info+x@example.com", Ok(vec![anna, bob])),
        ("nobody@example.com", Ok(vec![me])),
        ("nobody+x@example.com", Ok(vec![me])),
        ("nobody@example.net", Err(Refusal::NotOurs)),
        ("nobody@sub.example.com", Err(Refusal::NotOurs)),
    ] {
        assert_eq!(accounts(&mut bench, address), expected, "{address}");
        // Who gets it may send as it, and nobody else.
        for id in [me, anna, bob] {
            let gets = expected.as_ref().is_ok_and(|ids| ids.contains(&id));
            assert_eq!(may_send(&mut bench, id, address), gets, "{id:?} as {address}");
        }
    }
    catch_all(&mut bench, "example.com", None);
    assert_eq!(unknown, accounts(&mut bench, "nobody@example.com"));
}

#[test]
fn a_deleted_account_is_led_to_no_more() {
    let (mut bench, anna, _) = three();
    alias(
        &mut bench,
        "info@example.com",
        &["bob@example.com", "anna@example.com"],
    )
    .unwrap();
    alias(&mut bench, "bobby@example.com", &["bob@example.com"]).unwrap();
    catch_all(&mut bench, "example.com", Some("bob@example.com"));
    let delete = Request::DeleteAccount {
        login: "bob@example.com".to_owned(),
        at_ms: 1,
    };
    bench.ask(Actor::Operator, delete).unwrap();
    assert_eq!(accounts(&mut bench, "info@example.com"), Ok(vec![anna]));
    for address in ["bobby@example.com", "bob@example.com"] {
        assert_eq!(accounts(&mut bench, address), Err(Refusal::NoSuchAccount));
    }
    let left = AliasLine {
        address: "info@example.com".to_owned(),
        login: "anna@example.com".to_owned(),
    };
    assert_eq!(
        domain(&mut bench, DomainRequest::ListAliases),
        Ok(DomainReply::Aliases(vec![left]))
    );
}

#[test]
fn one_address_is_an_account_or_an_alias() {
    let (mut bench, ..) = three();
    let taken = alias(&mut bench, "anna@example.com", &["bob@example.com"]);
    assert_eq!(taken, Err(Refusal::AlreadyExists));
    alias(&mut bench, "carl@example.com", &["bob@example.com"]).unwrap();
    let carl = NewAccount {
        id: AccountId(1_000),
        login: "carl@example.com".to_owned(),
        password: crate::machine::Secret(String::new()).into(),
        quota_bytes: 0,
        mailboxes: Vec::new(),
        at_ms: 0,
    };
    let made = bench.ask(Actor::Operator, Request::CreateAccount(carl));
    assert_eq!(made, Err(Refusal::AlreadyExists.into()));
}

#[test]
fn aliases_and_senders_are_bounded() {
    let (mut bench, anna, _) = three();
    for n in 0..ALIASES_MAX {
        alias(&mut bench, &format!("a{n}@example.com"), &["anna@example.com"]).unwrap();
    }
    let full = Err(Refusal::Limit(Budget::Aliases));
    assert_eq!(alias(&mut bench, "more@example.com", &["anna@example.com"]), full);
    let again = alias(&mut bench, "a0@example.com", &["anna@example.com"]);
    assert_eq!(again, Ok(DomainReply::AliasAdded), "it leads there already");
    for n in 0..ALIAS_ACCOUNTS_MAX {
        let login = format!("n{n}@example.com");
        bench.account(&login, 0);
        alias(&mut bench, "all@example.com", &[&login]).unwrap();
    }
    assert_eq!(alias(&mut bench, "all@example.com", &["bob@example.com"]), full);

    let mut find = |many| {
        let addresses = vec!["anna@example.com".to_owned(); many];
        bench.ask(Actor::Account(anna), Request::FindSender { addresses })
    };
    assert_eq!(find(SENDERS_MAX), Ok(Reply::SenderFound(vec![true; SENDERS_MAX])));
    assert!(matches!(find(SENDERS_MAX + 1), Err(Failure::Broken(_))));
}
