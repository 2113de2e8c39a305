//! The database: one connection that writes, some that read, whichever database it is.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_lock::{Semaphore, SemaphoreGuard};

use super::conn::Conn;
use super::db::{Answer, Db};
use super::health::Health;
use super::mysql::{Mark, MySql, WORK_LIMIT, within};
use super::sqlite::{self, Sqlite};

/// Statements that a connection keeps prepared: more than there are texts, so that none is ever parsed again. (With MySQL
/// over TCP a statement that is let go costs a delayed acknowledgement, 40 ms.)
pub(crate) const STATEMENTS: usize = 512;

/// The database with its connections.
#[derive(Debug)]
pub(crate) struct Database {
    backend: Backend,
    readers: Semaphore,
    idle: Mutex<Vec<Conn>>,
    /// Whether it serves, as far as is known.
    pub(crate) health: Health,
    /// Nothing but what has a limit of its own may take any time.
    #[cfg(test)]
    pub(crate) impatient: std::sync::atomic::AtomicBool,
}

#[derive(Debug)]
enum Backend {
    Sqlite(Sqlite),
    MySql(Box<MySql>),
}

impl Database {
    /// A SQLite file.
    pub(crate) fn sqlite(path: PathBuf) -> Self {
        Self::new(Backend::Sqlite(Sqlite::new(path)), sqlite::READERS)
    }

    /// A database of a MySQL server. One of `pool_size` connections writes.
    pub(crate) fn mysql(mysql: MySql, pool_size: u32) -> Self {
        let readers = usize::try_from(pool_size).unwrap_or(usize::MAX).saturating_sub(1);
        Self::new(Backend::MySql(Box::new(mysql)), readers.clamp(1, 10_000))
    }

    fn new(backend: Backend, readers: usize) -> Self {
        Self {
            backend,
            readers: Semaphore::new(readers),
            idle: Mutex::default(),
            health: Health::default(),
            #[cfg(test)]
            impatient: false.into(),
        }
    }

    /// Whether other nodes may write to it at the same time.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self.backend, Backend::MySql(_))
    }

    /// A connection that writes. It lives outside of the readers' pool and is never shared.
    pub(crate) async fn writer(&self) -> Result<Conn, sqlx::Error> {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.writer().await.map(Conn::Sqlite),
            Backend::MySql(mysql) => mysql.writer().await.map(Conn::MySql),
        }
    }

    /// A reading connection, as soon as one is free. `anew`: one that nobody has used.
    pub(crate) async fn reader(&self, anew: bool) -> Result<Reader<'_>, sqlx::Error> {
        let permit = self.readers.acquire().await;
        let idle = if anew { None } else { self.lock().pop() };
        let used = idle.is_some();
        let conn = match idle {
            Some(conn) => conn,
            None => self.connect_reader().await?,
        };
        Ok(Reader {
            database: self,
            conn,
            used,
            _permit: permit,
        })
    }

    async fn connect_reader(&self) -> Result<Conn, sqlx::Error> {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.reader().await.map(Conn::Sqlite),
            Backend::MySql(mysql) => mysql.reader().await.map(Conn::MySql),
        }
    }

    /// Begins a transaction that writes, with the mark by which it can be found out later whether it was committed. `None`:
    /// there is none, as an error of COMMIT tells.
    pub(crate) async fn begin(&self, db: &mut Db<'_>) -> Answer<Option<Mark>> {
        match &self.backend {
            Backend::MySql(mysql) => {
                let (mark, query) = mysql.mark();
                db.begin(Some(query)).await?;
                Ok(Some(mark))
            }
            Backend::Sqlite(_) => db.begin(None).await.map(|()| None),
        }
    }

    /// Whether the server takes one statement a packet.
    pub(crate) fn one_by_one(&self) -> bool {
        matches!(&self.backend, Backend::MySql(mysql) if mysql.is_one_by_one())
    }

    /// As with a server that takes one statement a packet.
    #[cfg(test)]
    pub(crate) fn go_one_by_one(&self) {
        if let Backend::MySql(mysql) = &self.backend {
            mysql.go_one_by_one();
        }
    }

    /// Whether a transaction was committed whose COMMIT was not answered. Waits for one that is still under way.
    pub(crate) async fn was_committed(&self, mark: Mark) -> Result<bool, sqlx::Error> {
        match &self.backend {
            Backend::MySql(mysql) => mysql.was_committed(mark).await,
            Backend::Sqlite(_) => Ok(false),
        }
    }

    /// Gives work up that takes too long, where a network can be the reason. Its connection must not be used again.
    pub(crate) async fn bounded<T>(
        &self,
        limit: Duration,
        work: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, sqlx::Error> {
        match self.backend {
            Backend::Sqlite(_) => work.await,
            Backend::MySql(_) => within(limit, work).await,
        }
    }

    /// How long a transaction, or a request that reads, may take.
    pub(crate) fn work_limit(&self) -> Duration {
        #[cfg(test)]
        if self.impatient.load(std::sync::atomic::Ordering::Relaxed) {
            return Duration::ZERO;
        }
        WORK_LIMIT
    }

    /// Runs a future to its end on this thread.
    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        match self.backend {
            // SQLite has threads of its own, a socket has not: this thread polls it itself instead of being woken for each answer.
            Backend::Sqlite(_) => futures_lite::future::block_on(future),
            Backend::MySql(_) => async_io::block_on(future),
        }
    }

    /// Closes the idle readers, then the writer; errors leave nothing to be done.
    pub(crate) async fn close(&self, writer: Option<Conn>) {
        let idle = std::mem::take(&mut *self.lock());
        for reader in idle {
            let _ = reader.close().await;
        }
        // SQLite takes its log in when the last connection goes, and a reader may not: the writer goes last.
        if let Some(mut writer) = writer {
            if let (Backend::MySql(mysql), Conn::MySql(conn)) = (&self.backend, &mut writer) {
                mysql.forget_mark(conn).await;
            }
            if let Err(error) = writer.close().await {
                tracing::warn!(%error, "store.close.failed");
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Conn>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reading connection on loan.
pub(crate) struct Reader<'a> {
    database: &'a Database,
    /// Every statement is a snapshot of its own, so a dropped request leaves nothing open here.
    conn: Conn,
    /// Whether it has answered before: it may have been closed by the server since.
    pub(crate) used: bool,
    _permit: SemaphoreGuard<'a>,
}

impl Reader<'_> {
    pub(crate) fn conn(&mut self) -> &mut Conn {
        &mut self.conn
    }

    /// Gives the connection back. One that is dropped instead is closed.
    pub(crate) fn give_back(self) {
        self.database.lock().push(self.conn);
    }
}
