//! Framing of IMAP commands: octets in, whole commands out (RFC 3501, 2.2 and 4.3; RFC 7888; `literal8`, RFC 3516, 4.4).
//!
//! Knows where a command ends, never what it says. Literals wait for the session's decision: into memory, past it as a
//! stream, or away. Octets are held only once they have come, whatever a peer announces; nothing grows past the budget.
//! However the input is cut, the same events come out.

use std::ops::Range;

use bytes::{Buf, Bytes};
use smallvec::SmallVec;

pub use super::line::BareLf;
use super::line::{Cut, LineFault, Scan, append, skip_line};

/// What one command may cost. Given with each call, since a login changes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Octets of one line, its end not counted.
    pub line: usize,
    /// Octets of one literal in memory.
    pub literal: u64,
    /// Literals in memory.
    pub literals: usize,
    /// Octets held of one command, lines and literals together.
    pub total: usize,
    /// Octets of a refused non-synchronizing literal that are read and thrown away; behind a larger one no command can be
    /// found any more.
    pub skip: u64,
}

/// What has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A line ends in the announcement of a literal. Nothing more comes until the session has called
    /// [`accept_literal`](Assembler::accept_literal), [`stream_literal`](Assembler::stream_literal) or
    /// [`refuse_literal`](Assembler::refuse_literal).
    Literal(Announced),
    /// The next octets of the literal that is streamed; never empty.
    Stream(Bytes),
    /// The streamed literal is whole.
    StreamEnd,
    /// A whole command.
    Command(Command),
    /// The end of a command of which literals were streamed: what stands behind the last of them.
    Rest(Command),
    /// Octets that are no command. They are passed over up to the end of their line, with what literals it announces.
    Malformed {
        /// What is wrong.
        fault: Malformed,
        /// What stands before the first space, to be answered if it is a tag; `None` behind a streamed literal, too.
        tag: Option<Bytes>,
    },
    /// It cannot be known where the next command begins. Nothing comes after this: say BYE.
    Fatal,
}

/// `literal = "{" number ["+"] "}"`, with a `~` in front of the brace for `literal8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announced {
    /// Octets that will follow.
    pub size: u64,
    /// The peer waits for `+` before it sends them.
    pub sync: bool,
    /// `~{…}`: the octets may hold NUL.
    pub binary: bool,
}

/// Why octets are no command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// A line is none.
    Line(LineFault),
    /// The size of a literal does not fit 64 bits.
    LiteralSize,
}

/// Why a literal may not be held in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excess {
    /// It is larger than [`Budget::literal`].
    Literal,
    /// It is one more than [`Budget::literals`].
    Count,
    /// With it the command is larger than [`Budget::total`].
    Total,
}

/// One command in one piece: lines and literals as they came, without the last line end.
///
/// Behind each `{n}` CRLF stand exactly the `n` octets of that literal, so a cursor walks over all of it; CRLF is there even
/// where a bare LF was accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Command {
    octets: Bytes,
    literals: Literals,
}

type Literals = SmallVec<[Range<usize>; 2]>;

impl Command {
    /// All octets.
    pub fn octets(&self) -> &Bytes {
        &self.octets
    }

    /// Where the literals lie, in order.
    pub fn literals(&self) -> &[Range<usize>] {
        &self.literals
    }

    /// The literal whose first octet is at `offset`.
    pub fn literal_at(&self, offset: usize) -> Option<Range<usize>> {
        let found = self
            .literals
            .binary_search_by_key(&offset, |range| range.start)
            .ok()?;
        self.literals.get(found).cloned()
    }
}

/// Collects one command at a time.
#[derive(Clone, Debug, Default)]
pub struct Assembler {
    bare_lf: BareLf,
    state: State,
    scan: Scan,
    held: Vec<u8>,
    literals: Literals,
    /// Where in `held` the line begins that is being read.
    line_start: usize,
    /// A literal of this command has been streamed.
    streamed: bool,
    /// This command is over for the session: lines are passed over, `held` is the tail of the line.
    discarding: bool,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    #[default]
    Line,
    /// The end of a discarded line has come; its tail says what follows.
    DiscardedLine,
    AwaitDecision(Announced),
    Collecting(usize),
    Streaming(u64),
    Skipping(u64),
    /// Fatal, not yet told.
    Lost,
    Dead,
}

/// How much is kept of a discarded line: more than the longest announcement with 20 digits and CR.
const TAIL: usize = 32;
/// The longest number of 64 bits.
const DIGITS_MAX: usize = 20;
/// How far a tag is looked for.
const TAG_MAX: usize = 64;

impl Assembler {
    /// An assembler between two commands.
    pub fn new(bare_lf: BareLf) -> Assembler {
        Assembler {
            bare_lf,
            ..Assembler::default()
        }
    }

