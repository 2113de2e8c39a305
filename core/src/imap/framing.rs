//! Framing: octets in, whole commands out, with their literals in place.
//!
//! RFC 3501, 2.2.1 and 4.3; RFC 7888 (LITERAL+). Holds at most one command within its budget and one read's rest; never allocates what
//! a literal merely announces; never looks at what a command says. The message of an APPEND does not pass here: it is streamed.

use bytes::{Bytes, BytesMut};

use super::settings::CommandBudget;

/// The framing of one conversation.
#[derive(Debug)]
pub(super) struct Framing {
    budget: CommandBudget,
    /// What the last read brought and nobody has taken yet.
    rest: Bytes,
    /// The command so far.
    command: BytesMut,
    /// Where its last line begins.
    line_at: usize,
    literals: usize,
    reading: Reading,
}

#[derive(Debug, PartialEq, Eq)]
enum Reading {
    Line,
    /// The command ends with the announcement of a literal that the session decides about.
    Announced(Literal),
    /// So many octets of a literal are missing.
    Literal(usize),
    /// The rest of a line that is too long; its last octets are kept.
    Dropping(BytesMut),
    /// A literal does not fit; whether the client waits for us to say so.
    Refused {
        waits: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Literal {
    size: u64,
    non_sync: bool,
}

/// What the octets so far make.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Nothing whole.
    More,
    /// A command, without its last CRLF.
    Command(Bytes),
    /// A command up to and with the announcement of a literal, without the CRLF: [`Framing::gather`] or [`Framing::stream`] it.
    Announced(Bytes),
    /// A command beyond its budget, or its beginning; unless `resynced`, nobody knows where the next one begins.
    TooLong { command: Bytes, resynced: bool },
}

/// How much of a command that is too long is kept, for its tag.
const KEPT: usize = 256;

impl Framing {
    pub(super) fn new(budget: CommandBudget) -> Self {
        Self {
            budget,
            rest: Bytes::new(),
            command: BytesMut::new(),
            line_at: 0,
            literals: 0,
            reading: Reading::Line,
        }
    }

    /// Another budget, from the next command on.
    pub(super) fn budget(&mut self, budget: CommandBudget) {
        self.budget = budget;
    }

    /// What was read.
    pub(super) fn push(&mut self, octets: Bytes) {
        if self.rest.is_empty() {
            self.rest = octets;
        } else {
            self.rest = [&self.rest[..], &octets[..]].concat().into();
        }
    }

    /// Whether nothing waits here.
    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty() && self.command.is_empty()
    }

    /// The next command, or what stands in its way.
    pub(super) fn next(&mut self) -> Piece {
        loop {
            match &mut self.reading {
                Reading::Line => match self.take_line() {
                    Line::Part => return Piece::More,
                    Line::Whole => {
                        let Some(literal) = announced(&self.command) else {
                            return Piece::Command(self.take_command());
                        };
                        self.reading = Reading::Announced(literal);
                        return Piece::Announced(Bytes::copy_from_slice(without_end(&self.command)));
                    }
                    Line::TooLong => {
                        self.reading = Reading::Dropping(self.command.split_off(self.command.len().min(KEPT)))
                    }
                },
                Reading::Announced(_) => return Piece::More,
                Reading::Literal(missing) => {
                    let part = self.rest.split_to((*missing).min(self.rest.len()));
                    *missing -= part.len();
                    self.command.extend_from_slice(&part);
                    if *missing > 0 {
                        return Piece::More;
                    }
                    self.line_at = self.command.len();
                    self.reading = Reading::Line;
                }
                Reading::Dropping(tail) => {
                    let end = memchr::memchr(b'\n', &self.rest);
                    let part = self.rest.split_to(end.map_or(self.rest.len(), |at| at + 1));
                    keep_tail(tail, &part);
                    if end.is_none() {
                        return Piece::More;
                    }
                    self.reading = Reading::Refused {
                        waits: !tail.ends_with(b"+}\r\n"),
                    };
                }
                Reading::Refused { waits } => {
                    let resynced = *waits;
                    self.command.truncate(KEPT);
                    return Piece::TooLong {
                        command: self.take_command(),
                        resynced,
                    };
                }
            }
        }
    }

