//! How a MySQL or MariaDB server is spoken to, and how it is found out whether a transaction was committed.

use std::future::Future;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use futures_lite::FutureExt;
use lightmail_core::config::{self, DatabaseTls};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlSslMode};
use sqlx::{ConnectOptions, Connection, Row};

use super::database::STATEMENTS;
use super::query::{Query, sql};

/// How long a connection may take to be made.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// How long a transaction, or a request that reads, may take.
pub(crate) const WORK_LIMIT: Duration = Duration::from_secs(60);

/// Every session. Values that do not fit are errors, never cut.
const ISOLATION: &str = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";
const MODE: &str = "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'";
/// The session that writes: the locks of one that has stopped in the middle are free again after a minute.
const WRITER: &str = "SET SESSION wait_timeout = 60, innodb_lock_wait_timeout = 10";

const MARK: &str = "INSERT INTO commits (seq, node, at) VALUES (?, ?, UNIX_TIMESTAMP() * 1000) \
     ON DUPLICATE KEY UPDATE seq = VALUES(seq), at = VALUES(at)";
const FIND_MARK: &str = "SELECT seq FROM commits WHERE node = ? FOR UPDATE";
const FORGET_MARK: &str = "DELETE FROM commits WHERE node = ?";
/// Marks of nodes that died a week ago.
const FORGET_OLD_MARKS: &str = "DELETE FROM commits WHERE at < (UNIX_TIMESTAMP() - 7 * 24 * 3600) * 1000";

/// Where a server is, and the mark of this node in it.
///
/// Every transaction that writes sets the node's row in `commits` to a number of its own. The row's lock is held until the
/// transaction ends, so whoever asks for the row afterwards learns whether it was committed, whatever became of the answer.
#[derive(Debug)]
pub(crate) struct MySql {
    options: MySqlConnectOptions,
    place: String,
    node: [u8; 16],
    last: AtomicI64,
    /// The server takes one statement a packet (some proxies and clusters do).
    one_by_one: AtomicBool,
}

/// What a transaction has set the node's row to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark(i64);

impl MySql {
    /// Errors: the password's file cannot be read, or the system gives no randomness.
    pub(crate) fn new(config: &config::Database) -> io::Result<Self> {
        let mut node = [0; 16];
        getrandom::fill(&mut node).map_err(|error| io::Error::other(error.to_string()))?;
        let place = match &config.socket {
            Some(socket) => socket.clone(),
            None => format!("{}:{}", config.host, port(config)),
        };
        Ok(Self {
            options: options(config, &password(config)?),
            place: format!("{place}/{}", config.database),
            node,
            last: AtomicI64::new(0),
            one_by_one: AtomicBool::new(false),
        })
    }

    /// Where it is, for people.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// A connection that reads. Every statement is a snapshot of its own.
    pub(crate) async fn reader(&self) -> Result<MySqlConnection, sqlx::Error> {
        let connecting = async {
            let mut conn = self.options.connect().await?;
            for text in [ISOLATION, MODE] {
                sqlx::raw_sql(text).execute(&mut conn).await?;
            }
            Ok(conn)
        };
        within(CONNECT_LIMIT, connecting).await
    }

    /// A connection that writes.
    pub(crate) async fn writer(&self) -> Result<MySqlConnection, sqlx::Error> {
        let mut conn = self.reader().await?;
        within(CONNECT_LIMIT, async {
            sqlx::raw_sql(WRITER).execute(&mut conn).await.map(drop)
        })
        .await?;
        Ok(conn)
    }

    /// Finds out how many statements a packet may hold.
    pub(crate) async fn try_packet(&self, conn: &mut MySqlConnection) -> Result<(), sqlx::Error> {
        match sqlx::raw_sql("DO 1; DO 2").execute(conn).await {
            Err(sqlx::Error::Database(_)) => {
                self.go_one_by_one();
                Ok(())
            }
            answer => answer.map(drop),
        }
    }

    /// Sends one statement a packet from now on.
    pub(crate) fn go_one_by_one(&self) {
        self.one_by_one.store(true, Ordering::Relaxed);
    }

