//! A record as a file: lines of words.
//!
//! ```text
//! lightmail-record 1
//! proto imap
//! settings "mail.example.com" …
//! peer 192.0.2.1 -
//! seed 0101…
//! begun 12 1700000000000
//! < 1 exact 0123456789abcdef
//! > 0 Tick
//! < 0 exact cbf29ce484222325
//! > 15 Bytes yes "a LOGIN xxxx xxxxxx\r\n"
//! < 1 names 0123456789abcdef
//! end Whole
//! ```
//!
//! `<` is what the machine did (first its greeting), `>` what happened next. Writing is [`super::Recorded`]'s.

use std::fmt;

use super::digest::Digest;
use super::text::{Expected, Reader, Recordable, Writer, enums};
use crate::machine::{Input, Peer, Seed, Time};

/// The first line: what it is, and the version of its form.
pub(super) const MAGIC: &str = "lightmail-record 1";

/// A record that was read.
#[derive(Clone, Debug)]
pub struct Record {
    /// What the machine was made of.
    pub origin: super::Origin,
    /// The greeting, then one step for each input.
    pub steps: Vec<RecordedStep>,
    /// How it ends.
    pub end: End,
}

/// One input and what the machine did with it.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedStep {
    /// When.
    pub at: Time,
    /// What happened; nothing yet, when the machine greets.
    pub input: Option<Input>,
    /// What the machine did; `None`: it did not come to the end of it.
    pub said: Option<Said>,
}

/// What a machine did in one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// How many things.
    pub actions: u32,
    /// Whether `digest` holds all that is in them, or their names alone.
    pub exact: bool,
    /// What tells them from others.
    pub digest: u64,
}

/// How a record ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With the session, or when it was written down.
    Whole,
    /// With a panic in the last step.
    Panicked,
    /// Before the session: so many inputs did not fit. It cannot be fed again whole.
    LeftOut(u64),
}

enums! { End { Whole, Panicked, LeftOut { 0: inputs } } }

/// Why a text is no record: the line, counted from 1, and what should have stood there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadRecord {
    /// The line.
    pub line: usize,
    /// What should have stood there.
    pub expected: Expected,
}

impl fmt::Display for BadRecord {
    /// `LINE: expected …`, for a file's name in front of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}", self.line, self.expected)
    }
}

impl Said {
    /// What is compared of a digest.
    pub(super) fn new(digest: Digest, is_masked: bool) -> Self {
        Self {
            actions: digest.actions,
            exact: !is_masked,
            digest: if is_masked { digest.names } else { digest.exact },
        }
    }

    /// Whether a machine has done the same, as far as that is known.
    pub fn agrees(&self, digest: &Digest) -> bool {
        *self == Self::new(*digest, !self.exact)
    }
}

impl Recordable for Said {
    fn write(&self, out: &mut Writer) {
        self.actions.write(out);
        out.word(if self.exact { "exact" } else { "names" });
        out.word(format_args!("{:016x}", self.digest));
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Expected> {
        Ok(Self {
            actions: u32::read(from)?,
            exact: match from.word() {
                "exact" => true,
                "names" => false,
                _ => return Err("exact or names"),
            },
            digest: u64::from_str_radix(from.word(), 16).map_err(|_| "a digest")?,
        })
    }
}

impl Record {
    /// Reads a record. Errors: the first line that is none of a record.
    pub fn parse(text: &str) -> Result<Record, BadRecord> {
        let mut lines = Lines {
            lines: text.lines(),
            number: 0,
            reader: Reader::new(""),
        };
        lines.read()
    }
}

struct Lines<'a> {
    lines: std::str::Lines<'a>,
    number: usize,
    reader: Reader<'a>,
}

impl Lines<'_> {
    fn read(&mut self) -> Result<Record, BadRecord> {
        self.next();
        self.check(|reader| (reader.rest() == MAGIC).then_some(()).ok_or("lightmail-record 1"))?;
        let proto = self.head("proto", "proto …", |reader| Ok(reader.word().to_owned().into()))?;
        let settings = self.head("settings", "settings …", |reader| Ok(reader.rest().into()))?;
        let peer = self.head("peer", "peer …", Peer::read)?;
        let seed = self.head("seed", "seed …", <[u8; 32]>::read)?;
        let begun = self.head("begun", "begun MONOTONIC_MS UNIX_MS", |reader| {
            Ok(Time {
                mono_ms: u64::read(reader)?,
                unix_ms: u64::read(reader)?,
            })
        })?;
        let origin = super::Origin {
            proto,
            settings,
            peer,
            seed: Seed::new(seed),
        };
        let (steps, end) = self.steps(begun)?;
        Ok(Record { origin, steps, end })
    }

    fn steps(&mut self, begun: Time) -> Result<(Vec<RecordedStep>, End), BadRecord> {
        let mut steps = vec![RecordedStep {
            at: begun,
            input: None,
            said: None,
        }];
        let mut now = begun;
        loop {
            self.next();
            if self.reader.skip("<") {
                let said = self.check(Said::read)?;
                if let Some(step) = steps.last_mut() {
                    step.said = Some(said);
                }
            } else if self.reader.skip(">") {
                now = self.check(|reader| elapsed(reader, now))?;
                let input = Some(self.check(Input::read)?);
                steps.push(RecordedStep {
                    at: now,
                    input,
                    said: None,
                });
            } else {
                self.named("end", "a line that begins with <, > or end")?;
                let end = self.check(End::read)?;
                self.check(|reader| reader.end())?;
                return Ok((steps, end));
            }
            self.check(|reader| reader.end())?;
        }
    }

    fn next(&mut self) {
        self.number += 1;
        let line = self.lines.next().unwrap_or_default();
        self.reader.line(line);
    }

    fn head<T>(
        &mut self,
        name: &str,
        expected: Expected,
        read: impl FnOnce(&mut Reader<'_>) -> Result<T, Expected>,
    ) -> Result<T, BadRecord> {
        self.next();
        self.named(name, expected)?;
        self.check(read)
    }

    fn named(&mut self, name: &str, expected: Expected) -> Result<(), BadRecord> {
        self.check(|reader| reader.skip(name).then_some(()).ok_or(expected))
    }

    fn check<T>(
        &mut self,
        read: impl FnOnce(&mut Reader<'_>) -> Result<T, Expected>,
    ) -> Result<T, BadRecord> {
        read(&mut self.reader).map_err(|expected| BadRecord {
            line: self.number,
            expected,
        })
    }
}

/// `ELAPSED_MS[~AHEAD_MS]` behind `last`.
fn elapsed(reader: &mut Reader<'_>, last: Time) -> Result<Time, Expected> {
    const ELAPSED: Expected = "milliseconds since the last input";
    let word = reader.word();
    let (mono_ms, ahead_ms) = word.split_once('~').unwrap_or((word, "0"));
    let mono_ms: u64 = mono_ms.parse().map_err(|_| ELAPSED)?;
    let ahead_ms: i64 = ahead_ms.parse().map_err(|_| ELAPSED)?;
    Ok(Time {
        mono_ms: last.mono_ms.saturating_add(mono_ms),
        unix_ms: last.unix_ms.wrapping_add(mono_ms).wrapping_add_signed(ahead_ms),
    })
}
