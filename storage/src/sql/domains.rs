//! Our domains and the aliases in them.

use std::collections::BTreeSet;

use lightmail_core::store::{
    ALIAS_ACCOUNTS_MAX, ALIASES_MAX, AliasLine, Budget, DomainLine, DomainReply, DomainRequest, Refusal,
    domain_of,
};

use super::db::{Answer, Columns, Stop, sql, stored};
use super::tx::Tx;

const INSERT: &str = "INSERT INTO domains (name, created_at) VALUES (?, ?)";
const FIND: &str = "SELECT 1 FROM domains WHERE name = ?";
const IN_USE: &str = "SELECT 1 FROM addresses WHERE SUBSTR(address, INSTR(address, '@') + 1) = ? \
     UNION ALL SELECT 1 FROM aliases WHERE SUBSTR(address, INSTR(address, '@') + 1) = ? LIMIT 1";
const DELETE: &str = "DELETE FROM domains WHERE name = ?";
const LIST: &str = "SELECT d.name, a.login, COALESCE(c.many, 0), COALESCE(s.many, 0), d.created_at FROM domains d \
     LEFT JOIN accounts a ON a.id = d.catch_all \
     LEFT JOIN (SELECT SUBSTR(address, INSTR(address, '@') + 1) AS name, COUNT(*) AS many FROM addresses \
     GROUP BY SUBSTR(address, INSTR(address, '@') + 1)) c ON c.name = d.name \
     LEFT JOIN (SELECT SUBSTR(address, INSTR(address, '@') + 1) AS name, COUNT(DISTINCT address) AS many FROM aliases \
     GROUP BY SUBSTR(address, INSTR(address, '@') + 1)) s ON s.name = d.name ORDER BY d.name";
const SET_CATCH_ALL: &str = "UPDATE domains SET catch_all = ? WHERE name = ?";

const ACCOUNT: &str = "SELECT id FROM accounts WHERE login = ?";
const OWN: &str = "SELECT 1 FROM addresses WHERE address = ?";
const LED_TO: &str = "SELECT account_id FROM aliases WHERE address = ?";
const COUNT: &str = "SELECT COUNT(*) FROM aliases WHERE account_id = ?";
const INSERT_ALIAS: &str = "INSERT INTO aliases (address, account_id) VALUES (?, ?)";
const DELETE_ALIAS: &str = "DELETE FROM aliases WHERE address = ? AND account_id = ?";
const DELETE_ALIASES: &str = "DELETE FROM aliases WHERE address = ?";
const LIST_ALIASES: &str = "SELECT s.address, a.login FROM aliases s JOIN accounts a ON a.id = s.account_id \
     ORDER BY s.address, a.login";

/// Makes a domain ours; whether it was not before.
pub(crate) async fn own(tx: &mut Tx<'_>, domain: &str, at_ms: u64) -> Answer<bool> {
    let insert = sql(INSERT).bind(domain.to_owned()).bind(stored(at_ms));
    match tx.db.run(insert).await {
        Ok(_) => Ok(true),
        // Also if another node has been first.
        Err(stop) if stop.is_taken() => Ok(false),
        Err(stop) => Err(stop),
    }
}

/// Answers what only reads.
pub(crate) async fn read(tx: &mut Tx<'_>, request: &DomainRequest) -> Answer<DomainReply> {
    match request {
        DomainRequest::List => list(tx).await,
        DomainRequest::ListAliases => list_aliases(tx).await,
        _ => Err(Stop::broken("a writing request was taken for a reading one")),
    }
}

/// Answers what writes.
pub(crate) async fn write(tx: &mut Tx<'_>, request: &DomainRequest) -> Answer<DomainReply> {
    match request {
        DomainRequest::Add { domain, at_ms } => match own(tx, domain, *at_ms).await? {
            true => Ok(DomainReply::Added),
            false => Err(Refusal::AlreadyExists.into()),
        },
        DomainRequest::Remove { domain } => remove(tx, domain).await,
        DomainRequest::SetCatchAll { domain, login } => set_catch_all(tx, domain, login.as_ref()).await,
        DomainRequest::AddAlias { address, logins } => add_alias(tx, address, logins).await,
        DomainRequest::RemoveAlias { address, logins } => remove_alias(tx, address, logins).await,
        DomainRequest::List | DomainRequest::ListAliases => read(tx, request).await,
    }
}

