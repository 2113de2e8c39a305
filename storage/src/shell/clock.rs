//! The one place that reads a clock.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use lightmail_core::machine::Time;

/// Gives machines the time.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: Instant,
}

impl Clock {
    /// The monotonic part counts from here.
    pub fn start() -> Self {
        Self {
            started: Instant::now(),
        }
    }

    /// Now, by both clocks.
    pub fn now(&self) -> Time {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Time {
            mono_ms: millis(self.started.elapsed()),
            unix_ms: millis(unix),
        }
    }

    /// The system's instant for a moment of the monotonic clock.
    pub fn instant(&self, mono_ms: u64) -> Instant {
        self.started + Duration::from_millis(mono_ms)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
