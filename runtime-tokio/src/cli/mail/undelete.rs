//! `lightmail undelete`: brings messages back that were deleted and that the garbage worker has not taken yet.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};

use clap::Args;
use lightmail_core::config::Config;
use lightmail_core::store::Actor;
use lightmail_core::store::{
    DeletedMessage, Failure, Fate, FindDeleted, MailboxId, MailboxName, Refusal, Reply, Request, Uid, UidSet,
    Undelete, Undeleted,
};
use lightmail_storage::Storage;
use lightmail_storage::shell::{CliError, Clock, ask};

use super::super::{moment, open};
use super::progress::Progress;
use super::{Owner, mailbox_name, odd};

/// Deleted messages of a page.
const PAGE: u32 = 1000;
/// Messages of one transaction.
const BATCH: u64 = 100;

/// Deleted messages, to be listed or brought back.
#[derive(Args)]
pub struct UndeleteCommand {
    /// Whose: the login name
    #[arg(long, value_name = "LOGIN")]
    account: String,
    /// Only what was in this mailbox, which may be deleted too [default: all]
    #[arg(long, value_name = "NAME", value_parser = mailbox_name)]
    mailbox: Option<MailboxName>,
    /// Only what was deleted then or later: 2026-11-24, 2026-11-24T18:30 (UTC), 12h, 7d ago
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<u64>,
    /// Only what was deleted before
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<u64>,
    /// Bring it all back to this mailbox [default: where it was]
    #[arg(long, value_name = "NAME", value_parser = mailbox_name)]
    to: Option<MailboxName>,
    /// Only list what is there
    #[arg(long)]
    list: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

fn time(text: &str) -> Result<u64, &'static str> {
    moment::parse(text, Clock::start().now().unix_ms).ok_or(moment::EXPECTED)
}

/// Runs `lightmail undelete`.
pub async fn run(command: &UndeleteCommand, config: &Config) -> Result<(), CliError> {
    let storage = open(config).await?;
    let result = run_on(command, &storage).await;
    storage.close().await;
    result
}

async fn run_on(command: &UndeleteCommand, storage: &Storage) -> Result<(), CliError> {
    let mut undeleter = Undeleter {
        owner: Owner::find(storage, &command.account).await?,
        command,
        tallies: BTreeMap::new(),
    };
    let found = undeleter.look().await?;
    let login = &undeleter.owner.login;
    if command.list || found.restorable == 0 {
        say!("{login}: {found}");
        return Ok(());
    }
    if !command.yes {
        confirm(&format!("{login}: {found}"))?;
    }
    undeleter.restore().await?;
    undeleter.tell()
}

/// How many deleted messages there are.
#[derive(Default)]
struct Found {
    restorable: u64,
    later: u64,
    lives: u64,
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} messages can come back; skipped: {} that live in some mailbox of the account, {} rows of messages that were \
             deleted again later",
            self.restorable, self.lives, self.later
        )
    }
}

/// What became of a mailbox's messages.
#[derive(Default)]
struct Tally {
    restored: u64,
    lives: u64,
    gone: u64,
    over_quota: u64,
}

struct Undeleter<'a> {
    owner: Owner<'a>,
    command: &'a UndeleteCommand,
    /// By the names of where messages were and where they go.
    tallies: BTreeMap<(MailboxName, MailboxName), Tally>,
}

