//! A certificate and its key, read from two PEM files and checked to belong together.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::{Error as PemError, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};

/// Which of the two files is wrong, and why: words that go behind the file's name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    Certificate(String),
    Key(String),
}

/// Others may read it, or somebody else may write it.
const TOO_OPEN: u32 = 0o027;

/// Reads the certificate with its chain, and the key that belongs to it. A key that is open to others is logged.
pub(super) fn read(certificate: &Path, key: &Path) -> Result<Arc<CertifiedKey>, Wrong> {
    let chain = read_chain(certificate).map_err(Wrong::Certificate)?;
    let private = read_key(key).map_err(Wrong::Key)?;
    let pair = CertifiedKey::from_der(chain, private, &super::provider()).map_err(|error| match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => Wrong::Key(format!(
            "it does not belong to the certificate {}; expected the key of the first certificate there, which is the server's own",
            certificate.display()
        )),
        Error::InvalidCertificate(why) => Wrong::Certificate(format!("it holds no X.509 certificate: {why:?}")),
        other => Wrong::Key(format!("it holds no key that TLS can use: {other}")),
    })?;
    warn_if_open(key);
    Ok(Arc::new(pair))
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let pem = fs::read(path).map_err(|error| error.to_string())?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|error| not_pem(&error))?;
    if chain.is_empty() {
        return Err("it holds no certificate; expected PEM, -----BEGIN CERTIFICATE-----".into());
    }
    Ok(chain)
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let pem = fs::read(path).map_err(|error| error.to_string())?;
    PrivateKeyDer::from_pem_slice(&pem).map_err(|error| match error {
        PemError::NoItemsFound if is_encrypted(&pem) => {
            "it is encrypted; `openssl pkey` writes it without a password".into()
        }
        PemError::NoItemsFound => "it holds no private key; expected PEM, -----BEGIN PRIVATE KEY-----".into(),
        other => not_pem(&other),
    })
}

fn is_encrypted(pem: &[u8]) -> bool {
    const MARK: &[u8] = b"-----BEGIN ENCRYPTED PRIVATE KEY-----";
    pem.windows(MARK.len()).any(|window| window == MARK)
}

/// The kind of fault alone: the library's words may hold what it stumbled over, and that may be a key.
fn not_pem(error: &PemError) -> String {
    let what = match error {
        PemError::MissingSectionEnd { .. } => "a section has no END line",
        PemError::IllegalSectionStart { .. } => "a BEGIN line is malformed",
        PemError::Base64Decode(_) => "a section is not base64",
        _ => "it cannot be read",
    };
    format!("it is not PEM: {what}")
}

fn warn_if_open(key: &Path) {
    // A file that was just read and is gone now is no matter for a warning.
    let mode = fs::metadata(key).map_or(0, |file| file.permissions().mode());
    if mode & TOO_OPEN != 0 {
        let mode = format!("{:03o}", mode & 0o777);
        tracing::warn!(key = %key.display(), mode, remedy = "chmod 640", "tls.key.open_to_others");
    }
}
