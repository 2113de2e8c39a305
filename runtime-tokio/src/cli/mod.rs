//! The command line: what was asked, and with which configuration.

/// A line on standard output. A reader who has gone (`… | head`) is no error.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), $($text)*);
    }};
}

mod admin;
mod alias;
mod app_password;
mod config;
mod domain;
mod fsck;
mod garbage;
mod mail;
mod migrate;
mod moment;
mod replay;
mod throttle;
mod user;
mod user_import;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use lightmail_core::config::{Config, Log, LogLevel};
use lightmail_storage::Storage;
use lightmail_storage::shell::{CliError, Loaded, load, log};

use crate::serve;

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
    /// Bring the database to this version, without serving
    Migrate,
    /// Add, list and delete accounts, set passwords
    #[command(subcommand)]
    User(user::UserCommand),
    /// Which domains are ours, and where mail for unknown addresses goes
    #[command(subcommand)]
    Domain(domain::DomainCommand),
    /// Addresses that lead to one or several accounts
    #[command(subcommand)]
    Alias(alias::AliasCommand),
    /// List who has given wrong passwords, and let them try again
    #[command(subcommand)]
    Throttle(throttle::ThrottleCommand),
    /// Check the whole store, and repair it
    Fsck(fsck::FsckCommand),
    /// What to do after an accident
    #[command(subcommand)]
    Admin(admin::AdminCommand),
    /// Remove what was deleted long enough ago, or count it
    #[command(subcommand)]
    Garbage(garbage::GarbageCommand),
    /// Bring deleted messages back, as long as they are kept
    Undelete(mail::undelete::UndeleteCommand),
    /// Import the messages of Maildirs and mboxes
    Import(mail::import::ImportCommand),
    /// Export messages as a Maildir or mboxes
    Export(mail::export::ExportCommand),
    /// Feed the record of a session that broke to the core again, and show each step
    Replay(replay::ReplayCommand),
}

/// Runs what the command line asks for.
pub fn run() -> ExitCode {
    CliError::exit(dispatch(Args::parse()))
}

fn dispatch(args: Args) -> Result<(), CliError> {
    let loaded = || load(args.config.as_deref(), args.data.as_deref());
    match args.command.unwrap_or(Command::Serve) {
        Command::Serve => {
            let loaded = loaded()?;
            log::start(&loaded.config.log);
            runtime()?.block_on(serve::serve(loaded))
        }
        Command::Config(command) => {
            config::run(&command, &loaded()?);
            Ok(())
        }
        Command::Migrate => on_store(loaded()?, async |config| migrate::run(config).await),
        Command::User(command) => on_store(loaded()?, async |config| user::run(command, config).await),
        Command::Domain(command) => on_store(loaded()?, async |config| domain::run(command, config).await),
        Command::Alias(command) => on_store(loaded()?, async |config| alias::run(command, config).await),
        Command::Throttle(command) => {
            on_store(loaded()?, async |config| throttle::run(command, config).await)
        }
        Command::Undelete(command) => on_store(loaded()?, async |config| {
            mail::undelete::run(&command, config).await
        }),
        Command::Import(command) => on_store(loaded()?, async |config| {
            mail::import::run(&command, config).await
        }),
        Command::Export(command) => on_store(loaded()?, async |config| {
            mail::export::run(&command, config).await
        }),
        Command::Garbage(command) => on_store(loaded()?, async |config| garbage::run(&command, config).await),
        Command::Fsck(command) => on_store(loaded()?, async |config| fsck::run(&command, config).await),
        Command::Admin(command) => on_store(loaded()?, async |config| admin::run(&command, config).await),
        // A record says everything itself, and may come from elsewhere.
        Command::Replay(command) => replay::run(&command),
    }
}

/// Runs a command on the store that the configuration names.
fn on_store(loaded: Loaded, run: impl AsyncFnOnce(&Config) -> Result<(), CliError>) -> Result<(), CliError> {
    log::start(&quiet());
    runtime()?.block_on(run(&loaded.config))
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

/// The store that is there.
async fn open(config: &Config) -> Result<Storage, CliError> {
    Storage::find(config).await.map_err(CliError::failed)
}
