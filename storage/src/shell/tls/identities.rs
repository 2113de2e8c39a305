//! Whom a client's certificate names: the mail addresses in it, which are login names here.

use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// The most names that are taken from one certificate.
const NAMES_MAX: usize = 16;

/// The mail addresses of a certificate in DER, in lower case: those of its subject's alternative names, else its
/// common name if that is an address. A certificate that names nobody in this way gives none.
pub(super) fn read(der: &[u8]) -> Vec<String> {
    let Ok((_, certificate)) = X509Certificate::from_der(der) else {
        return Vec::new();
    };
    let alternative = certificate.subject_alternative_name().ok().flatten();
    let alternative = alternative
        .into_iter()
        .flat_map(|names| &names.value.general_names);
    let mut names: Vec<String> = alternative
        .filter_map(|name| match name {
            GeneralName::RFC822Name(address) => Some(*address),
            _ => None,
        })
        .filter_map(address)
        .take(NAMES_MAX)
        .collect();
    if names.is_empty() {
        let common = certificate.subject().iter_common_name();
        names.extend(
            common
                .filter_map(|name| name.as_str().ok())
                .filter_map(address)
                .take(1),
        );
    }
    names
}

/// A name that has the form of an address.
fn address(name: &str) -> Option<String> {
    let (local, domain) = name.split_once('@')?;
    let is_plain = !local.is_empty()
        && !domain.is_empty()
        && !domain.contains('@')
        && name.len() <= lightmail_core::sasl::FIELD_LEN_MAX
        && !name.contains(|letter: char| letter.is_control() || letter.is_whitespace());
    is_plain.then(|| name.to_lowercase())
}

#[cfg(test)]
mod tests {
    use rcgen::string::Ia5String;
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    use super::*;

    fn names(common: &str, alternative: &[&str]) -> Vec<String> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, common);
        params.subject_alt_names = alternative
            .iter()
            .map(|name| SanType::Rfc822Name(Ia5String::try_from(*name).unwrap()))
            .chain([SanType::DnsName(Ia5String::try_from("host@example.com").unwrap())])
            .collect();
        let key = KeyPair::generate().unwrap();
        read(params.self_signed(&key).unwrap().der())
    }

    #[test]
    fn addresses_are_names() {
        assert_eq!(
            names("tom@example.com", &["Tim@Example.com", "t@example.org"]),
            ["tim@example.com", "t@example.org"]
        );
        assert_eq!(names("Tom@example.com", &[]), ["tom@example.com"]);
    }

    #[test]
    fn nothing_else_is() {
        for common in [
            "tom",
            "@example.com",
            "tom@",
            "t@m@example.com",
            "t m@example.com",
            "t\0@example.com",
            "",
        ] {
            assert_eq!(names(common, &[]), [""; 0], "{common:?}");
        }
        assert_eq!(read(b"no certificate"), [""; 0]);
        assert_eq!(names(&format!("{}@example.com", "x".repeat(300)), &[]), [""; 0]);
    }
}
