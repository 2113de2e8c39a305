//! How many requests went to the bucket.

use std::sync::atomic::{AtomicU64, Ordering};

/// Requests to a bucket, at one moment. Several tries of one request count once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ObjectRequests {
    /// Objects, or parts of them, that were sent.
    pub puts: u64,
    /// Objects, or ranges of them, that were asked for.
    pub gets: u64,
    /// Removals, each of up to 1,000 objects.
    pub deletes: u64,
    /// Listings, the check of the bucket among them.
    pub lists: u64,
    /// The beginnings, ends and abandonings of uploads in parts.
    pub uploads: u64,
}

/// What is counted while requests run.
#[derive(Debug, Default)]
pub(super) struct Requests {
    pub(super) puts: Counter,
    pub(super) gets: Counter,
    pub(super) deletes: Counter,
    pub(super) lists: Counter,
    pub(super) uploads: Counter,
}

/// One number.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Requests {
    pub(super) fn now(&self) -> ObjectRequests {
        ObjectRequests {
            puts: self.puts.now(),
            gets: self.gets.now(),
            deletes: self.deletes.now(),
            lists: self.lists.now(),
            uploads: self.uploads.now(),
        }
    }
}
