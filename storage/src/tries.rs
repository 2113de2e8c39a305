//! Wrong passwords that this process has seen lately, counted the moment they are known to be wrong.
//!
//! The store counts them too, and for ever and for all nodes; but a thousand tries may have asked the store before the first of them
//! has failed. Here the next one is judged when its turn has come. Losing this costs nothing but that.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use lightmail_core::store::{Attempt, Failure};

/// The most buckets; with more of them, those of attackers are likely among what is forgotten.
const BUCKETS_MAX: usize = 64 * 1024;

/// Buckets, by when they are full again.
#[derive(Debug)]
pub(crate) struct Tries {
    start: Instant,
    buckets: Mutex<HashMap<String, u64>>,
}

impl Default for Tries {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            buckets: Mutex::default(),
        }
    }
}

impl Tries {
    /// Errors: `Unavailable` where too many have failed already.
    pub(crate) fn permit(&self, attempt: &Attempt) -> Result<(), Failure> {
        let (now_ms, buckets) = (self.now_ms(), self.lock());
        let waits = attempt
            .buckets()
            .filter_map(|bucket| buckets.get(&bucket))
            .map(|full_ms| attempt.wait_ms(*full_ms, now_ms));
        match waits.max().unwrap_or(0) {
            0 => Ok(()),
            wait_ms => Err(Failure::Unavailable {
                retry_after_s: u32::try_from(wait_ms.div_ceil(1000)).unwrap_or(u32::MAX),
            }),
        }
    }

    /// One more has failed.
    pub(crate) fn fail(&self, attempt: &Attempt) {
        let (now_ms, mut buckets) = (self.now_ms(), self.lock());
        if buckets.len() >= BUCKETS_MAX {
            buckets.retain(|_, full_ms| *full_ms > now_ms);
        }
        if buckets.len() >= BUCKETS_MAX {
            buckets.clear();
        }
        for bucket in attempt.buckets() {
            let full_ms = buckets.entry(bucket).or_default();
            *full_ms = attempt.spend(*full_ms, now_ms);
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, u64>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
