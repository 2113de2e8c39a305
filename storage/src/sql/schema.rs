//! The schema and its versions.
//!
//! `sql/migrations/` holds one file a version; `meta` holds the version a database is at. On SQLite each step is one
//! transaction with its version; on MySQL, where a table is made at once and for good, each statement is recorded
//! ([`super::schema_mysql`]). Either way a start that is killed half-way is made up for by the next.

use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Row};

use super::conn::Conn;
use super::schema_mysql;

/// The steps, in order: the first makes version 1.
pub(crate) const STEPS: &[&str] = &[
    include_str!("../../../sql/migrations/0001-first.sql"),
    include_str!("../../../sql/migrations/0002-commits.sql"),
    include_str!("../../../sql/migrations/0003-garbage.sql"),
    include_str!("../../../sql/migrations/0004-calendars.sql"),
    include_str!("../../../sql/migrations/0005-logins.sql"),
    include_str!("../../../sql/migrations/0006-expunged.sql"),
    include_str!("../../../sql/migrations/0007-domains.sql"),
];

const IS_NEW: &str = "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'meta'";
const VERSION: &str = "SELECT v FROM meta WHERE k = 'schema_version'";
const SET_VERSION: &str = "UPDATE meta SET v = ? WHERE k = 'schema_version'";
const INSERT_VERSION: &str = "INSERT INTO meta (k, v) VALUES ('schema_version', ?)";

/// From which version to which a database was brought; 0 is an empty one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Migrated {
    pub(crate) from: usize,
    pub(crate) to: usize,
}

/// Why a database cannot be brought to this version.
#[derive(Debug)]
pub(crate) enum MigrateError {
    Sql(sqlx::Error),
    /// It is of a later version of this program.
    Newer(usize),
    /// Another node has been bringing it up for too long.
    Locked,
    Damaged(String),
}

impl From<sqlx::Error> for MigrateError {
    fn from(error: sqlx::Error) -> Self {
        MigrateError::Sql(error)
    }
}

/// Brings a database to the newest version. Two processes may try at the same time.
pub(crate) async fn migrate(conn: &mut Conn) -> Result<Migrated, MigrateError> {
    match conn {
        Conn::Sqlite(conn) => migrate_sqlite(conn).await,
        Conn::MySql(conn) => schema_mysql::migrate(conn, STEPS).await,
    }
}

/// Which version a database is at; 0: an empty one.
pub(crate) async fn version(conn: &mut Conn) -> Result<usize, MigrateError> {
    match conn {
        Conn::Sqlite(conn) => version_of_sqlite(conn).await,
        Conn::MySql(conn) => schema_mysql::version(conn).await,
    }
}

async fn migrate_sqlite(conn: &mut SqliteConnection) -> Result<Migrated, MigrateError> {
    let mut from = None;
    loop {
        sqlx::query("BEGIN IMMEDIATE").execute(&mut *conn).await?;
        match step(conn).await {
            Ok(version) => {
                sqlx::query("COMMIT").execute(&mut *conn).await?;
                let from = *from.get_or_insert(version);
                if version == STEPS.len() {
                    return Ok(Migrated { from, to: version });
                }
            }
            Err(error) => {
                // The connection is given up after an error, so a failed ROLLBACK changes nothing.
                let _ = sqlx::query("ROLLBACK").execute(&mut *conn).await;
                return Err(error);
            }
        }
    }
}

/// One version up, in the caller's transaction; answers the version before.
async fn step(conn: &mut SqliteConnection) -> Result<usize, MigrateError> {
    let version = version_of_sqlite(conn).await?;
    let Some(text) = STEPS.get(version) else {
        return if version == STEPS.len() {
            Ok(version)
        } else {
            Err(MigrateError::Newer(version))
        };
    };
    sqlx::raw_sql(AssertSqlSafe(for_sqlite(text)))
        .execute(&mut *conn)
        .await?;
    let next = (version + 1).to_string();
    let set = if version == 0 { INSERT_VERSION } else { SET_VERSION };
    sqlx::query(set).bind(next).execute(&mut *conn).await?;
    Ok(version)
}

