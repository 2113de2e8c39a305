//! The certificates in force: one for each name that a client may ask for (SNI), one for all other names.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use lightmail_core::config::{Config, NamedFile};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::pair::{self, Wrong};
use super::self_signed;
use crate::shell::CliError;

/// Chooses the certificate of each handshake. The map is fixed between two reloads: what clients ask for adds nothing to it.
#[derive(Debug)]
pub(super) struct Certificates {
    source: Source,
    shelf: RwLock<Shelf>,
}

/// Where certificates come from.
#[derive(Debug)]
enum Source {
    /// Files that the configuration names.
    Named(Box<Named>),
    /// A pair in the data folder, of our own making.
    SelfSigned { folder: PathBuf, hostname: String },
}

#[derive(Debug)]
struct Named {
    certificate: NamedFile,
    key: NamedFile,
    /// With more pairs, each for one name.
    folder: Option<NamedFile>,
}

#[derive(Debug)]
struct Shelf {
    default: Arc<CertifiedKey>,
    /// Names in lower case.
    by_name: HashMap<String, Arc<CertifiedKey>>,
}

/// Reads the certificates that a configuration names, only to see that they are right.
pub(in crate::shell) fn check(config: &Config) -> Result<(), CliError> {
    match Source::of(config) {
        Source::Named(named) => named.read().map(drop),
        Source::SelfSigned { .. } => Ok(()),
    }
}

impl Certificates {
    pub(super) fn open(config: &Config) -> Result<Self, CliError> {
        let source = Source::of(config);
        let shelf = source.read()?;
        shelf.warn_of_other_name(&config.hostname());
        let shelf = RwLock::new(shelf);
        Ok(Self { source, shelf })
    }

    pub(super) fn reload(&self) -> Result<(), CliError> {
        let fresh = self.source.read()?;
        *self.shelf.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    pub(super) fn place(&self) -> String {
        match &self.source {
            Source::Named(named) => named.certificate.path.clone(),
            Source::SelfSigned { folder, .. } => {
                format!("{} (self-signed)", self_signed::places(folder).0.display())
            }
        }
    }

    /// The pair for a name in lower case.
    pub(super) fn choose(&self, name: Option<&str>) -> Arc<CertifiedKey> {
        let shelf = self.shelf.read().unwrap_or_else(PoisonError::into_inner);
        let named = name.and_then(|name| shelf.by_name.get(name));
        named.unwrap_or(&shelf.default).clone()
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.choose(hello.server_name()))
    }
}

impl Source {
    fn of(config: &Config) -> Self {
        let mut files = config.files();
        let mut named = |key| {
            let at = files
                .iter()
                .position(|file| file.section == "tls" && file.key == key)?;
            Some(files.swap_remove(at))
        };
        match (named("certificate"), named("key")) {
            (Some(certificate), Some(key)) => Self::Named(Box::new(Named {
                certificate,
                key,
                folder: named("certificates_dir"),
            })),
            _ => Self::SelfSigned {
                folder: config.server.data_dir.clone().into(),
                hostname: config.hostname(),
            },
        }
    }

    fn read(&self) -> Result<Shelf, CliError> {
        match self {
            Self::Named(named) => named.read(),
            Self::SelfSigned { folder, hostname } => Ok(Shelf {
                default: read_own(folder, hostname)?,
                by_name: HashMap::new(),
            }),
        }
    }
}

impl Named {
    fn read(&self) -> Result<Shelf, CliError> {
        let Self {
            certificate,
            key,
            folder,
        } = self;
        let default = pair::read(certificate.path.as_ref(), key.path.as_ref()).map_err(|wrong| {
            CliError::usage(match wrong {
                Wrong::Certificate(why) => certificate.error(&why),
                Wrong::Key(why) => key.error(&why),
            })
        })?;
        let by_name = folder.as_ref().map_or_else(|| Ok(HashMap::new()), read_folder)?;
        Ok(Shelf { default, by_name })
    }
}

fn read_own(folder: &Path, hostname: &str) -> Result<Arc<CertifiedKey>, CliError> {
    let (certificate, key) = self_signed::places(folder);
    self_signed::make_once(folder, hostname).map_err(|error| {
        let folder = folder.display();
        CliError::failed(format!(
            "{folder}: a certificate cannot be made there: {error}; name one in [tls]"
        ))
    })?;
    pair::read(&certificate, &key).map_err(|wrong| {
        let (path, why) = match wrong {
            Wrong::Certificate(why) => (&certificate, why),
            Wrong::Key(why) => (&key, why),
        };
        let (path, certificate) = (path.display(), certificate.display());
        CliError::failed(format!(
            "{path}: {why}; remove {certificate}, and the next start makes both anew"
        ))
    })
}

/// `NAME.crt` and `NAME.key` for each name.
fn read_folder(named: &NamedFile) -> Result<HashMap<String, Arc<CertifiedKey>>, CliError> {
    let wrong = |why: &str| CliError::usage(named.error(why));
    let paths = fs::read_dir(&named.path)
        .and_then(|entries| {
            entries
                .map(|entry| Ok(entry?.path()))
                .collect::<io::Result<Vec<_>>>()
        })
        .map_err(|error| wrong(&error.to_string()))?;
    let certificates = paths
        .iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "crt"));
    let mut by_name = HashMap::new();
    for certificate in certificates {
        let key = certificate.with_extension("key");
        let name = certificate.file_stem().unwrap_or_default().to_string_lossy();
        let pair = pair::read(certificate, &key).map_err(|why| match why {
            Wrong::Certificate(why) => wrong(&format!("{}: {why}", certificate.display())),
            Wrong::Key(why) => wrong(&format!("{}: {why}", key.display())),
        })?;
        by_name.insert(name.to_ascii_lowercase(), pair);
    }
    Ok(by_name)
}

impl Shelf {
    /// Clients that look at the name refuse such a certificate; the operator should hear of it before they do.
    fn warn_of_other_name(&self, hostname: &str) {
        let names = |pair: &CertifiedKey, name: &str| {
            let certificate = ParsedCertificate::try_from(pair.end_entity_cert().ok()?).ok()?;
            let name = name.try_into().ok()?;
            rustls::client::verify_server_name(&certificate, &name).ok()
        };
        if !self.by_name.contains_key(hostname) && names(&self.default, hostname).is_none() {
            tracing::warn!(hostname, "tls.certificate.does_not_name_the_host");
        }
    }
}
