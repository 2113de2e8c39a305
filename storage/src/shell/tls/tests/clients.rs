//! Certificates of clients, and the protocols that they offer.

use std::fs;

use lightmail_core::config;
use lightmail_core::machine::TlsInfo;
use rcgen::string::Ia5String;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};
use rustls::client::ClientConfig;
use rustls::pki_types::PrivateKeyDer;

use super::channel::shaken;
use crate::shell::tls::*;
use crate::tests::scratch::Scratch;

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn issuer() -> Issuer {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// What the server has learnt of a client with such a certificate, asking for such protocols where this one is spoken.
fn told(of: Option<&Issuer>, trusted: &Issuer, spoken: &str, protocols: &[&[u8]]) -> Result<TlsInfo, String> {
    let scratch = Scratch::new();
    let write = |name: &str, text: String| {
        let path = scratch.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let text = format!(
        "[tls]\ncertificate = {}\nkey = {}\nclient_ca = {}\n",
        write("own.crt", own.cert.pem()),
        write("own.key", own.signing_key.serialize_pem()),
        write("ca.crt", trusted.pem()),
    );
    let config = config::parse("config.ini", &text).unwrap();
    check(&config).unwrap();
    let tls = Tls::open(&config).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(own.cert.der().clone()).unwrap();
    let client = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut client = match of {
        None => client.with_no_client_auth(),
        Some(issuer) => {
            let key = KeyPair::generate().unwrap();
            let mut params = CertificateParams::default();
            params.subject_alt_names = vec![SanType::Rfc822Name(
                Ia5String::try_from("Tim@example.com").unwrap(),
            )];
            let certificate = params.signed_by(&key, issuer).unwrap();
            let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
            client
                .with_client_auth_cert(vec![certificate.der().clone()], key)
                .unwrap()
        }
    };
    client.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let server = Arc::unwrap_or_clone(tls.speaking(spoken).config());
    let (_, server) = shaken(client, server).map_err(|error| error.to_string())?;
    Ok(Channel::new(server).info())
}

#[test]
fn a_certificate_that_is_vouched_for_names_its_owner() {
    let trusted = issuer();
    let named = told(Some(&trusted), &trusted, "imap", &[]).unwrap();
    assert_eq!(named.identities, ["tim@example.com"]);
    let none = told(None, &trusted, "imap", &[]).unwrap();
    assert_eq!(none.identities, [""; 0]);
    let stranger = told(Some(&issuer()), &trusted, "imap", &[]).unwrap_err();
    assert!(stranger.contains("invalid peer certificate"), "{stranger}");
}

/// RFC 7301, 3.2: who speaks only other protocols is told so, and never heard.
#[test]
fn other_protocols_are_refused() {
    let trusted = issuer();
    let asking = |spoken, protocols: &[&[u8]]| told(None, &trusted, spoken, protocols);
    for (spoken, other) in [("imap", &b"pop3"[..]), ("pop3", b"imap")] {
        assert!(asking(spoken, &[]).is_ok());
        assert!(asking(spoken, &[b"h2", spoken.as_bytes()]).is_ok());
        for protocols in [&[b"h2", &b"http/1.1"[..]][..], &[other]] {
            let refused = asking(spoken, protocols).unwrap_err();
            assert!(refused.contains("any known protocol"), "{spoken}: {refused}");
        }
    }
}

/// RFC 7301, 3.1: LMTP and SMTP have no name that a client could ask for, so what it asks for says nothing.
#[test]
fn a_protocol_without_a_name_takes_whoever_comes() {
    let trusted = issuer();
    for spoken in ["lmtp", "smtp"] {
        assert!(told(None, &trusted, spoken, &[b"h2"]).is_ok());
    }
}

#[test]
fn a_file_without_certificates_is_told_at_the_start() {
    let scratch = Scratch::new();
    let path = scratch.path().join("ca.crt");
    fs::write(&path, "no certificate").unwrap();
    let text = format!(
        "[tls]\ncertificate = x\nkey = x\nclient_ca = {}\n",
        path.display()
    );
    let config = config::parse("config.ini", &text).unwrap();
    assert!(clients(&config).unwrap_err().to_string().contains("client_ca"));
}
