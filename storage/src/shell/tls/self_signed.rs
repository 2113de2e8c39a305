//! The pair that a server makes for itself when it is given none: it signs itself, so each client must be told to trust it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, SanType};

/// The certificate's file below the data folder; anybody may read it.
const CERTIFICATE: &str = "tls.crt";
/// The key's file.
const KEY: &str = "tls.key";

/// Where the pair is.
pub(super) fn places(folder: &Path) -> (PathBuf, PathBuf) {
    (folder.join(CERTIFICATE), folder.join(KEY))
}

/// Makes the pair unless it is there. It names the host, and this machine as it is reached from itself.
///
/// The certificate's file comes last and is all there is to look for: a stop at any moment leaves a whole pair, or none.
pub(super) fn make_once(folder: &Path, hostname: &str) -> io::Result<()> {
    let (certificate, key) = places(folder);
    if certificate.exists() {
        return Ok(());
    }
    let pair = KeyPair::generate().map_err(io::Error::other)?;
    let signed = params(hostname).self_signed(&pair).map_err(io::Error::other)?;
    fs::create_dir_all(folder)?;
    write(folder, &key, 0o600, &pair.serialize_pem())?;
    write(folder, &certificate, 0o644, &signed.pem())?;
    tracing::info!(certificate = %certificate.display(), hostname, "tls.certificate.made");
    Ok(())
}

fn params(hostname: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    let dns = [hostname, "localhost"]
        .into_iter()
        .filter_map(|name| name.try_into().ok())
        .map(SanType::DnsName);
    let addresses = [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()].map(SanType::IpAddress);
    params.subject_alt_names = dns.chain(addresses).collect();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, hostname);
    params
}

/// Writes a file whole and for good, or not at all.
fn write(folder: &Path, path: &Path, mode: u32, text: &str) -> io::Result<()> {
    let fresh = path.with_extension("new");
    // Left by a start that was cut short.
    let _ = fs::remove_file(&fresh);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&fresh)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    File::open(folder)?.sync_all()
}
