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
use crate::sql::schema::{self, Migrated};
use crate::sql::settings;
use crate::trust;

/// The database's file below the data folder.
const DATABASE: &str = "lightmail.db";

/// The SQLite file of a folder; both are made if they are not there.
pub(crate) async fn sqlite(data_dir: &Path) -> Result<(Database, Migrated), OpenError> {
    let (root, path) = (data_dir.to_owned(), data_dir.join(DATABASE));
    let made = blocking::unblock(move || make_file(&root)).await;
    made.map_err(|error| OpenError::folder(data_dir, &error))?;
    let database = Database::sqlite(path.clone());
    let mut conn = database
        .writer()
        .await
        .map_err(|error| OpenError::database(&path, &error))?;
    let migrated = schema::migrate(&mut conn)
        .await
        .map_err(|error| OpenError::migration(path.display().to_string(), &error))?;
    Ok((database, migrated))
}

/// A database of a MySQL server.
pub(crate) async fn mysql(config: &config::Database) -> Result<(Database, Migrated), OpenError> {
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
    mysql.forget_old_marks(&mut conn).await;
    let mut conn = Conn::MySql(conn);
    let migrated = schema::migrate(&mut conn)
        .await
        .map_err(|error| OpenError::migration(place.clone(), &error))?;
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
