//! Passwords: bcrypt, on a few threads of its own, so that guessing at them slows nothing else.
//!
//! bcrypt takes 72 octets and ends at a NUL. A password that has more, or a NUL, is hashed as base64(SHA-256(password)), and
//! the stored string says so: `sha256:$2b$…`. All others are plain bcrypt strings, as other servers have them.
//!
//! What was right a moment ago is known again ([`Known`]); where too many were wrong nothing is checked ([`Tries`]).

use std::collections::VecDeque;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{io, thread};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lightmail_core::admin;
use lightmail_core::config::Config;
use lightmail_core::machine::{Done, Outcome, PasswordCheck, Secret, Verdict};
use lightmail_core::sasl::ScramProof;
use lightmail_core::sasl::scram::{Hash, SALT_LEN, Verifier};
use lightmail_core::store::{Attempt, Failure, PasswordHashes, ScramVerifiers};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use crate::answer::answer;
use crate::known::Known;
use crate::tries::{Throttled, Tries};

/// The octets that bcrypt looks at.
const BCRYPT_OCTETS: usize = 72;
/// In front of a bcrypt string whose password was hashed before.
const HASHED_BEFORE: &str = "sha256:";

/// How passwords are hashed and checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hashing {
    /// The logarithm of bcrypt's rounds, 4 to 31 (a configuration allows up to 16).
    pub(crate) cost: u32,
    /// How many threads; `None`: half as many as processors.
    pub(crate) threads: Option<usize>,
    /// What waits for a thread; more is for later.
    pub(crate) queue: usize,
    /// How long a password that was right is known again.
    pub(crate) keeps: Duration,
}

impl Hashing {
    /// What a configuration says.
    pub(crate) fn from_config(config: &Config) -> Self {
        let limits = &config.limits;
        let size = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        Self {
            cost: config.auth.bcrypt_cost,
            threads: limits.bcrypt_threads.map(size),
            queue: size(limits.bcrypt_queue),
            keeps: Duration::from_secs(limits.password_cache_seconds.into()),
        }
    }

    /// The default, at this cost.
    pub(crate) fn at_cost(cost: u32) -> Self {
        Self {
            cost,
            ..Self::from_config(&Config::default())
        }
    }

    fn threads(&self) -> usize {
        let half = || thread::available_parallelism().map_or(1, |processors| processors.get() / 2);
        self.threads.unwrap_or_else(half).max(1)
    }
}

/// The threads that hash.
#[derive(Debug)]
pub(crate) struct Passwords {
    hashing: Hashing,
    /// A hash of this cost that no password has, for users that there are not.
    dummy: Arc<str>,
    known: Arc<Known>,
    tries: Arc<Tries>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    came: Condvar,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Shared({} waiting)", self.lock().waiting.len())
    }
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Box<dyn FnOnce() + Send>>,
    /// Threads that wait for work.
    idle: usize,
    over: bool,
}

impl Passwords {
    /// Starts the threads.
    pub(crate) fn start(hashing: Hashing) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        for _ in 0..hashing.threads() {
            let shared = Arc::clone(&shared);
            thread::Builder::new()
                .name("bcrypt".into())
                .spawn(move || shared.work())?;
        }
        // A bcrypt string of the right cost whose salt and hash nobody computed.
        let dummy = format!("$2b${:02}${}", hashing.cost, ".".repeat(53)).into();
        Ok(Self {
            hashing,
            dummy,
            known: Arc::new(Known::new(hashing.keeps)?),
            tries: Arc::default(),
            shared,
        })
    }

    /// What a password is. Without a hash the same work is done and the answer is no; a damaged hash is no password's.
    /// `Throttled` where too many have failed. Errors: `Unavailable` when too many wait for a thread.
    pub(crate) async fn verify(&self, check: PasswordCheck) -> Outcome {
        if let Err(Throttled { wait_ms }) = self.tries.permit(&check.attempt) {
            return Ok(Done::Throttled { wait_ms });
        }
        if is_among(&check.app_passwords, &check.password) {
            return Ok(Done::Verified(Verdict::AppPassword));
        }
        let mark = self.known.mark(&check);
        if mark.is_some_and(|mark| self.known.knows(&mark)) {
            return Ok(Done::Verified(Verdict::Password));
        }
        let (dummy, known, tries) = (
            Arc::clone(&self.dummy),
            Arc::clone(&self.known),
            Arc::clone(&self.tries),
        );
        self.run(move || {
            // Those before it in the queue may have failed meanwhile.
            if let Err(Throttled { wait_ms }) = tries.permit(&check.attempt) {
                return Done::Throttled { wait_ms };
            }
            let hash = check.hash.as_ref().map(|hash| &*hash.0);
            if verify(&check.password.0, hash, &dummy) {
                mark.into_iter().for_each(|mark| known.learn(mark));
                return Done::Verified(Verdict::Password);
            }
            tries.fail(&check.attempt);
            match is_among(&check.other_app_passwords, &check.password) {
                true => Done::Verified(Verdict::NotHere),
                false => Done::Verified(Verdict::Wrong),
            }
        })
        .await
    }

    /// The server's signature if a proof is right. `Throttled` where too many have failed.
    pub(crate) fn prove(&self, attempt: &Attempt, proof: &ScramProof) -> Done {
        if let Err(Throttled { wait_ms }) = self.tries.permit(attempt) {
            return Done::Throttled { wait_ms };
        }
        let signature = proof.check();
        if signature.is_none() {
            self.tries.fail(attempt);
        }
        Done::ScramVerified(signature)
    }

    /// The store has counted a try that failed.
    pub(crate) fn counted(&self, attempt: &Attempt) {
        self.tries.counted(attempt);
    }

    /// What is to be stored of a password. Errors: `Unavailable` when too many wait.
    pub(crate) async fn hash(&self, password: Secret) -> Result<PasswordHashes, Failure> {
        let cost = self.hashing.cost;
        self.run(move || hashes(&password, cost)).await?
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
        let (giver, taker) = answer();
        self.shared
            .queue(self.hashing.queue, Box::new(move || giver.give(work())))?;
        taker
            .take()
            .await
            .ok_or_else(|| Failure::broken("a thread for passwords ended"))
    }
}

