//! One connection as the requests see it: statements that are counted, columns that are checked.

use std::pin::Pin;

use futures_lite::{Stream, StreamExt};
use sqlx::AssertSqlSafe;

use super::conn::Conn;
use super::query::Query;
use super::row::DbRow;
use super::trouble::Trouble;
use crate::counts::Cost;
use crate::faults::{Faults, Point};
use lightmail_core::store::{Failure, Refusal};

pub(crate) use super::query::{Text, sql};
pub(crate) use super::row::Columns;

/// What a request comes to, before its reason is put into the words of the core.
pub(crate) type Answer<T = lightmail_core::store::Reply> = Result<T, Stop>;

/// Posted octets that go at once: far below what a server takes in a packet.
const PACKET: usize = 1024 * 1024;

type Rows<'c> = Pin<Box<dyn Stream<Item = Result<DbRow, sqlx::Error>> + Send + 'c>>;

/// Why a request stopped.
#[derive(Debug)]
pub(crate) enum Stop {
    /// It is answered so.
    Failure(Failure),
    /// The database could not run a statement.
    Sql(sqlx::Error),
    /// The database could not run one of the statements that were posted, maybe by another request.
    Posted(sqlx::Error),
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
            Stop::Sql(error) | Stop::Posted(error) => Trouble::of(&error).failure(&error),
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

impl From<Stop> for Failure {
    fn from(stop: Stop) -> Self {
        stop.into_failure()
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
    /// Statements that go with the next packet.
    posted: String,
    /// The server takes one statement a packet.
    one_by_one: bool,
    /// Statements run, BEGIN and COMMIT not among them, how often the server was waited for, and rows read.
    pub(crate) cost: Cost,
    /// Those that changed rows.
    pub(crate) writes: u64,
}

impl<'c> Db<'c> {
    pub(crate) fn new(conn: &'c mut Conn, faults: &'c Faults) -> Self {
        Self {
            conn,
            faults,
            posted: String::new(),
            one_by_one: false,
            cost: Cost::default(),
            writes: 0,
        }
    }

    /// Whether the server takes one statement a packet: then nothing waits for the next one.
    pub(crate) fn one_by_one(mut self, one_by_one: bool) -> Self {
        self.one_by_one = one_by_one;
        self
    }

    /// Whether others may write at the same time, so that rows have to be locked before they are read for writing.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self.conn, Conn::MySql(_))
    }

    /// Changes rows; answers how many.
    pub(crate) async fn run(&mut self, query: Query) -> Answer<u64> {
        self.pass()?;
        self.flush().await?;
        self.cost.trips += 1;
        let affected = match self.conn {
            Conn::Sqlite(conn) => query.for_sqlite().execute(conn).await?.rows_affected(),
            Conn::MySql(conn) => query.for_mysql().execute(conn).await?.rows_affected(),
        };
        self.writes += 1;
        Ok(affected)
    }

    /// Runs statements of which only the sum of changed rows is asked, in as few packets as hold them.
    pub(crate) async fn run_all(&mut self, queries: impl IntoIterator<Item = Query>) -> Answer<u64> {
        let mut queries = queries.into_iter().peekable();
        let mut affected = 0;
        while let Some(query) = queries.next() {
            let alone = self.one_by_one || !self.is_shared() || queries.peek().is_none();
            if alone {
                affected += self.run(query).await?;
                continue;
            }
            self.flush().await?;
            self.pass()?;
            let mut packet = query.to_literal();
            while packet.len() < PACKET
                && let Some(query) = queries.next()
            {
                self.pass()?;
                packet += ";";
                packet += &query.to_literal();
            }
            // Some of them may be done when one fails.
            self.writes += 1;
            affected += self.send(packet).await?;
        }
        Ok(affected)
    }

