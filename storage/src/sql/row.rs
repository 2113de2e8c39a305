//! Rows: columns by position, checked against their meaning.

use bytes::Bytes;
use lightmail_core::store::{ModSeq, Uid};
use sqlx::mysql::{MySql, MySqlRow};
use sqlx::sqlite::{Sqlite, SqliteRow};
use sqlx::{Decode, Row, Type};

use super::db::{Answer, Stop};

/// A row of an answer.
pub(crate) enum DbRow {
    Sqlite(SqliteRow),
    MySql(MySqlRow),
}

/// Columns by position. A value that does not fit its meaning is a damaged row: `Broken`.
pub(crate) trait Columns {
    fn int(&self, at: usize) -> Answer<i64>;
    fn maybe_int(&self, at: usize) -> Answer<Option<i64>>;
    fn text(&self, at: usize) -> Answer<String>;
    /// Text for people: what is no UTF-8 is replaced.
    fn maybe_text(&self, at: usize) -> Answer<Option<String>>;
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

impl Columns for DbRow {
    fn int(&self, at: usize) -> Answer<i64> {
        self.get(at)
    }

    fn maybe_int(&self, at: usize) -> Answer<Option<i64>> {
        self.get(at)
    }

    fn text(&self, at: usize) -> Answer<String> {
        match self {
            DbRow::Sqlite(row) => Ok(row.try_get(at)?),
            DbRow::MySql(row) => String::from_utf8(row.try_get(at)?).map_err(|_| damaged(at)),
        }
    }

    fn maybe_text(&self, at: usize) -> Answer<Option<String>> {
        let octets: Option<Vec<u8>> = match self {
            DbRow::Sqlite(row) => row.try_get_unchecked(at)?,
            DbRow::MySql(row) => row.try_get_unchecked(at)?,
        };
        Ok(octets.map(|octets| String::from_utf8_lossy(&octets).into_owned()))
    }

    fn octets(&self, at: usize) -> Answer<Bytes> {
        self.get::<Vec<u8>>(at).map(Bytes::from)
    }

    fn array<const N: usize>(&self, at: usize) -> Answer<[u8; N]> {
        self.get::<&[u8]>(at)?.try_into().map_err(|_| damaged(at))
    }
}

impl DbRow {
    fn get<'r, T>(&'r self, at: usize) -> Answer<T>
    where
        T: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, MySql> + Type<MySql>,
    {
        Ok(match self {
            DbRow::Sqlite(row) => row.try_get(at)?,
            DbRow::MySql(row) => row.try_get(at)?,
        })
    }
}

fn damaged(at: usize) -> Stop {
    Stop::broken(format!("database: column {at} of a row does not fit its meaning"))
}
