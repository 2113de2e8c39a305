//! What requests cost the database, by their names: statements, how often it was waited for, rows that it answered.

use std::collections::BTreeMap;
use std::ops::Sub;
use std::sync::{Mutex, PoisonError};

/// Statements, trips, and rows that came back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cost {
    pub(crate) statements: u64,
    pub(crate) trips: u64,
    pub(crate) rows: u64,
}

impl Sub for Cost {
    type Output = Cost;
    fn sub(self, earlier: Cost) -> Cost {
        Cost {
            statements: self.statements - earlier.statements,
            trips: self.trips - earlier.trips,
            rows: self.rows - earlier.rows,
        }
    }
}

/// What was spent since the start.
#[derive(Debug, Default)]
pub(crate) struct Counts(Mutex<BTreeMap<&'static str, Cost>>);

impl Counts {
    pub(crate) fn add(&self, name: &'static str, more: Cost) {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let cost = counted.entry(name).or_default();
        cost.statements += more.statements;
        cost.trips += more.trips;
        cost.rows += more.rows;
    }

    pub(crate) fn now(&self) -> Statements {
        Statements(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

/// Statements by the names of requests (`store.Deliver`), at one moment. BEGIN and COMMIT are not counted: a group shares
/// them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statements(BTreeMap<&'static str, Cost>);

impl Statements {
    /// Those of one kind of request.
    pub fn of(&self, name: &str) -> u64 {
        self.0.get(name).map_or(0, |cost| cost.statements)
    }

    /// Rows that the database answered to one kind of request.
    pub fn rows_of(&self, name: &str) -> u64 {
        self.0.get(name).map_or(0, |cost| cost.rows)
    }

    /// How often the database was waited for by one kind of request, COMMIT not counted. What it posts goes with the next
    /// statement, maybe another request's.
    pub fn trips(&self, name: &str) -> u64 {
        self.0.get(name).map_or(0, |cost| cost.trips)
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.0.values().map(|cost| cost.statements).sum()
    }
}
