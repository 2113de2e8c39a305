//! `lightmail fsck`: checks the whole store, tells what it finds, repairs what can be repaired.
//!
//! Exit status: 0 nothing found, 1 findings (repaired or not), 2 wrong command line or configuration, 3 not checked to the end.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write as _};
use std::time::{Duration, Instant};

use clap::Args;
use lightmail_core::config::Config;
use lightmail_core::store::Failure;
use lightmail_storage::Storage;
use lightmail_storage::fsck::{Event, Finding, Place, Progress, Repair, Rule, Subject, Summary, Wish};
use lightmail_storage::shell::{CliError, Clock};
use serde_json::{Value, json};

/// Checks the whole store, beside running servers or without them. Exit status: 0 clean, 1 findings, 3 could not check.
#[derive(Args)]
pub struct FsckCommand {
    /// Read every body and compare its SHA-256
    #[arg(long)]
    bodies: bool,
    /// Repair what can be repaired without guessing; a body is never touched, a message never deleted
    #[arg(long)]
    repair: bool,
    /// One JSON object a line on standard output: each finding, then the summary
    #[arg(long)]
    json: bool,
}

/// Runs `lightmail fsck`.
pub async fn run(command: &FsckCommand, config: &Config) -> Result<(), CliError> {
    let storage = Storage::find(config).await.map_err(CliError::unchecked)?;
    let wish = Wish {
        bodies: command.bodies,
        repair: command.repair,
        ..Wish::new(Clock::start().now().unix_ms)
    };
    let mut report = Report::new(command.json);
    let ended = storage.fsck(wish, &mut |event| report.take(event)).await;
    storage.close().await;
    report.progress.clear();
    let summary = ended.map_err(|failure| CliError::unchecked(unchecked(&failure)))?;
    report.end(&summary);
    match summary.found {
        0 => Ok(()),
        found => Err(CliError::failed(format!(
            "{found} findings, {} of them repaired",
            summary.repaired
        ))),
    }
}

fn unchecked(failure: &Failure) -> String {
    let why = match failure {
        Failure::Unavailable { .. } => {
            "the database or the bucket does not answer; see the log, and try again"
        }
        Failure::Refused(_) => "there is no room on the disk",
        Failure::Broken(fault) => &fault.0,
    };
    format!("not checked to the end: {why}")
}

/// What is told, and how.
struct Report {
    json: bool,
    progress: Bar,
    told: BTreeMap<&'static str, (&'static Rule, u64)>,
}

impl Report {
    fn new(json: bool) -> Self {
        Self {
            json,
            progress: Bar::new(),
            told: BTreeMap::new(),
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Progress(progress) => self.progress.show(progress),
            Event::Found(finding) => {
                self.progress.clear();
                self.finding(&finding);
            }
        }
    }

    fn finding(&mut self, finding: &Finding) {
        if self.json {
            say!("{}", as_json(finding));
            return;
        }
        let rule = finding.rule;
        let (_, count) = self.told.entry(rule.name).or_insert((rule, 0));
        *count += 1;
        if *count == 1 {
            say!("{} (I{}): {}", rule.name, rule.invariant, rule.means);
        }
        let repaired = match finding.repair {
            Repair::NotAsked => "",
            Repair::Done => "; repaired",
            Repair::NotPossible => "; not repaired",
        };
        say!("  {}{repaired}", subject(&finding.subject));
        for place in &finding.places {
            say!("    {}", place_words(place));
        }
    }

    fn end(&self, summary: &Summary) {
        if self.json {
            say!("{}", summary_json(summary));
            return;
        }
        for (rule, count) in self.told.values() {
            say!("{}: {count}; {}", rule.name, rule.remedy);
        }
        say!(
            "checked {} messages, {} bodies by size, {} by hash: {} findings, {} repaired",
            summary.messages,
            summary.objects,
            summary.bodies,
            summary.found,
            summary.repaired
        );
    }
}

/// What a finding is about, in words.
fn subject(subject: &Subject) -> String {
    match subject {
        Subject::Account(id) => format!("account {id}"),
        Subject::Mailbox(id) => format!("mailbox {id}"),
        Subject::Message(mailbox, uid) => format!("mailbox {mailbox}, UID {uid}"),
        Subject::Object(object) => format!("body {object}"),
        Subject::Key(kind, object) => kind.key(*object),
        Subject::Delivery(key) => format!("delivery {}", hex(key)),
        Subject::Calendar(id) => format!("calendar {id}"),
        Subject::CalendarObject(calendar, name) => format!("calendar {calendar}, {name:?}"),
        Subject::Address(address) => format!("address {address:?}"),
        Subject::Domain(name) => format!("domain {name:?}"),
        Subject::Queued(id) => format!("queue {}", hex(id)),
    }
}

fn place_words(place: &Place) -> String {
    let mut words = place
        .account
        .clone()
        .unwrap_or_else(|| "a deleted account".into());
    if let Some(folder) = &place.folder {
        words += &format!(", {folder:?}");
    }
    if let Some(uid) = place.uid {
        words += &format!(", UID {uid}");
    }
    if let Some(name) = &place.name {
        words += &format!(", {name:?}");
    }
    words
}

fn as_json(finding: &Finding) -> Value {
    let places = finding.places.iter().map(|place| {
        json!({"account": place.account, "folder": place.folder, "uid": place.uid, "name": place.name})
    });
    let repair = match finding.repair {
        Repair::NotAsked => "not asked",
        Repair::Done => "done",
        Repair::NotPossible => "not possible",
    };
    json!({
        "finding": finding.rule.name,
        "invariant": finding.rule.invariant,
        "subject": subject(&finding.subject),
        "places": places.collect::<Vec<_>>(),
        "means": finding.rule.means,
        "remedy": finding.rule.remedy,
        "repair": repair,
    })
}

fn summary_json(summary: &Summary) -> Value {
    json!({
        "summary": {
            "found": summary.found,
            "repaired": summary.repaired,
            "messages": summary.messages,
            "objects": summary.objects,
            "bodies": summary.bodies,
        }
    })
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Progress on standard error: a bar on a terminal, a line now and then elsewhere.
struct Bar {
    terminal: bool,
    next: Instant,
    shown: bool,
}

impl Bar {
    const WIDTH: u64 = 30;

    fn new() -> Self {
        Self {
            terminal: io::stderr().is_terminal(),
            next: Instant::now(),
            shown: false,
        }
    }

    fn show(&mut self, progress: Progress) {
        if !self.terminal || Instant::now() < self.next {
            return;
        }
        self.next = Instant::now() + Duration::from_millis(100);
        let Progress { what, done, total } = progress;
        let per_cent = done.saturating_mul(100) / total.max(1);
        let full = done.saturating_mul(Self::WIDTH) / total.max(1);
        let bar: String = (0..Self::WIDTH)
            .map(|at| if at < full { '#' } else { '.' })
            .collect();
        // A closed standard error keeps nobody from checking.
        let _ = write!(io::stderr(), "\r\x1b[K[{bar}] {per_cent:3} % {what}");
        self.shown = true;
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
