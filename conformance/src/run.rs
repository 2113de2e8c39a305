//! Plays one transcript and says how it went.

mod replay;
mod setup;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use lightmail_core::sasl::scram::Hash;
pub use replay::replay;

use crate::fill::fill;
use crate::given::Given;
use crate::pattern::Captures;
use crate::player::{Heard, Logins, Player, Way};
use crate::scram;
use crate::transcript::{Expected, Must, Protocol, Step, StepKind, Transcript};

/// How a transcript went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The server did what the text says.
    Pass,
    /// It did not.
    Fail(Failure),
    /// It did not, as its list of known deviations says ([`crate::known`]), with this reason.
    Deviates(String, Failure),
    /// It does not offer what the transcript needs; or the player cannot do it. Says what.
    NotOffered(String),
}

/// Where a transcript failed, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The transcript's line.
    pub line: usize,
    /// What was expected and what came.
    pub what: String,
    /// Everything that was said, for a person.
    pub said: Vec<String>,
}

impl Failure {
    /// Whether it failed before the transcript itself began: while its mailboxes were made, or at a log-in.
    pub fn is_in_setup(&self) -> bool {
        self.line == 1 && self.said.is_empty()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)?;
        self.said.iter().try_for_each(|said| write!(f, "\n      {said}"))
    }
}

/// How strictly lines are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// A line that the transcript does not know is a failure. For our own server.
    EveryLine,
    /// Untagged lines that the transcript neither expects nor forbids are passed over: servers may say more.
    WhatIsNamed,
}

/// Plays a transcript from its `given` to its last step.
pub fn run(transcript: &Transcript, player: &mut dyn Player, strictness: Strictness) -> Verdict {
    let mut run = Run::new(transcript, player, strictness);
    let verdict = match run.play() {
        Ok(()) => Verdict::Pass,
        Err(Stop::Failed { line, what }) => Verdict::Fail(Failure {
            line,
            what,
            said: std::mem::take(&mut run.said),
        }),
        Err(Stop::NotOffered(what)) => Verdict::NotOffered(what),
    };
    run.close_all();
    verdict
}

enum Stop {
    Failed { line: usize, what: String },
    NotOffered(String),
}

/// The connection that sets up mailboxes; transcripts count from 1.
const SETUP: u8 = 0;
/// What a server may say in one transcript, in octets.
const HEARD_MAX: usize = 16 * 1024 * 1024;
/// What a line costs of [`HEARD_MAX`] besides its own octets.
const LINE_COST: usize = 64;

struct Run<'a> {
    transcript: &'a Transcript,
    player: &'a mut dyn Player,
    strictness: Strictness,
    captures: Captures,
    /// Lines that may or must not come until the next one that must.
    pending: Vec<Expected>,
    open: HashSet<u8>,
    /// What connections speak that do not speak what the transcript does.
    speaks: HashMap<u8, Protocol>,
    /// How connections come that come in another way than usual.
    ways: HashMap<u8, Way>,
    said: Vec<String>,
    heard: usize,
    tag: usize,
}

impl<'a> Run<'a> {
    fn new(transcript: &'a Transcript, player: &'a mut dyn Player, strictness: Strictness) -> Self {
        let captures = known(player.logins());
        Self {
            transcript,
            player,
            strictness,
            captures,
            pending: vec![],
            open: HashSet::new(),
            speaks: HashMap::new(),
            ways: HashMap::new(),
            said: vec![],
            heard: 0,
            tag: 0,
        }
    }

    fn play(&mut self) -> Result<(), Stop> {
        let given: Vec<_> = self
            .transcript
            .given
            .iter()
            .map(|phrase| {
                Given::parse(phrase).map_err(|bad| Stop::Failed {
                    line: 1,
                    what: bad.to_string(),
                })
            })
            .collect::<Result<_, _>>()?;
        self.set_up(&given)?;
        for step in &self.transcript.steps {
            self.step(step)?;
        }
        if self.strictness == Strictness::EveryLine {
            self.nothing_left()?;
        }
        Ok(())
    }

