//! Tokens of any kind: their server is asked what they are (RFC 7662).
//!
//! What it says of a good one is believed for a minute, and never beyond the token's own end. What cannot be found out is no refusal:
//! the client may come again.

use std::error::Error;
use std::fs;
use std::io;
use std::iter::successors;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_lock::Semaphore;
use aws_sdk_s3::config::http::{HttpRequest, HttpResponse};
use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::HttpConnector;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use form_urlencoded::{Serializer, byte_serialize};
use lightmail_core::config;
use lightmail_core::store::Failure;
use serde_json::Value;

use super::rules::{Claims, Rules};
use crate::reactor::Reactor;
use crate::recent::Recent;
use crate::trust;

/// How long an answer is believed.
const KEEPS: Duration = Duration::from_secs(60);
/// The most octets of an answer.
const ANSWER_LEN_MAX: usize = 65_536;
/// The most questions under way.
const QUESTIONS_MAX: usize = 64;

/// How long a question may take, its answer included.
pub(super) const DEADLINE: Duration = Duration::from_secs(10);

/// Who asks.
pub(super) struct Introspection {
    reactor: Reactor,
    client: Arc<Client>,
    deadline: Duration,
    under_way: Semaphore,
    /// Owners of tokens.
    recent: Recent<String>,
}

#[derive(Debug)]
struct Client {
    connector: Connector,
    url: String,
    authorization: String,
}

impl Introspection {
    /// Asks nothing yet. Blocks. Errors: why not, in words for the operator.
    pub(super) fn open(oauth: &config::OAuth, deadline: Duration) -> Result<Self, String> {
        let told = |error: io::Error| error.to_string();
        let client = Client {
            connector: connector(oauth).map_err(told)?,
            url: oauth.introspection_url.clone().unwrap_or_default(),
            authorization: authorization(oauth).map_err(told)?,
        };
        client.question("").map(drop)?;
        Ok(Self {
            reactor: Reactor::start("lightmail-tokens").map_err(told)?,
            client: Arc::new(client),
            deadline,
            under_way: Semaphore::new(QUESTIONS_MAX),
            recent: Recent::new().map_err(told)?,
        })
    }

    /// Whose a token is, in lower case; `None`: it is no good. `now_s` is in seconds since 1970.
    ///
    /// Errors: `Unavailable` when the server does not say, or too many questions are under way.
    pub(super) async fn owner(
        &self,
        rules: &Rules,
        token: &str,
        now: Instant,
        now_s: u64,
    ) -> Result<Option<String>, Failure> {
        let mark = self.recent.mark(&[token]);
        if let Some(owner) = mark.and_then(|mark| self.recent.get(&mark, now)) {
            return Ok(Some(owner));
        }
        let unavailable = |why: &str| {
            tracing::warn!(url = self.client.url, why, "token.introspection.failed");
            Failure::Unavailable { retry_after_s: 10 }
        };
        let Some(_permit) = self.under_way.try_acquire() else {
            return Err(unavailable("too many questions are under way"));
        };
        let (client, token) = (Arc::clone(&self.client), token.to_owned());
        let asking = async move { client.ask(&token).await };
        let asked = self.reactor.run_within(self.deadline, asking).await;
        let claims = asked.and_then(|answer| answer).map_err(|why| unavailable(&why))?;
        let owner = match judge(rules, &claims, now_s) {
            Ok(()) => rules.owner(&claims),
            Err(why) => {
                tracing::debug!(why, "token.refused");
                None
            }
        };
        if let Some((owner, mark)) = owner.as_ref().zip(mark) {
            self.recent
                .put(mark, owner.clone(), now, now + keeps(&claims, now_s));
        }
        Ok(owner)
    }
}

impl Client {
    /// One question. Errors: there is no answer that says what the token is; why, without anything of it.
    async fn ask(&self, token: &str) -> Result<Claims, String> {
        let question = self.question(token)?;
        let answer = self.connector.call(question).await;
        claims(answer.map_err(|error| told(&error))?).await
    }

    /// RFC 7662, 2.1. The client's name and password are written as a form before they are joined, as OAuth 2.0 has it.
    fn question(&self, token: &str) -> Result<HttpRequest, String> {
        let mut form = Serializer::new(String::new());
        form.append_pair("token", token)
            .append_pair("token_type_hint", "access_token");
        let mut question = HttpRequest::new(SdkBody::from(form.finish()));
        question
            .set_method("POST")
            .and_then(|()| question.set_uri(self.url.as_str()))
            .map_err(|error| error.to_string())?;
        let headers = question.headers_mut();
        headers.insert("content-type", "application/x-www-form-urlencoded");
        headers.insert("accept", "application/json");
        headers.insert("authorization", self.authorization.clone());
        Ok(question)
    }
}

