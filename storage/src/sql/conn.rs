//! One connection, of either database.

use sqlx::Connection;
use sqlx::mysql::MySqlConnection;
use sqlx::sqlite::SqliteConnection;

/// A connection.
#[derive(Debug)]
pub(crate) enum Conn {
    Sqlite(SqliteConnection),
    MySql(MySqlConnection),
}

impl Conn {
    pub(crate) async fn commit(&mut self) -> Result<(), sqlx::Error> {
        match self {
            Conn::Sqlite(conn) => sqlx::query("COMMIT").execute(conn).await.map(drop),
            Conn::MySql(conn) => sqlx::raw_sql("COMMIT").execute(conn).await.map(drop),
        }
    }

    pub(crate) async fn rollback(&mut self) -> Result<(), sqlx::Error> {
        match self {
            Conn::Sqlite(conn) => sqlx::query("ROLLBACK").execute(conn).await.map(drop),
            Conn::MySql(conn) => sqlx::raw_sql("ROLLBACK").execute(conn).await.map(drop),
        }
    }

    /// Takes leave. One that is dropped instead is closed all the same, and what was open is rolled back.
    pub(crate) async fn close(self) -> Result<(), sqlx::Error> {
        match self {
            Conn::Sqlite(conn) => conn.close().await,
            Conn::MySql(conn) => conn.close().await,
        }
    }
}
