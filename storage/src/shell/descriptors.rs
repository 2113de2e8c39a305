//! How many files and sockets the system lets this process have.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Left for all that is no conversation: the database, the doors, the log.
const KEPT: u64 = 64;
/// A conversation has a socket, and a file while a body moves.
const PER_CONVERSATION: u64 = 2;

/// Raises the limit as far as the system lets, and says for how many conversations it is enough.
pub(super) fn conversations() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    // An error leaves the limit as it is.
    let _ = setrlimit(Resource::Nofile, raised);
    // No limit at all is `None`.
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let conversations = files.saturating_sub(KEPT) / PER_CONVERSATION;
    usize::try_from(conversations).unwrap_or(usize::MAX).max(1)
}