    /// Changes rows of which nobody asks how many. Over a network it waits for the next statement that is asked for its
    /// answer, and goes in one packet with it: so it is for changes that cannot fail for a reason of their own.
    pub(crate) async fn post(&mut self, query: Query) -> Answer<()> {
        if self.one_by_one || !self.is_shared() {
            return self.run(query).await.map(drop);
        }
        self.pass()?;
        self.writes += 1;
        self.posted += &query.to_literal();
        self.posted += ";";
        match self.posted.len() {
            0..PACKET => Ok(()),
            _ => self.flush().await,
        }
    }

    /// Begins a transaction that will write. SQLite gives it the one lock there is; MySQL gives locks row by row. `mark`
    /// belongs to the transaction and to no request.
    pub(crate) async fn begin(&mut self, mark: Option<Query>) -> Answer<()> {
        match self.conn {
            Conn::Sqlite(conn) => sqlx::query("BEGIN IMMEDIATE").execute(conn).await.map(drop)?,
            Conn::MySql(conn) if self.one_by_one => {
                sqlx::raw_sql("START TRANSACTION").execute(&mut *conn).await?;
                if let Some(mark) = mark {
                    mark.for_mysql().execute(conn).await?;
                }
            }
            Conn::MySql(_) => {
                let mark = mark.map(|mark| mark.to_literal() + ";").unwrap_or_default();
                self.posted = format!("START TRANSACTION;{mark}");
            }
        }
        Ok(())
    }

    /// Sends what was posted. Before COMMIT nothing may be left.
    pub(crate) async fn flush(&mut self) -> Answer<()> {
        if self.posted.is_empty() {
            return Ok(());
        }
        let text = std::mem::take(&mut self.posted);
        self.send(text).await.map(drop).map_err(Stop::Posted)
    }

    /// Sends a packet of statements: how many rows all of them changed.
    async fn send(&mut self, text: String) -> Result<u64, sqlx::Error> {
        self.cost.trips += 1;
        Ok(match self.conn {
            Conn::MySql(conn) => sqlx::raw_sql(AssertSqlSafe(text))
                .execute(conn)
                .await?
                .rows_affected(),
            Conn::Sqlite(_) => 0,
        })
    }

    /// The first row.
    pub(crate) async fn first(&mut self, query: Query) -> Answer<Option<DbRow>> {
        // MySQL's to the end: an error behind the first row, such as a deadlock, must not be overlooked.
        let to_the_end = self.is_shared();
        let mut first = None;
        let keep = |row| {
            first.get_or_insert(row);
            Ok(to_the_end)
        };
        self.while_wanted(query, keep).await?;
        Ok(first)
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
        let blame = match self.posted.is_empty() {
            true => Stop::Sql,
            false => Stop::Posted,
        };
        let (mut rows, mut read) = (self.rows(query), 0);
        let mut answer = Ok(true);
        while matches!(answer, Ok(true)) {
            let Some(row) = rows.try_next().await.map_err(blame)? else {
                break;
            };
            read += 1;
            answer = take(row);
        }
        drop(rows);
        self.cost.rows += read;
        answer.map(drop)
    }

    /// On MySQL, what was posted goes in front, in the same packet.
    fn rows(&mut self, query: Query) -> Rows<'_> {
        let posted = std::mem::take(&mut self.posted);
        self.cost.trips += 1;
        match self.conn {
            Conn::Sqlite(conn) => Box::pin(query.for_sqlite().fetch(conn).map(|row| row.map(DbRow::Sqlite))),
            Conn::MySql(conn) => {
                let rows = if posted.is_empty() {
                    query.for_mysql().fetch(conn)
                } else {
                    sqlx::raw_sql(AssertSqlSafe(posted + &query.to_literal())).fetch(conn)
                };
                Box::pin(rows.map(|row| row.map(DbRow::MySql)))
            }
        }
    }

    fn pass(&mut self) -> Answer<()> {
        self.cost.statements += 1;
        Ok(self.faults.pass(Point::Statement).map_err(sqlx::Error::Io)?)
    }
}

/// A number of the core as the database keeps it. Beyond 63 bits, which nothing here reaches, it is the largest.
pub(crate) fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
