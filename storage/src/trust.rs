//! Whose certificates are trusted when this server is the client: of a database, of a bucket's service.

use std::error::Error;
use std::io;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// The octets of a file of authorities, PEM, if each of them can be used. Blocks.
///
/// Errors: it cannot be read, holds no certificate, or one that is none. The message begins with the path.
pub(crate) fn authorities(path: &str) -> io::Result<Vec<u8>> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{path}: {error}"));
    let pem = std::fs::read(path).map_err(named)?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| named(io::Error::other(error.to_string())))?;
        roots
            .add(certificate)
            .map_err(|error| named(io::Error::other(error.to_string())))?;
    }
    match roots.is_empty() {
        true => Err(named(io::Error::other("there is no certificate in it"))),
        false => Ok(pem),
    }
}

/// Whether an error comes from TLS itself, such as a certificate that is not trusted, and not from the way there.
pub(crate) fn is_of_tls(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<rustls::Error>() {
            return true;
        }
        // An I/O error tells the source of what it holds, and not what it holds.
        let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match held {
            Some(held) => Some(held),
            None => error.source(),
        };
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::scratch::Scratch;
    use crate::tests::tls::Authority;

    #[test]
    fn a_file_of_authorities_is_looked_at_before_it_is_used() {
        let scratch = Scratch::new();
        let file = scratch.path().join("ca.pem");
        let path = file.display().to_string();
        let (one, two) = (Authority::new(), Authority::new());
        std::fs::write(&file, one.pem() + &two.pem()).unwrap();
        assert_eq!(authorities(&path).unwrap(), (one.pem() + &two.pem()).as_bytes());
        let broken = "-----BEGIN CERTIFICATE-----\nbm9uZQ==\n-----END CERTIFICATE-----\n";
        for (text, why) in [("", "no certificate"), (broken, "certificate")] {
            std::fs::write(&file, text).unwrap();
            let told = authorities(&path).unwrap_err().to_string();
            assert!(told.starts_with(&path) && told.contains(why), "{told}");
        }
        std::fs::remove_file(&file).unwrap();
        assert!(authorities(&path).unwrap_err().to_string().starts_with(&path));
    }

    #[test]
    fn errors_of_tls_are_found_in_what_holds_them() {
        let held = io::Error::new(io::ErrorKind::InvalidData, rustls::Error::DecryptError);
        assert!(is_of_tls(&held));
        assert!(is_of_tls(&sqlx::Error::Io(io::Error::other(held))));
        assert!(!is_of_tls(&io::Error::from(io::ErrorKind::UnexpectedEof)));
    }
}
