//! The flight recorder: a machine around a machine that keeps what goes in, so that it can be fed again.
//!
//! A session is a list of inputs, so its record is that list: the peer's octets, the outcomes of effects with all that they
//! brought, the times; in front of it what the machine was made of, behind each input a digest of what the machine did. It is a
//! text ([`file`]) with a word for every value ([`text`], [`forms`]): one kind of value, one line, no library, readable by whoever
//! has to find out what went wrong. Outcomes are written whole, not asked of a store again: what a store answered that day is
//! often the very cause.
//!
//! What is left out. Secrets: octets of the peer are masked at equal length unless the machine has disclosed them
//! ([`Disclosures`]), hashes are masked. Mail: the letters and digits of messages are masked too, and [`super::Action::Feed`] is
//! compared by its length; subjects and addresses that a message index holds stay, as answers are made of them. A record is to be
//! kept like mail.
//!
//! A record grows with what happens, up to a budget, and an idle session's does not. Beyond the budget its beginning stays: only
//! from the beginning can a session be fed again.

mod calendars;
mod digest;
mod file;
mod forms;
mod mask;
mod queue;
mod replay;
mod text;
mod view;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

pub use digest::Digest;
pub use file::{BadRecord, End, Record, RecordedStep, Said};
pub use replay::{Played, play};
pub use text::{Expected, Reader, Recordable, Writer, words};

use super::{Disclosures, Form, Input, Machine, Peer, Seed, Step, Time};
use text::Quoted;

/// What a machine was made of.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The door's protocol.
    pub proto: Cow<'static, str>,
    /// The machine's settings, in words.
    pub settings: Arc<str>,
    /// Who has come.
    pub peer: Peer,
    /// What its ids are drawn from, before the first.
    pub seed: Seed,
}

/// Keeps a record of a machine.
#[derive(Debug)]
pub struct Recorded<M> {
    machine: M,
    tape: Tape,
}

impl<M> Recorded<M> {
    /// Records `machine`, which was made of `origin`, in at most `budget` octets. 0: nothing is kept.
    pub fn new(machine: M, origin: Origin, budget: usize) -> Self {
        Self {
            machine,
            tape: Tape::new(origin, budget),
        }
    }
}

impl<M: Machine> Recorded<M> {
    /// The record as a text. `panicked`: the last step has not come to its end.
    pub fn record(&mut self, panicked: bool) -> String {
        let told = self.machine.disclosed();
        self.tape.settle(&told);
        self.tape.text(panicked)
    }
}

impl<M: Machine> Machine for Recorded<M> {
    fn handle(&mut self, now: Time, input: Input) {
        self.tape.put(now, &input);
        self.machine.handle(now, input);
    }

    fn poll(&mut self) -> Step {
        let step = self.machine.poll();
        if self.tape.is_running {
            self.tape.settle(&self.machine.disclosed());
            if let Step::Act(action) = &step {
                self.tape.digest.add(action);
            }
        }
        step
    }
}

/// A record that grows. The peer's octets stand by themselves, so that they can be masked in place once it is known how.
#[derive(Debug)]
struct Tape {
    origin: Origin,
    /// Octets that `stream` and `steps` may have together.
    budget: usize,
    /// Nothing was left out yet.
    is_running: bool,
    /// All that the peer wrote.
    stream: Vec<u8>,
    /// How much of `stream` is masked as far as it has to be.
    settled: usize,
    /// The steps, a line for each input and each digest; octets are there by their number only.
    steps: Writer,
    /// When the last input came.
    now: Time,
    /// When the first one came.
    begun: Option<Time>,
    /// What the machine has done since the last input.
    digest: Digest,
    /// Octets were masked since the last input with octets, so the machine may say what a replay will not.
    is_masked: bool,
    /// Inputs that were left out.
    left_out: u64,
}

impl Tape {
    fn new(origin: Origin, budget: usize) -> Self {
        Self {
            origin,
            budget,
            is_running: budget > 0,
            stream: Vec::new(),
            settled: 0,
            steps: Writer::new(budget),
            now: Time::default(),
            begun: None,
            digest: Digest::default(),
            is_masked: false,
            left_out: 0,
        }
    }

