//! Whether `[oauth]` says who checks tokens, and how.

use super::ini::ConfigError;
use super::table::{Config, OAuth};

/// How tokens may be signed: with a key pair, so that who checks them can make none.
const ALGORITHMS: [&str; 9] = [
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA",
];

/// What says something of `introspection_url` alone.
const INTROSPECTION: [&str; 4] = [
    "introspection_user",
    "introspection_password",
    "introspection_password_file",
    "introspection_ca_file",
];

impl Config {
    /// Settings with which no token could be read, or by which it is not clear how.
    pub(super) fn unreadable_tokens(&self) -> Vec<ConfigError> {
        let Some(oauth) = &self.oauth else {
            return Vec::new();
        };
        let all = [
            self.unread_claims(oauth),
            self.unclear_way(oauth),
            self.unasked(oauth),
        ];
        all.into_iter().flatten().collect()
    }

    /// JWTs that could not be checked, and tokens that name nobody.
    fn unread_claims(&self, oauth: &OAuth) -> Vec<ConfigError> {
        let is_known = |name: &String| ALGORITHMS.contains(&name.as_str());
        let algorithms = &oauth.algorithms.0;
        let some = format!("expected some of {}", ALGORITHMS.join(", "));
        let mut errors = Vec::new();
        if algorithms.is_empty() || !algorithms.iter().all(is_known) {
            errors.extend(self.wrong("algorithms", &some));
        }
        if oauth.login_claim.is_empty() {
            errors.extend(self.wrong("login_claim", "expected the name of a claim"));
        }
        errors
    }

    /// There is one way to check them.
    fn unclear_way(&self, oauth: &OAuth) -> Vec<ConfigError> {
        let ways = [
            ("jwks_file", oauth.jwks_file.is_some()),
            ("key_file", oauth.key_file.is_some()),
            ("introspection_url", oauth.introspection_url.is_some()),
        ];
        let given = ways.iter().filter(|(_, is_given)| *is_given);
        let keys: Vec<&str> = given.map(|(key, _)| *key).collect();
        let at = match keys.as_slice() {
            [] => "issuer",
            [_] => return Vec::new(),
            [.., last] => last,
        };
        let why = "expected exactly one of jwks_file, key_file and introspection_url";
        self.wrong(at, why)
            .or_else(|| self.wrong("", why))
            .into_iter()
            .collect()
    }

    /// What the way to the authorization server lacks, or what is said of a way that is not taken.
    fn unasked(&self, oauth: &OAuth) -> Vec<ConfigError> {
        let is_given = |key: &str| self.show("oauth", key).is_some_and(|text| !text.is_empty());
        let Some(url) = &oauth.introspection_url else {
            let idle = INTROSPECTION.iter().filter(|key| is_given(key));
            return idle
                .filter_map(|key| self.wrong(key, "introspection_url is missing"))
                .collect();
        };
        let mut errors = Vec::new();
        if !is_private(url) {
            let why = "expected https://…, or http:// to this machine";
            errors.extend(self.wrong("introspection_url", why));
        }
        if oauth.introspection_user.is_none() {
            errors.extend(self.wrong("introspection_url", "introspection_user is missing"));
        }
        if is_given("introspection_password") && oauth.introspection_password_file.is_some() {
            let why = "introspection_password is given too; one of them is enough";
            errors.extend(self.wrong("introspection_password_file", why));
        }
        errors
    }

    fn wrong(&self, key: &str, why: &str) -> Option<ConfigError> {
        Some(self.origin("oauth", key)?.error(why))
    }
}

/// Whether nobody between this server and a URL reads along (RFC 7662, 2: it must be TLS). Names and passwords have keys of their own: in
/// a URL they would be in the log.
fn is_private(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    match scheme {
        "https" => !authority.is_empty() && !authority.contains('@'),
        "http" => is_this_machine(authority),
        _ => false,
    }
}

/// Whether a URL's host, its port behind it, is a loopback's.
fn is_this_machine(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|octet| octet.is_ascii_digit()) => host,
        _ => authority,
    };
    matches!(host, "127.0.0.1" | "localhost" | "[::1]")
}