    /// Takes octets off the front of `input` up to the next event; what is behind it stays there.
    ///
    /// `None`: `input` is used up, or a literal waits for its decision, or [`Event::Fatal`] has been told.
    pub fn next(&mut self, input: &mut Bytes, budget: &Budget) -> Option<Event> {
        loop {
            let event = match self.state {
                State::Line | State::Collecting(1..) | State::Streaming(1..) | State::Skipping(1..)
                    if input.is_empty() =>
                {
                    return None;
                }
                State::AwaitDecision(_) | State::Dead => return None,
                State::Line if self.discarding => self.discard_line(input),
                State::Line => self.read_line(input, budget),
                State::DiscardedLine => self.end_discarded(budget),
                State::Collecting(left) => self.collect(input, left),
                State::Streaming(left) => self.stream(input, left),
                State::Skipping(left) => self.skip(input, left),
                State::Lost => {
                    self.state = State::Dead;
                    Some(Event::Fatal)
                }
            };
            if event.is_some() {
                return event;
            }
        }
    }

    /// What has come of the command, up to and with the announcement that waits: enough to see whether it is an APPEND.
    /// Behind a streamed literal, what has come since.
    pub fn so_far(&self) -> &[u8] {
        &self.held
    }

    /// Where the literals in [`so_far`](Self::so_far) lie.
    pub fn literals_so_far(&self) -> &[Range<usize>] {
        &self.literals
    }

    /// Whether no octet of a command has come yet.
    pub fn is_between_commands(&self) -> bool {
        matches!(self.state, State::Line) && self.held.is_empty() && !self.streamed && !self.discarding
    }

    /// Takes the announced literal into memory; the session sends `+` if it is synchronizing.
    ///
    /// Errors: it does not fit the budget. It then still waits, to be refused or streamed.
    pub fn accept_literal(&mut self, budget: &Budget) -> Result<(), Excess> {
        let State::AwaitDecision(Announced { size, .. }) = self.state else {
            return Ok(());
        };
        let fits = usize::try_from(size)
            .ok()
            .filter(|_| size <= budget.literal)
            .ok_or(Excess::Literal)?;
        if self.literals.len() >= budget.literals {
            return Err(Excess::Count);
        }
        let start = self.held.len() + 2;
        let end = start
            .checked_add(fits)
            .filter(|end| *end <= budget.total)
            .ok_or(Excess::Total)?;
        append(&mut self.held, b"\r\n");
        self.literals.push(start..end);
        self.state = State::Collecting(fits);
        Ok(())
    }

    /// Lets the announced literal pass as [`Event::Stream`]s; the session sends `+` if it is synchronizing.
    ///
    /// The session has read [`so_far`](Self::so_far): that is forgotten now, and what comes behind the literal is held anew,
    /// so that a command may stream any number of literals.
    pub fn stream_literal(&mut self) {
        if let State::AwaitDecision(Announced { size, .. }) = self.state {
            self.forget();
            self.streamed = true;
            self.state = State::Streaming(size);
        }
    }

    /// Ends the command at the announced literal; the session answers it now.
    ///
    /// A synchronizing literal is never sent, so the next octets are a new command. Another one is passed over with the
    /// rest of its command; if it is larger than [`Budget::skip`], the next event is [`Event::Fatal`].
    pub fn refuse_literal(&mut self, budget: &Budget) {
        if let State::AwaitDecision(announced) = self.state {
            self.discard(announced, budget);
        }
    }

    fn read_line(&mut self, input: &mut Bytes, budget: &Budget) -> Option<Event> {
        let max = budget.line.min(budget.total.saturating_sub(self.line_start));
        match self.scan.next(input, max, self.bare_lf) {
            Cut::More(taken) => {
                append(&mut self.held, &input.split_to(taken));
                None
            }
            Cut::End { taken, ending } => {
                append(&mut self.held, &input.split_to(taken));
                self.held.truncate(self.held.len().saturating_sub(ending));
                Some(self.end_line())
            }
            Cut::Fault { taken, fault, ended } => {
                append(&mut self.held, &input.split_to(taken));
                let tag = self.tag(max);
                self.held.drain(..self.line_start.min(self.held.len()));
                self.keep_tail();
                self.discarding = true;
                self.state = if ended { State::DiscardedLine } else { State::Line };
                Some(Event::Malformed {
                    fault: Malformed::Line(fault),
                    tag,
                })
            }
        }
    }

    fn end_line(&mut self) -> Event {
        match announcement(self.held.get(self.line_start..).unwrap_or_default()) {
            Announcement::None => {
                let command = Command {
                    octets: Bytes::from(std::mem::take(&mut self.held)),
                    literals: std::mem::take(&mut self.literals),
                };
                let rest = self.streamed;
                self.reset();
                if rest {
                    Event::Rest(command)
                } else {
                    Event::Command(command)
                }
            }
            Announcement::Some(announced) => {
                self.state = State::AwaitDecision(announced);
                Event::Literal(announced)
            }
            Announcement::Oversized { sync: true } => {
                let tag = self.tag(TAG_MAX);
                self.reset();
                Event::Malformed {
                    fault: Malformed::LiteralSize,
                    tag,
                }
            }
            Announcement::Oversized { sync: false } => {
                self.forget();
                self.state = State::Dead;
                Event::Fatal
            }
        }
    }

