//! What was found out a moment ago, under marks from which nobody learns of what.
//!
//! A mark is HMAC-SHA-256 under a key that this process drew and never shows; so an entry is of no use outside, and other parts
//! make another mark.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The most entries at a time.
const ENTRIES_MAX: usize = 10_000;

/// The mark of some parts.
pub(crate) type Mark = [u8; 32];

/// Entries, each until its own time.
pub(crate) struct Recent<T> {
    key: [u8; 32],
    entries: Mutex<Entries<T>>,
}

struct Entries<T> {
    by_mark: HashMap<Mark, (Instant, T)>,
    order: VecDeque<(Instant, Mark)>,
}

impl<T: Clone> Recent<T> {
    /// Empty. Errors: the system gives no randomness.
    pub(crate) fn new() -> std::io::Result<Self> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|error| std::io::Error::other(error.to_string()))?;
        let entries = Entries {
            by_mark: HashMap::new(),
            order: VecDeque::new(),
        };
        Ok(Self {
            key,
            entries: Mutex::new(entries),
        })
    }

    /// The mark of these parts in this order.
    pub(crate) fn mark(&self, parts: &[&str]) -> Option<Mark> {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.key).ok()?;
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        Some(mac.finalize().into_bytes().into())
    }

    /// What was found out, if its time is not over.
    pub(crate) fn get(&self, mark: &Mark, now: Instant) -> Option<T> {
        let entries = self.lock();
        let entry = entries.by_mark.get(mark).filter(|(until, _)| now < *until);
        entry.map(|(_, found)| found.clone())
    }

    /// Keeps what was found out. The oldest make room.
    pub(crate) fn put(&self, mark: Mark, found: T, now: Instant, until: Instant) {
        let mut entries = self.lock();
        let Entries { by_mark, order } = &mut *entries;
        // The order has a place for each time that something was found out, so it is never shorter than the map.
        while let Some((then, old)) = {
            let is_full = order.len() >= ENTRIES_MAX;
            order.pop_front_if(|(until, _)| is_full || *until <= now)
        } {
            // It may have been found out again since.
            if by_mark.get(&old).is_some_and(|(until, _)| *until == then) {
                by_mark.remove(&old);
            }
        }
        by_mark.insert(mark, (until, found));
        order.push_back((until, mark));
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.lock().by_mark.len()
    }

    fn lock(&self) -> MutexGuard<'_, Entries<T>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn entries_end_at_their_time() {
        let recent = Recent::new().unwrap();
        let (mark, now) = (recent.mark(&["a", "b"]).unwrap(), Instant::now());
        recent.put(mark, 7, now, now + Duration::from_secs(5));
        assert_eq!(recent.get(&mark, now + Duration::from_millis(4_999)), Some(7));
        assert_eq!(recent.get(&mark, now + Duration::from_secs(5)), None);
        assert_eq!(recent.get(&recent.mark(&["ab", ""]).unwrap(), now), None);
    }

    #[test]
    fn entries_are_bounded() {
        let recent = Recent::new().unwrap();
        let now = Instant::now();
        let mark = |number: usize| recent.mark(&[&number.to_string()]).unwrap();
        for number in 0..ENTRIES_MAX + 10 {
            recent.put(mark(number), number, now, now + Duration::from_secs(60));
        }
        assert_eq!(recent.len(), ENTRIES_MAX);
        assert_eq!(recent.get(&mark(9), now), None);
        assert_eq!(recent.get(&mark(10), now), Some(10));
        // One that is found out again and again takes no more room than others.
        for until_s in 0..2 * ENTRIES_MAX as u64 {
            recent.put(mark(0), 0, now, now + Duration::from_secs(60 + until_s));
        }
        assert_eq!(recent.lock().order.len(), ENTRIES_MAX);
        // All that is over goes when the next one comes.
        let later = now + Duration::from_secs(60 + 2 * ENTRIES_MAX as u64);
        recent.put(mark(0), 0, later, later + Duration::from_secs(1));
        assert_eq!(recent.len(), 1);
    }
}
