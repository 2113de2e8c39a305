//! What can be said has a transcript: each command, response, code, capability and reply of `words.txt`; and what the code's own
//! tables hold is in that list.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use lightmail_conformance::given::Given;
use lightmail_conformance::player::{Heard, Logins, Player, Unsupported};
use lightmail_conformance::pure::Core;
use lightmail_conformance::run::{Strictness, run};
use lightmail_conformance::transcript::{FaultRule, Must, Protocol, StepKind};
use lightmail_conformance::{Transcript, library};
use lightmail_core::config::{Config, Plaintext};
use lightmail_core::machine::{Machine, Peer, Seed};
use lightmail_core::pair::World;
use lightmail_core::{imap, lmtp, smtp};

use crate::tree::root;
use crate::{citations, facts, none, rust};

/// A line of `words.txt`.
struct Word {
    line: usize,
    kind: String,
    word: String,
    rfc: u32,
    section: String,
    how: How,
}

/// How a word is shown.
enum How {
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
];

fn list() -> Vec<Word> {
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

/// What a transcript has, and what is said when it is played in the core.
struct Told {
    transcript: Transcript,
    /// Every line of the text.
    written: Vec<Said>,
    /// Every line that the server said.
    heard: Vec<Said>,
}

/// A line of one side of a connection.
#[derive(Clone)]
struct Said {
    client: bool,
    protocol: Protocol,
    connection: u8,
    text: String,
}

static TOLD: LazyLock<Vec<Told>> = LazyLock::new(|| {
    let transcripts = library::read(&library::folder(), "").unwrap_or_else(|error| panic!("{error}"));
    transcripts.into_iter().map(told).collect()
});

fn told(transcript: Transcript) -> Told {
    let mut listening = Listening {
        core: Core::new(),
        speaks: BTreeMap::new(),
        heard: Vec::new(),
    };
    run(&transcript, &mut listening, Strictness::EveryLine);
    let written = written(&transcript);
    Told {
        transcript,
        written,
        heard: listening.heard,
    }
}

/// The lines of a transcript but those that must not come; each alternative of a choice is a line.
fn written(transcript: &Transcript) -> Vec<Said> {
    let mut speaks = BTreeMap::new();
    for given in transcript
        .given
        .iter()
        .filter_map(|phrase| Given::parse(phrase).ok())
    {
        if let Given::Connections {
            numbers,
            speaks: Some(protocol),
            ..
        } = given
        {
            speaks.extend(numbers.into_iter().map(|number| (number, protocol)));
        }
    }
    let said = |client, connection, text| Said {
        client,
        protocol: *speaks.get(&connection).unwrap_or(&transcript.over),
        connection,
        text,
    };
    let mut written = Vec::new();
    for step in &transcript.steps {
        match &step.kind {
            StepKind::Send {
                connection, octets, ..
            } => {
                let text = String::from_utf8_lossy(octets).trim_end().to_owned();
                written.push(said(true, *connection, text));
            }
            StepKind::Expect(lines) => {
                for line in lines.iter().filter(|line| line.must != Must::NotCome) {
                    // Patterns are printed with escapes.
                    let text = line
                        .pattern
                        .to_string()
                        .replace("\\\\", "\\")
                        .replace("\\\"", "\"");
                    written.extend(
                        choices(&text)
                            .into_iter()
                            .map(|text| said(false, line.connection, text)),
                    );
                }
            }
            _ => {}
        }
    }
    written
}

/// `$(NO|BAD) x` is `NO x` and `BAD x`; `$~(x)`, whose letters have no case, is `x`.
fn choices(text: &str) -> Vec<String> {
    let (mut done, mut open) = (Vec::new(), vec![text.to_owned()]);
    while let Some(text) = open.pop() {
        let chosen = text.find("$(").and_then(|at| choose(&text, at, "$("));
        match chosen.or_else(|| text.find("$~(").and_then(|at| choose(&text, at, "$~("))) {
            Some(chosen) => open.extend(chosen),
            None => done.push(text),
        }
    }
    done
}

/// The text with each alternative of the choice that begins at an octet; `None` if it does not end.
fn choose(text: &str, at: usize, mark: &str) -> Option<Vec<String>> {
    let (before, rest) = (&text[..at], &text[at + mark.len()..]);
    let (mut depth, mut from, mut inner) = (1, 0, Vec::new());
    for (at, c) in rest.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 || (depth == 1 && c == '|') {
            inner.push(&rest[from..at]);
            from = at + 1;
        }
        if depth == 0 {
            let after = &rest[from..];
            return Some(
                inner
                    .iter()
                    .map(|choice| format!("{before}{choice}{after}"))
                    .collect(),
            );
        }
    }
    None
}

