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
use lightmail_storage::shell::{CliError, load, log};

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
        Command::Migrate => {
            let loaded = loaded()?;
            log::start(&quiet());
            runtime()?.block_on(migrate::run(&loaded.config))
        }
        Command::User(command) => {
            let loaded = loaded()?;
            log::start(&quiet());
            runtime()?.block_on(user::run(command, &loaded.config))
        }
        Command::Domain(command) => {
            let loaded = loaded()?;
            log::start(&quiet());
            runtime()?.block_on(domain::run(command, &loaded.config))
        }
        Command::Alias(command) => {
            let loaded = loaded()?;
            log::start(&quiet());
            runtime()?.block_on(alias::run(command, &loaded.config))
        }
        Command::Throttle(command) => {
            let loaded = loaded()?;
            log::start(&quiet());
            runtime()?.block_on(throttle::run(command, &loaded.config))
        }
        Command::Undelete(command) => {
            let loaded = loaded()?;
            log::start(&quiet());
            runtime()?.block_on(mail::undelete::run(&command, &loaded.config))
        }
        Command::Import(command) => {
            let loaded = loaded()?;
            log::start(&quiet());
            runtime()?.block_on(mail::import::run(&command, &loaded.config))
        }
        Command::Export(command) => {
            let loaded = loaded()?;
            log::start(&quiet());
            runtime()?.block_on(mail::export::run(&command, &loaded.config))
        }
        Command::Garbage(command) => {
            let loaded = loaded()?;
            log::start(&quiet());
            runtime()?.block_on(garbage::run(&command, &loaded.config))
        }
        Command::Fsck(command) => {
            let loaded = loaded()?;
            log::start(&quiet());
            runtime()?.block_on(fsck::run(&command, &loaded.config))
        }
        Command::Admin(command) => {
            let loaded = loaded()?;
            log::start(&quiet());
            runtime()?.block_on(admin::run(&command, &loaded.config))
        }
        // A record says everything itself, and may come from elsewhere.
        Command::Replay(command) => replay::run(&command),
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

/// The store that is there.
async fn open(config: &Config) -> Result<Storage, CliError> {
    Storage::find(config).await.map_err(CliError::failed)
}
