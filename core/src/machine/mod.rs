//! The one idea of LightMail: bytes, outcomes and the clock go in; actions come out.
//!
//! A [`Machine`] is a plain value. A *shell* drives it:
//!
//! 1. call [`Machine::poll`] and carry out each [`Step::Act`] before asking again;
//! 2. at [`Step::Wait`], flush what was sent, then wait for one thing to happen (octets if `bytes`, an outcome, a change, the
//!    deadline) and give it to [`Machine::handle`];
//! 3. one input in, drained fully, then the next input; at [`Step::Over`], flush, close, forget.
//!
//! [`Action::SendObject`] is the one barrier: after it the machine waits until its outcome has been given.
//! Nothing here knows a runtime; two shells and the tests ([`crate::pair`]) are built on this module alone.
//!
//! A shell owes a machine these things:
//! - octets in order, each read handed over whole (at most [`READ_MAX`] octets), and only while the last `Wait` asked for them;
//! - `Eof` even when no bytes are wanted, and nothing after it but outcomes;
//! - exactly one `Outcome` for each `Do` and `SendObject`; a started effect is never cancelled;
//! - after `Over`, an upload that is still open is dropped;
//! - an action that makes no progress for a time of the shell's choosing ends as `Eof`.

mod action;
mod disclosure;
mod effect;
mod metered;
pub mod record;
mod seed;

pub use action::*;
pub use disclosure::{Disclosures, Form};
pub use effect::*;
pub use metered::{Figures, Metered};
pub use record::Recorded;
pub use seed::Seed;

use bytes::Bytes;

use crate::store::{MailboxId, ModSeq};
use crate::wire::deflate::InflateFault;

/// The most octets a shell gives in one [`Input::Bytes`].
pub const READ_MAX: usize = 64 * 1024;

/// A conversation or a background job, as a value.
pub trait Machine {
    /// Takes one thing that happened. Never blocks, never does I/O, never reads a clock.
    fn handle(&mut self, now: Time, input: Input);

    /// The next thing to do; asked again only when the last action is done.
    fn poll(&mut self) -> Step;

    /// What the peer wrote that is no secret, as far as it has been looked at since the last question; for a record.
    /// It is asked after a panic too, so it does nothing but hand over.
    fn disclosed(&mut self) -> Disclosures {
        Disclosures::default()
    }
}

impl<M: Machine + ?Sized> Machine for Box<M> {
    fn handle(&mut self, now: Time, input: Input) {
        (**self).handle(now, input);
    }

    fn poll(&mut self) -> Step {
        (**self).poll()
    }

    fn disclosed(&mut self) -> Disclosures {
        (**self).disclosed()
    }
}

/// A moment, as a shell gives it. Deadlines count on `mono_ms`; only dates that people read come from `unix_ms`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Time {
    /// Milliseconds of a clock that never goes back, from any start.
    pub mono_ms: u64,
    /// Milliseconds since 1970-01-01 UTC by the wall clock, which may jump.
    pub unix_ms: u64,
}

impl Time {
    /// Whole seconds since 1970-01-01 UTC.
    pub fn unix_s(self) -> i64 {
        i64::try_from(self.unix_ms / 1000).unwrap_or(i64::MAX)
    }
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Octets from the peer, at most [`READ_MAX`]. `waited`: they were not there yet when our last flush began, so the peer
    /// wrote them when it could have seen our reply.
    Bytes {
        /// What was read, whole.
        octets: Bytes,
        /// Whether they came after the last flush.
        waited: bool,
    },
    /// The peer closed, the connection broke, or an action made no progress for too long.
    Eof,
    /// An effect asked for earlier has ended, well or badly.
    Outcome(Token, Outcome),
    /// Somebody changed what this machine watches. A machine ignores what it already knows, its own changes too.
    Changed {
        /// The mailbox that changed.
        mailbox: MailboxId,
        /// Its HIGHESTMODSEQ now.
        modseq: ModSeq,
    },
    /// The upgrade asked for by [`Action::StartTls`] is done, or failed.
    Tls(Result<TlsInfo, TlsFailure>),
    /// What the peer writes cannot be inflated ([`Action::StartDeflate`]), and nothing more of it will be read. It comes in the place
    /// of octets: only while the last `Wait` asked for them.
    Inflate(InflateFault),
    /// The connection asked for by [`Action::Connect`] stands, or failed.
    Connected(Result<Peer, ConnectFailure>),
    /// The time of the last `until` has come.
    Tick,
    /// The server drains: finish what is under way, say goodbye.
    Shutdown,
}

/// What a machine wants next.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Carry this out, then poll again.
    Act(Action),
    /// Drained.
    Wait {
        /// Whether the peer may be read now.
        bytes: bool,
        /// When [`Input::Tick`] is due if nothing else happens first.
        until: Option<Due>,
    },
    /// Flush, close, forget.
    Over,
}

/// When a [`Input::Tick`] is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// At this moment of `Time::mono_ms`.
    At(u64),
    /// This many milliseconds after the shell begins to wait, so that a long transfer does not use up a client's idle time.
    Idle(u64),
}

impl Due {
    /// The deadline on the monotonic clock, for a shell that begins to wait at `now`.
    pub fn at_ms(self, now: Time) -> u64 {
        match self {
            Due::At(mono_ms) => mono_ms,
            Due::Idle(ms) => now.mono_ms.saturating_add(ms),
        }
    }
}

/// Names one effect or barrier of one machine; drawn by the machine, counted up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u64);

/// Names one object being written by one machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Upload(pub u64);

/// Who is at the other end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The peer's address as text, without the port; `None` on a UNIX socket.
    pub address: Option<std::net::IpAddr>,
    /// Whether the transport is already TLS (implicit TLS).
    pub tls: Option<TlsInfo>,
}

impl Peer {
    /// Whether credentials may pass in the clear: loopback or a UNIX socket.
    pub fn is_local(&self) -> bool {
        self.address
            .is_none_or(|address| address.to_canonical().is_loopback())
    }

    /// Whether the transport is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }
}

/// What is known of a finished TLS handshake.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsInfo {
    /// Protocol version and cipher suite, for the `Received` field and the log.
    pub summary: String,
    /// What both ends, and nobody between them, know of this connection; `None` where there is no safe one (TLS 1.2).
    pub exporter: Option<Exporter>,
    /// The mail addresses that the peer's certificate names, in lower case, if it has shown one that was accepted.
    pub identities: Vec<String>,
}

/// The channel binding `tls-exporter` (RFC 9266, 2): 32 octets exported from a TLS connection. A secret of both ends.
#[derive(Clone, PartialEq, Eq)]
pub struct Exporter(pub [u8; 32]);

impl std::fmt::Debug for Exporter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Exporter(…)")
    }
}

/// Why a TLS handshake failed, in words for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFailure(pub String);

/// Why a connection could not be made, in words for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectFailure(pub String);
