//! `lightmail user import FILE`: accounts of another server, with their passwords or the hashes of them.
//!
//! A line is a login name, a password or bcrypt hash, and perhaps a quota. Fields stand apart by a TAB where the line has one, else
//! by spaces; empty lines and those that begin with `#` are passed over. The whole file is read before anything is changed.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use lightmail_core::admin;
use lightmail_core::machine::Secret;
use lightmail_core::store::{Reply, Request};
use lightmail_storage::Storage;
use lightmail_storage::shell::{CliError, Clock, ask, hash, random_seed};
use tokio::task::JoinSet;

/// Errors that are told; a file of another form has one in each line.
const TOLD_MAX: usize = 20;
/// Accounts on their way at the same time: enough for all threads that hash, fewer than may wait there.
const AT_ONCE: usize = 32;

/// A line of the file.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    number: usize,
    login: String,
    password: Password,
    /// `None`: none is given, so that a new account has no limit, and one that is there keeps its own.
    quota_bytes: Option<u64>,
}

#[derive(Debug, PartialEq, Eq)]
enum Password {
    Plain(Secret),
    Hashed(Secret),
}

/// Runs `lightmail user import`.
pub async fn run(storage: &Storage, file: &Path, update: bool) -> Result<(), CliError> {
    let name = file.display();
    let lines = parse(&read(file)?).map_err(|errors| {
        let told: String = errors
            .iter()
            .take(TOLD_MAX)
            .map(|error| format!("{name}:{error}\n"))
            .collect();
        let count = errors.len();
        CliError::usage(format!(
            "{told}{name}: {count} lines are wrong; nothing was changed"
        ))
    })?;
    let Reply::Accounts(accounts) = ask(storage, "accounts", Request::ListAccounts).await? else {
        return Err(CliError::failed(
            "the store gave another answer than was asked for",
        ));
    };
    let known = accounts
        .into_iter()
        .map(|account| (account.login, account.quota_bytes));
    let known: BTreeMap<String, u64> = known.collect();
    let mut done = Done::default();
    let mut tasks: JoinSet<(Line, Result<Outcome, CliError>)> = JoinSet::new();
    for line in lines {
        let quota = known.get(&line.login).copied();
        if quota.is_some() && !update {
            done.skipped += 1;
            say!("{name}:{}: {} exists already; skipped", line.number, line.login);
            continue;
        }
        if tasks.len() >= AT_ONCE
            && let Some(task) = tasks.join_next().await
        {
            done.take(&name, task);
        }
        let storage = storage.clone();
        tasks.spawn(async move {
            let outcome = make(&storage, &line, quota).await;
            (line, outcome)
        });
    }
    while let Some(task) = tasks.join_next().await {
        done.take(&name, task);
    }
    say!(
        "{} accounts made, {} updated ({} of them with another quota), {} skipped, {} failed",
        done.made,
        done.updated,
        done.quotas,
        done.skipped,
        done.failed
    );
    match done.failed {
        0 => Ok(()),
        failed => Err(CliError::failed(format!(
            "{failed} accounts could not be made; they are named above, and the same command tries them again"
        ))),
    }
}

enum Outcome {
    Made,
    /// With a new password; and the quota before, if it has another one now.
    Updated {
        quota_before: Option<u64>,
    },
}

#[derive(Default)]
struct Done {
    made: u64,
    updated: u64,
    /// Of those updated.
    quotas: u64,
    skipped: u64,
    failed: u64,
}

impl Done {
    fn take(
        &mut self,
        name: &impl std::fmt::Display,
        task: Result<(Line, Result<Outcome, CliError>), tokio::task::JoinError>,
    ) {
        match task {
            Ok((_, Ok(Outcome::Made))) => self.made += 1,
            Ok((line, Ok(Outcome::Updated { quota_before }))) => {
                self.updated += 1;
                if let Some(before) = quota_before {
                    self.quotas += 1;
                    let (before, now) = (limit(before), limit(line.quota_bytes.unwrap_or(before)));
                    say!(
                        "{name}:{}: quota of {}: {now}, was {before}",
                        line.number,
                        line.login
                    );
                }
            }
            Ok((line, Err(error))) => {
                self.failed += 1;
                eprintln!("{name}:{}: {error}", line.number);
            }
            Err(error) => {
                self.failed += 1;
                eprintln!("{name}: {error}");
            }
        }
    }
}

/// A quota as it is told.
fn limit(quota_bytes: u64) -> String {
    match quota_bytes {
        0 => "none".into(),
        octets => format!("{octets} octets"),
    }
}

/// `quota`: that of the account, if there is one already.
async fn make(storage: &Storage, line: &Line, quota: Option<u64>) -> Result<Outcome, CliError> {
    let password = match &line.password {
        Password::Plain(password) => hash(storage, password.clone()).await?,
        Password::Hashed(hash) => hash.clone().into(),
    };
    if let Some(quota) = quota {
        let login = line.login.clone();
        ask(storage, &line.login, Request::SetPassword { login, password }).await?;
        let wanted = line.quota_bytes.filter(|wanted| *wanted != quota);
        if let Some(quota_bytes) = wanted {
            let login = line.login.clone();
            ask(storage, &line.login, Request::SetQuota { login, quota_bytes }).await?;
        }
        let quota_before = wanted.map(|_| quota);
        return Ok(Outcome::Updated { quota_before });
    }
    let now = Clock::start().now();
    let mut account = admin::new_account(&mut random_seed()?, now, line.login.clone(), password);
    account.quota_bytes = line.quota_bytes.unwrap_or(0);
    ask(storage, &line.login, Request::CreateAccount(account)).await?;
    Ok(Outcome::Made)
}

