//! `lightmail replay FILE`: feeds the record of a session to the core, and shows what happens.

use std::fmt::{Debug, Display};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use clap::Args;
use lightmail_core::greet::again;
use lightmail_core::machine::record::{End, Played, Record, RecordedStep, play, words};
use lightmail_core::machine::{Action, Due, Machine, Step, Time};
use lightmail_core::wire::date;
use lightmail_storage::shell::CliError;

/// A replay: its status is 0 if the machine does what it did, 1 if it does otherwise, 2 if the file is no record.
#[derive(Args)]
pub struct ReplayCommand {
    /// A file of data_dir/records
    file: PathBuf,
    /// Say only whether the machine does what it did
    #[arg(long, short)]
    quiet: bool,
}

/// A value longer than this is cut when it is shown.
const SHOWN_MAX: usize = 2000;

/// Runs `lightmail replay`.
pub fn run(command: &ReplayCommand) -> Result<(), CliError> {
    let record = read(&command.file)?;
    let machine = again(&record.origin)
        .map_err(|expected| CliError::usage(format!("{}: expected {expected}", command.file.display())))?;
    let mut show = Show {
        quiet: command.quiet,
        begun: record.steps.first().map(|step| step.at).unwrap_or_default(),
        last_ms: 0,
    };
    show.begin(&record);
    let first = feed(machine, &record, &mut show);
    conclude(&record, first)
}

/// The record in a file. Errors name the file, the line, and what should have stood there.
fn read(file: &Path) -> Result<Record, CliError> {
    let name = file.display();
    let text = std::fs::read(file).map_err(|error| CliError::usage(format!("{name}: {error}")))?;
    let text =
        String::from_utf8(text).map_err(|_| CliError::usage(format!("{name}: expected text in UTF-8")))?;
    Record::parse(&text).map_err(|bad| CliError::usage(format!("{name}:{bad}")))
}

/// Where the machine does otherwise for the first time: the step, and in which way.
type Difference = (usize, &'static str);

fn feed(mut machine: Box<dyn Machine + Send>, record: &Record, show: &mut Show) -> Option<Difference> {
    let mut first = None;
    for (number, step) in record.steps.iter().enumerate() {
        show.input(number, step);
        let played = catch_unwind(AssertUnwindSafe(|| play(&mut machine, step)));
        let why = match &played {
            Ok(played) => show.played(played, step),
            Err(_) if step.said.is_none() && record.end == End::Panicked => None,
            Err(_) => Some("it panics"),
        };
        let panicked_then = step.said.is_none() && record.end == End::Panicked;
        let why = why.or((panicked_then && played.is_ok()).then_some("it does not panic"));
        if let Some(why) = why {
            show.line(format_args!("  ! the recorded session did otherwise: {why}"));
            first = first.or(Some((number, why)));
        }
        if played.is_err() {
            show.line("  ! panics");
            break;
        }
    }
    first
}

fn conclude(record: &Record, first: Option<Difference>) -> Result<(), CliError> {
    if let End::LeftOut(inputs) = record.end {
        say!("the record is not whole: {inputs} inputs behind it did not fit ([log] record_size)");
    }
    match first {
        None if record.end == End::Panicked => {
            say!("the same, down to the panic in step {}", record.steps.len() - 1)
        }
        None => say!("the same in all {} steps", record.steps.len()),
        Some((number, why)) => {
            return Err(CliError::failed(format!(
                "the first difference is in step {number}: {why}"
            )));
        }
    }
    Ok(())
}

/// Tells a person, unless only the end matters.
struct Show {
    quiet: bool,
    begun: Time,
    last_ms: u64,
}

impl Show {
    fn line(&self, line: impl Display) {
        if !self.quiet {
            say!("{line}");
        }
    }

    fn begin(&self, record: &Record) {
        let peer = record
            .origin
            .peer
            .address
            .map_or_else(|| "a UNIX socket".into(), |address| address.to_string());
        let unix_s = self.begun.unix_s();
        self.line(format_args!(
            "{}, from {peer}, first heard of at {}",
            record.origin.proto,
            date::received(unix_s)
        ));
    }

    fn input(&mut self, number: usize, step: &RecordedStep) {
        let at_ms = step.at.mono_ms.saturating_sub(self.begun.mono_ms);
        let since_ms = at_ms - self.last_ms.min(at_ms);
        self.last_ms = at_ms;
        let what = step
            .input
            .as_ref()
            .map_or_else(|| "the peer has connected".into(), words);
        self.line(format_args!("{number}. {at_ms} ms (+{since_ms}): {}", Cut(&what)));
    }

    /// Shows what a machine did; in which way it is something else than then.
    fn played(&self, played: &Played, step: &RecordedStep) -> Option<&'static str> {
        for action in &played.actions {
            self.line(format_args!("  -> {}", Cut(&shown(action))));
        }
        match &played.then {
            Step::Wait { bytes, until } => {
                let octets = if *bytes { "octets, outcomes" } else { "outcomes" };
                let until = until.map(until_words).unwrap_or_default();
                self.line(format_args!("  waits for {octets}{until}"));
            }
            Step::Over => self.line("  over"),
            Step::Act(_) => {}
        }
        let count = u32::try_from(played.actions.len()).unwrap_or(u32::MAX);
        match step.said {
            Some(said) if said.actions != count => Some("it does more or less"),
            Some(_) if played.agrees == Some(false) => Some("it does something else"),
            _ => None,
        }
    }
}

fn shown(action: &Action) -> String {
    match action {
        Action::Send(octets) => format!("Send \"{}\"", octets.escape_ascii()),
        Action::Feed(upload, octets) => format!("Feed {} with {} octets", upload.0, octets.len()),
        action => debug(action),
    }
}

/// `Debug` escapes control characters.
fn debug(value: &impl Debug) -> String {
    format!("{value:?}")
}

fn until_words(due: Due) -> String {
    match due {
        Due::At(mono_ms) => format!(", until {mono_ms} of its clock"),
        Due::Idle(ms) => format!(", for {ms} ms"),
    }
}

/// A text of at most [`SHOWN_MAX`] characters.
struct Cut<'a>(&'a str);

impl Display for Cut<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.char_indices().nth(SHOWN_MAX) {
            Some((end, _)) => write!(f, "{} … ({} octets)", self.0.split_at(end).0, self.0.len()),
            None => f.write_str(self.0),
        }
    }
}
