//! `lightmail import`: messages of Maildirs and mboxes, each once, however often it is tried.
//!
//! A message's key says in which mailbox, from which file and place, with which octets. The store remembers the keys in the same
//! transaction as the messages, so that a command that was killed goes on where it was. What it had stored of messages whose
//! transaction never came is found by the sweep for objects that no row names.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use clap::Args;
use lightmail_core::config::Config;
use lightmail_core::machine::{Done, Effect, ObjectKind, Purpose, Stored, Upload};
use lightmail_core::store::{
    Budget, Delivered, DeliveryKey, Import, Mailbox, MailboxName, NewMessage, Refusal, Reply, Request,
};
use lightmail_storage::Storage;
use lightmail_storage::shell::{CliError, ask, words};
use sha2::{Digest, Sha256};

use super::super::open;
use super::progress::Progress;
use super::source::{self, Letter, Mbox};
use super::{Owner, mailbox_name, odd};

/// Messages that are stored at once, and of which one transaction tells.
const BATCH: usize = 32;

/// Messages from Maildirs and mboxes.
#[derive(Args)]
pub struct ImportCommand {
    /// Whose: the login name
    #[arg(long, value_name = "LOGIN")]
    account: String,
    /// Where to; the folders of a Maildir go below it [default: INBOX, and folders beside it]
    #[arg(long, value_name = "NAME", value_parser = mailbox_name)]
    mailbox: Option<MailboxName>,
    /// Import more than the account's quota holds
    #[arg(long)]
    ignore_quota: bool,
    /// Go on behind what cannot be imported
    #[arg(long)]
    keep_going: bool,
    /// Maildirs and mboxes
    #[arg(required = true, value_name = "FILE|DIR")]
    from: Vec<PathBuf>,
}

/// Runs `lightmail import`.
pub async fn run(command: &ImportCommand, config: &Config) -> Result<(), CliError> {
    let storage = open(config).await?;
    let result = run_on(command, &storage).await;
    storage.close().await;
    result
}

async fn run_on(command: &ImportCommand, storage: &Storage) -> Result<(), CliError> {
    let mut importer = Importer {
        owner: Owner::find(storage, &command.account).await?,
        command,
        failed: 0,
    };
    for path in &command.from {
        if source::is_maildir(path) {
            importer.maildir(path).await?;
        } else {
            importer.mbox(path).await?;
        }
    }
    match importer.failed {
        0 => Ok(()),
        1 => Err(CliError::failed(
            "1 message or file was not imported; it is named above",
        )),
        failed => Err(CliError::failed(format!(
            "{failed} messages or files were not imported; they are named above"
        ))),
    }
}

struct Importer<'a> {
    owner: Owner<'a>,
    command: &'a ImportCommand,
    failed: u64,
}

/// A mailbox that is being filled.
struct Filling {
    mailbox: Mailbox,
    waiting: Vec<Letter>,
    imported: u64,
    known: u64,
    failed: u64,
    progress: Progress,
}

