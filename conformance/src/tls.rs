//! TLS from the first octet (RFC 8314, 3) or behind STARTTLS: the client's side, by rustls.

use std::io;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, ProtocolVersion, RootCertStore, SignatureScheme,
    StreamOwned,
};

/// What a server's certificate is held to.
#[derive(Clone, Debug)]
pub struct Tls(Arc<ClientConfig>);

impl Tls {
    /// The certificate must be for the server's name and signed by an authority that the system trusts: one in the file that
    /// `SSL_CERT_FILE` names, or the system's own.
    pub fn trusting_the_system() -> io::Result<Self> {
        let file = trusted().ok_or_else(|| {
            io::Error::other("no file of certificate authorities; name one in SSL_CERT_FILE")
        })?;
        Self::trusting(&file)
    }

    /// The certificate must be for the server's name, and signed by an authority in this file or itself there.
    pub fn trusting(file: &Path) -> io::Result<Self> {
        let failed = |error| io::Error::other(format!("{}: {error}", file.display()));
        let mut roots = RootCertStore::empty();
        let read = CertificateDer::pem_file_iter(file).map_err(failed)?;
        // A bundle may hold some that are too odd to be read; what they have signed is not trusted.
        let (taken, _) = roots.add_parsable_certificates(read.filter_map(Result::ok));
        if taken == 0 {
            return Err(io::Error::other(format!(
                "{}: no certificate authority",
                file.display()
            )));
        }
        let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
        let config = builder.map_err(io::Error::other)?.with_root_certificates(roots);
        Ok(Self(Arc::new(config.with_no_client_auth())))
    }

    /// Any certificate will do: there is TLS, and nobody knows with whom.
    pub fn trusting_anybody() -> io::Result<Self> {
        let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
        let config = builder
            .map_err(io::Error::other)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anybody(provider())));
        Ok(Self(Arc::new(config.with_no_client_auth())))
    }

    /// Shakes hands with the server at `place` (`HOST:PORT`), which may take as long as `patience` for it.
    pub(crate) fn connect(&self, place: &str, mut tcp: TcpStream, patience: Duration) -> io::Result<Stream> {
        let host = place.rsplit_once(':').map_or(place, |(host, _)| host);
        let name =
            ServerName::try_from(host.trim_matches(['[', ']']).to_owned()).map_err(io::Error::other)?;
        let mut tls = ClientConnection::new(Arc::clone(&self.0), name).map_err(io::Error::other)?;
        let until = Instant::now() + patience;
        let failed = |error: io::Error| io::Error::new(error.kind(), format!("{place}: no TLS: {error}"));
        while tls.is_handshaking() {
            shake(&mut tls, &mut tcp, until).map_err(failed)?;
        }
        Ok(StreamOwned::new(tls, tcp))
    }
}

/// A TCP connection under TLS.
pub(crate) type Stream = StreamOwned<ClientConnection, TcpStream>;

/// What a connection gives to bind to (RFC 9266, 2); of TLS 1.3 only, as an older one would need an extended master secret.
pub(crate) fn exporter(tls: &ClientConnection) -> Option<[u8; 32]> {
    let is_new = tls.protocol_version() == Some(ProtocolVersion::TLSv1_3);
    let exported = tls.export_keying_material([0; 32], b"EXPORTER-Channel-Binding", None);
    exported.ok().filter(|_| is_new)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// Where systems keep the authorities that they trust.
const BUNDLES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
];

fn trusted() -> Option<PathBuf> {
    let named = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    named.or_else(|| BUNDLES.iter().map(PathBuf::from).find(|file| file.is_file()))
}

/// One step of the handshake: writes what there is to write, or reads once.
fn shake(tls: &mut ClientConnection, tcp: &mut TcpStream, until: Instant) -> io::Result<()> {
    if tls.wants_write() {
        return tls.write_tls(tcp).map(drop);
    }
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(late());
    }
    tcp.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
    match tls.read_tls(tcp) {
        Ok(0) => return Err(io::Error::other("the server closed")),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
            return Err(late());
        }
        Err(error) => return Err(error),
    }
    tls.process_new_packets().map(drop).map_err(io::Error::other)
}

fn late() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the server does not shake hands")
}

/// Takes every certificate; signatures must still be made with its key.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            certificate,
            signed,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            certificate,
            signed,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
