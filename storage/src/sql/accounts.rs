//! Accounts and addresses.

use std::collections::BTreeSet;

use lightmail_core::machine::Secret;
use lightmail_core::store::memory::MAILBOXES_MAX;
use lightmail_core::store::{
    Access, Account, AccountId, AccountLine, Budget, NewAccount, PasswordHashes, Refusal, Reply, domain_of,
};

use super::db::{Answer, Columns, Stop, sql, stored};
use super::folder::Folder;
use super::tx::Tx;
use super::{calendar, domains, login, messages, tree};

/// `accounts.status` of an account that may log in from anywhere.
const ENABLED: i64 = 1;
/// That of one with the password of `sql/schema.sql`.
const LOCAL: i64 = 2;

const FIND: &str = "SELECT id, login, pw_hash, status FROM accounts WHERE login = ?";
const LIST: &str =
    "SELECT id, login, status, used_msgs, used_bytes, quota_bytes, created_at FROM accounts ORDER BY login";
const ID_TAKEN: &str = "SELECT 1 FROM accounts WHERE id = ? UNION ALL SELECT 1 FROM mailboxes WHERE account_id = ? \
     UNION ALL SELECT 1 FROM calendars WHERE account_id = ?";
const LOGIN_TAKEN: &str = "SELECT 1 FROM accounts WHERE login = ? UNION ALL SELECT 1 FROM addresses WHERE address = ? \
     UNION ALL SELECT 1 FROM aliases WHERE address = ?";
const INSERT: &str = "INSERT INTO accounts (id, login, scram_sha256, scram_sha1, pw_hash, status, quota_bytes, created_at) \
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
const INSERT_ADDRESS: &str = "INSERT INTO addresses (address, account_id) VALUES (?, ?)";
/// A new password is nobody else's: what was local is enabled.
const SET_PASSWORD: &str = "UPDATE accounts SET scram_sha256 = ?, scram_sha1 = ?, pw_hash = ?, status = CASE status WHEN 2 THEN 1 ELSE status END WHERE login = ?";
const SET_QUOTA: &str = "UPDATE accounts SET quota_bytes = ? WHERE login = ?";
const DELETE: &str = "DELETE FROM accounts WHERE id = ?";
const DELETE_ADDRESSES: &str = "DELETE FROM addresses WHERE account_id = ?";
const DELETE_ALIASES: &str = "DELETE FROM aliases WHERE account_id = ?";
const DELETE_CATCH_ALLS: &str = "UPDATE domains SET catch_all = 0 WHERE catch_all = ?";
const DELETE_APP_PASSWORDS: &str = "DELETE FROM app_passwords WHERE account_id = ?";
const DELETE_SUBSCRIPTIONS: &str = "DELETE FROM subscriptions WHERE account_id = ?";

pub(super) fn access(status: i64) -> Access {
    match status {
        ENABLED => Access::Anywhere,
        LOCAL => Access::Local,
        _ => Access::Nowhere,
    }
}

pub(crate) async fn find_account(tx: &mut Tx<'_>, login: &str) -> Answer {
    let row = tx.db.first(sql(FIND).bind(login.to_owned())).await?;
    let account = row.map(|row| {
        Ok::<_, Stop>(Account {
            id: AccountId(row.int(0)?),
            login: row.text(1)?,
            pw_hash: Secret(row.text(2)?),
            access: access(row.int(3)?),
        })
    });
    Ok(Reply::AccountFound(account.transpose()?))
}

pub(crate) async fn create_account(tx: &mut Tx<'_>, new: &NewAccount) -> Answer {
    let names: BTreeSet<_> = new.mailboxes.iter().map(|mailbox| &mailbox.name).collect();
    let taken = (0..3).fold(sql(LOGIN_TAKEN), |query, _| query.bind(new.login.clone()));
    let taken = tx.db.first(taken).await?;
    if taken.is_some() || names.len() < new.mailboxes.len() {
        return Err(Refusal::AlreadyExists.into());
    }
    if new.mailboxes.len() > MAILBOXES_MAX {
        return Err(Refusal::Limit(Budget::Mailboxes).into());
    }
    if tx
        .db
        .first(sql(ID_TAKEN).bind(new.id.0).bind(new.id.0).bind(new.id.0))
        .await?
        .is_some()
    {
        return Err(Stop::broken(format!("the account id {} is taken", new.id.0)));
    }
    let account = login::columns(&new.password)
        .into_iter()
        .fold(
            sql(INSERT).bind(new.id.0).bind(new.login.clone()),
            |query, column| query.bind(column),
        )
        .bind(ENABLED)
        .bind(stored(new.quota_bytes))
        .bind(stored(new.at_ms));
    tx.db.run(account).await?;
    tx.db
        .run(sql(INSERT_ADDRESS).bind(new.login.clone()).bind(new.id.0))
        .await?;
    domains::own(tx, domain_of(&new.login), new.at_ms).await?;
    tree::plant(tx, new.id, new.mailboxes.iter(), 0, messages::seconds(new.at_ms)).await?;
    for name in names {
        tree::insert_subscription(tx, new.id, name).await?;
    }
    Ok(Reply::AccountCreated)
}

pub(crate) async fn set_password(tx: &mut Tx<'_>, login: &str, password: &PasswordHashes) -> Answer {
    let query = login::columns(password)
        .into_iter()
        .fold(sql(SET_PASSWORD), |query, column| query.bind(column));
    match tx.db.run(query.bind(login.to_owned())).await? {
        0 => Err(Refusal::NoSuchAccount.into()),
        _ => Ok(Reply::PasswordSet),
    }
}

pub(crate) async fn set_quota(tx: &mut Tx<'_>, login: &str, quota_bytes: u64) -> Answer {
    let query = sql(SET_QUOTA).bind(stored(quota_bytes)).bind(login.to_owned());
    match tx.db.run(query).await? {
        0 => Err(Refusal::NoSuchAccount.into()),
        _ => Ok(Reply::QuotaSet),
    }
}

pub(crate) async fn delete_account(tx: &mut Tx<'_>, login: &str, at_ms: u64) -> Answer {
    let row = tx.db.first(sql(FIND).bind(login.to_owned())).await?;
    let id = AccountId(row.ok_or(Refusal::NoSuchAccount)?.int(0)?);
    for folder in Folder::all(tx, id).await? {
        tree::close(tx, folder, at_ms).await?;
    }
    calendar::close_all(tx, id, at_ms).await?;
    for text in [
        DELETE_APP_PASSWORDS,
        DELETE_SUBSCRIPTIONS,
        DELETE_CATCH_ALLS,
        DELETE_ALIASES,
        DELETE_ADDRESSES,
        DELETE,
    ] {
        tx.db.run(sql(text).bind(id.0)).await?;
    }
    Ok(Reply::AccountDeleted)
}

pub(crate) async fn list_accounts(tx: &mut Tx<'_>) -> Answer {
    let lines = tx.db.each(sql(LIST), |row| {
        Ok(AccountLine {
            id: AccountId(row.int(0)?),
            login: row.text(1)?,
            access: access(row.int(2)?),
            used_msgs: row.count(3)?,
            used_bytes: row.count(4)?,
            quota_bytes: row.count(5)?,
            created_at_ms: row.count(6)?,
        })
    });
    Ok(Reply::Accounts(lines.await?))
}