async fn version_of_sqlite(conn: &mut SqliteConnection) -> Result<usize, MigrateError> {
    let tables: i64 = sqlx::query(IS_NEW).fetch_one(&mut *conn).await?.try_get(0)?;
    if tables == 0 {
        return Ok(0);
    }
    let row = sqlx::query(VERSION).fetch_optional(&mut *conn).await?;
    let text: String = row
        .ok_or_else(|| MigrateError::Damaged("meta holds no schema_version".into()))?
        .try_get(0)?;
    parse_version(&text)
}

pub(super) fn parse_version(text: &str) -> Result<usize, MigrateError> {
    text.parse()
        .map_err(|_| MigrateError::Damaged(format!("meta holds the schema_version {text:?}")))
}

/// The text with what stands in `/*sqlite … */` for all to read.
fn for_sqlite(text: &str) -> String {
    let mut pieces = text.split("/*sqlite");
    let mut whole = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        whole.push_str(&piece.replacen("*/", "", 1));
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_lite::future::block_on;
    use sqlx::Connection;

    async fn open() -> SqliteConnection {
        SqliteConnection::connect("sqlite::memory:").await.unwrap()
    }

    /// Every table and index, as their columns and flags.
    async fn shape(conn: &mut SqliteConnection) -> Vec<(String, String)> {
        let rows = sqlx::query("SELECT name, COALESCE(sql, '') FROM sqlite_master ORDER BY name");
        let rows = rows.fetch_all(conn).await.unwrap();
        let squeeze = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
        rows.iter().map(|row| (row.get(0), squeeze(row.get(1)))).collect()
    }

    #[test]
    fn the_steps_lead_to_what_schema_sql_says() {
        block_on(async {
            let (mut stepped, mut whole) = (open().await, open().await);
            migrate_sqlite(&mut stepped).await.unwrap();
            let text = for_sqlite(include_str!("../../../sql/schema.sql"));
            sqlx::raw_sql(AssertSqlSafe(text))
                .execute(&mut whole)
                .await
                .unwrap();
            assert_eq!(shape(&mut stepped).await, shape(&mut whole).await);
            assert_eq!(
                version_of_sqlite(&mut stepped).await.unwrap(),
                version_of_sqlite(&mut whole).await.unwrap()
            );
        });
    }

    #[test]
    fn domains_of_addresses_become_ours() {
        block_on(async {
            let mut conn = open().await;
            for _ in 0..6 {
                step(&mut conn).await.unwrap();
            }
            let rows = "INSERT INTO accounts (id, login, pw_hash, created_at) VALUES (1, 'a@x', '', 7), (2, 'b@x', '', 5), \
                        (3, 'c@y.z', '', 9); \
                        INSERT INTO addresses (address, account_id) SELECT login, id FROM accounts";
            sqlx::raw_sql(rows).execute(&mut conn).await.unwrap();
            migrate_sqlite(&mut conn).await.unwrap();
            let rows = sqlx::query("SELECT name, catch_all, created_at FROM domains ORDER BY name");
            let rows = rows.fetch_all(&mut conn).await.unwrap();
            let found: Vec<(String, i64, i64)> = rows
                .iter()
                .map(|row| (row.get(0), row.get(1), row.get(2)))
                .collect();
            assert_eq!(found, [("x".to_owned(), 0, 5), ("y.z".to_owned(), 0, 9)]);
        });
    }

    #[test]
    fn migrating_again_changes_nothing() {
        block_on(async {
            let mut conn = open().await;
            migrate_sqlite(&mut conn).await.unwrap();
            let before = shape(&mut conn).await;
            migrate_sqlite(&mut conn).await.unwrap();
            assert_eq!(shape(&mut conn).await, before);
        });
    }

    #[test]
    fn a_later_version_is_left_alone() {
        block_on(async {
            let mut conn = open().await;
            migrate_sqlite(&mut conn).await.unwrap();
            sqlx::query("UPDATE meta SET v = '99' WHERE k = 'schema_version'")
                .execute(&mut conn)
                .await
                .unwrap();
            assert!(matches!(
                migrate_sqlite(&mut conn).await,
                Err(MigrateError::Newer(99))
            ));
        });
    }
}
