//! `lightmail admin bump --after-restore`: numbers that clients have seen, and that a restored database would give again, are
//! passed over.
//!
//! One short transaction an account, that leaves the account's id behind: killed at any point, the next run goes on there. The
//! epoch is raised last.

use lightmail_core::store::Failure;

use crate::epoch;
use crate::sql::db::{Answer, Columns, sql, stored};
use crate::sql::short::{Short, lock_account};
use crate::sql::tx::Tx;
use crate::storage::Storage;

/// UIDs that each mailbox leaves out.
const UIDS: i64 = 10_000;
/// MODSEQs that each mailbox and calendar leaves out.
const MODSEQS: i64 = 1_000_000;
/// The last UIDNEXT that leaves room for them.
const UID_NEXT_MAX: i64 = 4_294_967_294 - UIDS;

/// What is raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bump {
    /// Every mailbox gets a new UIDVALIDITY: clients forget all they know and begin anew.
    pub hard: bool,
    /// Now, in milliseconds since 1970.
    pub at_ms: u64,
}

/// What was raised, by this run and by those before it that were killed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bumped {
    /// Accounts whose mailboxes and calendars were raised by this run, deleted ones among them.
    pub accounts: u64,
    /// Mailboxes that have no room for more UIDs: they need a new UIDVALIDITY.
    pub full: u64,
}

/// The account that was done last, by the mode of the run.
const DONE: &str = "SELECT v FROM meta WHERE k = ?";
const FIRST_DONE: &str = "INSERT INTO meta (v, k) VALUES (?, ?)";
const NEXT_DONE: &str = "UPDATE meta SET v = ? WHERE k = ?";
const FORGET_DONE: &str = "DELETE FROM meta WHERE k IN ('bump', 'bump_hard')";

/// Each is one look at the end of an index.
pub(crate) const ACCOUNT: &str = "SELECT (SELECT MIN(account_id) FROM mailboxes WHERE account_id > ?), \
     (SELECT MIN(account_id) FROM calendars WHERE account_id > ?)";
const PASS_OVER: &str = "INSERT INTO expunged (mailbox_id, modseq, uid_lo, uid_hi) \
     SELECT id, highest_modseq + 1000000, uid_next, uid_next + 9999 FROM mailboxes WHERE account_id = ? AND uid_next <= ?";
const RAISE: &str = "UPDATE mailboxes SET uid_next = CASE WHEN uid_next <= ? THEN uid_next + ? ELSE uid_next END, \
     highest_modseq = highest_modseq + ? WHERE account_id = ?";
const FULL: &str = "SELECT COUNT(*) FROM mailboxes WHERE account_id = ? AND uid_next > ?";
/// `removed_floor` first: MySQL sees what it has set.
const RAISE_CALENDARS: &str =
    "UPDATE calendars SET removed_floor = modseq + ?, modseq = modseq + ? WHERE account_id = ?";

const MAILBOXES: &str = "SELECT id FROM mailboxes WHERE account_id = ? ORDER BY id";
const LAST_VALIDITY: &str = "SELECT last FROM uid_validity_seq WHERE account_id = ?";
const SET_VALIDITY: &str =
    "UPDATE mailboxes SET uid_validity = ?, highest_modseq = highest_modseq + ? WHERE id = ?";
const SET_LAST: &str = "UPDATE uid_validity_seq SET last = ? WHERE account_id = ?";
const FIRST_LAST: &str = "INSERT INTO uid_validity_seq (last, account_id) VALUES (?, ?)";

impl Storage {
    /// Raises the numbers of every account, and the epoch of database and bodies. For when no server runs.
    ///
    /// Errors: the database or the bucket did not answer. The same call goes on where this one ended.
    pub async fn bump(&self, bump: Bump) -> Result<Bumped, Failure> {
        let inner = self.inner();
        let mut short = Short::new(inner);
        let mut bumped = Bumped::default();
        while let Some(full) = short.run(async |tx| next_account(tx, bump).await).await? {
            bumped.accounts += 1;
            bumped.full += full;
        }
        let (objects, _) = epoch::epochs(inner).await?;
        let end = async |tx: &mut Tx<'_>| {
            tx.db.run(sql(FORGET_DONE)).await?;
            epoch::raise_in(tx, objects).await
        };
        let epoch = short.run(end).await?;
        short.close().await;
        inner.objects.leave_epoch(epoch).await?;
        Ok(bumped)
    }
}

/// Raises the numbers of the next account: how many of its mailboxes are full; `None`: all accounts are done.
async fn next_account(tx: &mut Tx<'_>, bump: Bump) -> Answer<Option<u64>> {
    let key = if bump.hard { "bump_hard" } else { "bump" };
    let row = tx.db.first(sql(DONE).bind(key.to_owned())).await?;
    let before = row.map(|row| row.text(0)).transpose()?;
    let after = before.as_deref().and_then(|id| id.parse().ok()).unwrap_or(0_i64);
    let next = tx.db.first(sql(ACCOUNT).bind(after).bind(after)).await?;
    let Some(row) = next else { return Ok(None) };
    let owners = [row.maybe_int(0)?, row.maybe_int(1)?];
    let Some(account) = owners.into_iter().flatten().min() else {
        return Ok(None);
    };
    lock_account(tx, account).await?;
    let full = match bump.hard {
        true => renew(tx, account, bump.at_ms).await.map(|()| 0)?,
        false => pass_over(tx, account).await?,
    };
    let calendars = sql(RAISE_CALENDARS).bind(MODSEQS).bind(MODSEQS).bind(account);
    tx.db.run(calendars).await?;
    let text = if before.is_some() { NEXT_DONE } else { FIRST_DONE };
    tx.db
        .run(sql(text).bind(account.to_string()).bind(key.to_owned()))
        .await?;
    Ok(Some(full))
}

/// Leaves out numbers. The UIDs among them count as expunged: a client that has seen one is told that it is gone.
async fn pass_over(tx: &mut Tx<'_>, account: i64) -> Answer<u64> {
    let full = tx.db.first(sql(FULL).bind(account).bind(UID_NEXT_MAX)).await?;
    let full = full.map_or(Ok(0), |row| row.count(0))?;
    tx.db.run(sql(PASS_OVER).bind(account).bind(UID_NEXT_MAX)).await?;
    let raise = sql(RAISE)
        .bind(UID_NEXT_MAX)
        .bind(UIDS)
        .bind(MODSEQS)
        .bind(account);
    tx.db.run(raise).await?;
    Ok(full)
}

/// Gives every mailbox a UIDVALIDITY that no client has seen: above the last one that is known, and above the time, as later ones
/// that are lost were no larger.
async fn renew(tx: &mut Tx<'_>, account: i64, at_ms: u64) -> Answer<()> {
    let row = tx.db.first(sql(LAST_VALIDITY).bind(account)).await?;
    let known = row.map(|row| row.int(0)).transpose()?;
    let mut last = known.unwrap_or(0).max(stored(at_ms / 1000));
    let mailboxes = tx.db.each(sql(MAILBOXES).bind(account), |row| row.int(0)).await?;
    for mailbox in mailboxes {
        last += 1;
        tx.db
            .run(sql(SET_VALIDITY).bind(last).bind(MODSEQS).bind(mailbox))
            .await?;
    }
    let text = if known.is_some() { SET_LAST } else { FIRST_LAST };
    tx.db.run(sql(text).bind(last).bind(account)).await.map(drop)
}
