//! How many statements requests take, by the names of requests.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Statements run since the start.
#[derive(Debug, Default)]
pub(crate) struct Counts(Mutex<BTreeMap<&'static str, u64>>);

impl Counts {
    pub(crate) fn add(&self, name: &'static str, statements: u64) {
        *self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(name)
            .or_default() += statements;
    }

    pub(crate) fn now(&self) -> Statements {
        Statements(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

/// Statements by the names of requests (`store.Deliver`), at one moment. BEGIN and COMMIT are not counted: a group shares
/// them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statements(BTreeMap<&'static str, u64>);

impl Statements {
    /// Those of one kind of request.
    pub fn of(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(0)
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }
}