    /// Takes in an input, if it fits with all that is in it.
    fn put(&mut self, now: Time, input: &Input) {
        if !self.is_running {
            self.left_out += 1;
            return;
        }
        let whole = self.steps.text().len();
        self.steps.word('<');
        Said::new(self.digest, self.is_masked).write(&mut self.steps);
        self.steps.end_line();
        let octets = match input {
            Input::Bytes { octets, .. } => &octets[..],
            _ => &[],
        };
        self.steps
            .lower(self.budget.saturating_sub(self.stream.len() + octets.len()));
        self.write(now, input);
        if self.steps.is_full() {
            self.steps.cut(whole);
            self.stream.shrink_to_fit();
            self.is_running = false;
            self.left_out = 1;
            return;
        }
        self.stream.extend_from_slice(octets);
        self.is_masked &= octets.is_empty();
        self.digest = Digest::default();
        self.now = now;
    }

    /// `> ELAPSED_MS[~CLOCK_MS] INPUT`: the time since the last input; how much the wall clock went ahead of that, if it did.
    fn write(&mut self, now: Time, input: &Input) {
        let last = self.begun.map_or(now, |_| self.now);
        self.begun.get_or_insert(now);
        let mono_ms = now.mono_ms.saturating_sub(last.mono_ms);
        let ahead_ms = now
            .unix_ms
            .wrapping_sub(last.unix_ms)
            .wrapping_sub(mono_ms)
            .cast_signed();
        self.steps.word('>');
        match ahead_ms {
            0 => self.steps.word(mono_ms),
            _ => self.steps.word(format_args!("{mono_ms}~{ahead_ms}")),
        }
        match input {
            Input::Bytes { octets, waited } => {
                self.steps.word("Bytes");
                waited.write(&mut self.steps);
                octets.len().write(&mut self.steps);
            }
            input => input.write(&mut self.steps),
        }
        self.steps.end_line();
    }

    /// Masks what has been disclosed in another form than it came.
    fn settle(&mut self, told: &Disclosures) {
        for (until, form) in told.iter() {
            let until = usize::try_from(until)
                .unwrap_or(usize::MAX)
                .min(self.stream.len());
            let octets = self.stream.get_mut(self.settled..until).unwrap_or_default();
            if octets.is_empty() {
                continue;
            }
            mask::mask(octets, form);
            self.settled = until;
            // Also if this piece has stayed as it was: it may end a line whose beginning came earlier and was masked.
            self.is_masked |= !matches!(form, Form::Plain | Form::Content);
        }
    }

    /// All of it. Of what is not settled the frame is left: a machine may have passed it over by the counts in it.
    fn text(&self, panicked: bool) -> String {
        let mut text = self.head();
        let mut stream = self.stream.clone();
        if let Some(rest) = stream.get_mut(self.settled..) {
            mask::mask(rest, Form::Frame);
        }
        let mut stream = &stream[..];
        for line in self.steps.text().lines() {
            let octets = line
                .rsplit_once(' ')
                .filter(|(words, _)| is_bytes(words))
                .and_then(|(words, count)| Some((words, stream.split_at_checked(count.parse().ok()?)?)));
            // Writing into a string never fails.
            let _ = match octets {
                Some((words, (octets, rest))) => {
                    stream = rest;
                    writeln!(text, "{words} {}", Quoted(octets))
                }
                None => writeln!(text, "{line}"),
            };
        }
        let end = if self.left_out > 0 {
            End::LeftOut(self.left_out)
        } else if panicked {
            End::Panicked
        } else {
            text += &format!("< {}\n", words(&Said::new(self.digest, self.is_masked)));
            End::Whole
        };
        text + &format!("end {}\n", words(&end))
    }

    fn head(&self) -> String {
        let Origin {
            proto,
            settings,
            peer,
            seed,
        } = &self.origin;
        let (peer, seed) = (words(peer), words(&seed.key()));
        let begun = self.begun.unwrap_or_default();
        format!(
            "{}\nproto {proto}\nsettings {settings}\npeer {peer}\nseed {seed}\nbegun {} {}\n",
            file::MAGIC,
            begun.mono_ms,
            begun.unix_ms
        )
    }
}

/// Whether a line's words, without the last, say that octets came.
fn is_bytes(words: &str) -> bool {
    let mut words = words.split(' ');
    words.next() == Some(">") && words.nth(1) == Some("Bytes")
}
