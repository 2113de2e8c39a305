//! Configuration: INI text in, [`Config`] out, or all that is wrong with it at once.
//!
//! One table (`table.rs`) declares every key. Never opens a file: the shell reads the text, and looks whether the
//! [`files`](Config::files) that it names are there.

mod ini;
mod table;
mod text;
mod tokens;
mod value;

pub use ini::ConfigError;
pub use table::{
    Antivirus, Api, Auth, Config, Database, Dkim, Garbage, Imap, Limits, Lmtp, Log, OAuth, Pop3, Queue, S3,
    Server, Smtp, SmtpServer, Tls,
};
pub use text::{describe, example};
pub use value::{
    AntivirusMode, DatabaseTls, FilePath, List, LogFormat, LogLevel, OnFailure, Plaintext, Port, RelayTls,
    Secret,
};

use ini::Origin;
use table::TABLE;

use crate::sasl;

/// Reads a configuration; what it does not say has its default.
///
/// `file` is the name that errors begin with. Errors: everything that is wrong, in the order of lines; of more than a hundred
/// lines at fault the first hundred.
pub fn parse(file: &str, text: &str) -> Result<Config, Vec<ConfigError>> {
    let (config, mut errors) = ini::read(file, text);
    // What stands behind the last line that was read could make up for what seems to be missing.
    if errors.len() < ini::ERRORS_MAX {
        errors.extend(config.contradictions());
    }
    errors.sort_by_key(|error| error.line);
    if errors.is_empty() {
        Ok(config)
    } else {
        Err(errors)
    }
}

/// A file that the configuration names and that must be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedFile {
    /// The section.
    pub section: &'static str,
    /// The key.
    pub key: &'static str,
    /// The line, from 1.
    pub line: usize,
    /// The path as it was given.
    pub path: String,
    origin: Origin,
}

impl NamedFile {
    /// The error to show if the file cannot be had; `why` as in "no such file".
    pub fn error(&self, why: &str) -> ConfigError {
        self.origin.error(why)
    }
}

impl Config {
    /// All files that must be there at start.
    pub fn files(&self) -> Vec<NamedFile> {
        let file_keys = |origin: &&Origin| {
            let keys = TABLE
                .iter()
                .filter(|section| section.name == origin.section)
                .flat_map(|section| section.keys);
            keys.into_iter().any(|key| key.name == origin.key && key.file)
        };
        let named = self.origins.iter().filter(file_keys).filter_map(|origin| {
            let Origin {
                section, key, line, ..
            } = *origin;
            let path = self.show(section, key).filter(|path| !path.is_empty())?;
            Some(NamedFile {
                section,
                key,
                line,
                path,
                origin: origin.clone(),
            })
        });
        named.collect()
    }

    /// Our own name, as far as the configuration knows it.
    pub fn hostname(&self) -> String {
        let named = self.server.hostname.clone();
        named.unwrap_or_else(|| "localhost".to_owned())
    }

    /// Octets that a message over LMTP may have.
    pub fn lmtp_message_size(&self) -> u64 {
        self.lmtp
            .max_message_size
            .unwrap_or(u64::MAX)
            .min(self.limits.message_size)
    }

    /// Octets that a message over SMTP may have.
    pub fn smtp_message_size(&self) -> u64 {
        self.smtp_server
            .max_message_size
            .unwrap_or(u64::MAX)
            .min(self.limits.message_size)
    }

    /// The path of LMTP's UNIX socket, if there is one: as given if absolute, else below `data_dir`.
    pub fn lmtp_socket(&self) -> Option<String> {
        let socket = self.lmtp.socket.as_ref()?;
        let root = self.server.data_dir.trim_end_matches('/');
        Some(if socket.starts_with('/') {
            socket.clone()
        } else {
            format!("{root}/{socket}")
        })
    }

    /// Whether a file set anything in this section.
    pub fn names(&self, section: &str) -> bool {
        self.origins.iter().any(|origin| origin.section == section)
    }

