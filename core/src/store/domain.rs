//! Our domains, the aliases in them, and what an address consists of.
//!
//! An address leads to an account, as its own, or to one or several as an alias, never both. What is left over in a domain goes to
//! its catch-all. Domains and addresses are compared octet by octet, lower-cased: a name in A-labels is another one than the same
//! in UTF-8 (RFC 6531, 3.2).

/// The most accounts that one alias leads to.
pub const ALIAS_ACCOUNTS_MAX: usize = 100;
/// The most aliases that lead to one account.
pub const ALIASES_MAX: usize = 1_000;
/// The most addresses of one `FindSender`.
pub const SENDERS_MAX: usize = 100;

/// A question about our domains, by an operator. Refusals are looked for in this order: `NotOurs`, `NoSuchAccount`, `HasChildren`,
/// `AlreadyExists`, `Limit(Aliases)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DomainRequest {
    /// Makes a domain ours. → `Added`, refused with `AlreadyExists`
    Add {
        /// Its name, lower-cased.
        domain: String,
        /// Now, in milliseconds since 1970.
        at_ms: u64,
    },
    /// Makes a domain none of ours; its catch-all is forgotten. → `Removed`, refused with `NotOurs`, `HasChildren` (an account or
    /// an alias has an address in it)
    Remove {
        /// Its name.
        domain: String,
    },
    /// → `Domains`, by name, octet by octet
    List,
    /// Says where mail for unknown addresses of a domain goes. → `CatchAllSet`, refused with `NotOurs`, `NoSuchAccount`
    SetCatchAll {
        /// The domain's name.
        domain: String,
        /// The login name of the account; `None`: such mail is refused.
        login: Option<String>,
    },
    /// Lets an address lead to accounts, beside those that it leads to already. → `AliasAdded`, refused with `NotOurs` (the domain),
    /// `NoSuchAccount` (one of them), `AlreadyExists` (it is an account's own address), `Limit(Aliases)` ([`ALIAS_ACCOUNTS_MAX`]
    /// or [`ALIASES_MAX`])
    AddAlias {
        /// The whole address, lower-cased.
        address: String,
        /// The login names of the accounts.
        logins: Vec<String>,
    },
    /// Lets an address lead to some accounts no more. → `AliasRemoved`, refused with `NoSuchAccount`
    RemoveAlias {
        /// The whole address, lower-cased.
        address: String,
        /// The login names of the accounts; empty: all.
        logins: Vec<String>,
    },
    /// → `Aliases`, by address, then login name, octet by octet
    ListAliases,
}

impl DomainRequest {
    /// Whether it may be answered without writing.
    pub fn only_reads(&self) -> bool {
        matches!(self, DomainRequest::List | DomainRequest::ListAliases)
    }

    /// Its name in rules for faults, logs and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            DomainRequest::Add { .. } => "store.AddDomain",
            DomainRequest::Remove { .. } => "store.RemoveDomain",
            DomainRequest::List => "store.ListDomains",
            DomainRequest::SetCatchAll { .. } => "store.SetCatchAll",
            DomainRequest::AddAlias { .. } => "store.AddAlias",
            DomainRequest::RemoveAlias { .. } => "store.RemoveAlias",
            DomainRequest::ListAliases => "store.ListAliases",
        }
    }

    /// The domain whose row it changes, or relies on.
    pub fn domain(&self) -> Option<&str> {
        match self {
            DomainRequest::Add { domain, .. }
            | DomainRequest::Remove { domain }
            | DomainRequest::SetCatchAll { domain, .. } => Some(domain),
            DomainRequest::AddAlias { address, .. } | DomainRequest::RemoveAlias { address, .. } => {
                Some(domain_of(address))
            }
            DomainRequest::List | DomainRequest::ListAliases => None,
        }
    }

    /// The login names of the accounts that it speaks of.
    pub fn logins(&self) -> &[String] {
        match self {
            DomainRequest::SetCatchAll { login, .. } => login.as_slice(),
            DomainRequest::AddAlias { logins, .. } | DomainRequest::RemoveAlias { logins, .. } => logins,
            _ => &[],
        }
    }
}

/// What a store answers to a [`DomainRequest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DomainReply {
    /// Of `Add`.
    Added,
    /// Of `Remove`.
    Removed,
    /// Of `List`.
    Domains(Vec<DomainLine>),
    /// Of `SetCatchAll`.
    CatchAllSet,
    /// Of `AddAlias`.
    AliasAdded,
    /// Of `RemoveAlias`: to how many of these accounts it led; 0: there was no such alias.
    AliasRemoved(u64),
    /// Of `ListAliases`.
    Aliases(Vec<AliasLine>),
}

/// A domain, as an operator lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainLine {
    /// Its name.
    pub name: String,
    /// The login name of the account that gets mail for unknown addresses.
    pub catch_all: Option<String>,
    /// Accounts with an address in it.
    pub accounts: u64,
    /// Aliases in it.
    pub aliases: u64,
    /// When it became ours, in milliseconds since 1970.
    pub created_at_ms: u64,
}

/// An alias and one account that it leads to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AliasLine {
    /// The alias.
    pub address: String,
    /// The account's login name.
    pub login: String,
}

/// The domain of an address: what follows its last `@`; all of what has none.
pub fn domain_of(address: &str) -> &str {
    address.rsplit_once('@').map_or(address, |(_, domain)| domain)
}

/// The address whose detail this one has: `user@…` of `user+detail@…` (RFC 5233, 4). `None` if it has no detail, or its local part
/// is a quoted string.
pub fn base_of(address: &str) -> Option<String> {
    let (local, domain) = address.rsplit_once('@')?;
    let (base, _) = local.split_once('+')?;
    let is_whole = !base.is_empty() && !base.ends_with('.') && !base.starts_with('"');
    is_whole.then(|| format!("{base}@{domain}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_domain_and_perhaps_a_base() {
        for (address, domain, base) in [
            ("user@example.com", "example.com", None),
            ("user+a@example.com", "example.com", Some("user@example.com")),
            ("user+a+b@example.com", "example.com", Some("user@example.com")),
            ("user@example+com", "example+com", None),
            ("+a@example.com", "example.com", None),
            ("user.+a@example.com", "example.com", None),
            ("\"u+a\"@example.com", "example.com", None),
            ("\"u@b\"@example.com", "example.com", None),
            ("user", "user", None),
        ] {
            let found = (domain_of(address), base_of(address));
            assert_eq!(found, (domain, base.map(str::to_owned)), "{address}");
        }
    }
}
