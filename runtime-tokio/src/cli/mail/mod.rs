//! Mail that goes into a store and out of it by the command line: `lightmail import`, `export`, `undelete`.
//!
//! [`mbox`], [`maildir`], [`labels`] and [`line_ends`] are the formats, as pure code; the rest reads and writes files.

pub mod export;
pub mod import;
mod labels;
mod line_ends;
mod maildir;
mod mbox;
mod progress;
mod source;
pub mod undelete;

use lightmail_core::machine::Seed;
use lightmail_core::store::{
    AccountId, Actor, Failure, Mailbox, MailboxName, NewMailbox, Refusal, Reply, Request,
};
use lightmail_storage::Storage;
use lightmail_storage::shell::{CliError, Clock, ask, random_seed, words};

/// An account as an operator works on it: what is asked is asked as the account itself.
struct Owner<'a> {
    storage: &'a Storage,
    login: String,
    account: AccountId,
    seed: Seed,
    clock: Clock,
}

impl<'a> Owner<'a> {
    async fn find(storage: &'a Storage, login: &str) -> Result<Self, CliError> {
        let login = login.to_lowercase();
        let find = Request::FindAccount { login: login.clone() };
        match ask(storage, &login, find).await? {
            Reply::AccountFound(Some(account)) => Ok(Self {
                storage,
                login,
                account: account.id,
                seed: random_seed()?,
                clock: Clock::start(),
            }),
            _ => Err(CliError::failed(format!(
                "{login}: there is no such account; `lightmail user list` shows them. Mail of an account that was deleted \
                 belongs to no login any more, not even to a new account of that name: it is in a backup from before"
            ))),
        }
    }

    fn now_ms(&self) -> u64 {
        self.clock.now().unix_ms
    }

    async fn ask(&self, about: &MailboxName, request: Request) -> Result<Reply, CliError> {
        let answer = self.storage.run(Actor::Account(self.account), request).await;
        answer.map_err(|failure| self.failed(about, failure))
    }

    fn failed(&self, about: &MailboxName, failure: Failure) -> CliError {
        CliError::failed(format!("{}: {about}: {}", self.login, words(failure)))
    }

    async fn mailboxes(&self) -> Result<Vec<Mailbox>, CliError> {
        let list = Request::ListMailboxes { recent: false };
        match self.ask(&MailboxName::inbox(), list).await? {
            Reply::Mailboxes(mailboxes) => Ok(mailboxes.into_iter().map(|status| status.mailbox).collect()),
            _ => Err(odd()),
        }
    }

    /// A mailbox; makes and subscribes it if there is none of that name.
    async fn mailbox(&mut self, name: &MailboxName) -> Result<Mailbox, CliError> {
        let status = Request::StatusMailbox {
            name: name.clone(),
            recent: false,
        };
        let found = self
            .storage
            .run(Actor::Account(self.account), status.clone())
            .await;
        if let Err(Failure::Refused(Refusal::NoSuchMailbox)) = found {
            self.make(name).await?;
        }
        match self.ask(name, status).await? {
            Reply::Status(status) => Ok(status.mailbox),
            _ => Err(odd()),
        }
    }

    async fn make(&mut self, name: &MailboxName) -> Result<(), CliError> {
        let superiors = name
            .superiors()
            .map(|superior| new_mailbox(&mut self.seed, superior));
        let superiors = superiors.collect();
        let create = Request::CreateMailbox {
            mailbox: new_mailbox(&mut self.seed, name.clone()),
            superiors,
            at_s: self.clock.now().unix_s(),
        };
        self.ask(name, create).await?;
        self.ask(name, Request::Subscribe { name: name.clone() })
            .await
            .map(drop)
    }
}

fn new_mailbox(seed: &mut Seed, name: MailboxName) -> NewMailbox {
    NewMailbox {
        id: seed.mailbox(),
        name,
        special_use: None,
        object_id: seed.half(),
    }
}

/// The name of a mailbox as an operator writes it.
fn mailbox_name(text: &str) -> Result<MailboxName, String> {
    MailboxName::new(text).map_err(|why| format!("{text:?} is no name of a mailbox: {why}"))
}

fn odd() -> CliError {
    CliError::failed("the store gave another answer than was asked for")
}