    fn origin(&self, section: &str, key: &str) -> Option<&Origin> {
        self.origins
            .iter()
            .find(|origin| origin.section == section && origin.key == key)
    }

    /// What no single line shows: values that do not go with each other, or with what they are for.
    fn contradictions(&self) -> Vec<ConfigError> {
        let mut errors = self.missing();
        errors.extend([self.clashes(), self.idle_authorities(), self.unreadable_tokens()].concat());
        let mut refuse = |section, key, wrong: bool, why: &str| {
            let origin = self.origin(section, key).filter(|_| wrong);
            errors.extend(origin.map(|origin| origin.error(why)));
        };
        let limit = self.limits.message_size;
        let lower = format!("it may only lower [limits] message_size, which is {limit}");
        let raised = |size: Option<u64>| size.is_some_and(|size| size > limit);
        let sizes = [
            ("lmtp", self.lmtp.max_message_size),
            ("smtp_server", self.smtp_server.max_message_size),
        ];
        for (section, size) in sizes {
            refuse(section, "max_message_size", raised(size), &lower);
        }
        refuse(
            "auth",
            "bcrypt_cost",
            !(4..=16).contains(&self.auth.bcrypt_cost),
            "expected 4 to 16",
        );
        refuse(
            "auth",
            "mechanisms",
            !self.auth.mechanisms.0.iter().all(|name| is_mechanism(name)),
            &format!("expected some of {}", sasl::NAMES.join(", ")),
        );
        let reserve = self.limits.connections_reserve_percent > 100;
        refuse(
            "limits",
            "connections_reserve_percent",
            reserve,
            "expected at most 100",
        );
        let never = self.queue.retry_minutes.0.is_empty();
        refuse("queue", "retry_minutes", never, "expected at least one number");
        let nowhere = self.server.data_dir.is_empty();
        refuse("server", "data_dir", nowhere, "expected a path");
        let database = self.database.as_ref();
        let both = database.is_some_and(|database| database.password_file.is_some());
        let both = both && self.origin("database", "password").is_some();
        refuse(
            "database",
            "password_file",
            both,
            "password is given too; one of them is enough",
        );
        for (section, key) in AT_LEAST_ONE.iter().copied().chain(limit_keys()) {
            let zero = self.show(section, key).is_some_and(|value| value == "0");
            refuse(section, key, zero, "expected at least 1");
        }
        errors
    }

    /// A scanner that could not be reached by anything.
    fn nowhere_to_scan(&self) -> Option<ConfigError> {
        let scanner = &self.antivirus;
        let nowhere = scanner.enabled && scanner.port.0.is_none() && scanner.socket.is_none();
        let origin = self.origin("antivirus", "port").filter(|_| nowhere)?;
        Some(origin.error("expected the port of clamd, or its socket in place of host and port"))
    }

    /// Two listeners on one port: both are named, the later one is wrong.
    fn clashes(&self) -> Vec<ConfigError> {
        let mut ports: Vec<(&str, u16, &str, &str)> = Vec::new();
        let mut errors = Vec::new();
        for (section, key, enabled, host, port) in self.listeners() {
            let Some(port) = port.0.filter(|port| *port != 0 && enabled) else {
                continue;
            };
            let taken = ports.iter().find(|(other, at, ..)| *other == host && *at == port);
            let error = taken.and_then(|(.., of, what)| {
                let origin = self.origin(section, key).or_else(|| self.origin(of, what))?;
                Some(origin.error(&format!(
                    "[{of}] {what} and [{section}] {key} are both {host}:{port}"
                )))
            });
            errors.extend(error);
            ports.push((host, port, section, key));
        }
        errors
    }