#[test]
fn choices_are_lines_of_their_own() {
    for (text, lines) in [
        ("a OK ...", vec!["a OK ..."]),
        ("a $(NO|BAD) ...", vec!["a BAD ...", "a NO ..."]),
        (
            "b NO $([HASCHILDREN] |)...",
            vec!["b NO ...", "b NO [HASCHILDREN] ..."],
        ),
        ("($(UID 7|$(x|y) (z)))", vec!["(UID 7)", "(x (z))", "(y (z))"]),
        ("BODY $~((\"text\"))", vec!["BODY (\"text\")"]),
        ("$(open", vec!["$(open"]),
    ] {
        let mut found = choices(text);
        found.sort();
        assert_eq!(found, lines, "{text}");
    }
}

/// The core, and what it says.
struct Listening {
    core: Core,
    speaks: BTreeMap<u8, Protocol>,
    heard: Vec<Said>,
}

impl Listening {
    fn note(&mut self, connection: u8, heard: io::Result<Heard>) -> io::Result<Heard> {
        // Connection 0 sets up.
        if let (Ok(Heard::Line(octets)), Some(protocol), 1..) =
            (&heard, self.speaks.get(&connection), connection)
        {
            self.heard.push(Said {
                client: false,
                protocol: *protocol,
                connection,
                text: String::from_utf8_lossy(octets).into_owned(),
            });
        }
        heard
    }
}

impl Player for Listening {
    fn connect(&mut self, connection: u8, protocol: Protocol) -> io::Result<()> {
        self.speaks.insert(connection, protocol);
        self.core.connect(connection, protocol)
    }

    fn send(&mut self, connection: u8, octets: &[u8]) -> io::Result<()> {
        self.core.send(connection, octets)
    }

    fn hear(&mut self, connection: u8) -> io::Result<Heard> {
        let heard = self.core.hear(connection);
        self.note(connection, heard)
    }

    fn left_over(&mut self, connection: u8) -> io::Result<Heard> {
        let heard = self.core.left_over(connection);
        self.note(connection, heard)
    }

    fn close(&mut self, connection: u8) -> io::Result<()> {
        self.core.close(connection)
    }

    fn pass(&mut self, ms: u64) -> Result<(), Unsupported> {
        self.core.pass(ms)
    }

    fn fault(&mut self, rule: &FaultRule) -> Result<(), Unsupported> {
        self.core.fault(rule)
    }

    fn logins(&self) -> Logins {
        self.core.logins()
    }
}

