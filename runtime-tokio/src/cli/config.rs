//! `lightmail config check|show`.

use clap::Subcommand;
use lightmail_core::config;
use lightmail_storage::shell::Loaded;

/// Commands about the configuration.
#[derive(Subcommand)]
pub enum ConfigCommand {
    /// Say whether the configuration is right, and start nothing
    Check,
    /// Print every setting as it is in force, secrets masked
    Show,
}

/// Runs `lightmail config …`.
pub fn run(command: &ConfigCommand, loaded: &Loaded) {
    let source = loaded.file.as_ref().map_or_else(
        || "no file: the embedded default".into(),
        |file| file.display().to_string(),
    );
    match command {
        ConfigCommand::Check => say!("{source}: right"),
        ConfigCommand::Show => say!("# {source}\n{}", config::describe(&loaded.config)),
    }
}
