//! One connection as the requests see it: statements that are counted, columns that are checked.

use std::pin::Pin;

use futures_lite::{Stream, StreamExt};

use super::conn::Conn;
use super::query::Query;
use super::row::DbRow;
use super::trouble::Trouble;
use crate::faults::{Faults, Point};
use lightmail_core::store::{Failure, Refusal};

pub(crate) use super::query::{Text, sql};
pub(crate) use super::row::Columns;

/// What a request comes to, before its reason is put into the words of the core.
pub(crate) type Answer<T = lightmail_core::store::Reply> = Result<T, Stop>;

type Rows<'c> = Pin<Box<dyn Stream<Item = Result<DbRow, sqlx::Error>> + Send + 'c>>;

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
        matches!(self, Stop::Sql(error) if is_taken(error))
    }

    /// In the words of the core.
    pub(crate) fn into_failure(self) -> Failure {
        match self {
            Stop::Failure(failure) => failure,
            Stop::Sql(error) => Trouble::of(&error).failure(&error),
        }
    }
}

/// Whether an error says that a key is taken.
pub(crate) fn is_taken(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(error) if error.is_unique_violation())
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
    conn: &'c mut Conn,
    faults: &'c Faults,
    /// Statements run, BEGIN and COMMIT not among them.
    pub(crate) statements: u64,
    /// Those that changed rows.
    pub(crate) writes: u64,
}

impl<'c> Db<'c> {
    pub(crate) fn new(conn: &'c mut Conn, faults: &'c Faults) -> Self {
        Self {
            conn,
            faults,
            statements: 0,
            writes: 0,
        }
    }

    /// Whether others may write at the same time, so that rows have to be locked before they are read for writing.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self.conn, Conn::MySql(_))
    }

    /// Changes rows; answers how many.
    pub(crate) async fn run(&mut self, query: Query) -> Answer<u64> {
        self.pass()?;
        let affected = match self.conn {
            Conn::Sqlite(conn) => query.for_sqlite().execute(conn).await?.rows_affected(),
            Conn::MySql(conn) => query.for_mysql().execute(conn).await?.rows_affected(),
        };
        self.writes += 1;
        Ok(affected)
    }

    /// The first row.
    pub(crate) async fn first(&mut self, query: Query) -> Answer<Option<DbRow>> {
        self.pass()?;
        Ok(match self.conn {
            Conn::Sqlite(conn) => query.for_sqlite().fetch_optional(conn).await?.map(DbRow::Sqlite),
            Conn::MySql(conn) => query.for_mysql().fetch_optional(conn).await?.map(DbRow::MySql),
        })
    }

    /// All rows, each made into something at once.
    pub(crate) async fn each<T>(
        &mut self,
        query: Query,
        mut make: impl FnMut(DbRow) -> Answer<T>,
    ) -> Answer<Vec<T>> {
        let mut made = Vec::new();
        let keep = |row| {
            made.push(make(row)?);
            Ok(true)
        };
        self.while_wanted(query, keep).await?;
        Ok(made)
    }

    /// Rows one by one for as long as `take` wants more. A text whose rows may be left unread has a LIMIT, as MySQL sends
    /// them all the same.
    pub(crate) async fn while_wanted(
        &mut self,
        query: Query,
        mut take: impl FnMut(DbRow) -> Answer<bool>,
    ) -> Answer<()> {
        self.pass()?;
        let mut rows = self.rows(query);
        while let Some(row) = rows.try_next().await? {
            if !take(row)? {
                break;
            }
        }
        Ok(())
    }

    fn rows(&mut self, query: Query) -> Rows<'_> {
        match self.conn {
            Conn::Sqlite(conn) => Box::pin(query.for_sqlite().fetch(conn).map(|row| row.map(DbRow::Sqlite))),
            Conn::MySql(conn) => Box::pin(query.for_mysql().fetch(conn).map(|row| row.map(DbRow::MySql))),
        }
    }

    fn pass(&mut self) -> Answer<()> {
        self.statements += 1;
        Ok(self.faults.pass(Point::Statement).map_err(sqlx::Error::Io)?)
    }
}

/// A number of the core as the database keeps it. Beyond 63 bits, which nothing here reaches, it is the largest.
pub(crate) fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