impl Drop for Passwords {
    fn drop(&mut self) {
        self.shared.lock().over = true;
        self.shared.came.notify_all();
    }
}

impl Shared {
    /// With room for `max` that wait behind those that threads are at or about to take.
    fn queue(&self, max: usize, work: Box<dyn FnOnce() + Send>) -> Result<(), Failure> {
        let mut state = self.lock();
        if state.waiting.len() >= max.saturating_add(state.idle) {
            return Err(Failure::Unavailable { retry_after_s: 10 });
        }
        state.waiting.push_back(work);
        self.came.notify_one();
        Ok(())
    }

    fn work(&self) {
        let mut state = self.lock();
        while !state.over {
            match state.waiting.pop_front() {
                Some(work) => {
                    drop(state);
                    // Who waits is told by the drop of what the work owned; the thread is needed by others.
                    if panic::catch_unwind(AssertUnwindSafe(work)).is_err() {
                        tracing::error!("password.work.panicked");
                    }
                    state = self.lock();
                }
                None => {
                    state.idle += 1;
                    state = self.came.wait(state).unwrap_or_else(PoisonError::into_inner);
                    state.idle -= 1;
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Each is compared in constant time, and all of them are.
fn is_among(app_passwords: &[Secret], password: &Secret) -> bool {
    let hash = admin::app_password_hash(password);
    let equal = app_passwords.iter().fold(Choice::from(0), |equal, stored| {
        equal | stored.0.as_bytes().ct_eq(hash.0.as_bytes())
    });
    equal.into()
}

fn hashes(password: &Secret, cost: u32) -> Result<PasswordHashes, Failure> {
    let bcrypt = Secret(hash(&password.0, cost)?);
    let (sha256, sha1) = (verifier(Hash::Sha256, password)?, verifier(Hash::Sha1, password)?);
    Ok(PasswordHashes {
        bcrypt,
        scram: sha256
            .zip(sha1)
            .map(|(sha256, sha1)| ScramVerifiers { sha256, sha1 }),
    })
}

/// `None`: SCRAM cannot send such a password.
fn verifier(hash: Hash, password: &Secret) -> Result<Option<Secret>, Failure> {
    let mut salt = [0; SALT_LEN];
    getrandom::fill(&mut salt).map_err(|error| Failure::broken(format!("no randomness: {error}")))?;
    Ok(Verifier::make(hash, password, salt).map(|made| made.to_secret()))
}

fn verify(password: &str, stored: Option<&str>, dummy: &str) -> bool {
    let usable = stored.filter(|stored| stored.is_ascii());
    let (before, bcrypt) = match usable.map(|stored| stored.strip_prefix(HASHED_BEFORE).ok_or(stored)) {
        Some(Ok(bcrypt)) => (true, bcrypt),
        Some(Err(bcrypt)) => (false, bcrypt),
        None => (false, dummy),
    };
    let fits = before == is_hashed_before(password) && usable.is_some();
    let password = if is_hashed_before(password) {
        hashed_before(password)
    } else {
        password.to_owned()
    };
    // A hash that cannot be read costs nothing; the dummy is worked on instead.
    match bcrypt::verify(&password, bcrypt) {
        Ok(equal) => equal && fits,
        Err(_) => {
            let _ = bcrypt::verify(&password, dummy);
            false
        }
    }
}

fn hash(password: &str, cost: u32) -> Result<String, Failure> {
    let before = is_hashed_before(password);
    let password = if before {
        hashed_before(password)
    } else {
        password.to_owned()
    };
    let hash = bcrypt::hash(&password, cost).map_err(|error| Failure::broken(format!("bcrypt: {error}")))?;
    Ok(if before {
        format!("{HASHED_BEFORE}{hash}")
    } else {
        hash
    })
}

fn is_hashed_before(password: &str) -> bool {
    password.len() > BCRYPT_OCTETS || password.contains('\0')
}

fn hashed_before(password: &str) -> String {
    STANDARD.encode(Sha256::digest(password))
}

#[cfg(test)]
mod tests;
