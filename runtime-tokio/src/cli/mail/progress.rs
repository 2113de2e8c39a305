//! How far a long command is, for the person who waits.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// A line on the terminal that is written anew as things go on; nothing where standard error is none.
pub struct Progress {
    what: String,
    shown: bool,
    next: Instant,
    messages: u64,
    octets: u64,
}

const EVERY: Duration = Duration::from_millis(200);

impl Progress {
    /// Of what.
    pub fn new(what: String) -> Self {
        Self {
            what,
            shown: false,
            next: Instant::now() + EVERY,
            messages: 0,
            octets: 0,
        }
    }

    /// Some more.
    pub fn add(&mut self, messages: u64, octets: u64) {
        self.messages += messages;
        self.octets += octets;
        let now = Instant::now();
        if now >= self.next && io::stderr().is_terminal() {
            self.next = now + EVERY;
            self.shown = true;
            let mib = self.octets / (1024 * 1024);
            let _ = write!(
                io::stderr(),
                "\r{}: {} messages, {mib} MiB",
                self.what,
                self.messages
            );
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            // To the start of the line, and everything behind it away.
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
