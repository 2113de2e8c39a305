//! Log-ins: what checks a password and who has to wait, in one statement; app passwords; the buckets that wrong passwords empty.
//!
//! Time is the database's where several nodes share it. A bucket that is full again needs no row: each failure takes a few such rows
//! away, more than it makes, so that none are left of an attack that is over.

use lightmail_core::machine::Secret;
use lightmail_core::store::{
    APP_PASSWORDS_MAX, AccountId, AppPasswordLine, Attempt, Budget, LoginAccount, LoginAppPassword,
    LoginFound, NewAppPassword, PasswordHashes, Refusal, Reply, Request, Scopes, ScramVerifiers, Throttle,
};

use super::accounts::access;
use super::clock::now_ms;
use super::db::{Answer, Columns, Stop, Text, sql, stored};
use super::row::DbRow;
use super::tx::Tx;

macro_rules! find {
    ($now:literal) => {
        concat!(
            "SELECT COALESCE(a.id, 0), a.status, a.pw_hash, a.scram_sha256, a.scram_sha1, ",
            $now,
            ", COALESCE((SELECT full_at FROM throttles WHERE bucket = ?), 0), \
             COALESCE((SELECT full_at FROM throttles WHERE bucket = ?), 0), \
             COALESCE(p.scopes, -1), p.hash, p.until_ms \
             FROM (SELECT 1 AS one) d LEFT JOIN accounts a ON a.login = ? \
             LEFT JOIN app_passwords p ON p.account_id = a.id ORDER BY p.label"
        )
    };
}

/// One row at least, and one for each app password.
const FIND: Text = Text {
    sqlite: find!("CAST(? AS INTEGER)"),
    mysql: find!("0 * ? + CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)"),
};
const SPEND: Text = Text {
    sqlite: "INSERT INTO throttles (bucket, full_at) VALUES (?, ?) \
             ON CONFLICT (bucket) DO UPDATE SET full_at = MIN(MAX(full_at, ?) + ?, ?)",
    mysql: "INSERT INTO throttles (bucket, full_at) VALUES (?, ?) \
            ON DUPLICATE KEY UPDATE full_at = LEAST(GREATEST(full_at, ?) + ?, ?)",
};
const FORGET_FULL: Text = Text {
    sqlite: "DELETE FROM throttles WHERE bucket IN \
             (SELECT bucket FROM throttles WHERE full_at <= ? ORDER BY full_at, bucket LIMIT 8)",
    mysql: "DELETE FROM throttles WHERE full_at <= ? ORDER BY full_at, bucket LIMIT 8",
};
const LIST_THROTTLES: &str = "SELECT bucket, full_at FROM throttles WHERE full_at > ? ORDER BY bucket";
const CLEAR_ONE: &str = "DELETE FROM throttles WHERE bucket = ?";
const CLEAR_ALL: &str = "DELETE FROM throttles";

const KEEP: &str =
    "UPDATE accounts SET scram_sha256 = ?, scram_sha1 = ?, pw_hash = ? WHERE id = ? AND pw_hash = ?";

const ID: &str = "SELECT id FROM accounts WHERE login = ?";
const LIST: &str =
    "SELECT label, scopes, until_ms, created_at FROM app_passwords WHERE account_id = ? ORDER BY label";
const ADD: &str = "INSERT INTO app_passwords (account_id, label, hash, scopes, until_ms, created_at) \
     VALUES (?, ?, ?, ?, ?, ?)";
const REMOVE: &str = "DELETE FROM app_passwords WHERE account_id = ? AND label = ?";

/// Answers what only reads; `None` if the request is none of these.
pub(crate) async fn read(tx: &mut Tx<'_>, request: &Request) -> Answer<Option<Reply>> {
    Ok(Some(match request {
        Request::FindLogin(attempt) => find_login(tx, attempt).await?,
        Request::ListAppPasswords { login } => Reply::AppPasswords(lines(tx, login).await?.1),
        Request::ListThrottles { at_ms } => list_throttles(tx, *at_ms).await?,
        _ => return Ok(None),
    }))
}

/// Answers what writes; `None` if the request is none of these.
pub(crate) async fn write(tx: &mut Tx<'_>, request: &Request) -> Answer<Option<Reply>> {
    Ok(Some(match request {
        Request::CountFailedLogin(attempt, _) => count_failed_login(tx, attempt).await?,
        Request::KeepPassword {
            account,
            was,
            password,
        } => keep_password(tx, *account, was, password).await?,
        Request::AddAppPassword(new) => add_app_password(tx, new).await?,
        Request::RemoveAppPassword { login, label } => remove_app_password(tx, login, label).await?,
        Request::ClearThrottles { bucket } => clear_throttles(tx, bucket.as_deref()).await?,
        _ => return Ok(None),
    }))
}

/// What is stored of a password, in the order of the columns that [`KEEP`] sets.
pub(super) fn columns(password: &PasswordHashes) -> [String; 3] {
    let [sha256, sha1] = match &password.scram {
        Some(ScramVerifiers { sha256, sha1 }) => [sha256, sha1].map(|secret| secret.0.clone()),
        None => [String::new(), String::new()],
    };
    [sha256, sha1, password.bcrypt.0.clone()]
}

async fn find_login(tx: &mut Tx<'_>, attempt: &Attempt) -> Answer {
    let mut buckets = attempt.buckets();
    let name = buckets.next().unwrap_or_default();
    let network = buckets.next().unwrap_or_else(|| name.clone());
    let query = sql(FIND)
        .bind(stored(attempt.at_ms))
        .bind(name)
        .bind(network)
        .bind(attempt.login.clone());
    let mut found = LoginFound {
        account: None,
        wait_ms: 0,
    };
    let take = |row: DbRow| {
        let now_ms = row.count(5)?;
        let full_ms = row.count(6)?.max(row.count(7)?);
        found.wait_ms = attempt.wait_ms(full_ms, now_ms);
        if found.account.is_none() {
            found.account = login_account(&row)?;
        }
        if let Some(account) = &mut found.account {
            account.app_passwords.extend(app_password(&row)?);
        }
        Ok(true)
    };
    tx.db.while_wanted(query, take).await?;
    Ok(Reply::LoginFound(found))
}

