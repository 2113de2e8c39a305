//! Statements: a fixed text and the values for its question marks.

use sqlx::mysql::{MySql, MySqlArguments};
use sqlx::sqlite::{Sqlite, SqliteArguments};

/// The text of a statement. One for both databases, or one for each with the same question marks, where no form is
/// understood, or run well, by both.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text {
    pub(crate) sqlite: &'static str,
    pub(crate) mysql: &'static str,
}

impl From<&'static str> for Text {
    fn from(text: &'static str) -> Self {
        Self {
            sqlite: text,
            mysql: text,
        }
    }
}

/// A value for a question mark.
#[derive(Debug)]
pub(crate) enum Value {
    Int(i64),
    Octets(Vec<u8>),
    Text(String),
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Value::Int(number)
    }
}

impl From<Vec<u8>> for Value {
    fn from(octets: Vec<u8>) -> Self {
        Value::Octets(octets)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::Text(text)
    }
}

/// A statement with its values. It is prepared once by each connection, so its text never depends on a value.
#[derive(Debug)]
pub(crate) struct Query {
    text: Text,
    values: Vec<Value>,
}

/// A statement with a fixed text.
pub(crate) fn sql(text: impl Into<Text>) -> Query {
    Query {
        text: text.into(),
        values: Vec::new(),
    }
}

impl Query {
    /// The value of the next question mark.
    pub(crate) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// The statement as text of MySQL. Numbers become decimals and all else hexadecimals, so no value can be read as SQL.
    pub(super) fn to_literal(&self) -> String {
        let mut pieces = self.text.mysql.split('?');
        let mut whole = pieces.next().unwrap_or_default().to_owned();
        for (value, piece) in self.values.iter().zip(pieces) {
            match value {
                Value::Int(number) => whole += &number.to_string(),
                Value::Octets(octets) => hex(&mut whole, octets),
                Value::Text(text) => hex(&mut whole, text.as_bytes()),
            }
            whole += piece;
        }
        whole
    }

    pub(super) fn for_sqlite(self) -> sqlx::query::Query<'static, Sqlite, SqliteArguments> {
        let query = sqlx::query(self.text.sqlite);
        self.values.into_iter().fold(query, |query, value| match value {
            Value::Int(number) => query.bind(number),
            Value::Octets(octets) => query.bind(octets),
            Value::Text(text) => query.bind(text),
        })
    }

    pub(super) fn for_mysql(self) -> sqlx::query::Query<'static, MySql, MySqlArguments> {
        let query = sqlx::query(self.text.mysql);
        self.values.into_iter().fold(query, |query, value| match value {
            Value::Int(number) => query.bind(number),
            Value::Octets(octets) => query.bind(octets),
            // Text is compared octet by octet: all columns are binary.
            Value::Text(text) => query.bind(text.into_bytes()),
        })
    }
}

fn hex(whole: &mut String, octets: &[u8]) {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
    ];
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or('0');
    whole.reserve(2 * octets.len() + 3);
    *whole += "X'";
    for octet in octets {
        whole.push(digit(octet >> 4));
        whole.push(digit(octet & 15));
    }
    whole.push('\'');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_numbers_and_hexadecimals() {
        let query = sql("INSERT INTO t VALUES (?, ?, ?, ?)")
            .bind(-5)
            .bind(vec![0, 255])
            .bind("'; DROP".to_owned())
            .bind(Vec::new());
        let text = "INSERT INTO t VALUES (-5, X'00FF', X'273B2044524F50', X'')";
        assert_eq!(query.to_literal(), text);
    }
}
