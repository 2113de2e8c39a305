//! The check of a client's proof, and the server's signature (RFC 5802, 3).

use std::fmt;

use subtle::ConstantTimeEq;

use super::{Hash, Verifier};
use crate::machine::Secret;
use crate::wire::base64;

/// All that the check of a proof needs: plain data, so that it can be an effect. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct ScramProof {
    /// Of which mechanism.
    pub hash: Hash,
    /// What is stored, or invented.
    pub verifier: Secret,
    /// `AuthMessage`: the client's first message, ours, and the client's last one without its proof, commas between them.
    pub messages: Vec<u8>,
    /// `ClientProof`.
    pub proof: Vec<u8>,
    /// Whether the last message has the nonce of this exchange and the channel binding of this connection.
    pub fits: bool,
}

impl ScramProof {
    /// The server's signature in base64, if the proof is right. The same work is done in any case, and what is compared is compared in
    /// constant time.
    pub fn check(&self) -> Option<Secret> {
        let verifier = Verifier::read(self.hash, &self.verifier)?;
        let signature = self.hash.hmac(&verifier.stored_key, &self.messages);
        let client_key: Vec<u8> = self
            .proof
            .iter()
            .zip(&signature)
            .map(|(proof, signature)| proof ^ signature)
            .collect();
        let is_right = self.hash.of(&client_key).ct_eq(&verifier.stored_key)
            & self.proof.len().ct_eq(&self.hash.size())
            & u8::from(self.fits).ct_eq(&1);
        let signature = self.hash.hmac(&verifier.server_key, &self.messages);
        bool::from(is_right).then(|| Secret(base64::encode(&signature)))
    }
}

impl fmt::Debug for ScramProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ScramProof({}, …)", self.hash.scheme())
    }
}
