//! `lightmail admin …`: what an operator does after an accident.

use clap::{Args, Subcommand};
use lightmail_core::config::Config;
use lightmail_core::store::Failure;
use lightmail_storage::Bump;
use lightmail_storage::shell::{CliError, Clock};

use super::open;

/// Commands for after an accident.
#[derive(Subcommand)]
pub enum AdminCommand {
    /// Pass over the UIDs and MODSEQs that a restored database would give again
    Bump(BumpCommand),
}

/// What is raised.
#[derive(Args)]
pub struct BumpCommand {
    /// The database was restored, or lost its last commits. Stop all servers first
    #[arg(long, required = true)]
    after_restore: bool,
    /// Give every mailbox a new UIDVALIDITY: clients fetch everything anew
    #[arg(long)]
    hard: bool,
}

/// Runs `lightmail admin …`.
pub async fn run(command: &AdminCommand, config: &Config) -> Result<(), CliError> {
    let AdminCommand::Bump(BumpCommand { hard, .. }) = command;
    let storage = open(config).await?;
    // Sessions of a running server would go on with the old numbers.
    storage.occupy().map_err(CliError::failed)?;
    let bump = Bump {
        hard: *hard,
        at_ms: Clock::start().now().unix_ms,
    };
    let bumped = storage.bump(bump).await;
    storage.close().await;
    let bumped = bumped.map_err(|failure| CliError::failed(failed(&failure)))?;
    say!(
        "numbers of {} accounts raised; servers may start",
        bumped.accounts
    );
    if bumped.full > 0 {
        say!(
            "{} mailboxes have no room for more UIDs: run it again with --hard",
            bumped.full
        );
    }
    Ok(())
}

fn failed(failure: &Failure) -> String {
    let why = match failure {
        Failure::Unavailable { .. } => "the database or the bucket does not answer",
        Failure::Refused(_) => "there is no room on the disk",
        Failure::Broken(fault) => &fault.0,
    };
    format!("not all accounts are done: {why}; run it again, it goes on where it ended")
}