    fn collect(&mut self, input: &mut Bytes, left: usize) -> Option<Event> {
        let octets = input.split_to(left.min(input.len()));
        append(&mut self.held, &octets);
        self.state = State::Collecting(left - octets.len());
        if left == octets.len() {
            self.line_start = self.held.len();
            self.state = State::Line;
        }
        None
    }

    fn stream(&mut self, input: &mut Bytes, left: u64) -> Option<Event> {
        if left == 0 {
            self.state = State::Line;
            return Some(Event::StreamEnd);
        }
        let octets = input.split_to(at_most(left, input.len()));
        self.state = State::Streaming(left.saturating_sub(octets.len() as u64));
        Some(Event::Stream(octets))
    }

    fn skip(&mut self, input: &mut Bytes, left: u64) -> Option<Event> {
        let octets = at_most(left, input.len());
        input.advance(octets);
        let left = left.saturating_sub(octets as u64);
        self.state = if left == 0 {
            State::Line
        } else {
            State::Skipping(left)
        };
        None
    }

    fn discard_line(&mut self, input: &mut Bytes) -> Option<Event> {
        let mut rest = input.clone();
        let ended = skip_line(&mut rest);
        let line = input.split_to(input.len() - rest.len());
        append(
            &mut self.held,
            line.get(line.len().saturating_sub(TAIL)..).unwrap_or_default(),
        );
        self.keep_tail();
        if ended {
            self.state = State::DiscardedLine;
        }
        None
    }

    fn end_discarded(&mut self, budget: &Budget) -> Option<Event> {
        let line = self.held.strip_suffix(b"\n").unwrap_or(&self.held);
        match announcement(line.strip_suffix(b"\r").unwrap_or(line)) {
            Announcement::Some(announced) => self.discard(announced, budget),
            Announcement::None | Announcement::Oversized { sync: true } => self.reset(),
            Announcement::Oversized { sync: false } => self.state = State::Lost,
        }
        None
    }

    /// The command is refused, and this announcement is the last that came of it.
    fn discard(&mut self, announced: Announced, budget: &Budget) {
        self.forget();
        match announced {
            Announced { sync: true, .. } => self.reset(),
            Announced { size, .. } if size <= budget.skip => {
                self.discarding = true;
                self.state = State::Skipping(size);
            }
            _ => self.state = State::Lost,
        }
    }

    fn tag(&self, max: usize) -> Option<Bytes> {
        let head = self.held.get(..max.min(TAG_MAX)).unwrap_or(&self.held);
        let tag = head
            .split(|octet| *octet == b' ')
            .next()
            .filter(|tag| tag.len() < head.len())?;
        (!self.streamed).then(|| Bytes::copy_from_slice(tag))
    }

    fn keep_tail(&mut self) {
        let surplus = self.held.len().saturating_sub(TAIL);
        self.held.drain(..surplus);
        self.held.shrink_to(TAIL);
        self.literals.clear();
        self.line_start = 0;
    }

    fn forget(&mut self) {
        self.held = Vec::new();
        self.literals = Literals::new();
        self.line_start = 0;
    }

    fn reset(&mut self) {
        self.forget();
        self.state = State::Line;
        self.streamed = false;
        self.discarding = false;
    }
}

fn at_most(wanted: u64, there: usize) -> usize {
    usize::try_from(wanted).unwrap_or(usize::MAX).min(there)
}

enum Announcement {
    None,
    Some(Announced),
    /// More digits than a 64-bit number has, or too large a number.
    Oversized {
        sync: bool,
    },
}

/// The announcement at the end of a line.
fn announcement(line: &[u8]) -> Announcement {
    let Some(inner) = line.strip_suffix(b"}") else {
        return Announcement::None;
    };
    let (inner, sync) = inner
        .strip_suffix(b"+")
        .map_or((inner, true), |inner| (inner, false));
    let digits = inner
        .iter()
        .rev()
        .take_while(|octet| octet.is_ascii_digit())
        .count();
    if digits > DIGITS_MAX {
        return Announcement::Oversized { sync };
    }
    let (before, number) = inner.split_at_checked(inner.len() - digits).unwrap_or_default();
    let Some(before) = before.strip_suffix(b"{").filter(|_| digits > 0) else {
        return Announcement::None;
    };
    let size = number.iter().try_fold(0u64, |size, digit| {
        size.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
    });
    match size {
        Some(size) => Announcement::Some(Announced {
            size,
            sync,
            binary: before.ends_with(b"~"),
        }),
        None => Announcement::Oversized { sync },
    }
}

#[cfg(test)]
mod tests;
