//! Bearer tokens: JSON Web Tokens of one authorization server, whose keys are in a file.
//!
//! Which key checks a token is looked up by its `kid` in a map that was made at the start: nothing of a token becomes a path, an
//! address or a query. Which algorithms are good is the operator's word, never the token's.

use std::collections::HashMap;
use std::fmt;
use std::fs;

use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use lightmail_core::config;
use lightmail_core::machine::Secret;
use serde_json::{Map, Value};

/// The most octets of a token that is looked into.
const TOKEN_LEN_MAX: usize = 8192;

/// Checks tokens.
pub(crate) struct Tokens {
    /// By `kid`; the key of a set of one, which needs none, by nothing.
    keys: HashMap<Option<String>, Vec<(Algorithm, DecodingKey)>>,
    algorithms: Vec<Algorithm>,
    issuer: String,
    audience: String,
    login_claim: String,
    scope: Option<String>,
    leeway_s: u64,
}

impl Tokens {
    /// Reads the keys. Errors: why not, in words for the operator.
    pub(crate) fn open(oauth: &config::OAuth) -> Result<Self, String> {
        let path = oauth.jwks_file.as_ref().map_or("", |file| file.0.as_str());
        let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
        Self::new(oauth, &text)
    }

    fn new(oauth: &config::OAuth, jwks: &str) -> Result<Self, String> {
        let set: JwkSet =
            serde_json::from_str(jwks).map_err(|error| format!("no JSON Web Key Set: {error}"))?;
        let names = oauth.algorithms.0.iter();
        let algorithms: Vec<Algorithm> = names.filter_map(|name| name.parse().ok()).collect();
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
        Ok(Self {
            keys,
            algorithms,
            issuer: oauth.issuer.clone(),
            audience: oauth.audience.clone(),
            login_claim: oauth.login_claim.clone(),
            scope: oauth.scope.clone(),
            leeway_s: oauth.leeway_seconds.into(),
        })
    }

    /// Whose token this is, in lower case; `None`: it is no good, or not of the one that it should be of.
    pub(crate) fn owner(&self, wanted: Option<&str>, token: &Secret) -> Option<String> {
        match self.claims(&token.0) {
            Ok(claims) => {
                let owner = claims.get(&self.login_claim)?.as_str()?.to_lowercase();
                let is_wanted = wanted.is_none_or(|wanted| wanted.to_lowercase() == owner);
                (is_wanted && self.is_verified(&claims) && self.has_scope(&claims)).then_some(owner)
            }
            Err(why) => {
                tracing::debug!(why, "token.refused");
                None
            }
        }
    }

    /// What a token says, if this server's issuer has said it, to this server, now.
    fn claims(&self, token: &str) -> Result<Map<String, Value>, String> {
        if token.len() > TOKEN_LEN_MAX {
            return Err("it is too long".into());
        }
        let header = jsonwebtoken::decode_header(token).map_err(|error| error.to_string())?;
        if !self.algorithms.contains(&header.alg) {
            return Err(format!("{:?} is not among the algorithms", header.alg));
        }
        let keys = self.keys.get(&header.kid).ok_or("there is no such key")?;
        let (algorithm, key) = keys
            .iter()
            .find(|(algorithm, _)| *algorithm == header.alg)
            .ok_or("the key is for another algorithm")?;
        let mut rules = Validation::new(*algorithm);
        rules.leeway = self.leeway_s;
        rules.validate_nbf = true;
        rules.set_issuer(&[&self.issuer]);
        rules.set_audience(&[&self.audience]);
        rules.set_required_spec_claims(&["exp", "iss", "aud"]);
        jsonwebtoken::decode(token, key, &rules)
            .map(|token| token.claims)
            .map_err(|error| error.to_string())
    }

    /// A mail address that its issuer has not seen proven may be anybody's (OpenID Connect Core 1.0, 5.1).
    fn is_verified(&self, claims: &Map<String, Value>) -> bool {
        self.login_claim != "email" || claims.get("email_verified") != Some(&Value::Bool(false))
    }

    /// `scope` holds words with a space between them; some servers write `scp`, or a list.
    fn has_scope(&self, claims: &Map<String, Value>) -> bool {
        let Some(wanted) = &self.scope else {
            return true;
        };
        match claims.get("scope").or_else(|| claims.get("scp")) {
            Some(Value::String(words)) => words.split(' ').any(|word| word == wanted),
            Some(Value::Array(words)) => words.iter().any(|word| word == wanted),
            _ => false,
        }
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tokens({}, {} keys)", self.issuer, self.keys.len())
    }
}

/// Whether a key may be used with an algorithm: it is of the right kind, and no other algorithm is written beside it.
fn fits(algorithm: Algorithm, jwk: &Jwk) -> bool {
    use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve};
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

#[cfg(test)]
mod tests;
