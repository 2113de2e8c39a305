//! Why a storage cannot be opened: what, where, and what to do.

use std::fmt;
use std::io;
use std::path::Path;

use lightmail_core::config;
use lightmail_core::store::Failure;
use sqlx::mysql::MySqlDatabaseError;

use crate::sql::schema::MigrateError;
use crate::sql::settings::TooOld;
use crate::trust;

/// Why a storage cannot be opened. It prints as what failed, where, why, and what to do about it.
#[derive(Debug)]
pub struct OpenError {
    what: &'static str,
    place: String,
    why: String,
    remedy: &'static str,
}

impl OpenError {
    pub(crate) fn folder(path: &Path, error: &io::Error) -> Self {
        Self {
            what: "cannot use the folder",
            place: path.display().to_string(),
            why: error.to_string(),
            remedy: "make it belong to the user that LightMail runs as, or set [server] data_dir to another",
        }
    }

    pub(crate) fn occupied(data_dir: &Path, process: &str) -> Self {
        Self {
            what: "cannot have the folder",
            place: data_dir.display().to_string(),
            why: format!("a server has it (process {process})"),
            remedy: "stop that server, or use another [server] data_dir",
        }
    }

    pub(crate) fn node(address: &str, error: &io::Error) -> Self {
        Self {
            what: "cannot hear other nodes on",
            place: format!("UDP {address}"),
            why: error.to_string(),
            remedy: "set [server] node_address to an address of this machine, host:port, whose UDP port is free",
        }
    }

    pub(crate) fn database(path: &Path, error: &sqlx::Error) -> Self {
        Self {
            what: "cannot open the database",
            place: path.display().to_string(),
            why: error.to_string(),
            remedy: "see that the file is readable and writable, is no other program's, and that its disk has room",
        }
    }

    pub(crate) fn migration(place: String, error: &MigrateError) -> Self {
        let (why, remedy) = match error {
            MigrateError::Sql(error) => (error.to_string(), database_remedy(error)),
            MigrateError::Newer(version) => (
                format!("its schema is version {version}, made by a later LightMail"),
                "run that version, or restore the backup that was made before the upgrade",
            ),
            MigrateError::Locked => (
                "another LightMail has been changing its schema for a minute".into(),
                "wait until that one is done",
            ),
            MigrateError::Damaged(why) => (
                why.clone(),
                "restore a backup; this is not a database that LightMail made",
            ),
        };
        Self {
            what: "cannot use the database",
            place,
            why,
            remedy,
        }
    }

    pub(crate) fn nothing(place: String) -> Self {
        Self {
            what: "cannot open the database",
            place,
            why: "nothing is there".into(),
            remedy: "name the right one by --config or --data; `lightmail` (serve) makes a new one",
        }
    }

    pub(crate) fn outdated(place: String, found: usize, wanted: usize) -> Self {
        Self {
            what: "cannot use the database",
            place,
            why: format!("its schema is version {found}, and this LightMail works with version {wanted}"),
            remedy: "use the program of that version, or stop servers of that version and run `lightmail migrate`",
        }
    }

    pub(crate) fn server(place: &str, error: &sqlx::Error) -> Self {
        Self {
            what: "cannot open the database",
            place: place.to_owned(),
            why: error.to_string(),
            remedy: database_remedy(error),
        }
    }

    pub(crate) fn too_old(place: &str, too_old: TooOld) -> Self {
        Self {
            what: "cannot use the database server",
            place: place.to_owned(),
            why: too_old.0,
            remedy: "upgrade it, or remove [database] to keep metadata in SQLite",
        }
    }

    pub(crate) fn password(error: &io::Error) -> Self {
        Self {
            what: "cannot read",
            place: "[database] password_file".into(),
            why: error.to_string(),
            remedy: "make the file readable for the user that LightMail runs as",
        }
    }