/// The text of a file, or of standard input.
fn read(file: &Path) -> Result<String, CliError> {
    let mut text = String::new();
    let read = match file.to_str() {
        Some("-") => std::io::stdin().read_to_string(&mut text).map(drop),
        _ => std::fs::read_to_string(file).map(|whole| text = whole),
    };
    read.map_err(|error| CliError::usage(format!("{}: {error}", file.display())))?;
    Ok(text)
}

/// The lines, or all that is wrong with them, each with its number in front. What was given as a password is never told.
fn parse(text: &str) -> Result<Vec<Line>, Vec<String>> {
    let (mut lines, mut errors) = (Vec::new(), Vec::new());
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (number, text) in (1..).zip(text.lines()) {
        if text.trim().is_empty() || text.starts_with('#') {
            continue;
        }
        match parse_line(number, text) {
            Ok(line) => match seen.insert(line.login.clone(), number) {
                None => lines.push(line),
                Some(before) => errors.push(format!(
                    "{number}: {} stands in line {before} already",
                    line.login
                )),
            },
            Err(why) => errors.push(format!("{number}: {why}")),
        }
    }
    if errors.is_empty() { Ok(lines) } else { Err(errors) }
}

fn parse_line(number: usize, text: &str) -> Result<Line, String> {
    let fields: Vec<&str> = if text.contains('\t') {
        text.split('\t').filter(|field| !field.is_empty()).collect()
    } else {
        text.split_ascii_whitespace().collect()
    };
    let (login, password, quota) = match fields.as_slice() {
        [login, password] => (login, password, None),
        [login, password, quota] => (login, password, Some(quota)),
        _ => {
            return Err(
                "expected a login name, a password or bcrypt hash, and perhaps a quota (put TABs between \
                        them if a password has spaces)"
                    .into(),
            );
        }
    };
    Ok(Line {
        number,
        login: admin::login(login.trim()).map_err(|why| why.to_string())?,
        password: parse_password(password)?,
        quota_bytes: quota.map(|quota| parse_quota(quota.trim())).transpose()?,
    })
}

fn parse_password(text: &str) -> Result<Password, String> {
    let hash = text.strip_prefix("{BLF-CRYPT}").unwrap_or(text);
    if is_bcrypt(hash) {
        return Ok(Password::Hashed(Secret(hash.to_owned())));
    }
    // What looks like a hash and is none must not become a password.
    let schemes = ["$1$", "$2", "$5$", "$6$", "$y$", "$argon2", "{"];
    if schemes.iter().any(|scheme| text.starts_with(scheme)) {
        return Err("this is no bcrypt hash ($2a$, $2b$ or $2y$, 60 characters), and hashes of other schemes cannot be \
                    taken over"
            .into());
    }
    Ok(Password::Plain(Secret(text.to_owned())))
}

/// `$2b$10$` and 53 characters of its base64.
fn is_bcrypt(text: &str) -> bool {
    let rest = ["$2a$", "$2b$", "$2y$"]
        .iter()
        .find_map(|version| text.strip_prefix(version));
    let Some((cost, rest)) = rest.and_then(|rest| rest.split_once('$')) else {
        return false;
    };
    let letters = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'.' | b'/');
    let cost = (cost.len() == 2).then(|| cost.parse().ok()).flatten();
    cost.is_some_and(|cost: u32| (4..=31).contains(&cost)) && rest.len() == 53 && rest.bytes().all(letters)
}

/// Octets, or with K, M, G or T behind the number; 0: no limit.
fn parse_quota(text: &str) -> Result<u64, String> {
    let units = [('K', 10), ('M', 20), ('G', 30), ('T', 40)];
    let unit = units
        .iter()
        .find_map(|(letter, shift)| Some((text.strip_suffix(*letter)?, *shift)));
    let (number, shift) = unit.unwrap_or((text, 0));
    let octets = number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(1 << shift));
    // The database keeps 63 bits.
    let octets = octets.filter(|octets| i64::try_from(*octets).is_ok());
    octets.ok_or_else(|| "a quota is a number of octets, or one with K, M, G or T behind it".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$2y$10$WNn8RIGyYHHBj5eLbodoa.UF9PZePdDA3yV8LZm3OSP8CCQGnOsI.";

    #[test]
    fn lines_are_read() {
        let text = format!(
            "# accounts\n\nA@example.com secret\nb@example.com {HASH} 5G\r\nc@example.com\tpass word\t\t7\n"
        );
        let lines = parse(&text).unwrap();
        let plain = |text: &str| Password::Plain(Secret(text.into()));
        let found: Vec<_> = lines
            .iter()
            .map(|line| (line.number, line.login.as_str(), &line.password, line.quota_bytes))
            .collect();
        assert_eq!(
            found,
            [
                (3, "a@example.com", &plain("secret"), None),
                (
                    4,
                    "b@example.com",
                    &Password::Hashed(Secret(HASH.into())),
                    Some(5 << 30)
                ),
                (5, "c@example.com", &plain("pass word"), Some(7)),
            ]
        );
    }

    #[test]
    fn all_that_is_wrong_is_told_and_no_password() {
        let text = format!(
            "a@example.com\nb x\nc@example.com $2b$10$short\nd@example.com {{SSHA}}x\ne@example.com p 5X\nf@example.com p\n\
             F@example.com p q r\nf@example.com q\ng@example.com {} 1\n",
            &HASH[..59]
        );
        let errors = parse(&text).unwrap_err();
        let numbers: Vec<_> = errors
            .iter()
            .map(|error| error.split(':').next().unwrap())
            .collect();
        assert_eq!(numbers, ["1", "2", "3", "4", "5", "7", "8", "9"]);
        assert!(
            errors[6].ends_with("f@example.com stands in line 6 already"),
            "{errors:?}"
        );
        assert!(!errors.concat().contains("$2b$10$short"));
    }
}
