//! `lightmail user add|passwd|list|delete|import|app-password`.

use std::io::{self, IsTerminal};
use std::path::PathBuf;

use clap::Subcommand;
use lightmail_core::admin;
use lightmail_core::config::Config;
use lightmail_core::machine::Secret;
use lightmail_core::store::{Access, AccountLine, Reply, Request};
use lightmail_storage::Storage;
use lightmail_storage::shell::{CliError, Clock, ask, hash, make_account};

use super::{app_password, open, user_import};

/// Commands about accounts. They work beside a running server.
#[derive(Subcommand)]
pub enum UserCommand {
    /// Make an account; the password comes from a prompt or from standard input
    Add {
        /// The login name, an address such as user@example.com
        login: String,
    },
    /// Set an account's password; it comes from a prompt or from standard input
    Passwd {
        /// The login name
        login: String,
    },
    /// List the accounts
    List,
    /// Make many accounts: a file with a line each, login name and password or bcrypt hash, and perhaps a quota
    Import {
        /// The file; - is standard input
        file: PathBuf,
        /// Set the passwords of accounts that exist, and the quotas of those that have one in the file
        #[arg(long)]
        update: bool,
    },
    /// Passwords that are for one program each
    #[command(subcommand)]
    AppPassword(app_password::AppPasswordCommand),
    /// Delete an account with its mailboxes
    Delete {
        /// The login name
        login: String,
    },
}

/// Runs `lightmail user …`.
pub async fn run(command: UserCommand, config: &Config) -> Result<(), CliError> {
    // What can be wrong with the command line is said before a password is asked for.
    let login = match &command {
        UserCommand::Add { login } => {
            admin::login(login).map_err(|why| CliError::usage(format!("{login}: {why}")))?
        }
        UserCommand::Passwd { login } | UserCommand::Delete { login } => login.to_lowercase(),
        UserCommand::List | UserCommand::Import { .. } | UserCommand::AppPassword(_) => String::new(),
    };
    // Accounts may be made before the first start.
    let storage = match &command {
        UserCommand::Add { .. } | UserCommand::Import { .. } => {
            Storage::open(config).await.map_err(CliError::failed)?
        }
        _ => open(config).await?,
    };
    let result = match command {
        UserCommand::Add { .. } => add(&storage, &login).await,
        UserCommand::Passwd { .. } => passwd(&storage, &login).await,
        UserCommand::List => list(&storage).await,
        UserCommand::Import { file, update } => user_import::run(&storage, &file, update).await,
        UserCommand::AppPassword(command) => app_password::run(command, &storage).await,
        UserCommand::Delete { .. } => delete(&storage, &login).await,
    };
    storage.close().await;
    result
}

async fn add(storage: &Storage, login: &str) -> Result<(), CliError> {
    make_account(storage, login, ask_password()?).await?;
    say!("account {login} made");
    Ok(())
}

async fn passwd(storage: &Storage, login: &str) -> Result<(), CliError> {
    // An unknown account is said before a password is asked for.
    if ask(
        storage,
        login,
        Request::FindAccount {
            login: login.to_owned(),
        },
    )
    .await?
        == Reply::AccountFound(None)
    {
        return Err(CliError::failed(format!(
            "{login}: there is no such account; `lightmail user list` shows them"
        )));
    }
    let password = hash(storage, ask_password()?).await?;
    ask(
        storage,
        login,
        Request::SetPassword {
            login: login.to_owned(),
            password,
        },
    )
    .await?;
    say!("password of {login} set");
    Ok(())
}

async fn list(storage: &Storage) -> Result<(), CliError> {
    let Reply::Accounts(accounts) = ask(storage, "accounts", Request::ListAccounts).await? else {
        return Err(CliError::failed(
            "the store gave another answer than was asked for",
        ));
    };
    let width = accounts
        .iter()
        .map(|account| account.login.len())
        .max()
        .unwrap_or(0)
        .max(5);
    say!(
        "{:width$}  {:8}  {:>8}  {:>14}  {:>14}",
        "LOGIN",
        "STATUS",
        "MESSAGES",
        "OCTETS",
        "QUOTA"
    );
    for AccountLine {
        login,
        access,
        used_msgs,
        used_bytes,
        quota_bytes,
        ..
    } in accounts
    {
        let status = match access {
            Access::Anywhere => "enabled",
            Access::Local => "local",
            Access::Nowhere => "disabled",
        };
        let quota = if quota_bytes == 0 {
            "none".into()
        } else {
            quota_bytes.to_string()
        };
        say!("{login:width$}  {status:8}  {used_msgs:>8}  {used_bytes:>14}  {quota:>14}");
    }
    Ok(())
}

async fn delete(storage: &Storage, login: &str) -> Result<(), CliError> {
    let at_ms = Clock::start().now().unix_ms;
    ask(
        storage,
        login,
        Request::DeleteAccount {
            login: login.to_owned(),
            at_ms,
        },
    )
    .await?;
    say!("account {login} deleted");
    Ok(())
}

/// A password from the terminal, asked for twice, or the first line of standard input.
fn ask_password() -> Result<Secret, CliError> {
    let password = if io::stdin().is_terminal() {
        let ask = |prompt| {
            rpassword::prompt_password(prompt)
                .map_err(|error| CliError::failed(format!("no password: {error}")))
        };
        let (first, second) = (ask("Password: ")?, ask("Again: ")?);
        if first != second {
            return Err(CliError::usage("the two passwords differ; nothing was changed"));
        }
        first
    } else {
        let mut line = String::new();
        io::stdin()
            .read_line(&mut line)
            .map_err(|error| CliError::failed(format!("no password on standard input: {error}")))?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    };
    if password.is_empty() {
        return Err(CliError::usage("an empty password is none; nothing was changed"));
    }
    Ok(Secret(password))
}