    pub(crate) fn tokens(oauth: &config::OAuth, why: &str) -> Self {
        let (what, place, remedy) = match (&oauth.jwks_file, &oauth.key_file, &oauth.introspection_url) {
            (Some(file), _, _) => (
                "cannot take keys from",
                format!("[oauth] jwks_file {}", file.0),
                "store there what the authorization server publishes as its jwks_uri",
            ),
            (None, Some(file), _) => (
                "cannot take a key from",
                format!("[oauth] key_file {}", file.0),
                "store there the authorization server's public key as PEM, or correct [oauth] algorithms",
            ),
            (None, None, url) => (
                "cannot ask",
                format!("[oauth] introspection_url {}", url.as_deref().unwrap_or_default()),
                "correct the address, or the files of the password and of the authorities",
            ),
        };
        Self {
            what,
            place,
            why: why.to_owned(),
            remedy,
        }
    }

    pub(crate) fn authorities(key: &'static str, error: &io::Error) -> Self {
        Self {
            what: "cannot use",
            place: key.into(),
            why: error.to_string(),
            remedy: "put the certificate of the authority into it, as PEM, for the user that LightMail runs as to read",
        }
    }

    pub(crate) fn epoch(database: u64, objects: u64) -> Self {
        Self {
            what: "cannot serve from",
            place: "this database".into(),
            why: format!(
                "it is older than the bodies (epoch {database}, theirs is {objects}): it was restored from a backup, is a \
                 replica that lacks the last commits, or another one than before, and would give UIDs twice"
            ),
            remedy: "see that [database], [s3] and data_dir are the right ones; then run `lightmail admin bump --after-restore`",
        }
    }

    pub(crate) fn epoch_unknown(failure: &Failure) -> Self {
        Self {
            what: "cannot find out",
            place: "the epoch of database and bodies".into(),
            why: failure.to_string(),
            remedy: "see that the database and the bucket or folder are there, and what the log says of them",
        }
    }

    pub(crate) fn cache(path: &Path, error: &io::Error) -> Self {
        Self {
            remedy: "make it belong to the user that LightMail runs as, or set [s3] cache_dir to another, or to nothing",
            ..Self::folder(path, error)
        }
    }

    pub(crate) fn bucket(place: &str, why: String, remedy: &'static str) -> Self {
        Self {
            what: "cannot use the bucket",
            place: place.to_owned(),
            why,
            remedy,
        }
    }

    pub(crate) fn no_keys() -> Self {
        Self {
            what: "cannot use the section",
            place: "[s3]".into(),
            why: "there are no keys: access_key is empty and so is the environment".into(),
            remedy: "set access_key and secret_key, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment",
        }
    }

    pub(crate) fn threads(whose: &str, error: &io::Error) -> Self {
        Self {
            what: "cannot start threads",
            place: whose.to_owned(),
            why: error.to_string(),
            remedy: "raise the limit of processes of the user that LightMail runs as",
        }
    }
}

/// What to do about an error of a database server, or of a file.
fn database_remedy(error: &sqlx::Error) -> &'static str {
    let number = error
        .as_database_error()
        .and_then(|error| error.try_downcast_ref::<MySqlDatabaseError>())
        .map(MySqlDatabaseError::number);
    match (number, error) {
        (Some(1045 | 1698), _) => "correct [database] user and password, or create that user in the server",
        (Some(1044 | 1142), _) => "GRANT ALL on the database to the user of [database]",
        (Some(1049), _) => "make it with `mysql -u root -p < sql/schema.sql`, or correct [database] database",
        (Some(1040 | 1203), _) => "raise max_connections of the server, or lower [database] pool_size",
        (Some(1290 | 1792 | 1836), _) => "switch read_only off, or point [database] to the primary",
        (None, sqlx::Error::Tls(_)) => "correct [database] tls, or give the server a certificate",
        (None, error) if trust::is_of_tls(error) => {
            "correct [database] tls, host or ca_file, or the server's certificate"
        }
        (None, sqlx::Error::Configuration(_)) => {
            "set [database] tls = require: this user's password goes through TLS only (caching_sha2_password)"
        }
        (None, sqlx::Error::Io(_)) => "start the database server, or correct [database] host, port or socket",
        _ => "see that the database is readable and writable and that its disk has room",
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}; {}", self.what, self.place, self.why, self.remedy)
    }
}

impl std::error::Error for OpenError {}
