//! Accounts, as an operator makes them.

use lightmail_core::admin;
use lightmail_core::config::Config;
use lightmail_core::machine::{Done, Effect, Secret, Seed};
use lightmail_core::store::{Actor, Failure, PasswordHashes, Refusal, Reply, Request};

use super::{CliError, Clock};
use crate::Storage;

/// Makes an account with a password. `login` is one that [`admin::login`] took.
pub async fn make_account(storage: &Storage, login: &str, password: Secret) -> Result<(), CliError> {
    let password = hash(storage, password).await?;
    let now = Clock::start().now();
    let account = admin::new_account(&mut random_seed()?, now, login.to_owned(), password);
    ask(storage, login, Request::CreateAccount(account))
        .await
        .map(drop)
}

/// On the embedded default an empty database gets its first account; its password, to be told once.
pub async fn first_account(config: &Config, storage: &Storage) -> Result<Option<Secret>, CliError> {
    if config.database.is_some() {
        return Ok(None);
    }
    match ask(storage, "accounts", Request::ListAccounts).await? {
        Reply::Accounts(accounts) if accounts.is_empty() => {
            let password = admin::first_password(&mut random_seed()?);
            make_account(storage, admin::FIRST_LOGIN, password.clone()).await?;
            Ok(Some(password))
        }
        _ => Ok(None),
    }
}

/// Asks as the operator. Errors begin with `what` the question was about.
pub async fn ask(storage: &Storage, what: &str, request: Request) -> Result<Reply, CliError> {
    storage.run(Actor::Operator, request).await.map_err(|failure| {
        let words = match failure {
            Failure::Refused(Refusal::AlreadyExists) => {
                "there is an account or address of this name already".into()
            }
            failure => words(failure),
        };
        CliError::failed(format!("{what}: {words}"))
    })
}

/// A failure in an operator's words.
pub fn words(failure: Failure) -> String {
    match failure {
        Failure::Refused(Refusal::NoSuchAccount) => {
            "there is no such account; `lightmail user list` shows them".into()
        }
        failure => failure.to_string(),
    }
}

/// What is to be stored of a password.
pub async fn hash(storage: &Storage, password: Secret) -> Result<PasswordHashes, CliError> {
    match storage.desk().run(Effect::HashPassword(password)).await {
        Ok(Done::Hashed(hash)) => Ok(hash),
        Err(failure) => Err(CliError::failed(format!(
            "the password cannot be hashed: {failure}"
        ))),
        Ok(_) => Err(CliError::failed(
            "the password cannot be hashed: another answer came than was asked for",
        )),
    }
}

/// A seed from the operating system's generator.
pub fn random_seed() -> Result<Seed, CliError> {
    let mut key = [0; 32];
    getrandom::fill(&mut key)
        .map_err(|error| CliError::failed(format!("the system gives no randomness: {error}")))?;
    Ok(Seed::new(key))
}
