//! How long a refusal is held back: longer each time, and not for ever.

use crate::machine::Time;

/// A time in which nothing is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause<W> {
    /// Its end, on the monotonic clock.
    pub until_ms: u64,
    /// What is said then.
    pub word: Option<W>,
    /// Whether the session ends with it.
    pub last: bool,
}

/// The log-ins that have failed in one session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Patience {
    failed: u32,
}

impl Patience {
    /// One more has failed; answers for how long the answer is held back, in milliseconds: `delay_ms` for the first, and as much more
    /// for each that follows.
    pub fn lose(&mut self, delay_ms: u64) -> u64 {
        self.failed = self.failed.saturating_add(1);
        delay_ms.saturating_mul(u64::from(self.failed))
    }

    /// One more has failed: the time until it is told so, in this word. The `failed_max`th ends the session.
    pub fn hold<W>(&mut self, now: Time, delay_ms: u64, failed_max: u32, word: W) -> Pause<W> {
        let delay_ms = self.lose(delay_ms);
        Pause {
            until_ms: now.mono_ms.saturating_add(delay_ms),
            word: Some(word),
            last: self.is_lost(failed_max),
        }
    }

    /// Whether so many are too many: the session ends.
    pub fn is_lost(self, failed_max: u32) -> bool {
        self.failed >= failed_max
    }
}