impl Undeleter<'_> {
    /// Counts what there is, and lists it if that is wanted.
    async fn look(&mut self) -> Result<Found, CliError> {
        let mut found = Found::default();
        let mut after = None;
        loop {
            let page = self.page(after).await?;
            for message in &page {
                match message.fate {
                    Fate::Restorable => found.restorable += 1,
                    Fate::Later => found.later += 1,
                    Fate::Lives => found.lives += 1,
                }
                if self.command.list {
                    list(message);
                }
            }
            match next(&page) {
                None => return Ok(found),
                last => after = last,
            }
        }
    }

    async fn page(&self, after: Option<(MailboxId, Uid)>) -> Result<Vec<DeletedMessage>, CliError> {
        let wanted = FindDeleted {
            account: self.owner.account,
            mailbox: self.command.mailbox.clone(),
            from_ms: self.command.since.unwrap_or(0),
            before_ms: self.command.until.unwrap_or(u64::MAX),
            after,
            limit: PAGE,
        };
        match ask(
            self.owner.storage,
            &self.owner.login,
            Request::FindDeleted(wanted),
        )
        .await?
        {
            Reply::DeletedFound(page) => Ok(page),
            _ => Err(odd()),
        }
    }

    async fn restore(&mut self) -> Result<(), CliError> {
        let mut progress = Progress::new(format!("{}: undelete", self.owner.login));
        let mut after = None;
        loop {
            let page = self.page(after).await?;
            let mut wanted: BTreeMap<(MailboxId, &MailboxName), UidSet> = BTreeMap::new();
            for message in page.iter().filter(|message| message.fate == Fate::Restorable) {
                let uids = wanted.entry((message.mailbox, &message.name)).or_default();
                uids.insert(message.uid.0);
                if uids.len() == BATCH {
                    let uids = std::mem::take(uids);
                    self.restore_some(message.mailbox, &message.name, uids).await?;
                }
            }
            for ((mailbox, name), uids) in wanted.into_iter().filter(|(_, uids)| !uids.is_empty()) {
                self.restore_some(mailbox, name, uids).await?;
            }
            progress.add(
                page.len() as u64,
                page.iter().map(|message| u64::from(message.size)).sum(),
            );
            match next(&page) {
                None => return Ok(()),
                last => after = last,
            }
        }
    }

    async fn restore_some(
        &mut self,
        from: MailboxId,
        name: &MailboxName,
        uids: UidSet,
    ) -> Result<(), CliError> {
        let to = self.command.to.clone().unwrap_or_else(|| name.clone());
        // A deleted mailbox is made anew, under its name.
        self.owner.mailbox(&to).await?;
        let done = self.undelete(from, &to, uids).await?;
        let tally = self.tallies.entry((name.clone(), to)).or_default();
        tally.restored += done.restored.len();
        tally.lives += done.lives.len();
        tally.gone += done.gone.len();
        tally.over_quota += done.over_quota.len();
        Ok(())
    }

    async fn undelete(&self, from: MailboxId, to: &MailboxName, uids: UidSet) -> Result<Undeleted, CliError> {
        let wanted = Undelete {
            account: self.owner.account,
            from,
            uids: uids.clone(),
            to: to.clone(),
            at_ms: self.owner.now_ms(),
        };
        let answer = self
            .owner
            .storage
            .run(Actor::Operator, Request::Undelete(wanted))
            .await;
        match answer {
            Ok(Reply::Undeleted(done)) => Ok(done),
            Ok(_) => Err(odd()),
            // The garbage worker has taken the whole mailbox meanwhile.
            Err(Failure::Refused(Refusal::NoSuchMailbox)) => Ok(Undeleted {
                gone: uids,
                ..Undeleted::default()
            }),
            Err(failure) => Err(self.owner.failed(to, failure)),
        }
    }

    /// Says what was done. Errors: not all of it could be.
    fn tell(&self) -> Result<(), CliError> {
        let mut over_quota = 0;
        for ((from, to), tally) in &self.tallies {
            let Tally {
                restored,
                lives,
                gone,
                ..
            } = tally;
            let to = if from == to {
                String::new()
            } else {
                format!(" to {to}")
            };
            say!(
                "{}: {from}: {restored} messages brought back{to}; skipped: {lives} that live already, {gone} that the garbage \
                 worker has taken, {} that the quota does not hold",
                self.owner.login,
                tally.over_quota
            );
            over_quota += tally.over_quota;
        }
        match over_quota {
            0 => Ok(()),
            many => Err(CliError::failed(format!(
                "{}: {many} messages stay deleted, as the quota does not hold them; make room and run this again",
                self.owner.login
            ))),
        }
    }
}

/// Where the next page begins; `None` if this was the last.
fn next(page: &[DeletedMessage]) -> Option<(MailboxId, Uid)> {
    let last = page.last().filter(|_| page.len() == PAGE as usize);
    last.map(|message| (message.mailbox, message.uid))
}

fn list(message: &DeletedMessage) {
    let deleted = moment::show(i64::try_from(message.deleted_at_ms / 1000).unwrap_or(i64::MAX));
    let came = moment::show(message.internal_date_s);
    let fate = match message.fate {
        Fate::Restorable => "can come back",
        Fate::Later => "was deleted again later",
        Fate::Lives => "lives",
    };
    say!(
        "{}: UID {}, deleted {deleted}, from {came}, {} octets: {fate}",
        message.name,
        message.uid.0,
        message.size
    );
}

fn confirm(found: &str) -> Result<(), CliError> {
    if !io::stdin().is_terminal() {
        return Err(CliError::usage(format!(
            "{found}. Nothing was changed: add --yes"
        )));
    }
    say!("{found}.");
    let _ = write!(io::stdout(), "Bring them back? [y/N] ");
    let _ = io::stdout().flush();
    let mut line = String::new();
    let read = io::stdin().read_line(&mut line);
    match (read, line.trim()) {
        (Ok(_), "y" | "Y" | "yes") => Ok(()),
        _ => Err(CliError::failed("nothing was changed")),
    }
}
