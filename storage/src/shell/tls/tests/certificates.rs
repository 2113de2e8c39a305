//! Certificates as an operator leaves them, right and wrong ones.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use lightmail_core::config::{self, Config};
use rcgen::generate_simple_self_signed;
use rustls::client::verify_server_name;
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;

use super::own;
use crate::shell::tls::Tls;
use crate::shell::tls::certificates::{Certificates, check};
use crate::tests::scratch::Scratch;

/// Writes `FILE.crt` and `FILE.key` for a name.
fn pair(folder: &Path, file: &str, name: &str) {
    let made = generate_simple_self_signed([name.to_owned()]).unwrap();
    fs::write(folder.join(format!("{file}.crt")), made.cert.pem()).unwrap();
    fs::write(
        folder.join(format!("{file}.key")),
        made.signing_key.serialize_pem(),
    )
    .unwrap();
}

fn named(folder: &Path, more: &str) -> Config {
    let text = format!(
        "[server]\nhostname = mail.test\n[tls]\ncertificate = {0}/a.crt\nkey = {0}/a.key\n{more}",
        folder.display()
    );
    config::parse("config.ini", &text).unwrap()
}

fn names(pair: &CertifiedKey, name: &str) -> bool {
    let certificate = ParsedCertificate::try_from(pair.end_entity_cert().unwrap()).unwrap();
    verify_server_name(&certificate, &name.try_into().unwrap()).is_ok()
}

#[test]
fn a_name_gets_its_certificate_and_all_others_the_default() {
    let scratch = Scratch::new();
    let folder = scratch.path();
    fs::create_dir(folder.join("names")).unwrap();
    pair(folder, "a", "mail.test");
    pair(&folder.join("names"), "Other.test", "other.test");
    fs::write(folder.join("names/README"), "no certificate").unwrap();
    let config = named(
        folder,
        &format!("certificates_dir = {}/names\n", folder.display()),
    );
    check(&config).unwrap();
    let certificates = Certificates::open(&config).unwrap();
    for (asked, shown) in [
        (Some("mail.test"), "mail.test"),
        (Some("other.test"), "other.test"),
        (Some("../a"), "mail.test"),
        (None, "mail.test"),
    ] {
        assert!(names(&certificates.choose(asked), shown), "{asked:?}");
    }
    pair(folder, "a", "new.test");
    assert!(
        names(&certificates.choose(None), "mail.test"),
        "not before it is asked for"
    );
    certificates.reload().unwrap();
    assert!(names(&certificates.choose(None), "new.test"));
    fs::write(folder.join("a.crt"), "").unwrap();
    assert!(certificates.reload().is_err());
    assert!(names(&certificates.choose(None), "new.test"));
}

#[test]
fn each_fault_is_told_with_its_file_and_its_remedy() {
    let scratch = Scratch::new();
    let folder = scratch.path();
    pair(folder, "other", "other.test");
    let read = |file: &str| fs::read(folder.join(file)).unwrap();
    let (crt, key) = (read("other.crt"), read("other.key"));
    let encrypted = b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let nonsense = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let faults: [(&str, &[u8], &str); 8] = [
        ("a.key", &key, "key: it does not belong to the certificate "),
        (
            "a.key",
            b"",
            "key: it holds no private key; expected PEM, -----BEGIN PRIVATE KEY-----",
        ),
        ("a.key", &crt, "key: it holds no private key; expected PEM"),
        (
            "a.key",
            encrypted,
            "key: it is encrypted; `openssl pkey` writes it without a password",
        ),
        (
            "a.crt",
            b"",
            "certificate: it holds no certificate; expected PEM, -----BEGIN CERTIFICATE-----",
        ),
        (
            "a.crt",
            &crt[..60],
            "certificate: it is not PEM: a section has no END line",
        ),
        ("a.crt", nonsense, "certificate: it holds no X.509 certificate"),
        ("a.crt", &crt, "key: it does not belong to the certificate "),
    ];
    for (file, octets, expected) in faults {
        pair(folder, "a", "mail.test");
        fs::write(folder.join(file), octets).unwrap();
        let said = check(&named(folder, "")).unwrap_err().to_string();
        let line = if expected.starts_with("key") { 5 } else { 4 };
        assert!(
            said.contains(&format!("config.ini:{line}: [tls] {expected}")),
            "{file}: {said}"
        );
        assert!(said.contains("\n    ^") || said.contains(" ^"), "{said}");
    }
    pair(folder, "a", "mail.test");
    fs::remove_file(folder.join("other.key")).unwrap();
    let config = named(folder, &format!("certificates_dir = {}\n", folder.display()));
    let said = check(&config).unwrap_err().to_string();
    assert!(
        said.contains("config.ini:6: [tls] certificates_dir: ") && said.contains("other.key: No such file"),
        "{said}"
    );
}

#[test]
fn without_a_section_a_pair_is_made_once() {
    let scratch = Scratch::new();
    let (config, data) = (own(scratch.path()), scratch.path().join("data"));
    check(&config).unwrap();
    assert!(!data.exists(), "a check makes nothing");
    let shown = Certificates::open(&config).unwrap().choose(None);
    for name in ["mail.test", "localhost", "127.0.0.1", "::1"] {
        assert!(names(&shown, name), "{name}");
    }
    let mode = |file| fs::metadata(data.join(file)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("tls.key"), mode("tls.crt")), (0o600, 0o644));
    assert_eq!(fs::read_dir(&data).unwrap().count(), 2);
    let again = Certificates::open(&config).unwrap();
    assert_eq!(again.choose(None).cert, shown.cert);
    assert_eq!(
        again.place(),
        format!("{} (self-signed)", data.join("tls.crt").display())
    );
}

#[test]
fn a_start_that_was_cut_short_leaves_no_half_pair() {
    let scratch = Scratch::new();
    let (config, data) = (own(scratch.path()), scratch.path().join("data"));
    Certificates::open(&config).unwrap();
    // Only the key has come to its place, and a piece of the next file.
    fs::remove_file(data.join("tls.crt")).unwrap();
    fs::write(data.join("tls.new"), "-----BEGIN").unwrap();
    Certificates::open(&config).unwrap();
    assert!(!data.join("tls.new").exists());
    fs::write(data.join("tls.key"), "").unwrap();
    let said = Certificates::open(&config).unwrap_err().to_string();
    let expected = format!("{0}/tls.key: it holds no private key", data.display());
    let remedy = format!(
        "remove {0}/tls.crt, and the next start makes both anew",
        data.display()
    );
    assert!(said.contains(&expected) && said.ends_with(&remedy), "{said}");
    fs::remove_file(data.join("tls.crt")).unwrap();
    Certificates::open(&config).unwrap();
}

#[test]
fn a_handshake_may_take_as_long_as_the_limits_say() {
    let scratch = Scratch::new();
    let mut config = own(scratch.path());
    config.limits.tls_seconds = 3;
    assert_eq!(Tls::open(&config).unwrap().limit(), Duration::from_secs(3));
}
