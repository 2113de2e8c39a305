//! The two hashes of SCRAM, and what is computed with them (RFC 5802, 2.2).

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// The hash that a SCRAM mechanism is named after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// RFC 5802.
    Sha1,
    /// RFC 7677.
    Sha256,
}

impl Hash {
    /// The octets of a hash.
    pub fn size(self) -> usize {
        match self {
            Hash::Sha1 => 20,
            Hash::Sha256 => 32,
        }
    }

    /// The name of its mechanism, without `-PLUS`.
    pub fn scheme(self) -> &'static str {
        match self {
            Hash::Sha1 => "SCRAM-SHA-1",
            Hash::Sha256 => "SCRAM-SHA-256",
        }
    }

    /// `H(octets)`.
    pub fn of(self, octets: &[u8]) -> Vec<u8> {
        match self {
            Hash::Sha1 => Sha1::digest(octets).to_vec(),
            Hash::Sha256 => Sha256::digest(octets).to_vec(),
        }
    }

    /// `HMAC(key, octets)`.
    pub fn hmac(self, key: &[u8], octets: &[u8]) -> Vec<u8> {
        match self {
            Hash::Sha1 => hmac::<Hmac<Sha1>>(key, octets),
            Hash::Sha256 => hmac::<Hmac<Sha256>>(key, octets),
        }
    }

    /// `Hi(password, salt, iterations)`: PBKDF2 of one block.
    pub fn salted(self, password: &[u8], salt: &[u8], iterations: u32) -> Vec<u8> {
        let mut salted = vec![0; self.size()];
        match self {
            Hash::Sha1 => pbkdf2::pbkdf2_hmac::<Sha1>(password, salt, iterations, &mut salted),
            Hash::Sha256 => pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, iterations, &mut salted),
        }
        salted
    }
}

/// HMAC takes keys of any length, so there is always a result.
fn hmac<M: Mac + KeyInit>(key: &[u8], octets: &[u8]) -> Vec<u8> {
    M::new_from_slice(key)
        .map(|mac| mac.chain_update(octets).finalize().into_bytes().to_vec())
        .unwrap_or_default()
}
