//! Uploads are shown to clamd on their way: one pass over their octets, and no copy of them is kept for it.
//!
//! What waits in memory at the end of a message goes to clamd in one piece, so most messages cost it one short connection, however slowly
//! they came. Longer ones are streamed as they are spilled to the disk; a clamd that takes no more holds back this one peer, and
//! nobody else. How many scans clamd runs at a time is clamd's own setting (`MaxThreads`): the others wait in its queue.

mod pipe;
mod tap;

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use lightmail_core::antivirus::Virus;
use lightmail_core::clamd::Found;
use lightmail_core::config::{self, OnFailure};
use lightmail_core::store::{Failure, ObjectId};

pub(crate) use tap::Tap;

/// How long clamd may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// To take a connection.
    pub(crate) connect: Duration,
    /// To take the next octets.
    pub(crate) progress: Duration,
    /// To answer, once it has all of them. clamd gives up by itself after two minutes (`MaxScanTime`).
    pub(crate) answer: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            progress: Duration::from_secs(60),
            answer: Duration::from_secs(180),
        }
    }
}

/// When whoever sends a message that could not be scanned may try again, in seconds.
const RETRY_AFTER_S: u32 = 60;

/// The least time between two lines in the log about a clamd that fails.
const SILENCE: Duration = Duration::from_secs(10);

/// Where clamd is.
#[derive(Clone, Debug)]
enum Place {
    Tcp(String, u16),
    Unix(PathBuf),
}

/// The clamd of this server, and what becomes of what it cannot scan.
#[derive(Debug)]
pub(crate) struct Antivirus {
    place: Place,
    times: Times,
    on_failure: OnFailure,
    unsaid: Mutex<Unsaid>,
}

/// What the log was not told.
#[derive(Debug, Default)]
struct Unsaid {
    failures: u64,
    last: Option<Instant>,
}

impl Antivirus {
    pub(crate) fn new(settings: &config::Antivirus, times: Times) -> Self {
        let place = match &settings.socket {
            Some(socket) => Place::Unix(socket.into()),
            // Without a port the configuration is refused; nobody is at 0.
            None => Place::Tcp(settings.host.clone(), settings.port.0.unwrap_or(0)),
        };
        Self {
            place,
            times,
            on_failure: settings.on_failure,
            unsaid: Mutex::default(),
        }
    }

    /// What an object is, by how its scan has ended. Errors: `Unavailable` if it could not be scanned and must be.
    fn conclude(&self, object: ObjectId, ended: Result<Found, String>) -> Result<Virus, Failure> {
        match ended {
            Ok(Found::Nothing) => Ok(Virus::Clean),
            Ok(Found::Virus(name)) => {
                tracing::warn!(name, %object, "antivirus.found");
                Ok(Virus::Infected(name))
            }
            Err(why) => {
                self.tell(&why);
                match self.on_failure {
                    OnFailure::Accept => Ok(Virus::NotScanned),
                    OnFailure::Tempfail => Err(Failure::Unavailable {
                        retry_after_s: RETRY_AFTER_S,
                    }),
                }
            }
        }
    }

    /// Logs that a message was not scanned, or only counts it if the log has just been told of another one.
    fn tell(&self, why: &str) {
        if let Some(others) = self.may_tell(Instant::now()) {
            let message = match self.on_failure {
                OnFailure::Accept => "taken unscanned",
                OnFailure::Tempfail => "to come again",
            };
            tracing::error!(why, message, others, "antivirus.failed");
        }
    }

    /// How many failures were not told since the last one that was; `None`: this one is not told either.
    fn may_tell(&self, now: Instant) -> Option<u64> {
        let mut unsaid = self.unsaid.lock().unwrap_or_else(PoisonError::into_inner);
        if unsaid
            .last
            .is_some_and(|last| now.saturating_duration_since(last) < SILENCE)
        {
            unsaid.failures += 1;
            return None;
        }
        unsaid.last = Some(now);
        Some(std::mem::take(&mut unsaid.failures))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clamd_that_is_away_does_not_fill_the_log() {
        let antivirus = Antivirus::new(&config::Antivirus::default(), Times::default());
        let begun = Instant::now();
        assert_eq!(antivirus.may_tell(begun), Some(0));
        for n in 0..1000 {
            assert_eq!(antivirus.may_tell(begun + Duration::from_millis(n)), None);
        }
        assert_eq!(antivirus.may_tell(begun + SILENCE), Some(1000));
        assert_eq!(antivirus.may_tell(begun + SILENCE * 2), Some(0));
    }
}
