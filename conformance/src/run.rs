//! Plays one transcript and says how it went.

use std::collections::HashSet;
use std::fmt;
use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::given::{Given, State};
use crate::pattern::{Captures, fill};
use crate::player::{Heard, Player};
use crate::transcript::{Expected, Must, Protocol, Step, StepKind, Transcript};

/// How a transcript went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The server did what the text says.
    Pass,
    /// It did not.
    Fail(Failure),
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

struct Run<'a> {
    transcript: &'a Transcript,
    player: &'a mut dyn Player,
    strictness: Strictness,
    captures: Captures,
    /// Lines that may or must not come until the next one that must.
    pending: Vec<Expected>,
    open: HashSet<u8>,
    said: Vec<String>,
    tag: usize,
}

impl<'a> Run<'a> {
    fn new(transcript: &'a Transcript, player: &'a mut dyn Player, strictness: Strictness) -> Self {
        let logins = player.logins();
        let plain = format!("\0{}\0{}", logins.user, logins.password);
        let captures = [
            ("user64", STANDARD.encode(&logins.user)),
            ("password64", STANDARD.encode(&logins.password)),
            ("plain", STANDARD.encode(plain)),
            ("user", logins.user),
            ("password", logins.password),
            ("other", logins.other),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into_bytes()))
        .collect();
        Self {
            transcript,
            player,
            strictness,
            captures,
            pending: vec![],
            open: HashSet::new(),
            said: vec![],
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
            self.player
                .connect(connection, self.transcript.over)
                .map_err(|error| broken(line, &error))?;
        }
        Ok(())
    }

    fn hear(&mut self, connection: u8, line: usize) -> Result<Heard, Stop> {
        self.ensure_open(connection, line)?;
        let heard = self
            .player
            .hear(connection)
            .map_err(|error| broken(line, &error))?;
        if let (Heard::Line(octets), true) = (&heard, connection != SETUP) {
            self.said.push(format!("{connection}S: {}", shown(octets)));
        }
        Ok(heard)
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
        Err(Stop::Failed {
            line: at,
            what: format!("expected {}, came {}", patterns.join(" or "), shown(heard)),
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
                self.unexpected(connection, &heard, line, &[])?;
            }
        }
        Ok(())
    }

    fn close_all(&mut self) {
        for connection in std::mem::take(&mut self.open) {
            // What is broken already cannot be closed better.
            let _ = self.player.close(connection);
        }
    }
}

