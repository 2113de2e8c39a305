//! How many statements requests take and how many rows they read, by the names of requests.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Statements run since the start, and rows that they read.
#[derive(Debug, Default)]
pub(crate) struct Counts(Mutex<BTreeMap<&'static str, Count>>);

/// Statements, and the rows that came back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) statements: u64,
    pub(crate) rows: u64,
}

impl Counts {
    pub(crate) fn add(&self, name: &'static str, more: Count) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(name).or_default();
        count.statements += more.statements;
        count.rows += more.rows;
    }

    pub(crate) fn now(&self) -> Statements {
        Statements(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

/// Statements by the names of requests (`store.Deliver`), at one moment. BEGIN and COMMIT are not counted: a group shares
/// them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statements(BTreeMap<&'static str, Count>);

impl Statements {
    /// Those of one kind of request.
    pub fn of(&self, name: &str) -> u64 {
        self.0.get(name).map_or(0, |count| count.statements)
    }

    /// Rows that the database answered to one kind of request.
    pub fn rows_of(&self, name: &str) -> u64 {
        self.0.get(name).map_or(0, |count| count.rows)
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.0.values().map(|count| count.statements).sum()
    }
}

impl std::ops::Sub for Count {
    type Output = Count;
    fn sub(self, earlier: Count) -> Count {
        Count {
            statements: self.statements - earlier.statements,
            rows: self.rows - earlier.rows,
        }
    }
}
