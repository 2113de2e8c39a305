//! Passwords that were right a moment ago: known again without bcrypt, since programs log in again and again.

use std::time::{Duration, Instant};

use lightmail_core::machine::PasswordCheck;

use crate::recent::{Mark, Recent};

/// Marks of name, hash and password, of those that were right; another hash or another name is another entry.
pub(crate) struct Known {
    keeps: Duration,
    marks: Recent<()>,
}

impl Known {
    /// Keeps each for so long; no time at all: keeps none. Errors: the system gives no randomness.
    pub(crate) fn new(keeps: Duration) -> std::io::Result<Self> {
        let marks = Recent::new()?;
        Ok(Self { keeps, marks })
    }

    /// The mark of what is to be checked; `None`: there is no hash, or nothing is kept.
    pub(crate) fn mark(&self, check: &PasswordCheck) -> Option<Mark> {
        let hash = check.hash.as_ref().filter(|_| !self.keeps.is_zero())?;
        self.marks
            .mark(&[&check.attempt.login, &hash.0, &check.password.0])
    }

    /// Whether it was right a moment ago.
    pub(crate) fn knows(&self, mark: &Mark) -> bool {
        self.marks.get(mark, Instant::now()).is_some()
    }

    /// It was right just now.
    pub(crate) fn learn(&self, mark: Mark) {
        let now = Instant::now();
        self.marks.put(mark, (), now, now + self.keeps);
    }
}

impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Known({} passwords)", self.marks.len())
    }
}
