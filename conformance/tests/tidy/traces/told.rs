//! All transcripts: what stands in them, and what is said when they are played in the core.

use std::collections::BTreeMap;
use std::io;
use std::sync::LazyLock;

use lightmail_conformance::given::Given;
use lightmail_conformance::player::{Heard, Logins, Player, Unsupported, Way};
use lightmail_conformance::pure::Core;
use lightmail_conformance::run::{Strictness, run};
use lightmail_conformance::transcript::{FaultRule, Must, Protocol, StepKind};
use lightmail_conformance::{Transcript, library};

/// What a transcript has, and what is said when it is played in the core.
pub struct Told {
    pub transcript: Transcript,
    /// Every line of the text.
    pub written: Vec<Said>,
    /// Every line that the server said.
    pub heard: Vec<Said>,
}

/// A line of one side of a connection.
#[derive(Clone)]
pub struct Said {
    pub client: bool,
    pub protocol: Protocol,
    pub connection: u8,
    pub text: String,
}

pub static TOLD: LazyLock<Vec<Told>> = LazyLock::new(|| {
    let transcripts = library::read(&library::folder(), "").unwrap_or_else(|error| panic!("{error}"));
    transcripts.into_iter().map(told).collect()
});

fn told(transcript: Transcript) -> Told {
    let mut listening = Listening {
        core: Core::of(&transcript),
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
        protocol: family(*speaks.get(&connection).unwrap_or(&transcript.over)),
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

/// SMTP's dialects have one table of words, which goes by LMTP's name here.
fn family(protocol: Protocol) -> Protocol {
    match protocol {
        Protocol::Smtp | Protocol::Submission => Protocol::Lmtp,
        protocol => protocol,
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
                protocol: family(*protocol),
                connection,
                text: String::from_utf8_lossy(octets).into_owned(),
            });
        }
        heard
    }
}

impl Player for Listening {
    fn connect(&mut self, connection: u8, protocol: Protocol, way: &Way) -> io::Result<()> {
        self.speaks.insert(connection, protocol);
        self.core.connect(connection, protocol, way)
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

    fn start_tls(&mut self, connection: u8) -> io::Result<()> {
        self.core.start_tls(connection)
    }

    fn start_deflate(&mut self, connection: u8) -> io::Result<()> {
        self.core.start_deflate(connection)
    }

    fn stop_deflate(&mut self, connection: u8) -> io::Result<()> {
        self.core.stop_deflate(connection)
    }

    fn exporter(&mut self, connection: u8) -> Option<[u8; 32]> {
        self.core.exporter(connection)
    }

    fn issue(&mut self, token: &str, login: &str) -> Result<(), Unsupported> {
        self.core.issue(token, login)
    }

    fn pass(&mut self, ms: u64) -> Result<(), Unsupported> {
        self.core.pass(ms)
    }

    fn lead(&mut self, local: Option<&str>, accounts: &[String]) -> Result<(), Unsupported> {
        self.core.lead(local, accounts)
    }

    fn fault(&mut self, rule: &FaultRule) -> Result<(), Unsupported> {
        self.core.fault(rule)
    }

    fn logins(&self) -> Logins {
        self.core.logins()
    }
}
