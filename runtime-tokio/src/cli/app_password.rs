//! `lightmail user app-password add|list|remove`.

use clap::Subcommand;
use lightmail_core::admin;
use lightmail_core::store::{AppPasswordLine, LABEL_LEN_MAX, NewAppPassword, Reply, Request, Scopes};
use lightmail_core::wire::date::Day;
use lightmail_storage::Storage;
use lightmail_storage::shell::{CliError, Clock, ask, random_seed};

/// Commands about app passwords.
#[derive(Subcommand)]
pub enum AppPasswordCommand {
    /// Make an app password; it is shown once
    Add {
        /// The login name
        login: String,
        /// What it is for, as its owner calls it: phone, printer
        label: String,
        /// Where it may be used: some of imap, pop3, smtp, dav, with commas between them, or all
        #[arg(long, default_value = "all", value_name = "SERVICES")]
        scope: String,
        /// In how many days it ends [default: never]
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
        days: Option<u32>,
    },
    /// List an account's app passwords
    List {
        /// The login name
        login: String,
    },
    /// Take an app password away
    Remove {
        /// The login name
        login: String,
        /// Which
        label: String,
    },
}

/// Runs `lightmail user app-password …`.
pub async fn run(command: AppPasswordCommand, storage: &Storage) -> Result<(), CliError> {
    match command {
        AppPasswordCommand::Add {
            login,
            label,
            scope,
            days,
        } => add(storage, login.to_lowercase(), label, &scope, days).await,
        AppPasswordCommand::List { login } => list(storage, login.to_lowercase()).await,
        AppPasswordCommand::Remove { login, label } => remove(storage, login.to_lowercase(), label).await,
    }
}

async fn add(
    storage: &Storage,
    login: String,
    label: String,
    scope: &str,
    days: Option<u32>,
) -> Result<(), CliError> {
    if label.is_empty() || label.len() > LABEL_LEN_MAX || label.contains(char::is_control) {
        return Err(CliError::usage(format!(
            "a label has 1 to {LABEL_LEN_MAX} octets and no control characters"
        )));
    }
    let scopes = Scopes::parse(scope).map_err(|word| {
        CliError::usage(format!(
            "{word:?} is no service; there are imap, pop3, smtp, dav, and all"
        ))
    })?;
    let at_ms = Clock::start().now().unix_ms;
    let password = admin::app_password(&mut random_seed()?);
    let new = NewAppPassword {
        login: login.clone(),
        hash: admin::app_password_hash(&password),
        scopes,
        until_ms: days.map(|days| at_ms + u64::from(days) * 86_400_000),
        at_ms,
        label,
    };
    ask(storage, &login, Request::AddAppPassword(new)).await?;
    say!("{}", password.0);
    eprintln!("this is the password for {scopes}; it is not shown again");
    Ok(())
}

async fn list(storage: &Storage, login: String) -> Result<(), CliError> {
    let request = Request::ListAppPasswords { login: login.clone() };
    let Reply::AppPasswords(lines) = ask(storage, &login, request).await? else {
        return Err(CliError::failed(
            "the store gave another answer than was asked for",
        ));
    };
    let width = lines
        .iter()
        .map(|line| line.label.chars().count())
        .max()
        .unwrap_or(0)
        .max(5);
    say!("{:width$}  {:18}  {:10}  UNTIL", "LABEL", "SERVICES", "MADE");
    for AppPasswordLine {
        label,
        scopes,
        until_ms,
        created_at_ms,
    } in lines
    {
        let until = until_ms.map_or("never".to_owned(), day);
        say!(
            "{label:width$}  {:18}  {}  {until}",
            scopes.to_string(),
            day(created_at_ms)
        );
    }
    Ok(())
}

async fn remove(storage: &Storage, login: String, label: String) -> Result<(), CliError> {
    let request = Request::RemoveAppPassword {
        login: login.clone(),
        label: label.clone(),
    };
    match ask(storage, &login, request).await? {
        Reply::AppPasswordRemoved(true) => say!("app password {label} of {login} removed"),
        _ => {
            return Err(CliError::failed(format!(
                "{login}: there is no app password {label}; `lightmail user app-password list {login}` shows them"
            )));
        }
    }
    Ok(())
}

/// The day of a moment, in UTC.
fn day(at_ms: u64) -> String {
    let days = i32::try_from(at_ms / 86_400_000).unwrap_or(i32::MAX);
    let (year, month, day) = Day(days).civil();
    format!("{year:04}-{month:02}-{day:02}")
}
