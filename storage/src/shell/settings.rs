//! How every program finds its configuration.

use std::fs;
use std::path::{Path, PathBuf};

use lightmail_core::config::{self, Config};

use super::{CliError, tls};

/// The configuration that is read when none is named, if it exists.
const DEFAULT_CONFIG: &str = "/etc/lightmail/config.ini";

/// A configuration and where it came from.
#[derive(Debug)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// The file they were read from; `None`: the embedded default.
    pub file: Option<PathBuf>,
}

/// Reads the configuration: the file that is named, else the default file if it exists, else the embedded default. `data`
/// takes the place of `[server] data_dir`.
///
/// Errors: all that is wrong, at once, before anything is opened.
pub fn load(named: Option<&Path>, data: Option<&Path>) -> Result<Loaded, CliError> {
    let file = named
        .or_else(|| Some(Path::new(DEFAULT_CONFIG)).filter(|path| path.exists()))
        .map(Path::to_owned);
    let mut config = file.as_deref().map_or_else(|| Ok(Config::default()), read)?;
    if let Some(data) = data {
        config.server.data_dir = data.display().to_string();
    }
    Ok(Loaded { config, file })
}

fn read(path: &Path) -> Result<Config, CliError> {
    let name = path.display().to_string();
    let text = fs::read_to_string(path)
        .map_err(|error| CliError::usage(format!("{name}: {error}; name a readable file with --config")))?;
    let config = config::parse(&name, &text).map_err(|errors| {
        let lines: String = errors.iter().map(|error| format!("{error}\n")).collect();
        CliError::usage(lines)
    })?;
    check_files(&config)?;
    tls::check(&config)?;
    Ok(config)
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