/// Setting up: all over IMAP, on a connection of its own.
impl Run<'_> {
    fn set_up(&mut self, given: &[Given]) -> Result<(), Stop> {
        let mailboxes: Vec<_> = given
            .iter()
            .filter_map(|given| match given {
                Given::Mailbox { name, samples } => Some((name.as_str(), samples)),
                Given::Connections { .. } => None,
            })
            .collect();
        if self.transcript.over == Protocol::Imap {
            self.clear()?;
            for (name, samples) in &mailboxes {
                self.fill_mailbox(name, samples)?;
            }
        }
        let latest = mailboxes.last().map_or("INBOX", |(name, _)| name);
        for given in given {
            if let Given::Connections { numbers, state } = given {
                for &number in numbers {
                    self.bring(number, state, latest)?;
                }
            }
        }
        Ok(())
    }

    /// Empties INBOX, deletes and unsubscribes what is not there by itself, and looks whether the server offers what is needed.
    fn clear(&mut self) -> Result<(), Stop> {
        self.ensure_open(SETUP, 1)?;
        self.hear(SETUP, 1)?;
        // Mechanisms are offered before log-in, most extensions after it.
        let mut capabilities = self.command(SETUP, "CAPABILITY")?;
        self.command(SETUP, "LOGIN \"$user\" \"$password\"")?;
        capabilities.extend(self.command(SETUP, "CAPABILITY")?);
        let offered: HashSet<String> = capabilities
            .iter()
            .filter_map(|line| line.strip_prefix("* CAPABILITY "))
            .flat_map(|line| line.split(' ').map(str::to_uppercase))
            .collect();
        if let Some(missing) = self
            .transcript
            .needs
            .iter()
            .find(|need| !offered.contains(&need.to_uppercase()))
        {
            return Err(Stop::NotOffered(missing.clone()));
        }
        self.command(SETUP, "SELECT INBOX")?;
        self.command(SETUP, "STORE 1:* +FLAGS.SILENT (\\Deleted)").ok();
        self.command(SETUP, "EXPUNGE")?;
        self.command(SETUP, "CLOSE")?;
        for line in self.command(SETUP, "LIST \"\" \"*\"")?.into_iter().rev() {
            let Some((_, name)) = line
                .rsplit_once(" \"/\" ")
                .or_else(|| line.rsplit_once(" \".\" "))
            else {
                continue;
            };
            let usual =
                ["INBOX", "Drafts", "Sent", "Junk", "Trash", "Archive"].contains(&name.trim_matches('"'));
            if !usual && !name.starts_with('{') {
                self.command(SETUP, &format!("DELETE {name}")).ok();
            }
        }
        for line in self.command(SETUP, "LSUB \"\" \"*\"")? {
            if let Some((_, name)) = line
                .rsplit_once(" \"/\" ")
                .or_else(|| line.rsplit_once(" \".\" "))
            {
                self.command(SETUP, &format!("UNSUBSCRIBE {name}")).ok();
            }
        }
        Ok(())
    }

    fn fill_mailbox(&mut self, name: &str, samples: &[String]) -> Result<(), Stop> {
        if name != "INBOX" {
            self.command(SETUP, &format!("CREATE \"{name}\""))?;
        }
        for sample in samples {
            let octets = crate::samples::sample(sample).unwrap_or_default();
            self.tag += 1;
            let tag = format!("setup{}", self.tag);
            self.send(
                SETUP,
                format!("{tag} APPEND \"{name}\" {{{}}}\r\n", octets.len()).as_bytes(),
                1,
            )?;
            match self.hear(SETUP, 1)? {
                Heard::Line(line) if line.starts_with(b"+") => {}
                other => return Err(setup_failed("APPEND", &came(&other))),
            }
            self.send(SETUP, &octets, 1)?;
            self.send(SETUP, b"\r\n", 1)?;
            self.answer(SETUP, &tag, "APPEND")?;
        }
        Ok(())
    }

    fn bring(&mut self, number: u8, state: &State, latest: &str) -> Result<(), Stop> {
        self.ensure_open(number, 1)?;
        self.hear(number, 1)?;
        match state {
            State::Connected => {}
            State::Greeted => self.greet(number)?,
            State::LoggedIn => drop(self.command(number, "LOGIN \"$user\" \"$password\"")?),
            State::Selected(name) | State::Examined(name) => {
                self.command(number, "LOGIN \"$user\" \"$password\"")?;
                let verb = if matches!(state, State::Selected(_)) {
                    "SELECT"
                } else {
                    "EXAMINE"
                };
                self.command(
                    number,
                    &format!("{verb} \"{}\"", name.as_deref().unwrap_or(latest)),
                )?;
            }
        }
        self.said.clear();
        Ok(())
    }

    fn greet(&mut self, number: u8) -> Result<(), Stop> {
        self.send(number, b"LHLO client.example\r\n", 1)?;
        loop {
            match self.hear(number, 1)? {
                Heard::Line(line) if line.starts_with(b"250-") => {}
                Heard::Line(line) if line.starts_with(b"250 ") => return Ok(()),
                other => return Err(setup_failed("LHLO", &came(&other))),
            }
        }
    }

    /// A command that must be answered with OK; its untagged lines.
    fn command(&mut self, number: u8, command: &str) -> Result<Vec<String>, Stop> {
        self.tag += 1;
        let tag = format!("setup{}", self.tag);
        let octets = fill(format!("{tag} {command}\r\n").as_bytes(), &self.captures)
            .map_err(|what| Stop::Failed { line: 1, what })?;
        self.send(number, &octets, 1)?;
        self.answer(number, &tag, command)
    }

    fn answer(&mut self, number: u8, tag: &str, command: &str) -> Result<Vec<String>, Stop> {
        let mut untagged = Vec::new();
        loop {
            match self.hear(number, 1)? {
                Heard::Line(line) => {
                    let line = String::from_utf8_lossy(&line).into_owned();
                    match line.strip_prefix(tag) {
                        Some(answer) if answer.starts_with(" OK") => return Ok(untagged),
                        Some(_) => return Err(setup_failed(command, &format!("came {line}"))),
                        None => untagged.push(line),
                    }
                }
                other => return Err(setup_failed(command, &came(&other))),
            }
        }
    }
}

fn setup_failed(command: &str, came: &str) -> Stop {
    Stop::Failed {
        line: 1,
        what: format!("setting up: {command}: {came}"),
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
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect::<String>()
        + more
}
