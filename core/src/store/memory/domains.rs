//! Our domains and the aliases in them.

use std::collections::BTreeMap;

use crate::store::{
    ALIAS_ACCOUNTS_MAX, ALIASES_MAX, AccountId, AliasLine, Budget, DomainLine, DomainReply, DomainRequest,
    Failure, Refusal, domain_of,
};

use super::Store;

/// A domain of ours.
#[derive(Clone, Debug)]
pub(super) struct Domain {
    pub(super) catch_all: Option<AccountId>,
    created_at_ms: u64,
}

impl Store {
    pub(super) fn domain(&mut self, request: DomainRequest) -> Result<DomainReply, Failure> {
        match request {
            DomainRequest::Add { domain, at_ms } if !self.domains.contains_key(&domain) => {
                self.own(&domain, at_ms);
                Ok(DomainReply::Added)
            }
            DomainRequest::Add { .. } => Err(Refusal::AlreadyExists.into()),
            DomainRequest::Remove { domain } => self.remove_domain(&domain),
            DomainRequest::List => Ok(self.list_domains()),
            DomainRequest::SetCatchAll { domain, login } => self.set_catch_all(&domain, login.as_deref()),
            DomainRequest::AddAlias { address, logins } => self.add_alias(address, &logins),
            DomainRequest::RemoveAlias { address, logins } => self.remove_alias(&address, &logins),
            DomainRequest::ListAliases => Ok(self.list_aliases()),
        }
    }

    /// The domain of an address is ours from now on, if it was not.
    pub(super) fn own_domain_of(&mut self, address: &str, at_ms: u64) {
        self.own(domain_of(address), at_ms);
    }

    /// No alias and no catch-all leads to an account any more.
    pub(super) fn lead_nowhere(&mut self, account: AccountId) {
        self.aliases.retain(|_, accounts| {
            accounts.remove(&account);
            !accounts.is_empty()
        });
        for domain in self.domains.values_mut() {
            domain.catch_all = domain.catch_all.filter(|to| *to != account);
        }
    }

    fn own(&mut self, domain: &str, at_ms: u64) {
        self.domains.entry(domain.to_owned()).or_insert(Domain {
            catch_all: None,
            created_at_ms: at_ms,
        });
    }

    fn remove_domain(&mut self, domain: &str) -> Result<DomainReply, Failure> {
        if !self.domains.contains_key(domain) {
            return Err(Refusal::NotOurs.into());
        }
        let mut addresses = self.addresses.keys().chain(self.aliases.keys());
        if addresses.any(|address| domain_of(address) == domain) {
            return Err(Refusal::HasChildren.into());
        }
        self.domains.remove(domain);
        Ok(DomainReply::Removed)
    }

    fn list_domains(&self) -> DomainReply {
        let line = |(name, domain): (&String, &Domain)| {
            let inside = |address: &&String| domain_of(address) == name;
            let catch_all = domain.catch_all.and_then(|id| self.accounts.get(&id));
            DomainLine {
                name: name.clone(),
                catch_all: catch_all.map(|account| account.login.clone()),
                accounts: self.addresses.keys().filter(inside).count() as u64,
                aliases: self.aliases.keys().filter(inside).count() as u64,
                created_at_ms: domain.created_at_ms,
            }
        };
        DomainReply::Domains(self.domains.iter().map(line).collect())
    }

    fn set_catch_all(&mut self, domain: &str, login: Option<&str>) -> Result<DomainReply, Failure> {
        if !self.domains.contains_key(domain) {
            return Err(Refusal::NotOurs.into());
        }
        let account = login.map(|login| self.account_of(login)).transpose()?;
        if let Some(domain) = self.domains.get_mut(domain) {
            domain.catch_all = account;
        }
        Ok(DomainReply::CatchAllSet)
    }

    fn add_alias(&mut self, address: String, logins: &[String]) -> Result<DomainReply, Failure> {
        if !self.domains.contains_key(domain_of(&address)) {
            return Err(Refusal::NotOurs.into());
        }
        let new = self.accounts_of(logins)?;
        if self.addresses.contains_key(&address) {
            return Err(Refusal::AlreadyExists.into());
        }
        let mut accounts = self.aliases.get(&address).cloned().unwrap_or_default();
        let full = |id: &AccountId| {
            let mine = self.aliases.values().filter(|accounts| accounts.contains(id));
            mine.count() >= ALIASES_MAX
        };
        let over = new.iter().any(|id| !accounts.contains(id) && full(id));
        accounts.extend(new);
        if over || accounts.len() > ALIAS_ACCOUNTS_MAX {
            return Err(Refusal::Limit(Budget::Aliases).into());
        }
        if !accounts.is_empty() {
            self.aliases.insert(address, accounts);
        }
        Ok(DomainReply::AliasAdded)
    }

    fn remove_alias(&mut self, address: &str, logins: &[String]) -> Result<DomainReply, Failure> {
        let gone = self.accounts_of(logins)?;
        let mut removed = 0;
        if let Some(accounts) = self.aliases.get_mut(address) {
            let before = accounts.len();
            accounts.retain(|id| !gone.is_empty() && !gone.contains(id));
            removed = before - accounts.len();
        }
        self.aliases.retain(|_, accounts| !accounts.is_empty());
        Ok(DomainReply::AliasRemoved(removed as u64))
    }

    fn list_aliases(&self) -> DomainReply {
        let logins: BTreeMap<_, _> = self.accounts.iter().map(|(id, one)| (id, &one.login)).collect();
        let mut lines: Vec<_> = self
            .aliases
            .iter()
            .flat_map(|(address, accounts)| accounts.iter().map(move |id| (address, id)))
            .filter_map(|(address, id)| {
                Some(AliasLine {
                    address: address.clone(),
                    login: (*logins.get(id)?).clone(),
                })
            })
            .collect();
        lines.sort();
        DomainReply::Aliases(lines)
    }

    fn accounts_of(&self, logins: &[String]) -> Result<Vec<AccountId>, Refusal> {
        logins.iter().map(|login| self.account_of(login)).collect()
    }
}
