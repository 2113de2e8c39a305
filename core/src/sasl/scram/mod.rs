//! SCRAM (RFC 5802; RFC 7677): the client proves that it knows the password, and the server that it knows what is stored of it; neither
//! the password nor what is stored crosses the wire. With channel binding (`-PLUS`; RFC 9266) nobody can sit between them.
//!
//! The exchange is a machine of its own ([`exchange`]), messages are read by [`message`], what is stored is a [`Verifier`], and the
//! arithmetic of a proof is [`ScramProof::check`], which an effect runs: a record masks all that goes into it.

mod exchange;
mod hash;
mod message;
mod proof;
mod verifier;

#[cfg(test)]
mod tests;

pub use exchange::Scram;
pub use hash::Hash;
pub use proof::ScramProof;
pub use verifier::{ITERATIONS, ITERATIONS_MAX, ITERATIONS_MIN, SALT_LEN, STORED_LEN_MAX, Verifier};

pub(super) use message::shape;

/// A name or a password as both sides compare it: SASLprep (RFC 4013); `None`: it cannot be prepared, or nothing is left of it.
fn prepared(text: &str) -> Option<String> {
    let prepared = stringprep::saslprep(text).ok()?;
    (!prepared.is_empty()).then(|| prepared.into_owned())
}
