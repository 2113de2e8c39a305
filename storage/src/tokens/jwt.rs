//! JSON Web Tokens, checked with the keys of a file.
//!
//! Which key checks a token is looked up by its `kid` in a map that was made at the start: nothing of a token becomes a path, an
//! address or a query. Which algorithms are good is the operator's word, never the token's.

use std::collections::HashMap;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use lightmail_core::config;

use super::rules::{Claims, Rules};

/// Who checks signatures.
pub(super) enum Keys {
    /// By `kid`; the key of a set of one, which needs none, by nothing.
    Set(HashMap<Option<String>, Vec<(Algorithm, DecodingKey)>>),
    /// One for all tokens, whatever `kid` they name.
    One(Vec<(Algorithm, DecodingKey)>),
}

impl Keys {
    /// Those of a JSON Web Key Set. Errors: why not, in words for the operator.
    pub(super) fn of_set(oauth: &config::OAuth, jwks: &str) -> Result<Self, String> {
        let set: JwkSet =
            serde_json::from_str(jwks).map_err(|error| format!("no JSON Web Key Set: {error}"))?;
        let algorithms = algorithms(oauth);
        let mut keys: HashMap<Option<String>, Vec<_>> = HashMap::new();
        for jwk in &set.keys {
            let key =
                DecodingKey::from_jwk(jwk).map_err(|error| format!("a key that cannot be used: {error}"))?;
            let good = algorithms.iter().filter(|algorithm| fits(**algorithm, jwk));
            let good: Vec<_> = good.map(|algorithm| (*algorithm, key.clone())).collect();
            if set.keys.len() == 1 {
                keys.insert(None, good.clone());
            }
            keys.entry(jwk.common.key_id.clone()).or_insert(good);
        }
        if keys.values().all(Vec::is_empty) {
            return Err(format!("it has no key for {}", oauth.algorithms.0.join(", ")));
        }
        Ok(Self::Set(keys))
    }

    /// The one of a public key in PEM. Errors: it is none that any of the algorithms takes.
    pub(super) fn of_pem(oauth: &config::OAuth, pem: &str) -> Result<Self, String> {
        let key = |algorithm: &Algorithm| Some((*algorithm, key_of_pem(*algorithm, pem.as_bytes())?));
        let good: Vec<_> = algorithms(oauth).iter().filter_map(key).collect();
        if good.is_empty() {
            return Err(format!(
                "it is no public key for {}",
                oauth.algorithms.0.join(", ")
            ));
        }
        Ok(Self::One(good))
    }

    /// What a token says, if this server's issuer has said it, to this server, now. Errors: why it is no good.
    pub(super) fn claims(&self, rules: &Rules, token: &str) -> Result<Claims, String> {
        let header = jsonwebtoken::decode_header(token).map_err(|error| error.to_string())?;
        let keys = match self {
            Self::Set(keys) => keys.get(&header.kid).ok_or("there is no such key")?,
            Self::One(keys) => keys,
        };
        let fitting = keys.iter().find(|(algorithm, _)| *algorithm == header.alg);
        let (algorithm, key) =
            fitting.ok_or_else(|| format!("no key of that name is for {:?}", header.alg))?;
        let mut wanted = Validation::new(*algorithm);
        wanted.leeway = rules.leeway_s;
        wanted.validate_nbf = true;
        wanted.set_issuer(&[&rules.issuer]);
        wanted.set_audience(&[&rules.audience]);
        wanted.set_required_spec_claims(&["exp", "iss", "aud"]);
        jsonwebtoken::decode(token, key, &wanted)
            .map(|token| token.claims)
            .map_err(|error| error.to_string())
    }
}

fn algorithms(oauth: &config::OAuth) -> Vec<Algorithm> {
    let names = oauth.algorithms.0.iter();
    names.filter_map(|name| name.parse().ok()).collect()
}

/// Whether a key may be used with an algorithm: it is of the right kind, and no other algorithm is written beside it.
fn fits(algorithm: Algorithm, jwk: &Jwk) -> bool {
    let right_kind = match (&jwk.algorithm, algorithm) {
        (
            AlgorithmParameters::RSA(_),
            Algorithm::RS256
            | Algorithm::RS384
            | Algorithm::RS512
            | Algorithm::PS256
            | Algorithm::PS384
            | Algorithm::PS512,
        ) => true,
        (AlgorithmParameters::EllipticCurve(key), Algorithm::ES256) => key.curve == EllipticCurve::P256,
        (AlgorithmParameters::EllipticCurve(key), Algorithm::ES384) => key.curve == EllipticCurve::P384,
        (AlgorithmParameters::OctetKeyPair(key), Algorithm::EdDSA) => key.curve == EllipticCurve::Ed25519,
        _ => false,
    };
    let named = jwk.common.key_algorithm.map(|named| named.to_string());
    right_kind && named.is_none_or(|named| named.parse() == Ok(algorithm))
}

/// The key, if PEM holds one of the algorithm's kind: each reader knows the others' and refuses them.
fn key_of_pem(algorithm: Algorithm, pem: &[u8]) -> Option<DecodingKey> {
    let read = match algorithm {
        Algorithm::ES256 | Algorithm::ES384 => DecodingKey::from_ec_pem(pem),
        Algorithm::EdDSA => DecodingKey::from_ed_pem(pem),
        Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => return None,
        _ => DecodingKey::from_rsa_pem(pem),
    };
    read.ok()
}
