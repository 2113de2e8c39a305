//! TLS: which certificate answers for which name, and the channel that a conversation runs through once the handshake is done.
//!
//! A runtime does the handshake, since that waits; what follows is octets in and octets out ([`channel`]), alike for all.

mod certificates;
mod channel;
mod pair;
mod self_signed;

use std::sync::Arc;
use std::time::Duration;

use lightmail_core::config::Config;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::ServerConfig;

use self::certificates::Certificates;
use super::CliError;

pub(super) use self::certificates::check;
pub(super) use self::channel::Channel;

/// What the server needs to begin TLS. A clone is the same.
#[derive(Clone, Debug)]
pub struct Tls(Arc<Offer>);

#[derive(Debug)]
struct Offer {
    config: Arc<ServerConfig>,
    certificates: Arc<Certificates>,
    limit: Duration,
}

impl Tls {
    /// Reads the certificates that the configuration names; where it names none, those of the data folder, made if they are
    /// not there. Errors name the file and what to do about it.
    pub fn open(config: &Config) -> Result<Self, CliError> {
        let certificates = Arc::new(Certificates::open(config)?);
        let limit = Duration::from_secs(config.limits.tls_seconds.into());
        let config = offer(certificates.clone()).map_err(CliError::failed)?;
        Ok(Self(Arc::new(Offer {
            config: Arc::new(config),
            certificates,
            limit,
        })))
    }

    /// Reads the certificates anew. Sessions go on; an error leaves those in force that were.
    pub(super) fn reload(&self) -> Result<(), CliError> {
        self.0.certificates.reload()
    }

    /// Which certificate answers where no name fits, for people.
    pub(super) fn place(&self) -> String {
        self.0.certificates.place()
    }

    pub(super) fn config(&self) -> Arc<ServerConfig> {
        self.0.config.clone()
    }

    /// How long a handshake may take.
    pub(super) fn limit(&self) -> Duration {
        self.0.limit
    }
}

/// TLS 1.2 and 1.3, with tickets, so that a client that comes back needs no whole handshake.
fn offer(certificates: Arc<Certificates>) -> Result<ServerConfig, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(certificates);
    config.ticketer = aws_lc_rs::Ticketer::new()?;
    Ok(config)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

#[cfg(test)]
mod tests;