    fn step(&mut self, step: &Step) -> Result<(), Stop> {
        match &step.kind {
            StepKind::Send {
                connection,
                octets,
                template,
            } => {
                let octets = match template {
                    true => fill(octets, &self.captures).map_err(|what| Stop::Failed {
                        line: step.line,
                        what,
                    })?,
                    false => octets.clone(),
                };
                self.send(*connection, &octets, step.line)
            }
            StepKind::Expect(lines) => self.expect(lines),
            StepKind::ServerCloses(connection) => self.expect_close(*connection, step.line),
            StepKind::ClientCloses(connection) => {
                self.open.remove(connection);
                self.said.push(format!("{connection}C closes"));
                self.player
                    .close(*connection)
                    .map_err(|error| broken(step.line, &error))
            }
            StepKind::ClientStartsTls(connection) => {
                self.player
                    .start_tls(*connection)
                    .map_err(|error| not_offered(step.line, &error))?;
                self.learn_exporter(*connection);
                Ok(())
            }
            StepKind::ClientStartsDeflate(connection) => self
                .player
                .start_deflate(*connection)
                .map_err(|error| broken(step.line, &error)),
            StepKind::ClientStopsDeflate(connection) => self
                .player
                .stop_deflate(*connection)
                .map_err(|error| broken(step.line, &error)),
            StepKind::Prove { hash, messages } => self.prove(*hash, messages, step.line),
            StepKind::Time(ms) => {
                self.said.push(format!("time +{ms}ms"));
                self.player
                    .pass(*ms)
                    .map_err(|what| Stop::NotOffered(what.to_string()))
            }
            StepKind::Fault(rule) => self
                .player
                .fault(rule)
                .map_err(|what| Stop::NotOffered(what.to_string())),
        }
    }

    fn send(&mut self, connection: u8, octets: &[u8], line: usize) -> Result<(), Stop> {
        self.ensure_open(connection, line)?;
        if connection != SETUP {
            self.said.push(format!("{connection}C: {}", shown(octets)));
        }
        self.player
            .send(connection, octets)
            .map_err(|error| broken(line, &error))
    }

    fn ensure_open(&mut self, connection: u8, line: usize) -> Result<(), Stop> {
        if self.open.insert(connection) {
            let way = self.ways.get(&connection).cloned().unwrap_or_default();
            self.player
                .connect(connection, self.speaks(connection), &way)
                .map_err(|error| not_offered(line, &error))?;
            self.learn_exporter(connection);
        }
        Ok(())
    }

    /// `$exporter1` of connection 1, if its TLS gives one.
    fn learn_exporter(&mut self, connection: u8) {
        if let Some(exporter) = self.player.exporter(connection) {
            let name = format!("exporter{connection}");
            self.captures.insert(name, exporter.to_vec());
        }
    }

    /// `$proof` and `$signature` of what was said.
    fn prove(&mut self, hash: Hash, messages: &str, line: usize) -> Result<(), Stop> {
        let failed = |what: String| Stop::Failed { line, what };
        let messages = fill(messages.as_bytes(), &self.captures).map_err(failed)?;
        let messages = String::from_utf8_lossy(&messages);
        let password = self.captures.get("password").cloned().unwrap_or_default();
        let proven = scram::prove(hash, &password, &messages)
            .ok_or_else(|| failed(format!("no salt and iterations in {messages}")))?;
        for (name, value) in [("proof", proven.proof), ("signature", proven.signature)] {
            self.captures.insert(name.to_owned(), value.into_bytes());
        }
        Ok(())
    }

    /// The protocol of a connection.
    fn speaks(&self, connection: u8) -> Protocol {
        self.speaks
            .get(&connection)
            .copied()
            .unwrap_or(self.transcript.over)
    }