/// Whether a text fits a pattern in which `...` is anything.
fn fits(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split("...");
    let Some(mut rest) = pieces.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut pieces: Vec<_> = pieces.collect();
    let Some(last) = pieces.pop() else {
        return rest.is_empty();
    };
    for piece in pieces {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Whether a line begins with a word; what follows is a space, or nothing.
fn begins(text: &str, word: &str) -> bool {
    text.strip_prefix(word)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

impl Word {
    fn protocol(&self) -> Protocol {
        let kind = KINDS.iter().find(|(kind, _)| *kind == self.kind);
        kind.map_or(Protocol::Imap, |(_, protocol)| *protocol)
    }

    /// Whether the line shows the word: for a client's word, that it is sent; for a server's, that it comes.
    fn is_in(&self, said: &Said) -> bool {
        let text = said.text.as_str();
        let behind = || text.split_once(' ').map_or("", |(_, behind)| behind);
        if said.protocol != self.protocol() {
            return false;
        }
        match (&self.how, self.kind.as_str()) {
            // What clients send has no case, but for the texts in it.
            (How::Client(pattern), _) => said.client && fits(&pattern.to_uppercase(), &text.to_uppercase()),
            (How::Server(pattern), _) => !said.client && fits(pattern, text),
            (_, "command") => said.client && begins(&behind().to_uppercase(), &self.word),
            (_, "verb") => said.client && begins(&text.to_uppercase(), &self.word),
            (_, "reply") => !said.client && begins(text, &self.word),
            (_, "code") => !said.client && is_code(behind(), &self.word),
            (_, "untagged") => !said.client && text.starts_with("* ") && is_untagged(behind(), &self.word),
            _ => false,
        }
    }

    /// Whether a transcript shows the word, and plays so.
    fn is_shown(&self, told: &Told) -> bool {
        if let How::Proved(rfc) = self.how {
            return told
                .transcript
                .proves
                .sections
                .iter()
                .any(|(proved, _)| *proved == rfc);
        }
        told.written.iter().any(|said| {
            self.is_in(said)
                && match (said.client, self.kind.as_str()) {
                    (true, "command") => succeeds(told, said),
                    (true, _) => true,
                    (false, _) => told.heard.iter().any(|heard| self.is_in(heard)),
                }
        })
    }
}

/// `OK [CODE] …`, without the tag.
fn is_code(status: &str, word: &str) -> bool {
    ["OK [", "NO [", "BAD [", "BYE ["].iter().any(|condition| {
        let code = status
            .strip_prefix(condition)
            .and_then(|code| code.strip_prefix(word));
        code.is_some_and(|behind| behind.starts_with([' ', ']', '.']))
    })
}

/// `WORD …` or `12 WORD …`, without the star.
fn is_untagged(response: &str, word: &str) -> bool {
    let numbered = response.split_once(' ').map_or("", |(_, behind)| behind);
    begins(response, word) || begins(numbered, word)
}

/// Whether a command is answered OK.
fn succeeds(told: &Told, sent: &Said) -> bool {
    let tag = sent.text.split(' ').next().unwrap_or_default();
    let ok = |said: &&Said| {
        !said.client && said.connection == sent.connection && begins(&said.text, &format!("{tag} OK"))
    };
    told.written.iter().any(|said| ok(&said)) && told.heard.iter().any(|said| ok(&said))
}

/// Whether a file's tests have the word.
fn is_tested(file: &str, word: &str) -> bool {
    let word = word.split(' ').next_back().unwrap_or(word);
    fs::read_to_string(root().join(file)).is_ok_and(|text| text.contains(word))
}

#[test]
fn every_word_of_the_protocols_has_a_transcript() {
    let mut complaints = Vec::new();
    for word in &list() {
        let Word {
            line,
            kind,
            word: name,
            rfc,
            section,
            ..
        } = word;
        let shown = TOLD.iter().find(|told| word.is_shown(told));
        let complaint = match (&word.how, shown) {
            (How::Untried(file), _) if !is_tested(file, name) => {
                format!("{file} has no test of it: write one, or a transcript")
            }
            (How::Untried(_), None) | (_, Some(_)) => continue,
            (How::Client(pattern), None) => format!("no transcript has C: {pattern}"),
            (How::Server(pattern), None) => format!("no transcript has S: {pattern}"),
            (_, None) => "no transcript shows it".to_owned(),
        };
        complaints.push(format!(
            "conformance/words.txt:{line}: {kind} {name}: {complaint} (RFC {rfc}, {section}; CONTRIBUTING.md, How to write a transcript)"
        ));
    }
    none(&complaints);
}

#[test]
fn words_that_a_transcript_shows_are_not_called_untried() {
    let tried = |word: &Word| {
        let plainly = Word {
            how: How::Plainly,
            kind: word.kind.clone(),
            word: word.word.clone(),
            section: String::new(),
            ..*word
        };
        let shown = TOLD.iter().find(|told| plainly.is_shown(told))?;
        Some(format!(
            "conformance/words.txt:{}: {} {}: {} shows it: take `untried` out",
            word.line, word.kind, word.word, shown.transcript.file
        ))
    };
    let list = list();
    let untried = list.iter().filter(|word| matches!(word.how, How::Untried(_)));
    none(&untried.filter_map(tried).collect::<Vec<_>>());
}

#[test]
fn every_section_of_the_words_exists() {
    let sections = citations::sections();
    let told = |word: &Word| {
        let wrong = citations::wrong(&sections, word.rfc, &word.section)?;
        Some(format!("conformance/words.txt:{}: {wrong}", word.line))
    };
    none(&list().iter().filter_map(told).collect::<Vec<_>>());
}

/// Whatever the code's tables hold, by kind.
fn vocabulary() -> BTreeMap<&'static str, BTreeSet<String>> {
    let reply =
        |reply: &smtp::words::Reply| format!("{} {}", reply.code, reply.enhanced).trim_end().to_owned();
    BTreeMap::from([
        ("command", imap::commands().collect()),
        (
            "code",
            imap::CODES.iter().map(|code| (*code).to_owned()).collect(),
        ),
        ("untagged", untagged()),
        ("capability", capabilities()),
        ("verb", smtp::verbs().map(str::to_owned).collect()),
        ("reply", smtp::words::ALL.iter().map(reply).collect()),
        ("keyword", keywords()),
    ])
}

/// The untagged responses that the sources write: `* WORD` and `* {number} WORD`.
fn untagged() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for source in rust::sources("core/src/imap")
        .into_iter()
        .filter(|source| !source.is_test())
    {
        for (_, literal) in source.without_tests().literals {
            let mut words = literal.split(' ');
            if words.next() == Some("*") {
                let capitals =
                    |word: &&str| word.len() > 1 && word.bytes().all(|octet| octet.is_ascii_uppercase());
                found.extend(
                    words
                        .map(|word| word.trim_end_matches('"'))
                        .find(capitals)
                        .map(str::to_owned),
                );
            }
        }
    }
    found
}

fn peer() -> Peer {
    Peer {
        address: Some([127, 0, 0, 1].into()),
        tls: None,
    }
}

/// What a new conversation says to `sent`.
fn answer(world: &mut World, machine: impl Machine + 'static, sent: &str) -> Vec<String> {
    let talk = world.join(machine);
    world.feed(talk, sent.as_bytes());
    let said = String::from_utf8_lossy(&world.take(talk)).into_owned();
    said.lines().map(str::to_owned).collect()
}

/// The capabilities before and after log-in, with and without TLS to be had, with passwords taken and refused.
fn capabilities() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for tls in [false, true] {
        for plaintext in [Plaintext::Always, Plaintext::Never] {
            let settings = imap::Settings {
                tls,
                plaintext,
                ..imap::Settings::from_config(&Config::default())
            };
            let session = imap::Session::new(peer(), Arc::new(settings), Seed::new([1; 32]));
            let mut world = World::new();
            world.create_account("user@example.com", "secret");
            let sent = "a CAPABILITY\r\nb LOGIN user@example.com secret\r\nc CAPABILITY\r\n";
            for line in answer(&mut world, session, sent) {
                let told = line.strip_prefix("* CAPABILITY ").unwrap_or_default();
                found.extend(told.split_whitespace().map(str::to_owned));
            }
        }
    }
    found
}

