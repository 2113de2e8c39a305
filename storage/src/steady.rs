//! The storage's own clock, which never goes back: how old a body is that no row names yet.

use std::time::Instant;

use lightmail_core::machine::COMMIT_WITHIN_MS;
use lightmail_core::store::{Failure, Request};

use crate::sql::mysql::WORK_LIMIT;

/// How long a transaction may still take once it has been looked at how old its bodies are: its statements, then COMMIT.
const COMMIT_TAKES_MS: u64 = 2 * WORK_LIMIT.as_millis() as u64;

/// How long the sender of what came too late is to wait.
const RETRY_AFTER_S: u32 = 60;

/// Counts from when the storage was opened.
#[derive(Debug)]
pub(crate) struct Steady {
    started: Instant,
    #[cfg(test)]
    skipped_ms: std::sync::atomic::AtomicU64,
}

impl Steady {
    pub(crate) fn start() -> Self {
        Self {
            started: Instant::now(),
            #[cfg(test)]
            skipped_ms: 0.into(),
        }
    }

    pub(crate) fn now_ms(&self) -> u64 {
        let ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        #[cfg(test)]
        let ms = ms + self.skipped_ms.load(std::sync::atomic::Ordering::SeqCst);
        ms
    }

    /// Lets time pass.
    #[cfg(test)]
    pub(crate) fn skip(&self, ms: u64) {
        self.skipped_ms.fetch_add(ms, std::sync::atomic::Ordering::SeqCst);
    }

    /// Refuses a request with a body so old that a row could come when the body is taken for an orphan already.
    pub(crate) fn check(&self, request: &Request) -> Result<(), Failure> {
        let now_ms = self.now_ms();
        let is_late = |durable_ms: u64| {
            now_ms.saturating_sub(durable_ms) > COMMIT_WITHIN_MS.saturating_sub(COMMIT_TAKES_MS)
        };
        match request.stored().find(|stored| is_late(stored.durable_ms)) {
            None => Ok(()),
            Some(stored) => {
                tracing::warn!(request = request.name(), object = %stored.object, "store.body.too_old_to_be_named");
                Err(Failure::Unavailable {
                    retry_after_s: RETRY_AFTER_S,
                })
            }
        }
    }
}