fn login_account(row: &DbRow) -> Answer<Option<LoginAccount>> {
    let id = row.int(0)?;
    if id == 0 {
        return Ok(None);
    }
    let (sha256, sha1) = (row.text(3)?, row.text(4)?);
    let has_verifiers = !sha256.is_empty() && !sha1.is_empty();
    Ok(Some(LoginAccount {
        id: AccountId(id),
        access: access(row.int(1)?),
        password: PasswordHashes {
            bcrypt: Secret(row.text(2)?),
            scram: has_verifiers.then_some(ScramVerifiers {
                sha256: Secret(sha256),
                sha1: Secret(sha1),
            }),
        },
        app_passwords: Vec::new(),
    }))
}

fn app_password(row: &DbRow) -> Answer<Option<LoginAppPassword>> {
    let scopes = row.int(8)?;
    if scopes < 0 {
        return Ok(None);
    }
    Ok(Some(LoginAppPassword {
        hash: Secret(row.text(9)?),
        scopes: bits(scopes)?,
        until_ms: until(row.count(10)?),
    }))
}

fn bits(scopes: i64) -> Answer<Scopes> {
    let bits = u8::try_from(scopes).map(Scopes);
    bits.map_err(|_| Stop::broken("database: the scopes of an app password"))
}

/// 0 in the column is no end.
fn until(until_ms: u64) -> Option<u64> {
    (until_ms > 0).then_some(until_ms)
}

async fn count_failed_login(tx: &mut Tx<'_>, attempt: &Attempt) -> Answer {
    let now_ms = now_ms(tx, attempt.at_ms).await?;
    tx.db.run(sql(FORGET_FULL).bind(stored(now_ms))).await?;
    for bucket in attempt.buckets() {
        let spend = sql(SPEND)
            .bind(bucket)
            .bind(stored(attempt.spend(0, now_ms)))
            .bind(stored(now_ms))
            .bind(stored(attempt.token_ms()))
            .bind(stored(now_ms.saturating_add(attempt.whole_ms())));
        tx.db.run(spend).await?;
    }
    Ok(Reply::FailedLoginCounted)
}

async fn list_throttles(tx: &mut Tx<'_>, at_ms: u64) -> Answer {
    let now_ms = now_ms(tx, at_ms).await?;
    let rows = tx.db.each(sql(LIST_THROTTLES).bind(stored(now_ms)), |row| {
        Ok(Throttle {
            bucket: row.text(0)?,
            full_in_ms: row.count(1)?.saturating_sub(now_ms),
        })
    });
    Ok(Reply::Throttles(rows.await?))
}

async fn clear_throttles(tx: &mut Tx<'_>, bucket: Option<&str>) -> Answer {
    let query = match bucket {
        Some(bucket) => sql(CLEAR_ONE).bind(bucket.to_owned()),
        None => sql(CLEAR_ALL),
    };
    tx.db.run(query).await?;
    Ok(Reply::ThrottlesCleared)
}

async fn keep_password(
    tx: &mut Tx<'_>,
    account: AccountId,
    was: &Secret,
    password: &PasswordHashes,
) -> Answer {
    let query = columns(password)
        .into_iter()
        .fold(sql(KEEP), |query, column| query.bind(column));
    tx.db.run(query.bind(account.0).bind(was.0.clone())).await?;
    Ok(Reply::PasswordKept)
}

/// An account's id, and its app passwords.
async fn lines(tx: &mut Tx<'_>, login: &str) -> Answer<(i64, Vec<AppPasswordLine>)> {
    let row = tx.db.first(sql(ID).bind(login.to_owned())).await?;
    let id = row.ok_or(Refusal::NoSuchAccount)?.int(0)?;
    let lines = tx.db.each(sql(LIST).bind(id), |row| {
        Ok(AppPasswordLine {
            label: row.text(0)?,
            scopes: bits(row.int(1)?)?,
            until_ms: until(row.count(2)?),
            created_at_ms: row.count(3)?,
        })
    });
    Ok((id, lines.await?))
}

async fn add_app_password(tx: &mut Tx<'_>, new: &NewAppPassword) -> Answer {
    let (id, lines) = lines(tx, &new.login).await?;
    if lines.iter().any(|line| line.label == new.label) {
        return Err(Refusal::AlreadyExists.into());
    }
    if lines.len() >= APP_PASSWORDS_MAX {
        return Err(Refusal::Limit(Budget::AppPasswords).into());
    }
    let add = sql(ADD)
        .bind(id)
        .bind(new.label.clone())
        .bind(new.hash.0.clone())
        .bind(i64::from(new.scopes.0))
        .bind(stored(new.until_ms.unwrap_or(0)))
        .bind(stored(new.at_ms));
    tx.db.run(add).await?;
    Ok(Reply::AppPasswordAdded)
}

async fn remove_app_password(tx: &mut Tx<'_>, login: &str, label: &str) -> Answer {
    let row = tx.db.first(sql(ID).bind(login.to_owned())).await?;
    let id = row.ok_or(Refusal::NoSuchAccount)?.int(0)?;
    let removed = tx.db.run(sql(REMOVE).bind(id).bind(label.to_owned())).await?;
    Ok(Reply::AppPasswordRemoved(removed > 0))
}
