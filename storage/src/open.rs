//! How a database is opened: found, brought to this version, and looked over.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use lightmail_core::config;

use crate::objects::folder::make_folder;
use crate::open_error::OpenError;
use crate::sql::conn::Conn;
use crate::sql::database::Database;
use crate::sql::mysql::MySql;
use crate::sql::schema::{self, MigrateError, Migrated, STEPS};
use crate::sql::settings;
use crate::trust;

/// The database's file below the data folder.
const DATABASE: &str = "lightmail.db";

/// Whether a database may be changed by being opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// It is made if it is not there, and brought to this version.
    Make,
    /// It is there and of this version, or it is an error.
    Find,
}

/// The SQLite file of a folder.
pub(crate) async fn sqlite(data_dir: &Path, way: Way) -> Result<(Database, Migrated), OpenError> {
    let (root, path) = (data_dir.to_owned(), data_dir.join(DATABASE));
    let there = blocking::unblock(move || match way {
        Way::Make => make_file(&root),
        Way::Find => fs::metadata(root.join(DATABASE)).map(drop),
    });
    match there.await {
        Err(error) if way == Way::Find && error.kind() == io::ErrorKind::NotFound => {
            return Err(OpenError::nothing(path.display().to_string()));
        }
        there => there.map_err(|error| OpenError::folder(data_dir, &error))?,
    }
    let database = Database::sqlite(path.clone());
    let mut conn = database
        .writer()
        .await
        .map_err(|error| OpenError::database(&path, &error))?;
    let migrated = bring(&mut conn, way, path.display().to_string()).await?;
    Ok((database, migrated))
}

/// Brings a database to this version, or sees that it is.
async fn bring(conn: &mut Conn, way: Way, place: String) -> Result<Migrated, OpenError> {
    let found = match way {
        Way::Make => schema::migrate(conn).await,
        Way::Find => schema::version(conn).await.map(|version| Migrated {
            from: version,
            to: version,
        }),
    };
    match found {
        Err(error) => Err(OpenError::migration(place, &error)),
        Ok(Migrated { to: 0, .. }) => Err(OpenError::nothing(place)),
        Ok(Migrated { to, .. }) if to < STEPS.len() => Err(OpenError::outdated(place, to, STEPS.len())),
        Ok(Migrated { to, .. }) if to > STEPS.len() => {
            Err(OpenError::migration(place, &MigrateError::Newer(to)))
        }
        Ok(migrated) => Ok(migrated),
    }
}

/// A database of a MySQL server.
pub(crate) async fn mysql(config: &config::Database, way: Way) -> Result<(Database, Migrated), OpenError> {
    if let Some(file) = &config.ca_file {
        trust::authorities(&file.0).map_err(|error| OpenError::authorities("[database] ca_file", &error))?;
    }
    let mysql = MySql::new(config).map_err(|error| OpenError::password(&error))?;
    let place = mysql.place().to_owned();
    let away = |error: &sqlx::Error| OpenError::server(&place, error);
    let mut conn = mysql.writer().await.map_err(|error| away(&error))?;
    let found = settings::check(&mut conn).await.map_err(|error| away(&error))?;
    mysql.try_packet(&mut conn).await.map_err(|error| away(&error))?;
    for setting in found.map_err(|old| OpenError::too_old(&place, old))? {
        tracing::warn!(
            setting = setting.setting,
            value = %setting.value,
            wanted = setting.wanted,
            risk = setting.risk,
            "store.database.unsafe"
        );
    }
    if way == Way::Make {
        mysql.forget_old_marks(&mut conn).await;
    }
    let migrated = bring(&mut Conn::MySql(conn), way, place).await?;
    Ok((Database::mysql(mysql, config.pool_size), migrated))
}

/// Makes the data folder.
pub(crate) fn make_data_folder(root: &Path) -> io::Result<()> {
    make_folder(root)?;
    // A folder that was just made is in no safe place before the one above it is.
    if let Some(above) = fs::canonicalize(root)?.parent() {
        fs::File::open(above)?.sync_all()?;
    }
    Ok(())
}

/// The database's file, for nobody else to read: SQLite gives its other files the mode of the first.
fn make_file(root: &Path) -> io::Result<()> {
    make_data_folder(root)?;
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(root.join(DATABASE))
        .map(drop)
}