impl Importer<'_> {
    async fn maildir(&mut self, path: &Path) -> Result<(), CliError> {
        let folders = match source::folders(path) {
            Ok(folders) => folders,
            Err(error) => return self.give_up(&path.display(), &error),
        };
        for folder in folders {
            let Some(name) = self.target(folder.name.as_ref()) else {
                self.give_up(&path.display(), &"the name of a folder is too long for a mailbox")?;
                continue;
            };
            let files = match folder.files() {
                Ok(files) => files,
                Err(error) => {
                    self.give_up(&path.display(), &error)?;
                    continue;
                }
            };
            let keywords = folder.keywords();
            let mut filling = self.begin(&name).await?;
            for file in files {
                match source::letter(&file, &keywords) {
                    Ok(letter) => self.put(&mut filling, letter).await?,
                    Err(error) => self.miss(&mut filling, &file.display(), &error).await?,
                }
            }
            self.end(filling).await?;
        }
        Ok(())
    }

    async fn mbox(&mut self, path: &Path) -> Result<(), CliError> {
        let mut mbox = match Mbox::open(path) {
            Ok(Some(mbox)) => mbox,
            Ok(None) => return Ok(()),
            Err(error) => return self.give_up(&path.display(), &error),
        };
        let name = self.command.mailbox.clone().unwrap_or_else(MailboxName::inbox);
        let mut filling = self.begin(&name).await?;
        loop {
            match mbox.next() {
                Ok(Some(letter)) => self.put(&mut filling, letter).await?,
                Ok(None) => break,
                Err(error) => {
                    self.miss(&mut filling, &path.display(), &error).await?;
                    break;
                }
            }
        }
        self.end(filling).await
    }

    /// The mailbox of a Maildir's folder.
    fn target(&self, folder: Option<&MailboxName>) -> Option<MailboxName> {
        let root = self.command.mailbox.clone().unwrap_or_else(MailboxName::inbox);
        match folder {
            None => Some(root),
            Some(folder) if root.is_inbox() => Some(folder.clone()),
            Some(folder) => MailboxName::new(&format!("{root}/{folder}")).ok(),
        }
    }

    async fn begin(&mut self, name: &MailboxName) -> Result<Filling, CliError> {
        Ok(Filling {
            mailbox: self.owner.mailbox(name).await?,
            waiting: Vec::new(),
            imported: 0,
            known: 0,
            failed: 0,
            progress: Progress::new(format!("{}: {name}", self.owner.login)),
        })
    }

    async fn put(&mut self, filling: &mut Filling, letter: Letter) -> Result<(), CliError> {
        filling.waiting.push(letter);
        match filling.waiting.len() {
            0..BATCH => Ok(()),
            _ => self.flush(filling).await,
        }
    }

    async fn end(&mut self, mut filling: Filling) -> Result<(), CliError> {
        self.flush(&mut filling).await?;
        let Filling {
            mailbox,
            imported,
            known,
            failed,
            ..
        } = &filling;
        let (login, name) = (&self.owner.login, &mailbox.name);
        say!("{login}: {name}: {imported} imported, {known} were there already, {failed} failed");
        Ok(())
    }

    /// Imports what waits.
    async fn flush(&mut self, filling: &mut Filling) -> Result<(), CliError> {
        let letters = std::mem::take(&mut filling.waiting);
        let keys: Vec<_> = letters
            .iter()
            .map(|letter| key(&filling.mailbox, letter, &letter.sha256))
            .collect();
        let known = match self.ask(Request::FindImported { keys }).await? {
            Reply::ImportedFound(known) => known,
            _ => return Err(odd()),
        };
        let mut new = Vec::new();
        for (letter, known) in letters.into_iter().zip(known) {
            filling.progress.add(1, letter.size);
            if known {
                filling.known += 1;
            } else {
                new.push(letter);
            }
        }
        let stored = self.store(filling, new).await?;
        self.record(filling, stored).await
    }

    async fn ask(&self, request: Request) -> Result<Reply, CliError> {
        ask(self.owner.storage, &self.owner.login, request).await
    }

    /// Makes bodies durable, all at once, so that they share what a disk or a bucket has to wait for.
    async fn store(
        &mut self,
        filling: &mut Filling,
        letters: Vec<Letter>,
    ) -> Result<Vec<(Letter, Stored)>, CliError> {
        let mut desk = self.owner.storage.desk();
        let mut tasks = Vec::with_capacity(letters.len());
        for (number, letter) in (0..).map(Upload).zip(letters) {
            let purpose = Purpose {
                object: self.owner.seed.object(self.owner.clock.now()),
                kind: ObjectKind::Email,
            };
            desk.open_upload(number, purpose);
            match feed(&mut desk, number, &letter).await {
                Ok(()) => tasks.push((letter, tokio::spawn(desk.run(Effect::FinishUpload(number))))),
                Err(error) => {
                    desk.drop_upload(number);
                    self.tell(filling, &letter.place(), &error)?;
                }
            }
        }
        let mut stored = Vec::with_capacity(tasks.len());
        for (letter, task) in tasks {
            match task.await {
                Ok(Ok(Done::Stored(body))) => stored.push((letter, body)),
                // Without a place for bodies nothing behind it fares better.
                Ok(Err(failure)) => {
                    return Err(CliError::failed(format!(
                        "{}: {}",
                        letter.place(),
                        words(failure)
                    )));
                }
                _ => return Err(odd()),
            }
        }
        Ok(stored)
    }

    /// Makes messages of bodies. Those that would be a keyword too many come without keywords.
    async fn record(&mut self, filling: &mut Filling, stored: Vec<(Letter, Stored)>) -> Result<(), CliError> {
        let answers = self.import(filling, &stored, true).await?;
        let mut plain = Vec::new();
        for ((letter, body), answer) in stored.into_iter().zip(answers) {
            match answer {
                Err(Refusal::Limit(Budget::Keywords)) => plain.push((letter, body)),
                answer => self.count(filling, &letter, answer)?,
            }
        }
        let answers = self.import(filling, &plain, false).await?;
        for ((letter, _), answer) in plain.iter().zip(answers) {
            eprintln!(
                "{}: {}: the mailbox has no room for more keywords; imported without",
                self.owner.login,
                letter.place()
            );
            self.count(filling, letter, answer)?;
        }
        Ok(())
    }

    async fn import(
        &mut self,
        filling: &Filling,
        stored: &[(Letter, Stored)],
        with_keywords: bool,
    ) -> Result<Vec<Result<Delivered, Refusal>>, CliError> {
        if stored.is_empty() {
            return Ok(Vec::new());
        }
        let mut messages = Vec::with_capacity(stored.len());
        for (letter, body) in stored {
            let keywords = if with_keywords {
                letter.labels.keywords.clone()
            } else {
                Vec::new()
            };
            let new = NewMessage {
                stored: body.clone(),
                flags: letter.labels.flags,
                keywords,
                internal_date_s: letter.date_s,
                email_id: self.owner.seed.half(),
            };
            messages.push((key(&filling.mailbox, letter, &body.sha256), new));
        }
        let import = Import {
            account: self.owner.account,
            mailbox: filling.mailbox.name.clone(),
            messages,
            ignore_quota: self.command.ignore_quota,
            at_ms: self.owner.now_ms(),
        };
        match self.ask(Request::Import(import)).await? {
            Reply::Imported(answers) => Ok(answers),
            _ => Err(odd()),
        }
    }

    fn count(
        &mut self,
        filling: &mut Filling,
        letter: &Letter,
        answer: Result<Delivered, Refusal>,
    ) -> Result<(), CliError> {
        match answer {
            Ok(delivered) if delivered.repeated => filling.known += 1,
            Ok(_) => filling.imported += 1,
            Err(refusal) => return self.tell(filling, &letter.place(), &words(refusal.into())),
        }
        Ok(())
    }

    /// What waits is imported before the command ends at what cannot be read.
    async fn miss(
        &mut self,
        filling: &mut Filling,
        what: &impl std::fmt::Display,
        why: &impl std::fmt::Display,
    ) -> Result<(), CliError> {
        if !self.command.keep_going {
            self.flush(filling).await?;
        }
        self.tell(filling, what, why)
    }

    fn tell(
        &mut self,
        filling: &mut Filling,
        what: &impl std::fmt::Display,
        why: &impl std::fmt::Display,
    ) -> Result<(), CliError> {
        filling.failed += 1;
        self.give_up(what, why)
    }

    /// Ends the command, or tells and goes on.
    fn give_up(
        &mut self,
        what: &impl std::fmt::Display,
        why: &impl std::fmt::Display,
    ) -> Result<(), CliError> {
        if !self.command.keep_going {
            return Err(CliError::failed(format!(
                "{what}: {why}; --keep-going passes over it, and what was imported is not imported again"
            )));
        }
        self.failed += 1;
        eprintln!("{what}: {why}");
        Ok(())
    }
}

async fn feed(desk: &mut lightmail_storage::Desk, upload: Upload, letter: &Letter) -> std::io::Result<()> {
    let mut octets = letter.open()?;
    while let Some(piece) = octets.next()? {
        desk.feed(upload, Bytes::from(piece)).await;
    }
    Ok(())
}

/// What makes a message the same message at the next try.
fn key(mailbox: &Mailbox, letter: &Letter, sha256: &[u8; 32]) -> DeliveryKey {
    let hash = Sha256::new()
        .chain_update(b"import\0")
        .chain_update(mailbox.id.0.to_be_bytes())
        .chain_update(&letter.name)
        .chain_update([0])
        .chain_update(sha256)
        .finalize();
    let mut key = [0; 16];
    key.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    DeliveryKey(key)
}
