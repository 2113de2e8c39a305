//! Requests about addresses: our domains, their aliases and catch-alls, where mail goes, who may send.

use proptest::collection::vec;
use proptest::prelude::*;

use super::Step;
use super::script::{LOGINS, Script, pick, script};
use crate::store::{AccountId, Actor, DomainRequest, Request, base_of};

/// The first has the accounts; the last is never ours.
const DOMAINS: [&str; 4] = ["example.com", "example.net", "ä.example", "elsewhere.example"];
/// Local parts; two are those of accounts, two are details of others.
const LOCALS: [&str; 6] = ["a", "b", "info", "Ä", "info+x", "a+x"];

/// One request, roughly.
#[derive(Clone, Debug)]
pub(super) enum Verb {
    FindRecipient { address: Address, detail: bool },
    FindSender { addresses: Vec<Address> },
    AddDomain { domain: u8 },
    RemoveDomain { domain: u8 },
    ListDomains,
    SetCatchAll { domain: u8, who: Option<u8> },
    AddAlias { address: Address, who: Vec<u8> },
    RemoveAlias { address: Address, who: Vec<u8> },
    ListAliases,
}

/// An address: which local part, which domain.
#[derive(Clone, Debug)]
pub(super) struct Address(u8, u8);

impl Address {
    fn text(&self, detail: bool) -> String {
        let local = pick(&LOCALS, self.0).unwrap_or_default();
        let domain = pick(&DOMAINS, self.1).unwrap_or_default();
        format!("{local}{}@{domain}", if detail { "+detail" } else { "" })
    }
}

pub(super) fn verb() -> impl Strategy<Value = Verb> {
    let domain = || prop_oneof![4 => 0u8..3, 1 => Just(3)];
    let address =
        move || (0u8..6, prop_oneof![3 => Just(0u8), 2 => domain()]).prop_map(|(l, d)| Address(l, d));
    let who = || vec(0u8..3, 0..3);
    prop_oneof![
        8 => (address(), any::<bool>()).prop_map(|(address, detail)| Verb::FindRecipient { address, detail }),
        6 => vec(address(), 0..6).prop_map(|addresses| Verb::FindSender { addresses }),
        3 => (0u8..3).prop_map(|domain| Verb::AddDomain { domain }),
        2 => domain().prop_map(|domain| Verb::RemoveDomain { domain }),
        2 => Just(Verb::ListDomains),
        3 => (domain(), proptest::option::weighted(0.7, 0u8..3))
            .prop_map(|(domain, who)| Verb::SetCatchAll { domain, who }),
        6 => (address(), who()).prop_map(|(address, who)| Verb::AddAlias { address, who }),
        3 => (address(), who()).prop_map(|(address, who)| Verb::RemoveAlias { address, who }),
        2 => Just(Verb::ListAliases),
    ]
}

/// Sequences about addresses, with accounts that come and go.
pub fn place_scripts(len: usize) -> impl Strategy<Value = Vec<(Actor, Request)>> {
    let verb = prop_oneof![
        30 => verb().prop_map(super::Verb::Places),
        2 => Just(super::Verb::CreateAccount),
        1 => Just(super::Verb::DeleteAccount),
        2 => Just(super::Verb::FindRecipient { detail: true }),
        1 => any::<bool>().prop_map(|limited| super::Verb::SetQuota { limited }),
    ];
    let step = (0u8..3, prop::bool::weighted(0.02), verb).prop_map(|(who, intruder, verb)| Step {
        who,
        intruder,
        verb,
    });
    vec(step, 1..=len).prop_map(|steps| script(&steps))
}

impl Script {
    pub(super) fn places(&mut self, me: AccountId, verb: Verb) -> (Actor, Request) {
        let domain = |choice: u8| pick(&DOMAINS, choice).unwrap_or_default().to_owned();
        let login = |choice: u8| pick(&LOGINS, choice).unwrap_or_default().to_owned();
        let logins = |who: Vec<u8>| who.into_iter().map(login).collect();
        let request = match verb {
            Verb::FindRecipient { address, detail } => {
                let address = address.text(detail);
                let base = base_of(&address);
                return (Actor::Door, Request::FindRecipient { address, base });
            }
            Verb::FindSender { addresses } => {
                let addresses = addresses.iter().map(|address| address.text(false)).collect();
                return (Actor::Account(me), Request::FindSender { addresses });
            }
            Verb::AddDomain { domain: which } => DomainRequest::Add {
                domain: domain(which),
                at_ms: self.now_ms(),
            },
            Verb::RemoveDomain { domain: which } => DomainRequest::Remove {
                domain: domain(which),
            },
            Verb::ListDomains => DomainRequest::List,
            Verb::SetCatchAll { domain: which, who } => DomainRequest::SetCatchAll {
                domain: domain(which),
                login: who.map(login),
            },
            Verb::AddAlias { address, who } => DomainRequest::AddAlias {
                address: address.text(false),
                logins: logins(who),
            },
            Verb::RemoveAlias { address, who } => DomainRequest::RemoveAlias {
                address: address.text(false),
                logins: logins(who),
            },
            Verb::ListAliases => DomainRequest::ListAliases,
        };
        (Actor::Operator, Request::Domain(request))
    }
}
