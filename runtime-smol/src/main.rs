//! LightMail on smol: the same machines, storage and configuration as the daemon on tokio, without its operator's commands.

mod listen;
mod serve;
mod session;
mod tasks;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use lightmail_storage::shell::{CliError, load, log};

/// LightMail on smol. It serves; without a configuration it serves from ./data on loopback.
#[derive(Parser)]
#[command(name = "lightmail-smol", version, about)]
struct Args {
    /// What to do
    #[arg(default_value = "serve")]
    command: Command,
    /// The configuration file [default: /etc/lightmail/config.ini if it exists]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data folder [default: data_dir of the configuration, or ./data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

#[derive(Clone, ValueEnum)]
enum Command {
    Serve,
}

fn main() -> ExitCode {
    CliError::exit(run(Args::parse()))
}

fn run(args: Args) -> Result<(), CliError> {
    let Command::Serve = args.command;
    let loaded = load(args.config.as_deref(), args.data.as_deref())?;
    log::start(&loaded.config.log);
    tasks::start_threads().map_err(|error| CliError::failed(format!("the runtime cannot start: {error}")))?;
    smol::block_on(serve::serve(loaded))
}