    fn hear(&mut self, connection: u8, line: usize) -> Result<Heard, Stop> {
        self.ensure_open(connection, line)?;
        let heard = self
            .player
            .hear(connection)
            .map_err(|error| broken(line, &error))?;
        if let Heard::Line(octets) = &heard {
            self.count(octets, line)?;
            if connection != SETUP {
                self.said.push(format!("{connection}S: {}", shown(octets)));
            }
        }
        Ok(heard)
    }

    /// Counts what a server says; a flood is a failure.
    fn count(&mut self, heard: &[u8], line: usize) -> Result<(), Stop> {
        self.heard += heard.len() + LINE_COST;
        if self.heard > HEARD_MAX {
            self.said.clear();
            let what = "the server sends without end".into();
            return Err(Stop::Failed { line, what });
        }
        Ok(())
    }

    /// Hears until every line that must come has come.
    fn expect(&mut self, lines: &[Expected]) -> Result<(), Stop> {
        let (forbidden, mut wanted): (Vec<_>, Vec<_>) =
            lines.iter().cloned().partition(|line| line.must == Must::NotCome);
        self.pending.extend(forbidden);
        // A line that may come stays open until a later line of its connection has come.
        if wanted.iter().all(|line| line.must != Must::Come) {
            self.pending.extend(wanted);
            return Ok(());
        }
        while let Some(next) = wanted.iter().find(|line| line.must == Must::Come) {
            let (connection, at) = (next.connection, next.line);
            let mine = |line: &Expected| line.connection == connection;
            match self.hear(connection, at)? {
                Heard::Line(heard) => {
                    self.forbid(connection, &heard)?;
                    let captures = &mut self.captures;
                    if let Some(found) = wanted
                        .iter()
                        .position(|line| mine(line) && line.pattern.matches(&heard, captures))
                    {
                        if wanted[found].must != Must::MayRepeat {
                            wanted.remove(found);
                        }
                    } else {
                        self.unexpected(connection, &heard, at, &wanted)?;
                    }
                }
                other => {
                    return Err(Stop::Failed {
                        line: at,
                        what: format!("expected {}, {}", next.pattern, came(&other)),
                    });
                }
            }
        }
        let done: HashSet<u8> = lines
            .iter()
            .filter(|line| line.must == Must::Come)
            .map(|line| line.connection)
            .collect();
        self.pending.retain(|line| !done.contains(&line.connection));
        Ok(())
    }

    /// What is forbidden is so even where it looks like a line that is wanted.
    fn forbid(&mut self, connection: u8, heard: &[u8]) -> Result<(), Stop> {
        let captures = &mut self.captures;
        let forbidden = self.pending.iter().find(|line| {
            line.connection == connection
                && line.must == Must::NotCome
                && line.pattern.matches(heard, captures)
        });
        match forbidden {
            Some(line) => Err(Stop::Failed {
                line: line.line,
                what: format!("must not come: {}", shown(heard)),
            }),
            None => Ok(()),
        }
    }

    /// A line that is not among the wanted ones: it may be allowed, forbidden, or wrong.
    fn unexpected(
        &mut self,
        connection: u8,
        heard: &[u8],
        at: usize,
        wanted: &[Expected],
    ) -> Result<(), Stop> {
        self.forbid(connection, heard)?;
        let known = self.pending.iter().position(|line| {
            line.connection == connection
                && line.must != Must::NotCome
                && line.pattern.matches(heard, &mut self.captures)
        });
        if let Some(at) = known {
            if self.pending[at].must == Must::MayCome {
                self.pending.remove(at);
            }
            return Ok(());
        }
        let untagged = heard.starts_with(b"* ") && !heard.starts_with(b"* BYE");
        if untagged && self.strictness == Strictness::WhatIsNamed {
            return Ok(());
        }
        let patterns: Vec<_> = wanted.iter().map(|line| line.pattern.to_string()).collect();
        let expected = match patterns.is_empty() {
            true => "no more".into(),
            false => patterns.join(" or "),
        };
        Err(Stop::Failed {
            line: at,
            what: format!("expected {expected}, came {}", shown(heard)),
        })
    }

