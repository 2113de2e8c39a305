//! The SDK's client.

use std::env;
use std::io;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::{RetryConfig, RetryPartition, TokenBucket};
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Builder, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
    StalledStreamProtectionConfig,
};
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use lightmail_core::config::S3 as Config;

use super::Times;
use crate::objects::requests::Requests;
use crate::open_error::OpenError;
use crate::trust;

/// How often a request is sent at most, while its time lasts.
const ATTEMPTS: u32 = 5;

/// A bucket as requests see it.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(super) client: Client,
    pub(super) bucket: String,
    pub(super) prefix: String,
    pub(super) endpoint: String,
    pub(super) times: Times,
    pub(super) requests: Requests,
}

impl Wire {
    pub(super) fn new(config: &Config, times: Times) -> Result<Self, OpenError> {
        let endpoint = config.endpoint.clone();
        Ok(Self {
            client: Client::from_conf(settings(config, times)?.build()),
            bucket: config.bucket.clone(),
            prefix: config.prefix.clone(),
            endpoint: endpoint.unwrap_or_else(|| format!("AWS, {}", config.region)),
            times,
            requests: Requests::default(),
        })
    }

    /// A key as the bucket has it.
    pub(super) fn key(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }
}

fn settings(config: &Config, times: Times) -> Result<Builder, OpenError> {
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .tls_context(trusted(config)?)
        .build_https();
    let waits = TimeoutConfig::builder()
        .connect_timeout(times.connect)
        .operation_attempt_timeout(times.attempt)
        .operation_timeout(times.ask)
        .build();
    let retries = RetryConfig::standard()
        .with_max_attempts(ATTEMPTS)
        .with_initial_backoff(times.backoff);
    // Tries are bounded by their number and by time. A budget that all requests share would leave none after an outage.
    let partition = RetryPartition::custom("lightmail")
        .token_bucket(TokenBucket::unlimited())
        .build();
    let mut builder = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .http_client(http)
        .region(Region::new(config.region.clone()))
        .credentials_provider(credentials(config, |name| env::var(name).ok())?)
        .force_path_style(config.path_style)
        .timeout_config(waits)
        .retry_config(retries)
        .retry_partition(partition)
        // Progress is watched by who reads; what is sent has its time by its size.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        // The SHA-256 of a body is known, and is checked when it is read.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
    builder.set_endpoint_url(config.endpoint.clone());
    Ok(builder)
}

/// The authorities of the configuration, else those of this system.
fn trusted(config: &Config) -> Result<TlsContext, OpenError> {
    let refused = |error: &io::Error| OpenError::authorities("[s3] ca_file", error);
    let store = match &config.ca_file {
        None => TrustStore::default(),
        Some(file) => {
            let pem = trust::authorities(&file.0).map_err(|error| refused(&error))?;
            TrustStore::empty().with_pem_certificate(pem)
        }
    };
    let context = TlsContext::builder().with_trust_store(store).build();
    context.map_err(|error| refused(&io::Error::other(error.to_string())))
}

/// The keys of the configuration, else those of the environment.
fn credentials(config: &Config, variable: impl Fn(&str) -> Option<String>) -> Result<Credentials, OpenError> {
    if let Some(access_key) = &config.access_key {
        let secret_key = config.secret_key.reveal();
        return Ok(Credentials::new(access_key, secret_key, None, None, "[s3]"));
    }
    let named = |name| variable(name).filter(|value| !value.is_empty());
    match (named("AWS_ACCESS_KEY_ID"), named("AWS_SECRET_ACCESS_KEY")) {
        (Some(access_key), Some(secret_key)) => {
            let token = named("AWS_SESSION_TOKEN");
            Ok(Credentials::new(
                access_key,
                secret_key,
                token,
                None,
                "environment",
            ))
        }
        _ => Err(OpenError::no_keys()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_the_section_else_of_the_environment() {
        let environment = |name: &str| match name {
            "AWS_ACCESS_KEY_ID" => Some("id".to_owned()),
            "AWS_SECRET_ACCESS_KEY" => Some("secret".to_owned()),
            _ => Some(String::new()),
        };
        let mut config = Config::default();
        let keys = credentials(&config, environment).unwrap();
        assert_eq!((keys.access_key_id(), keys.session_token()), ("id", None));
        let none = credentials(&config, |_| None).unwrap_err().to_string();
        assert!(
            none.contains("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
            "{none}"
        );
        config.access_key = Some("own".into());
        let keys = credentials(&config, environment).unwrap();
        assert_eq!((keys.access_key_id(), keys.secret_access_key()), ("own", ""));
    }
}
