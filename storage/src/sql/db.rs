//! One connection as the requests see it: statements that are counted, columns that are checked.

use bytes::Bytes;
use futures_lite::StreamExt;
use lightmail_core::store::{Budget, Failure, ModSeq, Refusal, Uid};
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqliteRow};
use sqlx::{Decode, Row, Sqlite, Type};

/// A prepared statement with its arguments.
pub(crate) type Query = sqlx::query::Query<'static, Sqlite, SqliteArguments>;
/// What a request comes to, before its reason is put into the words of the core.
pub(crate) type Answer<T = lightmail_core::store::Reply> = Result<T, Stop>;

/// A statement with a fixed text.
pub(crate) fn sql(text: &'static str) -> Query {
    sqlx::query(text)
}

/// Why a request stopped.
#[derive(Debug)]
pub(crate) enum Stop {
    /// It is answered so.
    Failure(Failure),
    /// The database could not run a statement.
    Sql(sqlx::Error),
}

impl Stop {
    pub(crate) fn broken(what: impl Into<String>) -> Self {
        Stop::Failure(Failure::broken(what))
    }

    /// Whether the database refused a row because its key is taken.
    pub(crate) fn is_taken(&self) -> bool {
        matches!(self, Stop::Sql(sqlx::Error::Database(error)) if error.is_unique_violation())
    }

    /// Whether the database itself failed, so that nothing else in this transaction can be trusted to work.
    pub(crate) fn is_of_database(&self) -> bool {
        matches!(self, Stop::Sql(_)) && !self.is_taken()
    }

    /// In the words of the core. A full disk is a limit, a busy database is for later, all else is broken.
    pub(crate) fn into_failure(self) -> Failure {
        match self {
            Stop::Failure(failure) => failure,
            Stop::Sql(sqlx::Error::Io(error)) => crate::objects::failure("database", &error),
            Stop::Sql(error) => match primary_code(&error) {
                Some(SQLITE_FULL) => Refusal::Limit(Budget::Space).into(),
                Some(SQLITE_BUSY | SQLITE_LOCKED) => Failure::Unavailable { retry_after_s: 5 },
                _ => Failure::broken(format!("database: {error}")),
            },
        }
    }
}

/// Result codes of SQLite, `sqlite3.h`: the low octet of an extended code.
const SQLITE_BUSY: u32 = 5;
const SQLITE_LOCKED: u32 = 6;
const SQLITE_FULL: u32 = 13;

fn primary_code(error: &sqlx::Error) -> Option<u32> {
    let code = error.as_database_error()?.code()?;
    code.parse::<u32>().ok().map(|code| code & 0xff)
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Stop::Failure(failure)
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Stop::Failure(refusal.into())
    }
}

impl From<sqlx::Error> for Stop {
    fn from(error: sqlx::Error) -> Self {
        Stop::Sql(error)
    }
}

/// A connection with its count of statements.
pub(crate) struct Db<'c> {
    conn: &'c mut SqliteConnection,
    /// Statements run, BEGIN and COMMIT not among them.
    pub(crate) statements: u64,
    /// Those that changed rows.
    pub(crate) writes: u64,
}

impl<'c> Db<'c> {
    pub(crate) fn new(conn: &'c mut SqliteConnection) -> Self {
        Self {
            conn,
            statements: 0,
            writes: 0,
        }
    }

    /// Changes rows; answers how many.
    pub(crate) async fn run(&mut self, query: Query) -> Answer<u64> {
        self.statements += 1;
        let done = query.execute(&mut *self.conn).await?;
        self.writes += 1;
        Ok(done.rows_affected())
    }

    /// The first row.
    pub(crate) async fn first(&mut self, query: Query) -> Answer<Option<SqliteRow>> {
        self.statements += 1;
        Ok(query.fetch_optional(&mut *self.conn).await?)
    }

    /// All rows, each made into something at once.
    pub(crate) async fn each<T>(
        &mut self,
        query: Query,
        mut make: impl FnMut(SqliteRow) -> Answer<T>,
    ) -> Answer<Vec<T>> {
        self.statements += 1;
        let mut rows = query.fetch(&mut *self.conn);
        let mut made = Vec::new();
        while let Some(row) = rows.try_next().await? {
            made.push(make(row)?);
        }
        Ok(made)
    }

    /// Rows one by one for as long as `take` wants more.
    pub(crate) async fn while_wanted(
        &mut self,
        query: Query,
        mut take: impl FnMut(SqliteRow) -> Answer<bool>,
    ) -> Answer<()> {
        self.statements += 1;
        let mut rows = query.fetch(&mut *self.conn);
        while let Some(row) = rows.try_next().await? {
            if !take(row)? {
                break;
            }
        }
        Ok(())
    }
}

/// Columns by position. A value that does not fit its meaning is a damaged row: `Broken`.
pub(crate) trait Columns {
    fn int(&self, at: usize) -> Answer<i64>;
    fn maybe_int(&self, at: usize) -> Answer<Option<i64>>;
    fn text(&self, at: usize) -> Answer<String>;
    fn octets(&self, at: usize) -> Answer<Bytes>;
    fn array<const N: usize>(&self, at: usize) -> Answer<[u8; N]>;

    fn count(&self, at: usize) -> Answer<u64> {
        u64::try_from(self.int(at)?).map_err(|_| damaged(at))
    }

    fn small(&self, at: usize) -> Answer<u32> {
        u32::try_from(self.int(at)?).map_err(|_| damaged(at))
    }

    fn uid(&self, at: usize) -> Answer<Uid> {
        self.small(at).map(Uid)
    }

    fn modseq(&self, at: usize) -> Answer<ModSeq> {
        self.count(at).map(ModSeq)
    }
}

impl Columns for SqliteRow {
    fn int(&self, at: usize) -> Answer<i64> {
        get(self, at)
    }

    fn maybe_int(&self, at: usize) -> Answer<Option<i64>> {
        get(self, at)
    }

    fn text(&self, at: usize) -> Answer<String> {
        get(self, at)
    }

    fn octets(&self, at: usize) -> Answer<Bytes> {
        get::<Vec<u8>>(self, at).map(Bytes::from)
    }

    fn array<const N: usize>(&self, at: usize) -> Answer<[u8; N]> {
        get::<&[u8]>(self, at)?.try_into().map_err(|_| damaged(at))
    }
}

fn get<'r, T: Decode<'r, Sqlite> + Type<Sqlite>>(row: &'r SqliteRow, at: usize) -> Answer<T> {
    Ok(row.try_get(at)?)
}

fn damaged(at: usize) -> Stop {
    Stop::broken(format!("database: column {at} of a row does not fit its meaning"))
}

/// A number of the core as the database keeps it. Beyond 63 bits, which nothing here reaches, it is the largest.
pub(crate) fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
