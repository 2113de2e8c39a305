//! What is stored of a password for SCRAM (RFC 5802, 3): enough to check a proof, not enough to make one.

use std::fmt;

use super::{Hash, prepared};
use crate::machine::Secret;
use crate::wire::base64;

/// The iterations of a verifier that is made here: what took a machine of 2015 a tenth of a second (RFC 7677, 4). More would have to be
/// computed by each client, telephones too, at each log-in, while the bcrypt hash beside it is what guards a stolen table of ours.
pub const ITERATIONS: u32 = 15_000;

/// Fewer are not stored (RFC 7677, 4).
pub const ITERATIONS_MIN: u32 = 4096;

/// More are not stored: a client would compute for seconds, or refuse.
pub const ITERATIONS_MAX: u32 = 1_000_000;

/// The octets of a salt that is made here.
pub const SALT_LEN: usize = 16;

/// The most octets of a stored verifier: a column's width.
pub const STORED_LEN_MAX: usize = 255;

/// Salt and keys. Written as `SCRAM-SHA-256$15000:SALT$STOREDKEY:SERVERKEY` with base64, which is
/// the form of other servers too.
#[derive(Clone, PartialEq, Eq)]
pub struct Verifier {
    pub(super) hash: Hash,
    pub(super) iterations: u32,
    pub(super) salt: Vec<u8>,
    pub(super) stored_key: Vec<u8>,
    pub(super) server_key: Vec<u8>,
}

impl Verifier {
    /// Makes one from a password: work for a thread that nobody waits on, some milliseconds. `None`: the password has no form that a
    /// SCRAM client could send (RFC 4013).
    pub fn make(hash: Hash, password: &Secret, salt: [u8; SALT_LEN]) -> Option<Self> {
        let password = prepared(&password.0)?;
        Some(Self::derive(hash, password.as_bytes(), &salt, ITERATIONS))
    }

    /// One that no password fits: for a name that has none. `key` is drawn once for a whole installation, so that a name's salt is
    /// always the same.
    pub fn invent(hash: Hash, login: &str, key: &[u8; 32]) -> Self {
        let draw =
            |what: &str| Hash::Sha256.hmac(key, format!("{what} {} {login}", hash.scheme()).as_bytes());
        let sized = |mut octets: Vec<u8>, len| {
            octets.truncate(len);
            octets
        };
        Self {
            hash,
            iterations: ITERATIONS,
            salt: sized(draw("salt"), SALT_LEN),
            stored_key: sized(draw("stored"), hash.size()),
            server_key: sized(draw("server"), hash.size()),
        }
    }

    /// `StoredKey` and `ServerKey` (RFC 5802, 3).
    pub(super) fn derive(hash: Hash, password: &[u8], salt: &[u8], iterations: u32) -> Self {
        let salted = hash.salted(password, salt, iterations);
        Self {
            hash,
            iterations,
            salt: salt.to_vec(),
            stored_key: hash.of(&hash.hmac(&salted, b"Client Key")),
            server_key: hash.hmac(&salted, b"Server Key"),
        }
    }

    /// As it is stored.
    pub fn to_secret(&self) -> Secret {
        Secret(format!(
            "{}${}:{}${}:{}",
            self.hash.scheme(),
            self.iterations,
            base64::encode(&self.salt),
            base64::encode(&self.stored_key),
            base64::encode(&self.server_key)
        ))
    }