/// What an answer says. Errors: it says nothing of the token.
async fn claims(answer: HttpResponse) -> Result<Claims, String> {
    let status = answer.status().as_u16();
    if status != 200 {
        return Err(format!("it answers {status}"));
    }
    let mut body = ByteStream::new(answer.into_body());
    let mut octets = Vec::new();
    while let Some(come) = body.next().await {
        octets.extend_from_slice(&come.map_err(|error| told(&error))?);
        if octets.len() > ANSWER_LEN_MAX {
            return Err("its answer is too long".into());
        }
    }
    let claims: Claims = serde_json::from_slice(&octets).map_err(|_| "its answer is no JSON object")?;
    match claims.get("active") {
        Some(Value::Bool(_)) => Ok(claims),
        _ => Err("its answer does not tell whether the token is active".into()),
    }
}

/// An error, and what it comes from: the client's own words are as short as "io error".
fn told(error: &(dyn Error + 'static)) -> String {
    let all = successors(Some(error), |error| (*error).source());
    all.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Whether a token is good here and now, by what its server says (RFC 7662, 2.2). Errors: why not.
///
/// Servers may leave out whom a token is for. Then its scope has to tell, where the operator has named one; a token that any other service
/// was given opens no mailbox.
fn judge(rules: &Rules, claims: &Claims, now_s: u64) -> Result<(), &'static str> {
    let is = |key: &str, wanted: &str| claims.get(key).is_none_or(|told| told == wanted);
    let is_for_us = match claims.get("aud") {
        Some(Value::Array(all)) => all.iter().any(|one| one == rules.audience.as_str()),
        Some(one) => one == rules.audience.as_str(),
        None => rules.scope.is_some(),
    };
    let is_bearers = claims.get("token_type").is_none_or(|kind| {
        let kind = kind.as_str();
        kind.is_some_and(|kind| kind.eq_ignore_ascii_case("Bearer"))
    });
    let is_begun = number(claims, "nbf").is_none_or(|from| from <= now_s.saturating_add(rules.leeway_s));
    let is_over = claims.contains_key("exp")
        && number(claims, "exp").is_none_or(|end| end.saturating_add(rules.leeway_s) <= now_s);
    match () {
        () if claims.get("active") != Some(&Value::Bool(true)) => Err("it is not active"),
        () if !is("iss", &rules.issuer) => Err("it is another server's"),
        () if !is_for_us => Err("it is for another service"),
        () if !is_bearers => Err("it is no bearer's"),
        () if !is_begun => Err("its time has not come"),
        () if is_over => Err("its time is over"),
        () => Ok(()),
    }
}

/// How long that may be believed.
fn keeps(claims: &Claims, now_s: u64) -> Duration {
    let left = number(claims, "exp").map(|end| Duration::from_secs(end.saturating_sub(now_s)));
    left.map_or(KEEPS, |left| left.min(KEEPS))
}

/// Whole seconds since 1970; some servers write a fraction.
fn number(claims: &Claims, key: &str) -> Option<u64> {
    let told = claims.get(key)?;
    told.as_u64().or_else(|| {
        let told = told.as_f64().filter(|told| *told >= 0.0)?;
        // A fraction of a second is left out; what is beyond 64 bits is their end.
        Some(told as u64)
    })
}

fn connector(oauth: &config::OAuth) -> io::Result<Connector> {
    let store = match &oauth.introspection_ca_file {
        None => TrustStore::default(),
        Some(file) => TrustStore::empty().with_pem_certificate(trust::authorities(&file.0)?),
    };
    let context = TlsContext::builder().with_trust_store(store).build();
    let context = context.map_err(|error| io::Error::other(error.to_string()))?;
    Ok(Connector::builder()
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .tls_context(context)
        .build())
}

fn authorization(oauth: &config::OAuth) -> io::Result<String> {
    let password = match &oauth.introspection_password_file {
        None => oauth.introspection_password.reveal().to_owned(),
        Some(file) => {
            let named = |error: io::Error| io::Error::other(format!("{}: {error}", file.0));
            let text = fs::read_to_string(&file.0).map_err(named)?;
            text.lines().next().unwrap_or_default().to_owned()
        }
    };
    let written = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let user = oauth.introspection_user.as_deref().unwrap_or_default();
    let pair = format!("{}:{}", written(user), written(&password));
    Ok(format!("Basic {}", STANDARD.encode(pair)))
}

#[cfg(test)]
mod tests;
