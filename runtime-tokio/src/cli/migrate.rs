//! `lightmail migrate`: brings the database to this version, as the server does too when it starts.

use lightmail_core::config::Config;
use lightmail_storage::Storage;
use lightmail_storage::shell::CliError;

/// Brings the database to this version and says what was done. Killed at any point, it is run again.
pub async fn run(config: &Config) -> Result<(), CliError> {
    match Storage::migrate(config).await.map_err(CliError::failed)? {
        (from, to) if from == to => say!("the database is at version {to} already"),
        (0, to) => say!("the database was made, at version {to}"),
        (from, to) => say!("the database was brought from version {from} to version {to}"),
    }
    Ok(())
}