    /// Whether the server takes one statement a packet.
    pub(crate) fn is_one_by_one(&self) -> bool {
        self.one_by_one.load(Ordering::Relaxed)
    }

    /// A number of its own for a transaction, and the statement that leaves it behind.
    pub(crate) fn mark(&self) -> (Mark, Query) {
        let mark = Mark(self.last.fetch_add(1, Ordering::Relaxed) + 1);
        (mark, sql(MARK).bind(mark.0).bind(self.node.to_vec()))
    }

    /// Whether a transaction was committed. Waits for its end as long as the server lets us; then it is an error.
    pub(crate) async fn was_committed(&self, mark: Mark) -> Result<bool, sqlx::Error> {
        let mut conn = self.writer().await?;
        let asking = async {
            sqlx::raw_sql("START TRANSACTION").execute(&mut conn).await?;
            let query = sqlx::query(FIND_MARK).bind(&self.node[..]);
            let row = query.fetch_optional(&mut conn).await?;
            Ok(row.map(|row| row.try_get::<i64, _>(0)).transpose()? == Some(mark.0))
        };
        let committed = within(WORK_LIMIT, asking).await?;
        // The answer is there; how this connection ends changes nothing.
        let _ = conn.close().await;
        Ok(committed)
    }

    /// Removes this node's row. After an error it stays, and goes with those of nodes that died.
    pub(crate) async fn forget_mark(&self, conn: &mut MySqlConnection) {
        let _ = sqlx::query(FORGET_MARK).bind(&self.node[..]).execute(conn).await;
    }

    /// Removes the rows of nodes that died. After an error the next start does it.
    pub(crate) async fn forget_old_marks(&self, conn: &mut MySqlConnection) {
        let _ = sqlx::query(FORGET_OLD_MARKS).execute(conn).await;
    }
}

/// Gives an answer up that takes too long. Its connection must not be used again.
pub(crate) async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    let late = async {
        async_io::Timer::after(limit).await;
        Err(io::Error::new(io::ErrorKind::TimedOut, "the database does not answer").into())
    };
    // Time that is over is not given once more to work that happens to be ready.
    late.or(work).await
}

fn options(config: &config::Database, password: &str) -> MySqlConnectOptions {
    let options = MySqlConnectOptions::new()
        .username(&config.user)
        .database(&config.database)
        .ssl_mode(ssl_mode(config))
        .statement_cache_capacity(STATEMENTS)
        .disable_statement_logging();
    let roots = match &config.ca_file {
        Some(file) => Some(file.0.as_str()),
        None => system_roots(),
    };
    let options = match roots {
        Some(roots) if config.tls == DatabaseTls::Verify => options.ssl_ca(roots),
        _ => options,
    };
    // An empty password and none are not the same to the driver.
    let options = match password {
        "" => options,
        password => options.password(password),
    };
    match &config.socket {
        Some(socket) => options.socket(socket),
        None => options.host(&config.host).port(port(config)),
    }
}

/// A UNIX socket needs no encryption. But MySQL 8 takes a password only through TLS, or encrypted by RSA, which is not spoken here.
fn ssl_mode(config: &config::Database) -> MySqlSslMode {
    match config.tls {
        DatabaseTls::Off => MySqlSslMode::Disabled,
        DatabaseTls::Prefer => MySqlSslMode::Preferred,
        DatabaseTls::Require => MySqlSslMode::Required,
        DatabaseTls::Verify => MySqlSslMode::VerifyIdentity,
    }
}

/// The certificates that this system trusts, an operator's own among them.
fn system_roots() -> Option<&'static str> {
    [
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/cert.pem",
    ]
    .into_iter()
    .find(|path| std::path::Path::new(path).exists())
}

fn port(config: &config::Database) -> u16 {
    config.port.0.unwrap_or(3306)
}

fn password(config: &config::Database) -> io::Result<String> {
    match &config.password_file {
        None => Ok(config.password.reveal().to_owned()),
        Some(path) => {
            let text = std::fs::read_to_string(&path.0)
                .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.0)))?;
            Ok(text.lines().next().unwrap_or_default().to_owned())
        }
    }
}
