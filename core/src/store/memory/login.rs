//! Log-ins: what checks a password, app passwords, and the buckets that wrong ones empty.

use crate::machine::Secret;
use crate::store::{
    self as words, APP_PASSWORDS_MAX, AccountId, Actor, AppPasswordLine, Attempt, Budget, LoginAccount,
    LoginAppPassword, LoginFound, NewAppPassword, PasswordHashes, Refusal, Reply, Request, Scopes, Throttle,
};

use super::{Account, Answer, Store};

/// An app password of an account.
#[derive(Clone, Debug)]
pub(super) struct AppPassword {
    hash: Secret,
    scopes: Scopes,
    until_ms: Option<u64>,
    created_at_ms: u64,
}

impl Store {
    /// Everything about log-ins.
    pub(super) fn log_in(&mut self, actor: Actor, request: Request) -> Answer {
        match request {
            Request::FindLogin(attempt) => Ok(self.find_login(&attempt)),
            Request::CountFailedLogin(attempt, _) => Ok(self.count_failed_login(&attempt)),
            Request::KeepPassword {
                account,
                was,
                password,
            } => Ok(self.keep_password(account, &was, password)),
            Request::AddAppPassword(new) => self.add_app_password(new),
            Request::ListAppPasswords { login } => self.list_app_passwords(&login),
            Request::RemoveAppPassword { login, label } => self.remove_app_password(&login, &label),
            Request::ListThrottles { at_ms } => Ok(self.list_throttles(at_ms)),
            Request::ClearThrottles { bucket } => Ok(self.clear_throttles(bucket.as_deref())),
            other => self.serve(actor, other),
        }
    }

    fn find_login(&self, attempt: &Attempt) -> Reply {
        let found = self
            .accounts
            .iter()
            .find(|(_, account)| account.login == attempt.login);
        let waits = attempt
            .buckets()
            .filter_map(|bucket| self.throttles.get(&bucket))
            .map(|full_ms| attempt.wait_ms(*full_ms, attempt.at_ms));
        Reply::LoginFound(LoginFound {
            account: found.map(|(id, account)| login_account(*id, account)),
            wait_ms: waits.max().unwrap_or(0),
        })
    }

    fn count_failed_login(&mut self, attempt: &Attempt) -> Reply {
        self.throttles.retain(|_, full_ms| *full_ms > attempt.at_ms);
        for bucket in attempt.buckets() {
            let full_ms = self.throttles.entry(bucket).or_default();
            *full_ms = attempt.spend(*full_ms, attempt.at_ms);
        }
        Reply::FailedLoginCounted
    }

    fn keep_password(&mut self, account: AccountId, was: &Secret, password: PasswordHashes) -> Reply {
        if let Some(account) = self.accounts.get_mut(&account)
            && account.password.bcrypt == *was
        {
            account.password = password;
        }
        Reply::PasswordKept
    }

    fn add_app_password(&mut self, new: NewAppPassword) -> Answer {
        let account = self.account_mut(&new.login)?;
        if account.app_passwords.contains_key(&new.label) {
            return Err(Refusal::AlreadyExists.into());
        }
        if account.app_passwords.len() >= APP_PASSWORDS_MAX {
            return Err(Refusal::Limit(Budget::AppPasswords).into());
        }
        let password = AppPassword {
            hash: new.hash,
            scopes: new.scopes,
            until_ms: new.until_ms,
            created_at_ms: new.at_ms,
        };
        account.app_passwords.insert(new.label, password);
        Ok(Reply::AppPasswordAdded)
    }

    fn list_app_passwords(&mut self, login: &str) -> Answer {
        let account = self.account_mut(login)?;
        let lines = account
            .app_passwords
            .iter()
            .map(|(label, password)| AppPasswordLine {
                label: label.clone(),
                scopes: password.scopes,
                until_ms: password.until_ms,
                created_at_ms: password.created_at_ms,
            });
        Ok(Reply::AppPasswords(lines.collect()))
    }

    fn remove_app_password(&mut self, login: &str, label: &str) -> Answer {
        let removed = self.account_mut(login)?.app_passwords.remove(label);
        Ok(Reply::AppPasswordRemoved(removed.is_some()))
    }

    fn list_throttles(&self, at_ms: u64) -> Reply {
        let lacking = self.throttles.iter().filter_map(|(bucket, full_ms)| {
            let full_in_ms = full_ms.saturating_sub(at_ms);
            (full_in_ms > 0).then(|| Throttle {
                bucket: bucket.clone(),
                full_in_ms,
            })
        });
        Reply::Throttles(lacking.collect())
    }

    fn clear_throttles(&mut self, bucket: Option<&str>) -> Reply {
        self.throttles
            .retain(|name, _| bucket.is_some_and(|bucket| bucket != name));
        Reply::ThrottlesCleared
    }

    fn account_mut(&mut self, login: &str) -> Result<&mut Account, Refusal> {
        let found = self.accounts.values_mut().find(|account| account.login == login);
        found.ok_or(Refusal::NoSuchAccount)
    }
}

fn login_account(id: AccountId, account: &Account) -> LoginAccount {
    let app_passwords = account.app_passwords.values().map(|password| LoginAppPassword {
        hash: password.hash.clone(),
        scopes: password.scopes,
        until_ms: password.until_ms,
    });
    LoginAccount {
        id,
        access: words::Access::Anywhere,
        password: account.password.clone(),
        app_passwords: app_passwords.collect(),
    }
}
