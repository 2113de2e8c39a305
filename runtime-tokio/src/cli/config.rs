//! `lightmail config check|show`, and how every command finds its configuration.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use lightmail_core::config::{self, Config};

use super::{CliError, DEFAULT_CONFIG};

/// Commands about the configuration.
#[derive(Subcommand)]
pub enum ConfigCommand {
    /// Say whether the configuration is right, and start nothing
    Check,
    /// Print every setting as it is in force, secrets masked
    Show,
}

/// A configuration and where it came from.
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// The file they were read from; `None`: the embedded default.
    pub file: Option<PathBuf>,
}

/// Reads the configuration: the file that is named, else the default file if it exists, else the embedded default.
/// Every error is reported at once, before anything is opened.
pub fn load(named: Option<&Path>, data: Option<&Path>) -> Result<Loaded, CliError> {
    let file = named
        .or_else(|| Some(Path::new(DEFAULT_CONFIG)).filter(|path| path.exists()))
        .map(Path::to_owned);
    let mut config = match &file {
        None => Config::default(),
        Some(path) => {
            let text = fs::read_to_string(path).map_err(|error| {
                CliError::usage(format!(
                    "{}: {error}; name a readable file with --config",
                    path.display()
                ))
            })?;
            let name = path.display().to_string();
            let config = config::parse(&name, &text).map_err(|errors| {
                CliError::usage(
                    errors
                        .iter()
                        .map(|error| format!("{error}\n"))
                        .collect::<String>(),
                )
            })?;
            check_files(&config)?;
            config
        }
    };
    if let Some(data) = data {
        config.server.data_dir = data.display().to_string();
    }
    Ok(Loaded { config, file })
}

fn check_files(config: &Config) -> Result<(), CliError> {
    let missing: String = config
        .files()
        .iter()
        .filter_map(|named| {
            fs::metadata(&named.path)
                .err()
                .map(|error| format!("{}\n", named.error(&error.to_string())))
        })
        .collect();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(CliError::usage(missing))
    }
}

/// Runs `lightmail config …`.
pub fn run(command: &ConfigCommand, loaded: &Loaded) -> Result<(), CliError> {
    let source = loaded.file.as_ref().map_or_else(
        || "no file: the embedded default".into(),
        |file| file.display().to_string(),
    );
    match command {
        ConfigCommand::Check => say!("{source}: right"),
        ConfigCommand::Show => say!("# {source}\n{}", config::describe(&loaded.config)),
    }
    Ok(())
}
