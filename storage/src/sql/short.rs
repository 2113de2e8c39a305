//! Short transactions of an operator's command, beside those of the servers: on a connection of their own, tried again when
//! another one was in the way.
//!
//! They go past the queue of requests, so what they do must bear being done twice: nobody asks what became of a COMMIT.

use std::time::Duration;

use super::conn::Conn;
use super::db::{Answer, Columns, Db, Stop, sql};
use super::trouble::Trouble;
use super::tx::Tx;
use crate::storage::Inner;

/// How often one is tried again.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(20);

/// Runs short transactions, one after the other.
pub(crate) struct Short<'a> {
    inner: &'a Inner,
    conn: Option<Conn>,
}

impl<'a> Short<'a> {
    pub(crate) fn new(inner: &'a Inner) -> Self {
        Self { inner, conn: None }
    }

    /// Runs a transaction and commits it. After a failure nothing of it was done.
    pub(crate) async fn run<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut Tx<'_>) -> Answer<T> + Copy,
    ) -> Answer<T> {
        let mut tries = 0;
        loop {
            match self.once(work).await {
                Err(Stop::Sql(error) | Stop::Posted(error)) if tries < TRIES && may_pass(&error) => {
                    tries += 1;
                    async_io::Timer::after(PAUSE * tries).await;
                }
                answer => return answer,
            }
        }
    }

    async fn once<T>(&mut self, work: impl AsyncFnOnce(&mut Tx<'_>) -> Answer<T>) -> Answer<T> {
        let mut conn = match self.conn.take() {
            Some(conn) => conn,
            None => self.inner.database.writer().await?,
        };
        let attempt = async { Ok(attempt(self.inner, &mut conn, work).await) };
        let answer = self
            .inner
            .database
            .bounded(self.inner.database.work_limit(), attempt)
            .await?;
        // After an error of the database the connection is closed, and with it what was open.
        let usable = match &answer {
            Ok(_) => true,
            Err(Stop::Failure(_)) => conn.rollback().await.is_ok(),
            Err(_) => false,
        };
        if usable {
            self.conn = Some(conn);
        }
        answer
    }

    /// Takes leave of the database.
    pub(crate) async fn close(self) {
        if let Some(conn) = self.conn {
            // All is committed; how the connection ends changes nothing.
            let _ = conn.close().await;
        }
    }
}

async fn attempt<T>(
    inner: &Inner,
    conn: &mut Conn,
    work: impl AsyncFnOnce(&mut Tx<'_>) -> Answer<T>,
) -> Answer<T> {
    let db = Db::new(conn, &inner.faults).one_by_one(inner.database.one_by_one());
    let mut tx = Tx::new(db, &inner.caches);
    tx.db.begin(None).await?;
    let done = work(&mut tx).await?;
    tx.db.flush().await?;
    conn.commit().await?;
    Ok(done)
}

fn may_pass(error: &sqlx::Error) -> bool {
    let trouble = Trouble::of(error);
    trouble.passes() || trouble == Trouble::Busy
}

const LOCK_ACCOUNT: &str = "SELECT id FROM accounts WHERE id = ? /*! FOR UPDATE */";
const ACCOUNT_OF_MAILBOX: &str = "SELECT account_id FROM mailboxes WHERE id = ?";
const LOCK_MAILBOX: &str = "SELECT id FROM mailboxes WHERE id = ? /*! FOR UPDATE */";
const ACCOUNT_OF_CALENDAR: &str = "SELECT account_id FROM calendars WHERE id = ?";

/// Takes an account's lock (see [`super::locks`]).
pub(crate) async fn lock_account(tx: &mut Tx<'_>, account: i64) -> Answer<()> {
    tx.db.first(sql(LOCK_ACCOUNT).bind(account)).await.map(drop)
}

/// Takes the lock of a mailbox's account, and the mailbox's own, as an account may be deleted; whether there is the mailbox.
pub(crate) async fn lock_mailbox(tx: &mut Tx<'_>, mailbox: i64) -> Answer<bool> {
    if let Some(row) = tx.db.first(sql(ACCOUNT_OF_MAILBOX).bind(mailbox)).await? {
        lock_account(tx, row.int(0)?).await?;
    }
    Ok(tx.db.first(sql(LOCK_MAILBOX).bind(mailbox)).await?.is_some())
}

/// Takes the lock of a calendar's account.
pub(crate) async fn lock_calendar(tx: &mut Tx<'_>, calendar: i64) -> Answer<()> {
    match tx.db.first(sql(ACCOUNT_OF_CALENDAR).bind(calendar)).await? {
        Some(row) => lock_account(tx, row.int(0)?).await,
        None => Ok(()),
    }
}
