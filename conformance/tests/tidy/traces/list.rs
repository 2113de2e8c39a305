//! `words.txt`: what can be said, where an RFC has it, and how a transcript shows it.

use std::fs;
use std::path::Path;

use lightmail_conformance::transcript::Protocol;

use crate::facts;

/// A line of `words.txt`.
pub struct Word {
    pub line: usize,
    pub kind: String,
    pub word: String,
    pub rfc: u32,
    pub section: String,
    pub how: How,
}

/// How a word is shown.
pub enum How {
    /// As its kind says.
    Plainly,
    /// The client sends what fits.
    Client(String),
    /// The server says what fits.
    Server(String),
    /// Some transcript proves the RFC.
    Proved(u32),
    /// By no transcript, but by the tests of this file.
    Untried(String),
}

/// The kinds of words, and the protocol of each.
const KINDS: &[(&str, Protocol)] = &[
    ("command", Protocol::Imap),
    ("untagged", Protocol::Imap),
    ("code", Protocol::Imap),
    ("capability", Protocol::Imap),
    ("item", Protocol::Imap),
    ("verb", Protocol::Lmtp),
    ("reply", Protocol::Lmtp),
    ("keyword", Protocol::Lmtp),
    ("part", Protocol::Lmtp),
    ("pop-command", Protocol::Pop3),
    ("pop-code", Protocol::Pop3),
    ("pop-capability", Protocol::Pop3),
];

pub fn list() -> Vec<Word> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("words.txt")).unwrap();
    let lines = text.lines().enumerate();
    let lines = lines.filter(|(_, line)| facts(line).next().is_some());
    lines
        .map(|(at, line)| {
            word(at + 1, line).unwrap_or_else(|| {
                panic!(
                    "words.txt:{}: expected kind, word, RFC and section, two spaces between; then C: or S: and a pattern, \
                     proved: RFC, untried: FILE, or nothing",
                    at + 1
                )
            })
        })
        .collect()
}

fn word(line: usize, text: &str) -> Option<Word> {
    let mut columns = text
        .split("  ")
        .map(str::trim)
        .filter(|column| !column.is_empty());
    let (kind, word) = (columns.next()?.to_owned(), columns.next()?.to_owned());
    let (rfc, section) = columns.next()?.split_once(", ")?;
    let how = match columns.next() {
        None => How::Plainly,
        Some(how) => match how.split_once(": ")? {
            ("C", pattern) => How::Client(pattern.to_owned()),
            ("S", pattern) => How::Server(pattern.to_owned()),
            ("proved", rfc) => How::Proved(rfc.parse().ok()?),
            ("untried", file) => How::Untried(file.to_owned()),
            _ => return None,
        },
    };
    KINDS.iter().any(|(known, _)| *known == kind).then_some(Word {
        line,
        kind,
        word,
        rfc: rfc.parse().ok()?,
        section: section.to_owned(),
        how,
    })
}

impl Word {
    /// What speaks it.
    pub fn protocol(&self) -> Protocol {
        let kind = KINDS.iter().find(|(kind, _)| *kind == self.kind);
        kind.map_or(Protocol::Imap, |(_, protocol)| *protocol)
    }
}
