//! Domains and addresses under many hands at once.

use std::thread;

use futures_lite::future::block_on;
use lightmail_core::store::{Actor, DomainReply, DomainRequest, Failure, Refusal, Reply, Request};

use super::town::{NOW, Town, on_each};

async fn ask(town: &Town, request: DomainRequest) -> Result<DomainReply, Refusal> {
    match town.storage.run(Actor::Operator, Request::Domain(request)).await {
        Ok(Reply::Domain(reply)) => Ok(reply),
        Err(Failure::Refused(why)) => Err(why),
        other => panic!("{other:?}"),
    }
}

#[test]
fn accounts_of_a_new_domain_are_made_at_once_by_two_nodes() {
    on_each(async |kind| {
        let town = Town::new(kind).await;
        let nodes = [town.neighbour().await, town];
        thread::scope(|scope| {
            for (at, node) in nodes.iter().enumerate() {
                for n in 0..8 {
                    scope.spawn(move || block_on(node.settle(&format!("u{at}-{n}@example.net"))));
                }
            }
        });
        let DomainReply::Domains(lines) = ask(&nodes[0], DomainRequest::List).await.unwrap() else {
            panic!("no domains")
        };
        let found: Vec<_> = lines
            .iter()
            .map(|line| (line.name.as_str(), line.accounts))
            .collect();
        assert_eq!(found, [("example.net", 16)]);
        assert_eq!(nodes[0].check().await, [""; 0]);
    });
}

/// Whoever comes first has the address, and a domain that goes takes nobody's address with it.
#[test]
fn an_address_is_given_once_and_its_domain_stays() {
    on_each(async |kind| {
        let town = Town::new(kind).await;
        let other = town.neighbour().await;
        town.settle("a@example.com").await;
        for round in 0..8 {
            let domain = format!("d{round}.example");
            let added = DomainRequest::Add {
                domain: domain.clone(),
                at_ms: NOW.unix_ms,
            };
            ask(&town, added).await.unwrap();
            let address = format!("x@{domain}");
            let alias = DomainRequest::AddAlias {
                address: address.clone(),
                logins: vec!["a@example.com".to_owned()],
            };
            let made = thread::scope(|scope| {
                let (town, other) = (&town, &other);
                let alias = scope.spawn(move || block_on(ask(town, alias)).is_ok());
                let account = block_on(other.settle_as(&address)).is_ok();
                let removed = ask(other, DomainRequest::Remove { domain });
                let removed = block_on(removed).is_ok();
                (alias.join().unwrap(), account, removed)
            });
            assert!(
                made.0 != made.1,
                "round {round}: alias, account, domain gone: {made:?}"
            );
            assert!(!made.2, "round {round}: it was in use");
            assert_eq!(town.check().await, [""; 0]);
        }
    });
}
