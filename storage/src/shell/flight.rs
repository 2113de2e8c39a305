//! The flight recorder: what a session was, in one line of the log when it ends; and what it was given, in a file if it broke.

use std::fmt;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use lightmail_core::machine::{Action, Figures, Input, Machine, Metered, Recorded, Step, Time};
use lightmail_core::store::Failure;
use lightmail_core::wire::date::compact;

use super::crowd::Seat;

/// The most files in the folder of records; the oldest go.
const FILES_MAX: usize = 100;
/// How the name of a record's file ends.
const ENDING: &str = ".lmr";

/// Where records go, and how long they may be.
#[derive(Clone, Debug)]
pub(super) struct Records {
    folder: Arc<Path>,
    /// Octets of one record; 0: nothing is recorded.
    pub(super) budget: usize,
}

/// How far a peer has gone that has to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Parting {
    /// It may stay.
    No,
    /// The machine believes that it is gone.
    Begun,
    /// It knows why.
    Told,
}

/// What a session is recorded under.
#[derive(Clone, Debug)]
pub(super) struct Ticket {
    pub(super) records: Records,
    pub(super) proto: &'static str,
    /// The session's number in the log.
    pub(super) id: u64,
}

/// A machine in flight. Dropped when its session ends, in good order or by a panic.
#[derive(Debug)]
pub(super) struct Flight<M: Machine> {
    machine: Metered<Recorded<M>>,
    ticket: Ticket,
    begun: Instant,
    seat: Seat,
    /// What is said to a peer that has to go.
    full: &'static str,
    parting: Parting,
    /// An effect broke, so a person has to look.
    is_broken: bool,
}

impl Records {
    /// Below the data folder; the folder is made with the first record.
    pub(super) fn new(data_dir: &Path, budget: usize) -> Self {
        Self {
            folder: data_dir.join("records").into(),
            budget,
        }
    }

    /// Writes a record, for its owner's eyes only, and removes the oldest ones.
    fn write(&self, proto: &str, id: u64, record: &str) -> io::Result<PathBuf> {
        DirBuilder::new()
            .mode(0o700)
            .recursive(true)
            .create(&self.folder)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let name = format!(
            "{}-{proto}-{id}{ENDING}",
            compact(now.as_millis().try_into().unwrap_or(0))
        );
        let path = self.folder.join(name);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        file.write_all(record.as_bytes())?;
        self.thin_out()?;
        Ok(path)
    }

    /// Names begin with the time, so the oldest come first.
    fn thin_out(&self) -> io::Result<()> {
        let files = fs::read_dir(&self.folder)?.filter_map(|file| Some(file.ok()?.path()));
        let mut files: Vec<_> = files
            .filter(|path| path.to_string_lossy().ends_with(ENDING))
            .collect();
        files.sort();
        let surplus = files.len().saturating_sub(FILES_MAX);
        for path in files.into_iter().take(surplus) {
            // An error: another session has removed it.
            let _ = fs::remove_file(path);
        }
        Ok(())
    }
}

impl<M: Machine> Flight<M> {
    /// Takes off.
    pub(super) fn new(machine: Recorded<M>, ticket: Ticket, seat: Seat, full: &'static str) -> Self {
        Self {
            machine: Metered::new(machine, elapsed),
            ticket,
            begun: Instant::now(),
            seat,
            full,
            parting: Parting::No,
            is_broken: false,
        }
    }

    /// The file of the record, if there is one; for the log.
    fn land(&mut self, panicked: bool) -> Option<String> {
        let Ticket { records, proto, id } = &self.ticket;
        if records.budget == 0 {
            return None;
        }
        let record = self.machine.machine().record(panicked);
        let written = records.write(proto, *id, &record);
        let path = written.inspect_err(|error| tracing::error!(%error, "session.record.not_written"));
        path.ok().map(|path| path.display().to_string())
    }
}

/// Time by a clock that never goes back.
fn elapsed() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}

impl<M: Machine> Machine for Flight<M> {
    fn handle(&mut self, now: Time, input: Input) {
        self.is_broken |= matches!(input, Input::Outcome(_, Err(Failure::Broken(_))));
        match &input {
            Input::Bytes { octets, .. } => self.seat.hold(octets.len()),
            Input::Eof if self.parting == Parting::No && self.seat.is_sent_away() => {
                self.parting = Parting::Begun;
                return self.machine.handle(now, input);
            }
            _ => {}
        }
        // Nothing comes behind `Eof` but outcomes.
        if self.parting == Parting::No || matches!(input, Input::Outcome(..)) {
            self.machine.handle(now, input);
        }
    }

    fn poll(&mut self) -> Step {
        match self.machine.poll() {
            Step::Over if self.parting == Parting::Begun => {
                self.parting = Parting::Told;
                tracing::warn!("session.sent_away.too_many");
                Step::Act(Action::Send(self.full.into()))
            }
            step => step,
        }
    }
}

impl<M: Machine> Drop for Flight<M> {
    /// A record is small and seldom written, so the thread waits for the disk.
    fn drop(&mut self) {
        let panicked = std::thread::panicking();
        let record = (panicked || self.is_broken)
            .then(|| self.land(panicked))
            .flatten();
        let figures = self.machine.figures();
        let (received_bytes, sent_bytes) = (figures.received_bytes, figures.sent_bytes);
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let (elapsed_ms, core_us) = (micros(self.begun.elapsed()) / 1000, micros(figures.core_time));
        let (inputs, effects) = (figures.inputs, Effects(figures));
        macro_rules! log {
            ($level:ident, $event:literal) => {
                tracing::$level!(elapsed_ms, core_us, inputs, received_bytes, sent_bytes, %effects, record, $event)
            };
        }
        match (panicked, self.is_broken) {
            (true, _) => log!(error, "session.panicked"),
            (false, true) => log!(error, "session.broken"),
            (false, false) => log!(info, "session.closed"),
        }
    }
}

/// Each effect's name and how often it was asked for.
struct Effects<'a>(&'a Figures);

impl fmt::Display for Effects<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (name, count)) in self.0.effects().enumerate() {
            let comma = if at > 0 { " " } else { "" };
            write!(f, "{comma}{name}:{count}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn the_newest_records_stay_and_nobody_else_reads_them() {
        let folder = std::env::temp_dir().join(format!("lm-{}-records", std::process::id()));
        let records = Records::new(&folder, 1);
        let written: Vec<_> = (0..FILES_MAX as u64 + 5)
            .map(|id| records.write("imap", id, "text").unwrap())
            .collect();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(fs::read_dir(&records.folder).unwrap().count(), FILES_MAX);
        let last = written.last().unwrap();
        assert_eq!((mode(last), mode(&records.folder)), (0o600, 0o700));
        assert_eq!(fs::read_to_string(last).unwrap(), "text");
        fs::remove_dir_all(folder).unwrap();
    }
}
