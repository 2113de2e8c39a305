//! Wrong passwords that this process has seen and the store may not have counted yet.
//!
//! The store counts for ever and for all nodes; but a thousand tries may have asked it before the first of them has failed. Here the
//! next one is judged when its turn has come. Once the store has counted all that failed, it alone is believed by whoever asks it from then
//! on: it may have been told to forget them. Losing this costs nothing but that.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use lightmail_core::store::Attempt;

/// The most buckets; with more of them, those of attackers are likely among what is forgotten.
const BUCKETS_MAX: usize = 64 * 1024;

/// Too many have failed already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Throttled {
    /// Until a try is taken again, in milliseconds; at least 1.
    pub(crate) wait_ms: u64,
}

/// Buckets by their names. All times are in milliseconds since 1970, as an attempt's is.
#[derive(Debug, Default)]
pub(crate) struct Tries(Mutex<HashMap<String, Bucket>>);

#[derive(Debug, Default)]
struct Bucket {
    /// When it is full again.
    full_ms: u64,
    /// Failures that the store has not counted yet.
    uncounted: u32,
    /// When the store last had counted all of them.
    counted_ms: u64,
}

impl Bucket {
    /// How long a try has to wait, if the store did not know of all of this when it was asked for the try's sake.
    fn wait_ms(&self, attempt: &Attempt, now_ms: u64) -> u64 {
        match self.uncounted == 0 && attempt.at_ms > self.counted_ms {
            true => 0,
            false => attempt.wait_ms(self.full_ms, now_ms),
        }
    }
}

impl Tries {
    /// Errors: how long to wait, where too many have failed already.
    pub(crate) fn permit(&self, attempt: &Attempt) -> Result<(), Throttled> {
        self.permit_at(attempt, now_ms())
    }

    fn permit_at(&self, attempt: &Attempt, now_ms: u64) -> Result<(), Throttled> {
        let buckets = self.lock();
        let waits = attempt
            .buckets()
            .filter_map(|name| buckets.get(&name))
            .map(|bucket| bucket.wait_ms(attempt, now_ms));
        match waits.max().unwrap_or(0) {
            0 => Ok(()),
            wait_ms => Err(Throttled { wait_ms }),
        }
    }

    /// One more has failed.
    pub(crate) fn fail(&self, attempt: &Attempt) {
        self.fail_at(attempt, now_ms());
    }

    fn fail_at(&self, attempt: &Attempt, now_ms: u64) {
        let mut buckets = self.lock();
        if buckets.len() >= BUCKETS_MAX {
            buckets.retain(|_, bucket| bucket.full_ms > now_ms);
        }
        if buckets.len() >= BUCKETS_MAX {
            buckets.clear();
        }
        for name in attempt.buckets() {
            let bucket = buckets.entry(name).or_default();
            if bucket.full_ms <= now_ms {
                // Who failed then and was never counted, because the store was away, is forgotten.
                *bucket = Bucket::default();
            }
            bucket.full_ms = attempt.spend(bucket.full_ms, now_ms);
            bucket.uncounted = bucket.uncounted.saturating_add(1);
        }
    }

    /// The store has counted one that failed.
    pub(crate) fn counted(&self, attempt: &Attempt) {
        self.counted_at(attempt, now_ms());
    }

    fn counted_at(&self, attempt: &Attempt, now_ms: u64) {
        let mut buckets = self.lock();
        for name in attempt.buckets() {
            if let Some(bucket) = buckets.get_mut(&name) {
                bucket.uncounted = bucket.uncounted.saturating_sub(1);
                bucket.counted_ms = now_ms;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Bucket>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A try that asked the store at this moment.
    fn asked(at_ms: u64) -> Attempt {
        Attempt {
            login: "tim@example.com".to_owned(),
            from: None,
            per_minute: 2,
            at_ms,
        }
    }

    fn emptied() -> Tries {
        let tries = Tries::default();
        tries.fail_at(&asked(1000), 1010);
        tries.fail_at(&asked(1001), 1011);
        tries
    }

    #[test]
    fn what_the_store_has_not_counted_is_counted_here() {
        let tries = emptied();
        let throttled = tries.permit_at(&asked(1005), 1012);
        assert_eq!(throttled, Err(Throttled { wait_ms: 29_998 }));
        assert!(tries.permit_at(&asked(5000), 5000).is_err(), "whenever one asked");
        tries.counted_at(&asked(1000), 1020);
        assert!(
            tries.permit_at(&asked(5000), 5000).is_err(),
            "one is still missing"
        );
        assert_eq!(
            tries.permit_at(&asked(1005), 40_000),
            Ok(()),
            "a token has come back"
        );
    }

    /// `lightmail throttle clear`, in another process.
    #[test]
    fn what_the_store_has_counted_is_its_own() {
        let tries = emptied();
        tries.counted_at(&asked(1000), 1020);
        tries.counted_at(&asked(1001), 1021);
        assert_eq!(
            tries.permit_at(&asked(1022), 1022),
            Ok(()),
            "the store says no, or has forgotten"
        );
        for before in [1005, 1021] {
            let throttled = tries.permit_at(&asked(before), 1022);
            assert!(
                throttled.is_err(),
                "the store was asked at {before}, too early to know"
            );
        }
        tries.fail_at(&asked(1022), 1030);
        assert!(tries.permit_at(&asked(1031), 1031).is_err());
    }

    /// A store that is away counts nothing.
    #[test]
    fn what_is_never_counted_is_forgotten_with_its_minute() {
        let tries = emptied();
        tries.fail_at(&asked(61_100), 61_100);
        tries.counted_at(&asked(61_100), 61_110);
        assert_eq!(tries.permit_at(&asked(61_120), 61_120), Ok(()));
        assert_eq!(
            tries.lock().values().map(|bucket| bucket.uncounted).max(),
            Some(0)
        );
    }
}
