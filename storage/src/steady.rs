//! The storage's own clock, which never goes back: how old a body is that no row names yet.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use lightmail_core::machine::COMMIT_WITHIN_MS;
use lightmail_core::store::{Failure, Request};

use crate::sql::mysql::WORK_LIMIT;

/// How long a transaction may still take once it has been looked at how old its bodies are: its statements, then COMMIT.
const COMMIT_TAKES_MS: u64 = 2 * WORK_LIMIT.as_millis() as u64;

/// How long the sender of what came too late is to wait.
const RETRY_AFTER_S: u32 = 60;

/// Counts from when the storage was opened. Time that the machine slept or stood still counts too, as soon as the system's clock
/// knows of it; a system's clock that is put forward therefore makes bodies older than they are, which costs a try, and one that is put
/// back changes nothing.
#[derive(Debug)]
pub(crate) struct Steady {
    started: Instant,
    started_wall: SystemTime,
    /// How far the system's clock has been seen ahead of the other one.
    slept_ms: AtomicU64,
    #[cfg(test)]
    skipped_ms: AtomicU64,
}

impl Steady {
    pub(crate) fn start() -> Self {
        Self {
            started: Instant::now(),
            started_wall: SystemTime::now(),
            slept_ms: AtomicU64::new(0),
            #[cfg(test)]
            skipped_ms: 0.into(),
        }
    }

    pub(crate) fn now_ms(&self) -> u64 {
        let wall = SystemTime::now().duration_since(self.started_wall);
        let ms = self.advance(ms(self.started.elapsed()), wall.map_or(0, ms));
        #[cfg(test)]
        let ms = ms + self.skipped_ms.load(Ordering::SeqCst);
        ms
    }

    /// From what both clocks have counted.
    fn advance(&self, awake_ms: u64, wall_ms: u64) -> u64 {
        let slept_ms = wall_ms.saturating_sub(awake_ms);
        let before = self.slept_ms.fetch_max(slept_ms, Ordering::Relaxed);
        awake_ms.saturating_add(before.max(slept_ms))
    }

    /// Lets time pass.
    #[cfg(test)]
    pub(crate) fn skip(&self, ms: u64) {
        self.skipped_ms.fetch_add(ms, Ordering::SeqCst);
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

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_slept_has_grown_older_and_no_clock_makes_it_younger() {
        let steady = Steady::start();
        assert_eq!(steady.advance(1_000, 1_000), 1_000);
        assert_eq!(steady.advance(2_000, 3_602_000), 3_602_000, "an hour of sleep");
        assert_eq!(steady.advance(3_000, 3_000), 3_603_000, "the clock is put back");
        assert_eq!(steady.advance(4_000, 0), 3_604_000);
    }
}
