//! How a SQLite file is opened.

use std::path::PathBuf;
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};

use super::database::STATEMENTS;

/// Readers at a time.
pub(crate) const READERS: usize = 4;
/// How long a writer waits for another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Where a database is and how it is opened: WAL, and every commit on the disk before it is answered.
#[derive(Debug)]
pub(crate) struct Sqlite {
    path: PathBuf,
}

impl Sqlite {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// A connection that writes.
    pub(crate) async fn writer(&self) -> Result<SqliteConnection, sqlx::Error> {
        self.options()
            .journal_mode(SqliteJournalMode::Wal)
            .connect()
            .await
    }

    /// A connection that reads.
    pub(crate) async fn reader(&self) -> Result<SqliteConnection, sqlx::Error> {
        self.options().read_only(true).connect().await
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
}
