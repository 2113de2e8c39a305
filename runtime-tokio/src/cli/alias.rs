//! `lightmail alias add|remove|list`.

use std::collections::BTreeMap;

use clap::Subcommand;
use lightmail_core::admin;
use lightmail_core::config::Config;
use lightmail_core::store::{DomainReply, DomainRequest};
use lightmail_storage::Storage;
use lightmail_storage::shell::CliError;

use super::domain::{ask_of, other_answer};
use super::open;

/// Commands about addresses that lead to accounts. They work beside a running server.
#[derive(Subcommand)]
pub enum AliasCommand {
    /// Let an address lead to accounts, beside those that it leads to already
    Add {
        /// The address, in one of our domains
        address: String,
        /// The accounts' login names
        #[arg(required = true)]
        accounts: Vec<String>,
    },
    /// Let an address lead to some accounts no more, or to none
    Remove {
        /// The address
        address: String,
        /// The accounts' login names [default: all]
        accounts: Vec<String>,
    },
    /// List the addresses and where they lead
    List,
}

/// Runs `lightmail alias …`.
pub async fn run(command: AliasCommand, config: &Config) -> Result<(), CliError> {
    let storage = open(config).await?;
    let result = match command {
        AliasCommand::Add { address, accounts } => add(&storage, &address, &accounts).await,
        AliasCommand::Remove { address, accounts } => {
            remove(&storage, address.to_lowercase(), &accounts).await
        }
        AliasCommand::List => list(&storage).await,
    };
    storage.close().await;
    result
}

async fn add(storage: &Storage, address: &str, accounts: &[String]) -> Result<(), CliError> {
    let address = admin::address(address).map_err(|why| CliError::usage(format!("{address}: {why}")))?;
    let logins = lower(accounts);
    let to = logins.join(", ");
    let request = DomainRequest::AddAlias {
        address: address.clone(),
        logins,
    };
    ask_of(storage, &format!("{address}, {to}"), request).await?;
    say!("{address} leads to {to}");
    Ok(())
}

async fn remove(storage: &Storage, address: String, accounts: &[String]) -> Result<(), CliError> {
    let logins = lower(accounts);
    let from = match logins.is_empty() {
        true => String::new(),
        false => format!(" to {}", logins.join(", ")),
    };
    let request = DomainRequest::RemoveAlias {
        address: address.clone(),
        logins,
    };
    match ask_of(storage, &address, request).await? {
        DomainReply::AliasRemoved(0) => Err(CliError::failed(format!(
            "{address}: there is no such alias{from}; `lightmail alias list` shows them"
        ))),
        _ => {
            say!("alias {address}{from} removed");
            Ok(())
        }
    }
}

async fn list(storage: &Storage) -> Result<(), CliError> {
    let DomainReply::Aliases(lines) = ask_of(storage, "aliases", DomainRequest::ListAliases).await? else {
        return Err(other_answer());
    };
    let mut aliases: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in lines {
        aliases.entry(line.address).or_default().push(line.login);
    }
    let width = aliases.keys().map(|address| address.chars().count()).max();
    let width = width.unwrap_or(0).max(5);
    say!("{:width$}  ACCOUNTS", "ALIAS");
    for (address, accounts) in aliases {
        say!("{address:width$}  {}", accounts.join(", "));
    }
    Ok(())
}

fn lower(logins: &[String]) -> Vec<String> {
    logins.iter().map(|login| login.to_lowercase()).collect()
}