    fn expect_close(&mut self, connection: u8, line: usize) -> Result<(), Stop> {
        loop {
            match self.hear(connection, line)? {
                Heard::Closed => {
                    self.open.remove(&connection);
                    self.said.push(format!("{connection}S closes"));
                    self.player
                        .close(connection)
                        .map_err(|error| broken(line, &error))?;
                    return Ok(());
                }
                Heard::Line(heard) => self.unexpected(connection, &heard, line, &[])?,
                Heard::Silence => {
                    return Err(Stop::Failed {
                        line,
                        what: "expected the server to close, nothing came".into(),
                    });
                }
            }
        }
    }

    fn nothing_left(&mut self) -> Result<(), Stop> {
        let mut open: Vec<_> = self
            .open
            .iter()
            .copied()
            .filter(|&connection| connection != SETUP)
            .collect();
        open.sort_unstable();
        let line = self.transcript.steps.last().map_or(1, |step| step.line);
        for connection in open {
            while let Heard::Line(heard) = self
                .player
                .left_over(connection)
                .map_err(|error| broken(line, &error))?
            {
                self.count(&heard, line)?;
                self.unexpected(connection, &heard, line, &[])?;
            }
        }
        Ok(())
    }

    /// Over LMTP a last command shows that we have seen all replies: a server may hold a message that comes again before that
    /// for a retry, and transcripts send the same messages. Over POP3 it frees the maildrop for the next one. What is broken already cannot be closed better.
    fn close_all(&mut self) {
        for connection in std::mem::take(&mut self.open) {
            if self.speaks(connection) != Protocol::Imap {
                let _ = self.player.send(connection, b"QUIT\r\n");
            }
            let _ = self.player.close(connection);
        }
    }
}

/// What a transcript may say before anything was captured.
fn known(logins: Logins) -> Captures {
    let (local, domain) = logins.user.rsplit_once('@').unwrap_or_default();
    let plain = format!("\0{}\0{}", logins.user, logins.password);
    [
        ("user64", &*STANDARD.encode(&logins.user)),
        ("password64", &STANDARD.encode(&logins.password)),
        ("plain", &STANDARD.encode(plain)),
        ("userlocal", local),
        ("userdomain", domain),
        ("shoutdomain", &domain.to_uppercase()),
        ("user", &logins.user),
        ("password", &logins.password),
        ("other", &logins.other),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
    .collect()
}

fn setup_failed(command: &str, came: &str) -> Stop {
    Stop::Failed {
        line: 1,
        what: format!("setting up: {command}: {came}"),
    }
}

/// What the player cannot do does not apply; all else is broken.
fn not_offered(line: usize, error: &io::Error) -> Stop {
    match error.kind() {
        io::ErrorKind::Unsupported => Stop::NotOffered(error.to_string()),
        _ => broken(line, error),
    }
}

fn broken(line: usize, error: &io::Error) -> Stop {
    Stop::Failed {
        line,
        what: format!("the connection broke: {error}"),
    }
}

fn came(heard: &Heard) -> String {
    match heard {
        Heard::Line(line) => format!("came {}", shown(line)),
        Heard::Closed => "the server closed".into(),
        Heard::Silence => "nothing came".into(),
    }
}

fn shown(octets: &[u8]) -> String {
    let text = octets.strip_suffix(b"\r\n").unwrap_or(octets);
    let short = &text[..text.len().min(500)];
    let printable = short
        .utf8_chunks()
        .map(|chunk| format!("{}{}", chunk.valid(), chunk.invalid().escape_ascii()));
    let more = if short.len() < text.len() { " …" } else { "" };
    printable
        .collect::<String>()
        .chars()
        .map(|c| match c.is_control() {
            true => c.escape_default().to_string(),
            false => c.to_string(),
        })
        .collect::<String>()
        + more
}
