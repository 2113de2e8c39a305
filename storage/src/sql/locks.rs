//! The locks of a group, taken before anything is read for writing.
//!
//! An account's row is the lock of all that is the account's: mailboxes, messages, subscriptions, UIDVALIDITYs, keys of its
//! deliveries. With it held, what a request reads stays true until the commit, and what it counts in Rust and writes back
//! whole is right. A group locks its accounts first, by ascending id; what is behind them (mailboxes, `object_keys`,
//! messages) comes later and is in nobody's way, but for objects that accounts share: those are told by a deadlock at
//! worst, after which one of both is run again.
//!
//! A domain's row is the lock of the addresses in it; the domains of a group come behind its accounts.
//!
//! SQLite has one writer and needs none of this.

use std::collections::BTreeSet;

use lightmail_core::store::{NewAppPassword, Request, domain_of};

use super::commit::Job;
use super::db::{Answer, Columns, sql};
use super::tx::Tx;

macro_rules! lock {
    ($marks:literal) => {
        concat!(
            "SELECT id FROM accounts WHERE id IN (",
            $marks,
            ") ORDER BY id /*! FOR UPDATE */"
        )
    };
}

const ONE: &str = lock!("?");
const EIGHT: &str = lock!("?, ?, ?, ?, ?, ?, ?, ?");
const DOMAIN: &str = "SELECT name FROM domains WHERE name = ? /*! FOR UPDATE */";
const ID: &str = "SELECT id FROM accounts WHERE login = ?";

/// Locks the accounts and the domains that a group changes.
pub(super) async fn lock(tx: &mut Tx<'_>, group: &[Job]) -> Answer<()> {
    let (mut accounts, mut domains) = (BTreeSet::new(), BTreeSet::new());
    for job in group {
        match &job.request {
            Request::CreateAccount(new) => drop(domains.insert(domain_of(&new.login))),
            Request::Domain(request) => {
                domains.extend(request.domain());
                for login in request.logins() {
                    let row = tx.db.first(sql(ID).bind(login.clone())).await?;
                    accounts.extend(row.map(|row| row.int(0)).transpose()?);
                }
            }
            Request::Deliver { recipients, .. } => {
                accounts.extend(recipients.iter().map(|recipient| recipient.account.0));
            }
            Request::SetPassword { login, .. }
            | Request::SetQuota { login, .. }
            | Request::DeleteAccount { login, .. }
            | Request::AddAppPassword(NewAppPassword { login, .. })
            | Request::RemoveAppPassword { login, .. } => {
                let row = tx.db.first(sql(ID).bind(login.clone())).await?;
                accounts.extend(row.map(|row| row.int(0)).transpose()?);
            }
            Request::KeepPassword { account, .. } => drop(accounts.insert(account.0)),
            Request::Undelete(undelete) => drop(accounts.insert(undelete.account.0)),
            Request::Import(import) => drop(accounts.insert(import.account.0)),
            _ => accounts.extend(job.actor.account().map(|account| account.0)),
        }
    }
    let accounts: Vec<_> = accounts.into_iter().collect();
    for some in accounts.chunks(8) {
        let Some(last) = some.last() else { continue };
        let (text, marks) = if some.len() == 1 { (ONE, 1) } else { (EIGHT, 8) };
        // The last fills what is left of the marks.
        let ids = some.iter().chain(std::iter::repeat(last)).take(marks);
        let query = ids.fold(sql(text), |query, id| query.bind(*id));
        tx.db.first(query).await?;
    }
    for domain in domains {
        tx.db.first(sql(DOMAIN).bind(domain.to_owned())).await?;
    }
    Ok(())
}