    /// Takes the announced literal into the command. Returns whether the client waits for a continuation request.
    /// A literal beyond the budget is refused: the next piece tells.
    pub(super) fn gather(&mut self) -> bool {
        let Reading::Announced(literal) = self.reading else {
            return false;
        };
        let budget = &self.budget;
        let size = usize::try_from(literal.size)
            .ok()
            .filter(|&size| size <= budget.literal);
        let size = size
            .filter(|size| self.literals < budget.literals && self.command.len() + size <= budget.command);
        self.reading = size.map_or(
            Reading::Refused {
                waits: !literal.non_sync,
            },
            Reading::Literal,
        );
        self.literals += 1;
        size.is_some() && !literal.non_sync
    }

    /// Leaves the announced literal to [`Framing::octets`]; the command is over.
    pub(super) fn stream(&mut self) {
        self.take_command();
    }

    /// The next line, without its CRLF and without regard to literals; never [`Piece::Announced`].
    pub(super) fn line(&mut self) -> Piece {
        match self.take_line() {
            Line::Part => Piece::More,
            Line::Whole => Piece::Command(self.take_command()),
            Line::TooLong => Piece::TooLong {
                command: self.take_command(),
                resynced: false,
            },
        }
    }

    /// The next octets, at least one and at most `most`; `None` if none has come yet.
    pub(super) fn octets(&mut self, most: u64) -> Option<Bytes> {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        (!self.rest.is_empty() && most > 0).then(|| self.rest.split_to(self.rest.len().min(most)))
    }

    /// Moves octets into the command, up to a line end.
    fn take_line(&mut self) -> Line {
        let end = memchr::memchr(b'\n', &self.rest);
        let part = self.rest.split_to(end.map_or(self.rest.len(), |at| at + 1));
        self.command.extend_from_slice(&part);
        if self.command.len() - self.line_at > self.budget.line || self.command.len() > self.budget.command {
            // The line end may have come with what was too much.
            self.command.truncate(self.command.len() - part.len());
            self.rest = [&part[..], &self.rest[..]].concat().into();
            return Line::TooLong;
        }
        if end.is_some() { Line::Whole } else { Line::Part }
    }

    fn take_command(&mut self) -> Bytes {
        self.reading = Reading::Line;
        (self.literals, self.line_at) = (0, 0);
        let command = std::mem::take(&mut self.command).freeze();
        let len = without_end(&command).len();
        command.slice(..len)
    }
}

enum Line {
    Part,
    Whole,
    TooLong,
}

/// What a line that ends with CRLF says; a bare LF is no line end, and stays for the grammar to refuse.
fn without_end(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r\n").unwrap_or(line)
}

/// The literal that a line announces at its end: `"{" number ["+"] "}" CRLF`. A size beyond all numbers is the greatest.
fn announced(line: &[u8]) -> Option<Literal> {
    let line = line.strip_suffix(b"}\r\n")?;
    let (line, non_sync) = line.strip_suffix(b"+").map_or((line, false), |line| (line, true));
    let before = line.iter().rposition(|octet| !octet.is_ascii_digit())?;
    let digits = line.get(before + 1..).filter(|digits| !digits.is_empty())?;
    let size = str::from_utf8(digits).ok()?.parse().unwrap_or(u64::MAX);
    (line.get(before) == Some(&b'{')).then_some(Literal { size, non_sync })
}

/// The last octets of what is dropped: enough to see whether a literal follows unasked.
fn keep_tail(tail: &mut BytesMut, part: &[u8]) {
    const TAIL: usize = 4;
    tail.extend_from_slice(part.get(part.len().saturating_sub(TAIL)..).unwrap_or_default());
    let surplus = tail.len().saturating_sub(TAIL);
    let _ = tail.split_to(surplus);
}