/// The keywords of the extensions that LHLO is answered with.
fn keywords() -> BTreeSet<String> {
    let session = lmtp::session(
        peer(),
        Arc::new(smtp::Settings::lmtp(&Config::default())),
        Seed::new([1; 32]),
    );
    let lines = answer(&mut World::new(), session, "LHLO client.example\r\n");
    // The first is the greeting, the second our name.
    let keyword = |line: &String| line.get(4..)?.split(' ').next().map(str::to_owned);
    lines.iter().skip(2).filter_map(keyword).collect()
}

#[test]
fn every_word_of_the_code_is_listed() {
    let list = list();
    let mut complaints = Vec::new();
    for (kind, words) in vocabulary() {
        assert!(
            words.len() > 5,
            "the words of kind {kind} were not found: {words:?}"
        );
        let listed: BTreeSet<_> = list
            .iter()
            .filter(|word| word.kind == kind)
            .map(|word| word.word.clone())
            .collect();
        for word in words.difference(&listed) {
            complaints.push(format!(
                "conformance/words.txt lacks {kind} {word}: add a line with its RFC and section"
            ));
        }
        // Responses are also made of parts, which no literal holds as a whole.
        for word in listed.difference(&words).filter(|_| kind != "untagged") {
            complaints.push(format!(
                "conformance/words.txt lists {kind} {word}, which the code does not know: take it out"
            ));
        }
    }
    none(&complaints);
}
