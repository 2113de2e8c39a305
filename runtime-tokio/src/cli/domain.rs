//! `lightmail domain add|remove|list|catch-all`.

use clap::Subcommand;
use lightmail_core::admin;
use lightmail_core::config::Config;
use lightmail_core::store::{
    Actor, DomainLine, DomainReply, DomainRequest, Failure, Refusal, Reply, Request,
};
use lightmail_storage::Storage;
use lightmail_storage::shell::{CliError, Clock, words};

use super::open;

/// Commands about the domains whose mail is ours. They work beside a running server.
#[derive(Subcommand)]
pub enum DomainCommand {
    /// Make a domain ours; that of a new account becomes ours by itself
    Add {
        /// The domain, such as example.com
        domain: String,
    },
    /// Make a domain none of ours, once no account and no alias is in it
    Remove {
        /// The domain
        domain: String,
    },
    /// List our domains
    List,
    /// Give mail for unknown addresses of a domain to an account
    CatchAll {
        /// The domain
        domain: String,
        /// The account's login name; none: such mail is refused
        account: String,
    },
}

/// Runs `lightmail domain …`.
pub async fn run(command: DomainCommand, config: &Config) -> Result<(), CliError> {
    let storage = open(config).await?;
    let result = match command {
        DomainCommand::Add { domain } => add(&storage, &domain).await,
        DomainCommand::Remove { domain } => remove(&storage, domain.to_lowercase()).await,
        DomainCommand::List => list(&storage).await,
        DomainCommand::CatchAll { domain, account } => {
            catch_all(&storage, domain.to_lowercase(), &account.to_lowercase()).await
        }
    };
    storage.close().await;
    result
}

/// Asks about domains and aliases. Errors begin with `what` the question was about, and say what to do.
pub(super) async fn ask_of(
    storage: &Storage,
    what: &str,
    request: DomainRequest,
) -> Result<DomainReply, CliError> {
    let is_alias = matches!(request, DomainRequest::AddAlias { .. });
    let domain = request.domain().unwrap_or_default().to_owned();
    match storage.run(Actor::Operator, Request::Domain(request)).await {
        Ok(Reply::Domain(reply)) => Ok(reply),
        Ok(_) => Err(other_answer()),
        Err(failure) => Err(CliError::failed(format!(
            "{what}: {}",
            reason(failure, &domain, is_alias)
        ))),
    }
}

fn reason(failure: Failure, domain: &str, is_alias: bool) -> String {
    match failure {
        Failure::Refused(Refusal::NotOurs) => {
            format!("{domain} is none of our domains; `lightmail domain add {domain}` makes it one")
        }
        Failure::Refused(Refusal::HasChildren) => {
            "it has addresses; delete the accounts and remove the aliases that `lightmail user list` and \
             `lightmail alias list` show in it"
                .into()
        }
        Failure::Refused(Refusal::AlreadyExists) if is_alias => "it is an account's own address".into(),
        Failure::Refused(Refusal::AlreadyExists) => "it is ours already".into(),
        failure => words(failure),
    }
}

pub(super) fn other_answer() -> CliError {
    CliError::failed("the store gave another answer than was asked for")
}

async fn add(storage: &Storage, domain: &str) -> Result<(), CliError> {
    let domain = admin::domain(domain).map_err(|why| CliError::usage(format!("{domain}: {why}")))?;
    let request = DomainRequest::Add {
        domain: domain.clone(),
        at_ms: Clock::start().now().unix_ms,
    };
    ask_of(storage, &domain, request).await?;
    say!("domain {domain} is ours");
    Ok(())
}

async fn remove(storage: &Storage, domain: String) -> Result<(), CliError> {
    let request = DomainRequest::Remove {
        domain: domain.clone(),
    };
    ask_of(storage, &domain, request).await?;
    say!("domain {domain} removed");
    Ok(())
}

async fn list(storage: &Storage) -> Result<(), CliError> {
    let DomainReply::Domains(lines) = ask_of(storage, "domains", DomainRequest::List).await? else {
        return Err(other_answer());
    };
    let width = lines.iter().map(|line| line.name.chars().count()).max();
    let width = width.unwrap_or(0).max(6);
    say!(
        "{:width$}  {:>8}  {:>7}  CATCH-ALL",
        "DOMAIN",
        "ACCOUNTS",
        "ALIASES"
    );
    for DomainLine {
        name,
        catch_all,
        accounts,
        aliases,
        ..
    } in lines
    {
        let catch_all = catch_all.as_deref().unwrap_or("none");
        say!("{name:width$}  {accounts:>8}  {aliases:>7}  {catch_all}");
    }
    Ok(())
}

async fn catch_all(storage: &Storage, domain: String, account: &str) -> Result<(), CliError> {
    let login = (account != "none").then(|| account.to_owned());
    let said = match &login {
        Some(login) => format!("mail for unknown addresses of {domain} goes to {login}"),
        None => format!("mail for unknown addresses of {domain} is refused"),
    };
    let what = format!("{domain}, {account}");
    ask_of(storage, &what, DomainRequest::SetCatchAll { domain, login }).await?;
    say!("{said}");
    Ok(())
}
