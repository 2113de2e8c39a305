//! Bearer tokens of one authorization server: checked here with its keys, or by asking it.

mod introspection;
mod jwt;
mod rules;

use std::fmt;
use std::fs;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use lightmail_core::config::{self, FilePath};
use lightmail_core::machine::Secret;
use lightmail_core::store::Failure;

use introspection::{DEADLINE, Introspection};
use jwt::Keys;
use rules::Rules;

/// The most octets of a token that is looked into.
const TOKEN_LEN_MAX: usize = 8192;

/// Checks tokens.
pub(crate) struct Tokens {
    rules: Rules,
    by: By,
}

/// Who knows what a token is.
enum By {
    Keys(Keys),
    Server(Box<Introspection>),
}

impl Tokens {
    /// Reads the keys, or makes ready to ask. Blocks. Errors: why not, in words for the operator.
    pub(crate) fn open(oauth: &config::OAuth) -> Result<Self, String> {
        Self::open_within(oauth, DEADLINE)
    }

    fn open_within(oauth: &config::OAuth, deadline: Duration) -> Result<Self, String> {
        let text = |file: &FilePath| fs::read_to_string(&file.0).map_err(|error| error.to_string());
        let by = match (&oauth.jwks_file, &oauth.key_file) {
            (Some(file), _) => By::Keys(Keys::of_set(oauth, &text(file)?)?),
            (None, Some(file)) => By::Keys(Keys::of_pem(oauth, &text(file)?)?),
            (None, None) => By::Server(Box::new(Introspection::open(oauth, deadline)?)),
        };
        Ok(Self::new(oauth, by))
    }

    fn new(oauth: &config::OAuth, by: By) -> Self {
        let rules = Rules::new(oauth);
        Self { rules, by }
    }

    /// Whose token this is, in lower case; `None`: it is no good, or not of the one that it should be of.
    ///
    /// Errors: `Unavailable` when its server has to be asked and does not answer.
    pub(crate) async fn owner(
        &self,
        wanted: Option<&str>,
        token: &Secret,
    ) -> Result<Option<String>, Failure> {
        if token.0.len() > TOKEN_LEN_MAX {
            tracing::debug!(why = "it is too long", "token.refused");
            return Ok(None);
        }
        let owner = match &self.by {
            By::Keys(keys) => match keys.claims(&self.rules, &token.0) {
                Ok(claims) => self.rules.owner(&claims),
                Err(why) => {
                    tracing::debug!(why, "token.refused");
                    None
                }
            },
            By::Server(server) => {
                server
                    .owner(&self.rules, &token.0, Instant::now(), now_s())
                    .await?
            }
        };
        Ok(owner.filter(|owner| wanted.is_none_or(|wanted| wanted.to_lowercase() == *owner)))
    }
}

fn now_s() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = match self.by {
            By::Keys(_) => "keys",
            By::Server(_) => "introspection",
        };
        write!(f, "Tokens({}, {by})", self.rules.issuer)
    }
}

#[cfg(test)]
mod tests;
