//! What a machine did in one step, as a few digits: enough to see that a replay does otherwise.
//!
//! It is made of what [`Debug`](std::fmt::Debug) prints, and another version of the program may print otherwise.

use std::fmt::{self, Write as _};

use crate::machine::Action;

/// What a machine did in one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest {
    /// Actions.
    pub actions: u32,
    /// Of the actions and all that is in them.
    pub exact: u64,
    /// Of the actions' names alone: what is left to compare where the peer's octets had to be masked.
    pub names: u64,
}

/// FNV-1a. It finds differences; nobody has to be kept from making equal ones.
struct Fnv<'a>(&'a mut u64);

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0100_0000_01b3;

impl Default for Digest {
    fn default() -> Self {
        Self {
            actions: 0,
            exact: OFFSET,
            names: OFFSET,
        }
    }
}

impl Digest {
    /// Takes in one more action. Octets of a body count by their number: a record does not hold them.
    pub fn add(&mut self, action: &Action) {
        self.actions = self.actions.saturating_add(1);
        let mut names = Fnv(&mut self.names);
        names.put(action.name().as_bytes());
        if let Action::Do(_, effect) = action {
            names.put(effect.name().as_bytes());
        }
        names.end();
        let mut exact = Fnv(&mut self.exact);
        // Writing into a number never fails.
        let _ = match action {
            Action::Send(octets) => {
                exact.put(b"Send ");
                exact.put(octets);
                Ok(())
            }
            Action::Feed(upload, octets) => write!(exact, "Feed {} {}", upload.0, octets.len()),
            action => write!(exact, "{action:?}"),
        };
        exact.end();
    }
}

impl Fnv<'_> {
    fn put(&mut self, octets: &[u8]) {
        for &octet in octets {
            *self.0 = (*self.0 ^ u64::from(octet)).wrapping_mul(PRIME);
        }
    }

    /// What ends an action is no octet of any.
    fn end(&mut self) {
        *self.0 = (*self.0 ^ 0x100).wrapping_mul(PRIME);
    }
}

impl fmt::Write for Fnv<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.put(text.as_bytes());
        Ok(())
    }
}
