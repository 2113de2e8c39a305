//! TLS: which certificate answers for which name, and the channel that a conversation runs through once the handshake is done.
//!
//! A runtime does the handshake, since that waits; what follows is octets in and octets out ([`channel`]), alike for all.

mod certificates;
mod channel;
mod identities;
mod pair;
mod self_signed;

use std::sync::Arc;
use std::time::Duration;

use lightmail_core::config::Config;
use rustls::RootCertStore;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ServerConfig, WebPkiClientVerifier};

use self::certificates::Certificates;
use super::CliError;

pub(super) use self::channel::Channel;

/// Reads the files that a configuration names for TLS, only to see that they are right.
pub(super) fn check(config: &Config) -> Result<(), CliError> {
    certificates::check(config)?;
    clients(config).map(drop)
}

/// What the server needs to begin TLS. A clone is the same.
#[derive(Clone, Debug)]
pub struct Tls {
    offer: Arc<Offer>,
    /// Of [`Offer::configs`].
    config: Arc<ServerConfig>,
}

#[derive(Debug)]
struct Offer {
    /// That of each name of [`PROTOCOLS`], in their order.
    configs: [Arc<ServerConfig>; PROTOCOLS.len()],
    certificates: Arc<Certificates>,
    limit: Duration,
}

impl Tls {
    /// Reads the certificates that the configuration names; where it names none, those of the data folder, made if they are
    /// not there. Errors name the file and what to do about it.
    pub fn open(config: &Config) -> Result<Self, CliError> {
        let certificates = Arc::new(Certificates::open(config)?);
        let limit = Duration::from_secs(config.limits.tls_seconds.into());
        let clients = clients(config)?;
        let config = Arc::new(offer(certificates.clone(), clients).map_err(CliError::failed)?);
        let configs = PROTOCOLS.map(|protocol| {
            let mut config = ServerConfig::clone(&config);
            config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
            Arc::new(config)
        });
        let offer = Arc::new(Offer {
            configs,
            certificates,
            limit,
        });
        Ok(Self { offer, config })
    }

    /// The same, where this protocol is spoken: a client that asks for others alone is told at once that it is at the wrong door,
    /// and one that asks for none is served (RFC 7301, 3.2). A protocol that has no name there takes whoever comes.
    pub(super) fn speaking(&self, protocol: &str) -> Self {
        let named = PROTOCOLS.iter().position(|name| *name == protocol);
        let config = named.and_then(|at| self.offer.configs.get(at));
        Self {
            offer: self.offer.clone(),
            config: config.unwrap_or(&self.config).clone(),
        }
    }

    /// Reads the certificates anew. Sessions go on; an error leaves those in force that were.
    pub(super) fn reload(&self) -> Result<(), CliError> {
        self.offer.certificates.reload()
    }

    /// Which certificate answers where no name fits, for people.
    pub(super) fn place(&self) -> String {
        self.offer.certificates.place()
    }

    pub(super) fn config(&self) -> Arc<ServerConfig> {
        self.config.clone()
    }

    /// How long a handshake may take.
    pub(super) fn limit(&self) -> Duration {
        self.offer.limit
    }
}

/// The protocols of ours that have a name among those of ALPN, which is that of their section too (RFC 7301, 6, and the registry of
/// IANA that it begins).
const PROTOCOLS: [&str; 2] = ["imap", "pop3"];

/// TLS 1.2 and 1.3, with tickets, so that a client that comes back needs no whole handshake; whatever is spoken within.
fn offer(
    certificates: Arc<Certificates>,
    clients: Arc<dyn ClientCertVerifier>,
) -> Result<ServerConfig, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(clients)
        .with_cert_resolver(certificates);
    config.ticketer = aws_lc_rs::Ticketer::new()?;
    Ok(config)
}

/// Who may vouch for clients: nobody is asked for a certificate unless `client_ca` says who, and nobody needs one.
fn clients(config: &Config) -> Result<Arc<dyn ClientCertVerifier>, CliError> {
    let files = config.files();
    let Some(file) = files
        .iter()
        .find(|file| file.section == "tls" && file.key == "client_ca")
    else {
        return Ok(WebPkiClientVerifier::no_client_auth());
    };
    let wrong = |why: String| CliError::usage(file.error(&why));
    let mut roots = RootCertStore::empty();
    let read = CertificateDer::pem_file_iter(&file.path).map_err(|error| wrong(error.to_string()))?;
    for certificate in read {
        let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
        roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
        .allow_unauthenticated()
        .build()
        .map_err(|error| wrong(error.to_string()))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

#[cfg(test)]
mod tests;