    /// Reads a stored one of this hash; `None`: it is none, or one with too few or too many iterations.
    pub fn read(hash: Hash, stored: &Secret) -> Option<Self> {
        let rest = stored.0.strip_prefix(hash.scheme())?.strip_prefix('$')?;
        let (how, keys) = rest.split_once('$')?;
        let (iterations, salt) = how.split_once(':')?;
        let (stored_key, server_key) = keys.split_once(':')?;
        let decoded = |text: &str| base64::decode(text.as_bytes()).ok();
        let verifier = Self {
            hash,
            iterations: iterations.parse().ok()?,
            salt: decoded(salt)?,
            stored_key: decoded(stored_key)?,
            server_key: decoded(server_key)?,
        };
        let is_sound = (ITERATIONS_MIN..=ITERATIONS_MAX).contains(&verifier.iterations)
            && !verifier.salt.is_empty()
            && verifier.stored_key.len() == hash.size()
            && verifier.server_key.len() == hash.size();
        is_sound.then_some(verifier)
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Verifier({}, {} iterations, …)",
            self.hash.scheme(),
            self.iterations
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_read_again_and_fits() {
        for hash in [Hash::Sha1, Hash::Sha256] {
            let made = Verifier::make(hash, &Secret("pencil".into()), [7; SALT_LEN]).unwrap();
            let stored = made.to_secret();
            assert!(stored.0.len() <= STORED_LEN_MAX, "{}", stored.0.len());
            assert_eq!(Verifier::read(hash, &stored), Some(made.clone()));
            assert_eq!(made.iterations, ITERATIONS);
            assert!(!format!("{made:?}").contains(&base64::encode(&made.stored_key)));
        }
    }

    #[test]
    fn one_hash_is_not_the_other() {
        let made = Verifier::make(Hash::Sha1, &Secret("pencil".into()), [7; SALT_LEN]).unwrap();
        assert_eq!(Verifier::read(Hash::Sha256, &made.to_secret()), None);
    }

    #[test]
    fn what_is_stored_wrongly_is_none() {
        let good =
            "SCRAM-SHA-1$4096:QSXCR+Q6sek8bf92$6dlGYMOdZcOPutkcNY8U2g7vK9Y=:D+CSWLOshSulAsxiupA+qs2/fTE=";
        assert!(Verifier::read(Hash::Sha1, &Secret(good.into())).is_some());
        for (from, to) in [
            ("4096", "4095"),
            ("4096", "1000001"),
            ("4096", "-1"),
            ("4096", "99999999999999999999"),
            ("QSXCR+Q6sek8bf92", ""),
            ("QSXCR", "Q*XCR"),
            ("6dlG", ""),
            ("fTE=", "fTE"),
            ("$6", ":6"),
            ("SHA-1$", "SHA-1"),
        ] {
            let bad = good.replacen(from, to, 1);
            assert_eq!(Verifier::read(Hash::Sha1, &Secret(bad.clone())), None, "{bad}");
        }
        assert_eq!(Verifier::read(Hash::Sha1, &Secret(String::new())), None);
    }

    #[test]
    fn passwords_are_prepared() {
        let make = |password: &str| Verifier::make(Hash::Sha256, &Secret(password.into()), [7; SALT_LEN]);
        // RFC 4013, 3: a soft hyphen is mapped to nothing, a compatibility character to what it stands for.
        assert_eq!(make("I\u{ad}X"), make("IX"));
        assert_eq!(make("\u{2168}"), make("IX"));
        assert_ne!(make("ix"), make("IX"));
        assert_eq!(make("\u{7}"), None);
        assert_eq!(make("\u{ad}"), None);
    }

    #[test]
    fn an_invented_one_looks_like_a_stored_one_and_stays() {
        let key = [9; 32];
        let invented = Verifier::invent(Hash::Sha256, "tim", &key);
        assert_eq!(invented, Verifier::invent(Hash::Sha256, "tim", &key));
        assert_ne!(invented.salt, Verifier::invent(Hash::Sha256, "tom", &key).salt);
        assert_ne!(
            invented.salt,
            Verifier::invent(Hash::Sha256, "tim", &[8; 32]).salt
        );
        let made = Verifier::make(Hash::Sha256, &Secret("pencil".into()), [7; SALT_LEN]).unwrap();
        assert_eq!(invented.to_secret().0.len(), made.to_secret().0.len());
        assert_eq!(
            Verifier::read(Hash::Sha256, &invented.to_secret()),
            Some(invented)
        );
    }
}
