//! The steps of the schema on MySQL, where a statement that makes a table is a transaction of its own.
//!
//! `meta` holds how many statements of which step are done (`migrating`, "1 7"). A process that is killed between a statement
//! and its record finds at the next start that what the statement makes is there already, and goes on. Statements
//! of a step that change rows must therefore bear being run twice.

use sqlx::mysql::{MySqlConnection, MySqlDatabaseError};
use sqlx::{AssertSqlSafe, Row};

use super::schema::{MigrateError, Migrated, parse_version};

/// How long another node's migration is waited for.
const LOCK: &str = "SELECT GET_LOCK(MD5(CONCAT('lightmail/', DATABASE())), 60)";
const UNLOCK: &str = "SELECT RELEASE_LOCK(MD5(CONCAT('lightmail/', DATABASE())))";
const IS_NEW: &str =
    "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'meta'";
const FACT: &str = "SELECT v FROM meta WHERE k = ?";
const SET_FACT: &str = "INSERT INTO meta (k, v) VALUES (?, ?) ON DUPLICATE KEY UPDATE v = VALUES(v)";
const FORGET_FACT: &str = "DELETE FROM meta WHERE k = ?";

/// Brings a database to the newest version; others wait.
pub(super) async fn migrate(conn: &mut MySqlConnection, steps: &[&str]) -> Result<Migrated, MigrateError> {
    let locked = sqlx::query(LOCK).fetch_one(&mut *conn).await?;
    if locked.try_get::<Option<i64>, _>(0)? != Some(1) {
        return Err(MigrateError::Locked);
    }
    let migrated = climb(conn, steps).await;
    // After an error the connection is given up, and its lock with it.
    let _ = sqlx::query(UNLOCK).fetch_one(conn).await;
    migrated
}

async fn climb(conn: &mut MySqlConnection, steps: &[&str]) -> Result<Migrated, MigrateError> {
    let from = version(conn).await?;
    if from > steps.len() {
        return Err(MigrateError::Newer(from));
    }
    for (at, text) in steps.iter().enumerate().skip(from) {
        let begun = begun(conn, at + 1).await?;
        if begun.is_none() && at > 0 {
            set(conn, "migrating", &format!("{} 0", at + 1)).await?;
        }
        for (done, statement) in statements(text).into_iter().enumerate().skip(begun.unwrap_or(0)) {
            run(conn, statement, begun.is_some()).await?;
            set(conn, "migrating", &format!("{} {}", at + 1, done + 1)).await?;
        }
        set(conn, "schema_version", &(at + 1).to_string()).await?;
    }
    sqlx::query(FORGET_FACT)
        .bind(&b"migrating"[..])
        .execute(conn)
        .await?;
    Ok(Migrated {
        from,
        to: steps.len(),
    })
}

/// Runs a statement. `again`: an earlier run may have done it.
async fn run(conn: &mut MySqlConnection, statement: String, again: bool) -> Result<(), MigrateError> {
    match sqlx::raw_sql(AssertSqlSafe(statement)).execute(conn).await {
        Err(error) if again && is_done(&error) => Ok(()),
        other => Ok(other.map(drop)?),
    }
}

/// A table, column or index is there already, or gone already.
fn is_done(error: &sqlx::Error) -> bool {
    let number = error
        .as_database_error()
        .and_then(|error| error.try_downcast_ref::<MySqlDatabaseError>())
        .map(MySqlDatabaseError::number);
    matches!(number, Some(1050 | 1051 | 1060 | 1061 | 1091))
}

pub(super) async fn version(conn: &mut MySqlConnection) -> Result<usize, MigrateError> {
    if is_new(conn).await? {
        return Ok(0);
    }
    match fact(conn, "schema_version").await? {
        Some(text) => parse_version(&text),
        // The first step was not finished. Or it is somebody else's table: then the next statement fails.
        None => Ok(0),
    }
}

async fn is_new(conn: &mut MySqlConnection) -> Result<bool, MigrateError> {
    let tables: i64 = sqlx::query(IS_NEW).fetch_one(conn).await?.try_get(0)?;
    Ok(tables == 0)
}

/// How many statements of a step an earlier run is known to have done; `None`: no run has begun it.
async fn begun(conn: &mut MySqlConnection, step: usize) -> Result<Option<usize>, MigrateError> {
    if is_new(conn).await? {
        return Ok(None);
    }
    let known = fact(conn, "migrating").await?;
    let known = known.as_deref().and_then(|text| text.split_once(' '));
    Ok(match known {
        Some((of, done)) if of == step.to_string() => Some(done.parse().unwrap_or(0)),
        // The table was made, and then the first run was killed.
        _ if step == 1 => Some(0),
        _ => None,
    })
}

async fn fact(conn: &mut MySqlConnection, name: &str) -> Result<Option<String>, MigrateError> {
    let row = sqlx::query(FACT)
        .bind(name.as_bytes())
        .fetch_optional(conn)
        .await?;
    let octets: Option<Vec<u8>> = row.map(|row| row.try_get(0)).transpose()?;
    Ok(octets.map(|octets| String::from_utf8_lossy(&octets).into_owned()))
}

async fn set(conn: &mut MySqlConnection, name: &str, value: &str) -> Result<(), MigrateError> {
    let query = sqlx::query(SET_FACT).bind(name.as_bytes()).bind(value.as_bytes());
    Ok(query.execute(conn).await.map(drop)?)
}

/// The statements of a file, which ends each with a `;` at the end of a line.
pub(crate) fn statements(text: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| !line.starts_with("--"));
    let text = lines.collect::<Vec<_>>().join("\n");
    let statements = text
        .split(";\n")
        .map(|statement| statement.trim().trim_end_matches(';'));
    statements
        .filter(|statement| !statement.is_empty())
        .map(str::to_owned)
        .collect()
}
