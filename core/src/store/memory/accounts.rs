//! Accounts and addresses.

use std::collections::{BTreeMap, BTreeSet};

use crate::store::{
    self as words, Access, AccountId, AccountLine, Budget, Failure, NewAccount, PasswordHashes, Refusal,
    Reply,
};

use super::{Account, Answer, MAILBOXES_MAX, Store};

impl Store {
    pub(super) fn find_account(&self, login: &str) -> Reply {
        let found = self.accounts.iter().find(|(_, account)| account.login == login);
        Reply::AccountFound(found.map(|(id, account)| words::Account {
            id: *id,
            login: account.login.clone(),
            pw_hash: account.password.bcrypt.clone(),
            access: Access::Anywhere,
        }))
    }

    pub(super) fn create_account(&mut self, new: NewAccount) -> Answer {
        let names: BTreeSet<_> = new.mailboxes.iter().map(|mailbox| mailbox.name.clone()).collect();
        let login_taken = self.accounts.values().any(|account| account.login == new.login);
        let address_taken = self.addresses.contains_key(&new.login) || self.aliases.contains_key(&new.login);
        if login_taken || address_taken || names.len() < new.mailboxes.len() {
            return Err(Refusal::AlreadyExists.into());
        }
        if new.mailboxes.len() > MAILBOXES_MAX {
            return Err(Refusal::Limit(Budget::Mailboxes).into());
        }
        let was_here = self.folders.values().any(|folder| folder.account == new.id)
            || self
                .calendars
                .values()
                .any(|collection| collection.account == new.id);
        if self.accounts.contains_key(&new.id) || was_here {
            return Err(Failure::broken(format!("{:?} is taken", new.id)));
        }
        self.check_ids(&new.mailboxes)?;
        self.addresses.insert(new.login.clone(), new.id);
        self.own_domain_of(&new.login, new.at_ms);
        self.accounts.insert(
            new.id,
            Account {
                login: new.login,
                password: new.password,
                app_passwords: BTreeMap::new(),
                quota_bytes: new.quota_bytes,
                used_bytes: 0,
                used_msgs: 0,
                created_at_ms: new.at_ms,
                last_uid_validity: 0,
                names: BTreeMap::new(),
                subscriptions: names,
            },
        );
        let at_s = i64::try_from(new.at_ms / 1000).unwrap_or(i64::MAX);
        self.plant(new.id, new.mailboxes, at_s);
        Ok(Reply::AccountCreated)
    }

    pub(super) fn set_password(&mut self, login: &str, password: PasswordHashes) -> Answer {
        let account = self.accounts.values_mut().find(|account| account.login == login);
        account.ok_or(Refusal::NoSuchAccount)?.password = password;
        Ok(Reply::PasswordSet)
    }

    pub(super) fn set_quota(&mut self, login: &str, quota_bytes: u64) -> Answer {
        let account = self.accounts.values_mut().find(|account| account.login == login);
        account.ok_or(Refusal::NoSuchAccount)?.quota_bytes = quota_bytes;
        Ok(Reply::QuotaSet)
    }

    pub(super) fn delete_account(&mut self, login: &str, at_ms: u64) -> Answer {
        let id = self.account_of(login)?;
        if let Some(account) = self.accounts.remove(&id) {
            account
                .names
                .values()
                .for_each(|mailbox| self.close_folder(*mailbox, at_ms));
        }
        self.close_calendars(id, at_ms);
        self.addresses.retain(|_, account| *account != id);
        self.lead_nowhere(id);
        Ok(Reply::AccountDeleted)
    }

    pub(super) fn list_accounts(&self) -> Reply {
        let mut lines: Vec<_> = self
            .accounts
            .iter()
            .map(|(id, account)| line(*id, account))
            .collect();
        lines.sort_by(|a, b| a.login.cmp(&b.login));
        Reply::Accounts(lines)
    }

    pub(super) fn account_of(&self, login: &str) -> Result<AccountId, Refusal> {
        let found = self.accounts.iter().find(|(_, account)| account.login == login);
        found.map(|(id, _)| *id).ok_or(Refusal::NoSuchAccount)
    }
}

fn line(id: AccountId, account: &Account) -> AccountLine {
    AccountLine {
        id,
        login: account.login.clone(),
        access: Access::Anywhere,
        used_msgs: account.used_msgs,
        used_bytes: account.used_bytes,
        quota_bytes: account.quota_bytes,
        created_at_ms: account.created_at_ms,
    }
}
