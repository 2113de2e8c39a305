//! Framing: the assembler of commands, the lines between them, and the one buffer of octets that nobody has taken yet.
//!
//! RFC 3501, 2.2.1 and 4.3; RFC 7888 (LITERAL+). Holds at most one command within its budget and the rest of one read.

use std::fmt;
use std::ops::Range;

use bytes::Bytes;

use crate::wire::command::{Assembler, BareLf, Budget, Event};
use crate::wire::line::{LineFault, Lines};

/// The framing of one conversation.
pub(super) struct Framing {
    budget: Budget,
    /// Octets that came since the beginning.
    pushed: u64,
    rest: Bytes,
    assembler: Assembler,
    lines: Lines,
    /// A literal is announced and nobody has decided about it.
    undecided: bool,
}

impl fmt::Debug for Framing {
    /// Without the octets: there may be a password among them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Framing({} octets wait)", self.rest.len())
    }
}

impl Framing {
    pub(super) fn new(budget: Budget) -> Self {
        let (assembler, lines) = (Assembler::new(BareLf::Report), Lines::new(BareLf::Report));
        Self {
            budget,
            pushed: 0,
            rest: Bytes::new(),
            assembler,
            lines,
            undecided: false,
        }
    }

    /// Another budget, from the next command on.
    pub(super) fn budget(&mut self, budget: Budget) {
        self.budget = budget;
    }

    /// What was read.
    pub(super) fn push(&mut self, octets: Bytes) {
        self.pushed += octets.len() as u64;
        self.rest = if self.rest.is_empty() {
            octets
        } else {
            [&self.rest[..], &octets[..]].concat().into()
        };
    }

    /// Octets of the client that commands, lines and literals were made of so far.
    pub(super) fn taken(&self) -> u64 {
        self.pushed - self.rest.len() as u64
    }

    /// Whether no octet waits here.
    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty() && self.assembler.is_between_commands() && self.lines.is_between_lines()
    }

    /// What has come of commands and their literals.
    pub(super) fn next(&mut self) -> Option<Event> {
        let event = self.assembler.next(&mut self.rest, &self.budget);
        self.undecided |= matches!(event, Some(Event::Literal(_)));
        event
    }

    /// The next line, which is no command and has no literals, without its end.
    pub(super) fn line(&mut self, max: usize) -> Option<Result<Bytes, LineFault>> {
        self.lines.next(&mut self.rest, max)
    }

    /// The command up to and with the announcement of the literal.
    pub(super) fn so_far(&self) -> &[u8] {
        self.assembler.so_far()
    }

    /// Where the last literal in [`Framing::so_far`] lies.
    pub(super) fn last_literal(&self) -> Option<Range<usize>> {
        self.assembler.literals_so_far().last().cloned()
    }

    /// Takes the announced literal into the command. `false`: it does not fit; then it is still undecided.
    pub(super) fn gather(&mut self) -> bool {
        self.undecided = self.assembler.accept_literal(&self.budget).is_err();
        !self.undecided
    }

    /// Lets the announced literal pass piece by piece.
    pub(super) fn stream(&mut self) {
        self.undecided = false;
        self.assembler.stream_literal();
    }

    /// The command is over: a literal about which nobody has decided is refused.
    pub(super) fn conclude(&mut self) {
        if std::mem::take(&mut self.undecided) {
            self.assembler.refuse_literal(&self.budget);
        }
    }
}
