//! A SCRAM exchange as the server sees it (RFC 5802, 3 and 5): the client's first message, ours with salt and nonce, the proof, our
//! signature. A nonce lives as long as its exchange, so nothing that was said in another one helps anybody.

use std::fmt;

use super::message::{First, Last};
use super::{Hash, ScramProof, Verifier};
use crate::machine::{Exporter, Secret};
use crate::sasl::gs2::Flag;
use crate::sasl::{Answer, Channel, Mechanism, RESPONSE_LEN_MAX, SaslError, SaslStep};
use crate::wire::base64;

/// The binding that there is (RFC 9266, 2).
const BINDING: &str = "tls-exporter";

/// One exchange.
pub struct Scram {
    hash: Hash,
    /// Whether it binds to the channel, as the mechanism's name says.
    plus: bool,
    /// What the channel is.
    exporter: Option<Exporter>,
    /// Whether a `-PLUS` mechanism is offered here.
    binds: bool,
    /// Ours, drawn for this exchange alone.
    nonce: String,
    state: State,
}

/// What the exchange awaits.
enum State {
    First,
    Verifier(Begun),
    Last {
        begun: Begun,
        ours: String,
        verifier: Secret,
    },
    Signature {
        login: String,
    },
    /// The client's empty response to our signature.
    Nothing {
        login: String,
    },
    Over,
}

/// What is kept of the client's first message.
struct Begun {
    login: String,
    /// What `c=` must be, decoded: the GS2 header, and the binding behind it if there is one.
    binding: Vec<u8>,
    bare: String,
    /// The client's nonce and ours.
    nonce: String,
}

impl Scram {
    /// An exchange on this connection. `plus`: with channel binding.
    pub fn new(hash: Hash, plus: bool, channel: Channel<'_>) -> Self {
        Self {
            hash,
            plus,
            exporter: channel.tls.and_then(|tls| tls.exporter.clone()),
            binds: channel.binds,
            nonce: base64::encode(&channel.seed.octets()),
            state: State::First,
        }
    }

    fn first(&mut self, message: &[u8]) -> Result<SaslStep, SaslError> {
        let first = First::read(message)?;
        let mut binding = first.header.as_bytes().to_vec();
        match (first.flag, self.plus, &self.exporter) {
            (Flag::Bound(BINDING), true, Some(exporter)) => binding.extend(exporter.0),
            (Flag::Bound(_), ..) | (_, true, _) => return Err(SaslError::NoSuchBinding),
            (Flag::NotOffered, false, _) if self.binds => return Err(SaslError::Downgraded),
            (Flag::NotOffered | Flag::No, false, _) => {}
        }
        let login = first.login;
        self.state = State::Verifier(Begun {
            login: login.clone(),
            binding,
            bare: first.bare.to_owned(),
            nonce: format!("{}{}", first.nonce, self.nonce),
        });
        let hash = self.hash;
        Ok(SaslStep::FindVerifier { login, hash })
    }

    /// `server-first-message = nonce "," salt "," iteration-count` (RFC 5802, 7)
    fn verifier(&mut self, begun: Begun, verifier: Secret) -> Result<SaslStep, SaslError> {
        let Verifier { salt, iterations, .. } =
            Verifier::read(self.hash, &verifier).ok_or(SaslError::Malformed)?;
        let ours = format!("r={},s={},i={iterations}", begun.nonce, base64::encode(&salt));
        let challenge = SaslStep::Challenge(ours.clone().into_bytes());
        self.state = State::Last {
            begun,
            ours,
            verifier,
        };
        Ok(challenge)
    }

    fn last(
        &mut self,
        begun: Begun,
        ours: &str,
        verifier: Secret,
        message: &[u8],
    ) -> Result<SaslStep, SaslError> {
        let last = Last::read(message)?;
        let messages = format!("{},{ours},{}", begun.bare, last.without_proof).into_bytes();
        self.state = State::Signature { login: begun.login };
        Ok(SaslStep::VerifyScram(ScramProof {
            hash: self.hash,
            verifier,
            messages,
            fits: last.nonce == begun.nonce && last.binding == begun.binding,
            proof: last.proof,
        }))
    }

    fn on_response(&mut self, message: &[u8]) -> Result<SaslStep, SaslError> {
        if message.len() > RESPONSE_LEN_MAX {
            return Err(SaslError::TooLong);
        }
        match std::mem::replace(&mut self.state, State::Over) {
            State::First => self.first(message),
            State::Last {
                begun,
                ours,
                verifier,
            } => self.last(begun, &ours, verifier, message),
            State::Nothing { login } if message.is_empty() => Ok(SaslStep::Proven { login }),
            _ => Err(SaslError::Malformed),
        }
    }

    fn on_answer(&mut self, answer: Answer) -> Result<SaslStep, SaslError> {
        match (std::mem::replace(&mut self.state, State::Over), answer) {
            (State::Verifier(begun), Answer::Verifier(verifier)) => self.verifier(begun, verifier),
            (State::Signature { login }, Answer::Signature(Some(signature))) => {
                self.state = State::Nothing { login };
                Ok(SaslStep::Challenge(format!("v={}", signature.0).into_bytes()))
            }
            (State::Signature { .. }, Answer::Signature(None)) => Ok(SaslStep::Rejected),
            _ => Err(SaslError::Malformed),
        }
    }
}

impl Mechanism for Scram {
    fn begin(&mut self, initial: Option<&[u8]>) -> SaslStep {
        match initial {
            Some(response) => self.respond(response),
            None => SaslStep::Challenge(Vec::new()),
        }
    }

    fn respond(&mut self, octets: &[u8]) -> SaslStep {
        self.on_response(octets).unwrap_or_else(SaslStep::Failed)
    }

    fn answer(&mut self, answer: Answer) -> SaslStep {
        self.on_answer(answer).unwrap_or_else(SaslStep::Failed)
    }
}

impl fmt::Debug for Scram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scram({}, …)", self.hash.scheme())
    }
}

#[cfg(test)]
impl Scram {
    /// With a nonce of an RFC's example.
    pub(super) fn with_nonce(mut self, nonce: &str) -> Self {
        nonce.clone_into(&mut self.nonce);
        self
    }
}
