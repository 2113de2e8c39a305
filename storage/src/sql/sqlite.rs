//! Connections to a SQLite file: one that writes, a few that read.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_lock::Semaphore;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};

/// Readers at a time.
const READERS: usize = 4;
/// How long a writer waits for another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// More than there are texts, so that none is ever parsed again.
const STATEMENTS: usize = 512;

/// Where a database is and how it is opened: WAL, and every commit on the disk before it is answered.
#[derive(Debug)]
pub(crate) struct Sqlite {
    path: PathBuf,
    permits: Semaphore,
    idle: Mutex<Vec<SqliteConnection>>,
}

impl Sqlite {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            permits: Semaphore::new(READERS),
            idle: Mutex::default(),
        }
    }

    /// The writing connection. It lives outside of the readers' pool and is never shared.
    pub(crate) async fn writer(&self) -> Result<SqliteConnection, sqlx::Error> {
        self.options()
            .journal_mode(SqliteJournalMode::Wal)
            .connect()
            .await
    }

    /// A reading connection, as soon as one is free.
    pub(crate) async fn reader(&self) -> Result<Reader<'_>, sqlx::Error> {
        let permit = self.permits.acquire().await;
        let idle = self.lock().pop();
        let conn = match idle {
            Some(conn) => conn,
            None => self.options().read_only(true).connect().await?,
        };
        Ok(Reader {
            sqlite: self,
            conn,
            _permit: permit,
        })
    }

    /// Closes the idle readers; errors leave nothing to be done.
    pub(crate) async fn close(&self) {
        let idle = std::mem::take(&mut *self.lock());
        for reader in idle {
            let _ = reader.close().await;
        }
    }

    fn options(&self) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(&self.path)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT)
            .statement_cache_capacity(STATEMENTS)
            .pragma("cache_size", "-16384")
            .pragma("temp_store", "memory")
            .disable_statement_logging()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<SqliteConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reading connection on loan.
pub(crate) struct Reader<'a> {
    sqlite: &'a Sqlite,
    /// Every statement is a snapshot of its own, so a dropped request leaves nothing open here.
    conn: SqliteConnection,
    _permit: async_lock::SemaphoreGuard<'a>,
}

impl Reader<'_> {
    pub(crate) fn conn(&mut self) -> &mut SqliteConnection {
        &mut self.conn
    }

    /// Gives the connection back. One that is dropped instead is closed.
    pub(crate) fn give_back(self) {
        self.sqlite.lock().push(self.conn);
    }
}
