//! What must be true of a token, whoever says what it holds.

use lightmail_core::config;
use serde_json::{Map, Value};

/// What a token says, or what its server says of it.
pub(super) type Claims = Map<String, Value>;

/// Whose token is taken.
pub(super) struct Rules {
    pub(super) issuer: String,
    pub(super) audience: String,
    login_claim: String,
    pub(super) scope: Option<String>,
    /// How much the clocks may differ.
    pub(super) leeway_s: u64,
}

impl Rules {
    /// What the configuration says.
    pub(super) fn new(oauth: &config::OAuth) -> Self {
        Self {
            issuer: oauth.issuer.clone(),
            audience: oauth.audience.clone(),
            login_claim: oauth.login_claim.clone(),
            scope: oauth.scope.clone(),
            leeway_s: oauth.leeway_seconds.into(),
        }
    }

    /// The login name that claims tell, in lower case, if they may be believed.
    pub(super) fn owner(&self, claims: &Claims) -> Option<String> {
        let owner = claims.get(&self.login_claim)?.as_str()?.to_lowercase();
        (self.is_verified(claims) && self.has_scope(claims)).then_some(owner)
    }

    /// A mail address that its issuer has not seen proven may be anybody's (OpenID Connect Core 1.0, 5.1).
    fn is_verified(&self, claims: &Claims) -> bool {
        self.login_claim != "email" || claims.get("email_verified") != Some(&Value::Bool(false))
    }

    /// `scope` holds words with a space between them; some servers write `scp`, or a list.
    fn has_scope(&self, claims: &Claims) -> bool {
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
