//! The command line: what was asked, and with which configuration.

/// A line on standard output. A reader who has gone (`… | head`) is no error.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), $($text)*);
    }};
}

mod config;
mod user;

pub use config::Loaded;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use lightmail_core::config::{Config, Log, LogLevel};
use lightmail_storage::Storage;

use crate::{log, serve};

pub use user::{make_account, random_octets};

/// The configuration that is read when none is named, if it exists.
const DEFAULT_CONFIG: &str = "/etc/lightmail/config.ini";

/// LightMail, a mail server. Without a command it serves; without a configuration it serves from ./data on loopback.
#[derive(Parser)]
#[command(name = "lightmail", version)]
struct Args {
    /// The configuration file [default: /etc/lightmail/config.ini if it exists]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data folder [default: data_dir of the configuration, or ./data]
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve (the default)
    Serve,
    /// Check or show the configuration
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Add, list and delete accounts, set passwords
    #[command(subcommand)]
    User(user::UserCommand),
}

/// What went wrong, for a person; and the exit status: 2 for a wrong configuration or command line, 1 for the rest.
pub struct CliError {
    words: String,
    status: u8,
}

impl std::fmt::Display for CliError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.words.trim_end())
    }
}

impl CliError {
    /// Something failed.
    pub fn failed(words: impl std::fmt::Display) -> Self {
        Self {
            words: words.to_string(),
            status: 1,
        }
    }

    /// The command line or the configuration is wrong.
    pub fn usage(words: impl std::fmt::Display) -> Self {
        Self {
            words: words.to_string(),
            status: 2,
        }
    }
}

/// Runs what the command line asks for.
pub fn run() -> ExitCode {
    let args = Args::parse();
    match dispatch(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(error.status)
        }
    }
}

fn dispatch(args: Args) -> Result<(), CliError> {
    let loaded = config::load(args.config.as_deref(), args.data.as_deref())?;
    match args.command.unwrap_or(Command::Serve) {
        Command::Serve => {
            log::start(&loaded.config.log);
            runtime()?.block_on(serve::serve(loaded))
        }
        Command::Config(command) => config::run(&command, &loaded),
        Command::User(command) => {
            log::start(&quiet());
            runtime()?.block_on(user::run(command, &loaded.config))
        }
    }
}

/// Commands say what they did themselves; only warnings are logged.
fn quiet() -> Log {
    Log {
        level: LogLevel::Warn,
        ..Log::default()
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, CliError> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::failed(format!("the runtime cannot start: {error}")))
}

async fn open(config: &Config) -> Result<Storage, CliError> {
    Storage::open(config).await.map_err(CliError::failed)
}