/// Errors: `NotOurs`.
async fn check_ours(tx: &mut Tx<'_>, domain: &str) -> Answer<()> {
    let row = tx.db.first(sql(FIND).bind(domain.to_owned())).await?;
    row.map(drop).ok_or_else(|| Refusal::NotOurs.into())
}

/// Errors: `NoSuchAccount`.
async fn accounts(tx: &mut Tx<'_>, logins: &[String]) -> Answer<BTreeSet<i64>> {
    let mut ids = BTreeSet::new();
    for login in logins {
        let row = tx.db.first(sql(ACCOUNT).bind(login.clone())).await?;
        ids.insert(row.ok_or(Refusal::NoSuchAccount)?.int(0)?);
    }
    Ok(ids)
}

async fn remove(tx: &mut Tx<'_>, domain: &str) -> Answer<DomainReply> {
    check_ours(tx, domain).await?;
    let in_use = sql(IN_USE).bind(domain.to_owned()).bind(domain.to_owned());
    if tx.db.first(in_use).await?.is_some() {
        return Err(Refusal::HasChildren.into());
    }
    tx.db.run(sql(DELETE).bind(domain.to_owned())).await?;
    Ok(DomainReply::Removed)
}

async fn list(tx: &mut Tx<'_>) -> Answer<DomainReply> {
    let lines = tx.db.each(sql(LIST), |row| {
        Ok(DomainLine {
            name: row.text(0)?,
            catch_all: row.maybe_text(1)?,
            accounts: row.count(2)?,
            aliases: row.count(3)?,
            created_at_ms: row.count(4)?,
        })
    });
    Ok(DomainReply::Domains(lines.await?))
}

async fn set_catch_all(tx: &mut Tx<'_>, domain: &str, login: Option<&String>) -> Answer<DomainReply> {
    check_ours(tx, domain).await?;
    let accounts = accounts(tx, login.map_or(&[], std::slice::from_ref)).await?;
    let to = accounts.into_iter().next().unwrap_or(0);
    let set = sql(SET_CATCH_ALL).bind(to).bind(domain.to_owned());
    tx.db.run(set).await?;
    Ok(DomainReply::CatchAllSet)
}

async fn add_alias(tx: &mut Tx<'_>, address: &str, logins: &[String]) -> Answer<DomainReply> {
    check_ours(tx, domain_of(address)).await?;
    let mut new = accounts(tx, logins).await?;
    if tx.db.first(sql(OWN).bind(address.to_owned())).await?.is_some() {
        return Err(Refusal::AlreadyExists.into());
    }
    let old = tx.db.each(sql(LED_TO).bind(address.to_owned()), |row| row.int(0));
    let old: BTreeSet<_> = old.await?.into_iter().collect();
    new.retain(|id| !old.contains(id));
    let mut full = old.len() + new.len() > ALIAS_ACCOUNTS_MAX;
    for id in &new {
        let row = tx.db.first(sql(COUNT).bind(*id)).await?;
        full |= row.map_or(Ok(0), |row| row.count(0))? >= ALIASES_MAX as u64;
    }
    if full {
        return Err(Refusal::Limit(Budget::Aliases).into());
    }
    for id in new {
        let insert = sql(INSERT_ALIAS).bind(address.to_owned()).bind(id);
        tx.db.run(insert).await?;
    }
    Ok(DomainReply::AliasAdded)
}

async fn remove_alias(tx: &mut Tx<'_>, address: &str, logins: &[String]) -> Answer<DomainReply> {
    let ids = accounts(tx, logins).await?;
    let mut removed = 0;
    if ids.is_empty() {
        removed = tx.db.run(sql(DELETE_ALIASES).bind(address.to_owned())).await?;
    }
    for id in ids {
        let delete = sql(DELETE_ALIAS).bind(address.to_owned()).bind(id);
        removed += tx.db.run(delete).await?;
    }
    Ok(DomainReply::AliasRemoved(removed))
}

async fn list_aliases(tx: &mut Tx<'_>) -> Answer<DomainReply> {
    let lines = tx.db.each(sql(LIST_ALIASES), |row| {
        Ok(AliasLine {
            address: row.text(0)?,
            login: row.text(1)?,
        })
    });
    Ok(DomainReply::Aliases(lines.await?))
}
