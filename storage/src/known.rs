//! Passwords that were right a moment ago: known again without bcrypt, since programs log in again and again.
//!
//! What is kept is HMAC-SHA-256 under a key that this process drew and never shows, of name, hash and password; so an entry is of no use
//! outside, and another hash or another name is another entry.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit, Mac};
use lightmail_core::machine::PasswordCheck;
use sha2::Sha256;

/// The most that are known at a time.
const KNOWN_MAX: usize = 10_000;

/// The mark of a name, a hash and a password.
pub(crate) type Mark = [u8; 32];

/// Marks of passwords that were right, the oldest first.
pub(crate) struct Known {
    key: [u8; 32],
    keeps: Duration,
    marks: Mutex<Marks>,
}

#[derive(Default)]
struct Marks {
    since: HashMap<Mark, Instant>,
    order: VecDeque<(Instant, Mark)>,
}

impl Known {
    /// Keeps each for so long; no time at all: keeps none. Errors: the system gives no randomness.
    pub(crate) fn new(keeps: Duration) -> std::io::Result<Self> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|error| std::io::Error::other(error.to_string()))?;
        Ok(Self {
            key,
            keeps,
            marks: Mutex::default(),
        })
    }

    /// The mark of what is to be checked; `None`: there is no hash, or nothing is kept.
    pub(crate) fn mark(&self, check: &PasswordCheck) -> Option<Mark> {
        let hash = check.hash.as_ref().filter(|_| !self.keeps.is_zero())?;
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.key).ok()?;
        for part in [&check.attempt.login, &hash.0, &check.password.0] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        Some(mac.finalize().into_bytes().into())
    }

    /// Whether it was right a moment ago.
    pub(crate) fn knows(&self, mark: &Mark) -> bool {
        let since = self.lock().since.get(mark).copied();
        since.is_some_and(|since| since.elapsed() < self.keeps)
    }

    /// It was right just now.
    pub(crate) fn learn(&self, mark: Mark) {
        let now = Instant::now();
        let mut marks = self.lock();
        let Marks { since, order } = &mut *marks;
        while let Some((then, old)) = order
            .pop_front_if(|(then, _)| since.len() >= KNOWN_MAX || now.duration_since(*then) >= self.keeps)
        {
            // It may have been learnt again since.
            if since.get(&old) == Some(&then) {
                since.remove(&old);
            }
        }
        since.insert(mark, now);
        order.push_back((now, mark));
    }

    fn lock(&self) -> MutexGuard<'_, Marks> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Known({} passwords)", self.lock().since.len())
    }
}
