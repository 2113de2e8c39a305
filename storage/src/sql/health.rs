//! Whether the database serves: said once when it stops, and once when it does so again.

use std::sync::{Mutex, PoisonError};

use super::trouble::Trouble;

/// What is known of the database.
#[derive(Debug, Default)]
pub(crate) struct Health(Mutex<Option<Trouble>>);

impl Health {
    /// An error came. Logs it if it is news and something that an operator can mend.
    pub(crate) fn ail(&self, error: &sqlx::Error) {
        let trouble = Trouble::of(error);
        let Some(remedy) = trouble.remedy() else {
            return;
        };
        if self.set(Some(trouble)) != Some(trouble) {
            tracing::error!(%error, remedy, "store.database.unavailable");
        }
    }

    /// A transaction was committed.
    pub(crate) fn thrive(&self) {
        if self.set(None).is_some() {
            tracing::info!("store.database.available");
        }
    }

    /// What ails it.
    #[cfg(test)]
    pub(crate) fn now(&self) -> Option<Trouble> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, trouble: Option<Trouble>) -> Option<Trouble> {
        std::mem::replace(
            &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner),
            trouble,
        )
    }
}
