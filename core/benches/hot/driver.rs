//! Drives one machine as a shell would, with the reference store, and counts the time inside the machine alone: what the
//! store takes for its answers, and where octets go to, is not the core's.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use lightmail_core::admin;
use lightmail_core::antivirus::Virus;
use lightmail_core::machine::{
    Action, Done, Effect, Input, Machine, Outcome, Peer, Secret, Seed, Step, Stored, Time, Token, Verdict,
};
use lightmail_core::mime::{Limits, MessageIndex, Scanner};
use lightmail_core::store::memory::Store;
use lightmail_core::store::{AccountId, Actor, Request};

use crate::harness::timed;

/// What a shell reads at once.
const READ_OCTETS: usize = 64 << 10;

/// The moment at which everything happens.
pub const NOW: Time = Time {
    mono_ms: 1_000_000,
    unix_ms: 1_772_000_000_000,
};

/// A machine, and the world around it.
pub struct Driver<M> {
    machine: M,
    store: Store,
    /// What uploads become.
    stored: Stored,
    seed: Seed,
    /// The end of what the machine has said.
    pub tail: Bytes,
    /// Octets that it has said since the last [`Driver::feed`].
    pub said: usize,
    /// Counts something that only grows, such as allocations.
    pub counter: fn() -> usize,
    /// What was counted in the world's part since then.
    pub aside: usize,
}

impl<M: Machine> Driver<M> {
    /// A machine at rest behind its greeting. `message`: what every upload is taken for.
    pub fn new(machine: M, store: Store, message: &[u8]) -> Self {
        let mut seed = Seed::new([3; 32]);
        let stored = stored(&mut seed, message);
        let mut driver = Self {
            machine,
            store,
            stored,
            seed,
            tail: Bytes::new(),
            said: 0,
            counter: || 0,
            aside: 0,
        };
        let mut away = Duration::ZERO;
        while let Some(input) = driver.rest(&mut away) {
            driver.machine.handle(NOW, input);
        }
        driver
    }

    /// The peer says `octets`; runs until the machine waits for more. How long that took inside the machine.
    pub fn feed(&mut self, octets: &Bytes) -> Duration {
        (self.said, self.aside) = (0, 0);
        let mut away = Duration::ZERO;
        let all = timed(|| {
            for from in (0..octets.len()).step_by(READ_OCTETS) {
                let octets = octets.slice(from..octets.len().min(from + READ_OCTETS));
                let mut next = Some(Input::Bytes { octets, waited: true });
                while let Some(input) = next {
                    self.machine.handle(NOW, input);
                    next = self.rest(&mut away);
                }
            }
        });
        all.saturating_sub(away)
    }

    /// Carries out actions until the machine waits; what it is given next, if that comes by itself.
    fn rest(&mut self, away: &mut Duration) -> Option<Input> {
        let mut outcome = None;
        loop {
            match self.machine.poll() {
                Step::Act(Action::Send(octets)) => {
                    self.said += octets.len();
                    self.tail = octets;
                }
                Step::Act(Action::SendObject {
                    token, head, range, ..
                }) => {
                    self.said += head.len() + usize::try_from(range.end - range.start).unwrap_or(0);
                    outcome = Some(Input::Outcome(token, Ok(Done::Sent)));
                }
                Step::Act(Action::Do(token, effect)) => {
                    let before = (self.counter)();
                    *away += timed(|| outcome = Some(self.run(token, effect)));
                    self.aside += (self.counter)() - before;
                }
                Step::Act(action) => drop(black_box(action)),
                Step::Wait { bytes: false, .. } => return outcome.or(Some(Input::Tick)),
                Step::Wait { bytes: true, .. } | Step::Over => return outcome,
            }
        }
    }

    fn run(&mut self, token: Token, effect: Effect) -> Input {
        Input::Outcome(token, self.outcome(effect))
    }

    fn outcome(&mut self, effect: Effect) -> Outcome {
        match effect {
            Effect::Store(actor, request) => self.store.run(actor, request).map(Done::Reply),
            Effect::FinishUpload(_) => {
                let object = self.seed.object(NOW);
                Ok(Done::Stored(Stored {
                    object,
                    ..self.stored.clone()
                }))
            }
            Effect::Scan(scan) => Ok(Done::Scanned(vec![0; scan.targets.len()])),
            Effect::VerifyPassword(_) => Ok(Done::Verified(Verdict::Password)),
            Effect::HashPassword(password) => Ok(Done::Hashed(password.into())),
            Effect::InventVerifier { .. } => Ok(Done::VerifierInvented(Secret(String::new()))),
            Effect::VerifyScram { .. } => Ok(Done::ScramVerified(None)),
            Effect::VerifyToken { .. } => Ok(Done::TokenVerified(None)),
            Effect::TakePlace(_) => Ok(Done::PlaceTaken),
            Effect::ConfirmDelivery(keys) => {
                self.store.confirm(&keys);
                Ok(Done::Confirmed)
            }
            Effect::ListObjects { .. } => Ok(Done::ObjectsListed(Vec::new())),
            Effect::DeleteObjects(_) => Ok(Done::ObjectsDeleted(Vec::new())),
            Effect::SweepUploads { .. } => Ok(Done::UploadsSwept(0)),
        }
    }
}

/// A peer on this machine, not encrypted.
pub fn peer() -> Peer {
    Peer {
        address: Some(std::net::Ipv4Addr::LOCALHOST.into()),
        tls: None,
    }
}

/// A store with one account, `user@example.com`.
pub fn store() -> (Store, AccountId) {
    let (mut store, mut seed) = (Store::new(), Seed::new([1; 32]));
    let new = admin::new_account(
        &mut seed,
        NOW,
        "user@example.com".to_owned(),
        Secret("secret".to_owned()).into(),
    );
    let account = new.id;
    let created = store.run(Actor::Operator, Request::CreateAccount(new));
    assert!(created.is_ok(), "{created:?}");
    (store, account)
}

/// What an upload of `message` becomes.
pub fn stored(seed: &mut Seed, message: &[u8]) -> Stored {
    Stored {
        object: seed.object(NOW),
        size: message.len() as u64,
        sha256: [0; 32],
        received_sha256: [0; 32],
        index: Arc::new(scan(message)),
        durable_ms: 0,
        virus: Virus::NotScanned,
    }
}

/// The index of a message that comes in reads.
pub fn scan(message: &[u8]) -> MessageIndex {
    let mut scanner = Scanner::new(Limits::default());
    message.chunks(READ_OCTETS).for_each(|piece| scanner.push(piece));
    scanner.finish()
}
