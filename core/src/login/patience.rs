//! How long a refusal is held back: longer each time, and not for ever.

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

    /// Whether so many are too many: the session ends.
    pub fn is_lost(self, failed_max: u32) -> bool {
        self.failed >= failed_max
    }
}