    /// Every port there is to listen on: section, key, whether it is served, host, port.
    fn listeners(&self) -> [(&'static str, &'static str, bool, &str, Port); 9] {
        let Self {
            imap,
            pop3,
            lmtp,
            smtp_server: smtp,
            api,
            ..
        } = self;
        [
            ("imap", "port", imap.enabled, &imap.host, imap.port),
            ("imap", "tls_port", imap.enabled, &imap.host, imap.tls_port),
            ("pop3", "port", pop3.enabled, &pop3.host, pop3.port),
            ("pop3", "tls_port", pop3.enabled, &pop3.host, pop3.tls_port),
            ("lmtp", "port", lmtp.enabled, &lmtp.host, lmtp.port),
            ("smtp_server", "port", smtp.enabled, &smtp.host, smtp.port),
            (
                "smtp_server",
                "submission_port",
                smtp.enabled,
                &smtp.host,
                smtp.submission_port,
            ),
            (
                "smtp_server",
                "submissions_port",
                smtp.enabled,
                &smtp.host,
                smtp.submissions_port,
            ),
            ("api", "port", api.enabled, &api.host, api.port),
        ]
    }

    /// Authorities that nobody would ask: who names them believes that certificates are checked.
    fn idle_authorities(&self) -> Vec<ConfigError> {
        let database = self
            .database
            .as_ref()
            .is_some_and(|database| database.ca_file.is_some() && database.tls != DatabaseTls::Verify);
        let plain = |endpoint: &String| !endpoint.to_ascii_lowercase().starts_with("https:");
        let s3 = self
            .s3
            .as_ref()
            .is_some_and(|s3| s3.ca_file.is_some() && s3.endpoint.as_ref().is_some_and(plain));
        let idle = [
            ("database", database, "it is of use with tls = verify only"),
            (
                "s3",
                s3,
                "it is of use with an endpoint that begins with https:// only",
            ),
        ];
        let idle = idle.into_iter().filter(|(_, idle, _)| *idle);
        idle.filter_map(|(section, _, why)| Some(self.origin(section, "ca_file")?.error(why)))
            .collect()
    }

    /// Keys without which an optional section makes no sense.
    fn missing(&self) -> Vec<ConfigError> {
        let lacking = NEEDED
            .iter()
            .filter(|(section, key)| self.show(section, key).is_some_and(|text| text.is_empty()));
        let error = |(section, key): &(&str, &str)| {
            let at = self.origin(section, key).or_else(|| self.origin(section, ""))?;
            Some(at.error(&if at.key.is_empty() {
                format!("{key} is missing")
            } else {
                "expected text".into()
            }))
        };
        lacking.filter_map(error).chain(self.nowhere_to_scan()).collect()
    }
}

const NEEDED: &[(&str, &str)] = &[
    ("s3", "bucket"),
    ("tls", "certificate"),
    ("tls", "key"),
    ("smtp", "host"),
    ("dkim", "selector"),
    ("dkim", "key"),
    ("oauth", "issuer"),
    ("oauth", "audience"),
];

const AT_LEAST_ONE: &[(&str, &str)] = &[
    ("auth", "attempts_per_minute"),
    ("database", "pool_size"),
    ("garbage", "batch_size"),
    ("queue", "per_domain_connections"),
];

/// Limits that would shut everybody out at 0: all but those for which 0 means "never".
fn limit_keys() -> impl Iterator<Item = (&'static str, &'static str)> {
    const MAY_BE_ZERO: [&str; 6] = [
        "bad_command_delay_seconds",
        "bcrypt_queue",
        "connections_reserve_percent",
        "data_rate",
        "data_rate_after_seconds",
        "password_cache_seconds",
    ];
    let limits = TABLE
        .iter()
        .filter(|section| section.name == "limits")
        .flat_map(|section| section.keys);
    limits
        .map(|key| ("limits", key.name))
        .filter(|(_, key)| !MAY_BE_ZERO.contains(key))
}

/// Whether there is a SASL mechanism of this name.
fn is_mechanism(name: &str) -> bool {
    sasl::NAMES.iter().any(|known| known.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests;
