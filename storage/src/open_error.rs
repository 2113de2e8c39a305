//! Why a storage cannot be opened: what, where, and what to do.

use std::fmt;
use std::io;
use std::path::Path;

use crate::sql::schema::MigrateError;

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
            what: "cannot serve from the folder",
            place: data_dir.display().to_string(),
            why: format!("another server does (process {process})"),
            remedy: "stop that server, or give this one another [server] data_dir",
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

    pub(crate) fn migration(path: &Path, error: &MigrateError) -> Self {
        let (why, remedy) = match error {
            MigrateError::Sql(error) => return Self::database(path, error),
            MigrateError::Newer(version) => (
                format!("its schema is version {version}, made by a later LightMail"),
                "run that version, or restore the backup that was made before the upgrade",
            ),
            MigrateError::Damaged(why) => (
                why.clone(),
                "restore a backup; the file is not a database that LightMail made",
            ),
        };
        Self {
            what: "cannot use the database",
            place: path.display().to_string(),
            why,
            remedy,
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

    pub(crate) fn section(section: &str) -> Self {
        Self {
            what: "cannot use the section",
            place: format!("[{section}]"),
            why: "this version keeps metadata in SQLite, in data_dir".into(),
            remedy: "remove the section from the configuration",
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}; {}", self.what, self.place, self.why, self.remedy)
    }
}

impl std::error::Error for OpenError {}
