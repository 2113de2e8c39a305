//! Passwords: bcrypt, on a few threads of its own, so that guessing at them slows nothing else.
//!
//! bcrypt takes 72 octets and ends at a NUL. A password that has more, or a NUL, is hashed as base64(SHA-256(password)), and
//! the stored string says so: `sha256:$2b$…`. All others are plain bcrypt strings, as other servers have them.

use std::collections::VecDeque;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::{io, thread};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lightmail_core::machine::Secret;
use lightmail_core::store::Failure;
use sha2::{Digest, Sha256};

use crate::answer::answer;

/// What waits for a thread; more is for later.
const WAITING_MAX: usize = 64;
/// The octets that bcrypt looks at.
const BCRYPT_OCTETS: usize = 72;
/// In front of a bcrypt string whose password was hashed before.
const HASHED_BEFORE: &str = "sha256:";

/// The threads that hash.
#[derive(Debug)]
pub(crate) struct Passwords {
    cost: u32,
    /// A hash of this cost that no password has, for users that there are not.
    dummy: Arc<str>,
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
    over: bool,
}

impl Passwords {
    /// Starts the threads: half as many as processors. `cost`: the logarithm of bcrypt's rounds, 4 to 31 (a configuration allows up to 16).
    pub(crate) fn start(cost: u32) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let threads = thread::available_parallelism().map_or(1, |processors| (processors.get() / 2).max(1));
        for _ in 0..threads {
            let shared = Arc::clone(&shared);
            thread::Builder::new()
                .name("bcrypt".into())
                .spawn(move || shared.work())?;
        }
        // A bcrypt string of the right cost whose salt and hash nobody computed.
        let dummy = format!("$2b${cost:02}${}", ".".repeat(53)).into();
        Ok(Self { cost, dummy, shared })
    }

    /// Whether the password has this hash. Without a hash the same work is done and the answer is no.
    /// A damaged hash is no password's. Errors: `Unavailable` when too many wait.
    pub(crate) async fn verify(&self, password: Secret, hash: Option<Secret>) -> Result<bool, Failure> {
        let dummy = Arc::clone(&self.dummy);
        self.run(move || verify(&password.0, hash.as_ref().map(|hash| &*hash.0), &dummy))
            .await
    }

    /// A hash to be stored. Errors: `Unavailable` when too many wait.
    pub(crate) async fn hash(&self, password: Secret) -> Result<Secret, Failure> {
        let cost = self.cost;
        self.run(move || hash(&password.0, cost).map(Secret)).await?
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
        let (giver, taker) = answer();
        self.shared.queue(Box::new(move || giver.give(work())))?;
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
    fn queue(&self, work: Box<dyn FnOnce() + Send>) -> Result<(), Failure> {
        let mut state = self.lock();
        if state.waiting.len() >= WAITING_MAX {
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
                None => state = self.came.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
mod tests {
    use super::*;
    use futures_lite::future::block_on;

    fn passwords() -> Passwords {
        Passwords::start(4).unwrap()
    }

    fn check(passwords: &Passwords, password: &str, hash: Option<&str>) -> bool {
        block_on(passwords.verify(Secret(password.into()), hash.map(|hash| Secret(hash.into())))).unwrap()
    }

    fn made(passwords: &Passwords, password: &str) -> String {
        block_on(passwords.hash(Secret(password.into()))).unwrap().0
    }

    #[test]
    fn a_password_has_its_hash_and_no_other() {
        let passwords = passwords();
        let long = "x".repeat(72);
        let longer = "x".repeat(73);
        for password in [
            "secret",
            "",
            "pässwörd",
            "with\0nul",
            &long,
            &longer,
            &"y".repeat(1 << 20),
        ] {
            let hash = made(&passwords, password);
            assert!(check(&passwords, password, Some(&hash)), "{hash}");
            assert!(!check(&passwords, &format!("{password}x"), Some(&hash)));
            assert!(!check(&passwords, "other", Some(&hash)));
        }
        assert!(
            !check(&passwords, &longer, Some(&made(&passwords, &long))),
            "not even when the first 72 octets are equal"
        );
        assert!(!check(&passwords, "with", Some(&made(&passwords, "with\0nul"))));
    }

    #[test]
    fn only_passwords_that_bcrypt_would_cut_are_hashed_before() {
        let passwords = passwords();
        assert!(made(&passwords, "secret").starts_with("$2b$04$"));
        assert!(made(&passwords, &"x".repeat(73)).starts_with("sha256:$2b$04$"));
        let of_another_server = bcrypt::hash("secret", 4).unwrap();
        assert!(check(&passwords, "secret", Some(&of_another_server)));
        assert!(!check(
            &passwords,
            &hashed_before(&"x".repeat(73)),
            Some(&made(&passwords, &"x".repeat(73)))
        ));
    }

    #[test]
    fn damaged_hashes_and_unknown_users_are_a_plain_no() {
        let passwords = passwords();
        for hash in [
            "",
            "$2b$",
            "$2b$99$aaaa",
            "sha256:",
            "plain:secret",
            "$2b$04$üüüüüüüüüüüüüüüüüüüüüüüüüü",
            "\u{0}",
        ] {
            assert!(!check(&passwords, "secret", Some(hash)), "{hash:?}");
        }
        assert!(!check(&passwords, "secret", None));
    }

    #[test]
    fn the_dummy_is_a_hash_that_costs_as_much() {
        let passwords = passwords();
        assert!(
            matches!(bcrypt::verify("secret", &passwords.dummy), Ok(false)),
            "{}",
            passwords.dummy
        );
    }

    #[test]
    fn a_panic_costs_one_answer_and_no_thread() {
        let passwords = passwords();
        for _ in 0..thread::available_parallelism().map_or(1, |n| n.get()) {
            let panicking: Result<(), _> = block_on(passwords.run(|| panic!("on purpose")));
            assert!(matches!(panicking, Err(Failure::Broken(_))), "{panicking:?}");
        }
        assert!(!check(&passwords, "secret", None));
    }

    #[test]
    fn too_many_waiting_are_turned_away() {
        let passwords = passwords();
        let (hold, held) = answer::<()>();
        let threads = thread::available_parallelism().map_or(1, |n| (n.get() / 2).max(1));
        let held = Arc::new(Mutex::new(Some(held)));
        let mut state = passwords.shared.lock();
        for _ in 0..threads + WAITING_MAX {
            let held = Arc::clone(&held);
            state.waiting.push_back(Box::new(move || {
                if let Some(held) = held.lock().unwrap().take() {
                    block_on(held.take());
                }
            }));
        }
        drop(state);
        let refused = block_on(passwords.verify(Secret("x".into()), None));
        assert_eq!(refused, Err(Failure::Unavailable { retry_after_s: 10 }));
        hold.give(());
    }
}
