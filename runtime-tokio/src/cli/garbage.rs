//! `lightmail garbage run|status`.

use clap::Subcommand;
use lightmail_core::config::Config;
use lightmail_core::garbage::{Garbage, Settings};
use lightmail_core::machine::{Action, Done, Input, Machine, Outcome, Step};
use lightmail_core::store::{Deleted, GarbageCounts, Reply, Request};
use lightmail_storage::Storage;
use lightmail_storage::shell::{CliError, Clock, ask, random_seed};

use super::open;

/// Commands about what was deleted. They work beside a running server.
#[derive(Subcommand)]
pub enum GarbageCommand {
    /// Remove for good what was deleted longer ago than [garbage] grace_hours, without waiting for the server's worker
    Run,
    /// Count what waits to be removed
    Status {
        /// One JSON object instead of lines for people
        #[arg(long)]
        json: bool,
    },
}

/// Runs `lightmail garbage …`.
pub async fn run(command: &GarbageCommand, config: &Config) -> Result<(), CliError> {
    let storage = open(config).await?;
    let settings = Settings::of(config);
    let result = match command {
        GarbageCommand::Run => collect(&storage, settings).await,
        GarbageCommand::Status { json } => status(&storage, settings, *json).await,
    };
    storage.close().await;
    result
}

/// Drives the server's own worker until there is nothing left to do.
async fn collect(storage: &Storage, settings: Settings) -> Result<(), CliError> {
    let (clock, mut desk) = (Clock::start(), storage.desk());
    let mut worker = Garbage::until_done(settings, random_seed()?);
    let (mut all, mut round) = (Removed::default(), Removed::default());
    let mut failed = None;
    loop {
        match worker.poll() {
            Step::Act(Action::Do(token, effect)) => {
                let outcome = desk.run(effect).await;
                failed = failed.or(round.take(&outcome).err());
                worker.handle(clock.now(), Input::Outcome(token, outcome));
            }
            Step::Act(action) => {
                let what = action.name();
                return Err(CliError::failed(format!(
                    "the worker asked for {what}, which no command does"
                )));
            }
            Step::Wait { .. } => {
                round.tell();
                all.add(&std::mem::take(&mut round));
                worker.handle(clock.now(), Input::Tick);
            }
            Step::Over => break,
        }
    }
    all.add(&round);
    match failed {
        Some(error) => Err(error),
        None => {
            say!("removed in all: {}", all.words());
            Ok(())
        }
    }
}

/// What was removed for good.
#[derive(Default)]
struct Removed {
    messages: u64,
    bodies: u64,
    mailboxes: u64,
    calendar_objects: u64,
    calendars: u64,
    /// Bodies that were to be deleted.
    claimed: u64,
}

impl Removed {
    /// Counts what an outcome says. Errors: it says that the worker cannot go on.
    fn take(&mut self, outcome: &Outcome) -> Result<(), CliError> {
        match outcome {
            Ok(Done::Reply(Reply::LeaseTaken(false))) => {
                return Err(CliError::failed(
                    "another worker has the lease: a server that runs removes garbage itself; if none does, wait until \
                     its lease has run out, a minute and a half",
                ));
            }
            Ok(Done::Reply(Reply::MessagesCollected(many))) => self.messages += u64::from(*many),
            Ok(Done::Reply(Reply::MailboxesCollected(many))) => self.mailboxes += u64::from(*many),
            Ok(Done::Reply(Reply::CalendarObjectsCollected(many))) => {
                self.calendar_objects += u64::from(*many);
            }
            Ok(Done::Reply(Reply::CalendarsCollected(many))) => self.calendars += u64::from(*many),
            Ok(Done::Reply(Reply::ObjectsClaimed { objects, .. })) => self.claimed = objects.len() as u64,
            Ok(Done::ObjectsDeleted(objects)) => return self.deleted(objects.len() as u64),
            Ok(_) => {}
            Err(failure) => return Err(CliError::failed(failure)),
        }
        Ok(())
    }

    fn deleted(&mut self, bodies: u64) -> Result<(), CliError> {
        self.bodies += bodies;
        match self.claimed.saturating_sub(bodies) {
            0 => Ok(()),
            left => Err(CliError::failed(format!(
                "{left} bodies could not be deleted, and stay claimed; the log says why"
            ))),
        }
    }

    fn add(&mut self, other: &Removed) {
        self.messages += other.messages;
        self.bodies += other.bodies;
        self.mailboxes += other.mailboxes;
        self.calendar_objects += other.calendar_objects;
        self.calendars += other.calendars;
    }

    /// A line of progress, unless there was nothing.
    fn tell(&self) {
        let rows = self.messages + self.mailboxes + self.calendar_objects + self.calendars;
        if rows + self.bodies > 0 {
            say!("removed {}", self.words());
        }
    }

    fn words(&self) -> String {
        let Self {
            messages,
            bodies,
            mailboxes,
            calendar_objects,
            calendars,
            ..
        } = self;
        format!(
            "{messages} messages, {calendar_objects} calendar objects, {bodies} bodies, {mailboxes} mailboxes, {calendars} calendars"
        )
    }
}

async fn status(storage: &Storage, settings: Settings, json: bool) -> Result<(), CliError> {
    let now_ms = Clock::start().now().unix_ms;
    let before_ms = now_ms.saturating_sub(settings.grace_ms);
    let reply = ask(storage, "garbage", Request::CountGarbage { before_ms }).await?;
    let Reply::GarbageCounted(counts) = reply else {
        return Err(CliError::failed(
            "the store gave another answer than was asked for",
        ));
    };
    match json {
        true => say!("{}", in_json(&counts)),
        false => tell(&counts, settings.grace_ms / 3_600_000),
    }
    Ok(())
}

/// What is soft-deleted, and its name.
fn deleted(counts: &GarbageCounts) -> [(&'static str, Deleted); 4] {
    [
        ("messages", counts.messages),
        ("mailboxes", counts.mailboxes),
        ("calendar objects", counts.calendar_objects),
        ("calendars", counts.calendars),
    ]
}

fn tell(counts: &GarbageCounts, grace_hours: u64) {
    say!("{:16}  {:>12}  {:>12}", "DELETED", "DUE", "KEPT");
    for (what, Deleted { due, kept }) in deleted(counts) {
        say!("{what:16}  {due:>12}  {kept:>12}");
    }
    say!("\nkept: deleted less than {grace_hours} hours ago");
    say!("bodies that no row names: {}", counts.unnamed);
    say!("bodies that are being deleted: {}", counts.claimed);
}

fn in_json(counts: &GarbageCounts) -> String {
    let deleted = deleted(counts).map(|(what, Deleted { due, kept })| {
        let what = what.replace(' ', "_");
        format!("\"{what}\":{{\"due\":{due},\"kept\":{kept}}}")
    });
    let GarbageCounts { unnamed, claimed, .. } = counts;
    format!(
        "{{{},\"bodies\":{{\"unnamed\":{unnamed},\"claimed\":{claimed}}}}}",
        deleted.join(",")
    )
}
