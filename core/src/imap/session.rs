//! One IMAP conversation: reads commands one at a time, keeps the rules of the command table, answers.
//!
//! RFC 3501, 3 (states), 5.5 (one command at a time), 7.1 (greeting and endings). While a question is open no octets are asked for,
//! so the kernel's window holds the client. Never looks into a command's arguments: that is the commands' business.

use std::sync::Arc;

use super::command::{
    self, Allowed, Completion, Condition, Event, Expunges, Form, Next, Row, State, Then, append,
};
use super::context::Context;
use super::framing::Framing;
use super::grammar::{self, Head, Syntax};
use super::selected::Told;
use super::settings::Settings;
use super::words::{self, Code};
use crate::machine::{Action, Due, Input, Machine, Peer, Seed, Step, Time, TlsRole};
use crate::sasl;
use crate::store::{Failure, ModSeq};
use crate::wire::command::{self as wire, Malformed};
use crate::wire::line::LineFault;

/// An IMAP session, from greeting to farewell.
#[derive(Debug)]
pub struct Session {
    cx: Context,
    framing: Framing,
    phase: Phase,
    /// From when on a client that has not logged in is sent away; known with the first input.
    login_until_ms: Option<u64>,
    bad_commands: u32,
    /// The newest change that the watched mailbox is known to have.
    changed: Option<ModSeq>,
    draining: bool,
}

#[derive(Debug)]
enum Phase {
    /// Between two commands.
    Reading,
    /// A command waits.
    Running(Running, Waits),
    /// A command is over: what may be told is told, then the tagged response.
    Telling(Running, Completion),
    /// A tagged BAD comes later, at this moment of `Time::mono_ms`.
    Penalty(u64, Running, Completion),
    /// The transport changes.
    Tls,
    /// What has been said leaves, then the end.
    Closing,
}

/// A command under way; without a row it is none that we know.
#[derive(Debug)]
struct Running {
    tag: String,
    row: Option<&'static Row>,
}

/// [`Next`] without its ends.
#[derive(Debug)]
enum Waits {
    Outcome(Box<dyn State>),
    Drained(Box<dyn State>),
    Line(Box<dyn State>, Option<Due>),
    Literal(Box<dyn State>),
    Tick(Box<dyn State>, u64),
}

impl Session {
    /// A conversation with `peer`, who has just connected. `seed` draws its ids.
    pub fn new(peer: Peer, settings: Arc<Settings>, seed: Seed) -> Self {
        let framing = Framing::new(settings.before_login);
        let mut cx = Context::new(peer, settings, seed);
        let (capabilities, hostname) = (command::capabilities(&cx), cx.settings.hostname.clone());
        let name = cx.settings.name.clone();
        cx.line(format_args!(
            "* OK [CAPABILITY {capabilities}] {hostname} {name} ready"
        ));
        Self {
            cx,
            framing,
            phase: Phase::Reading,
            login_until_ms: None,
            bad_commands: 0,
            changed: None,
            draining: false,
        }
    }

    /// Does what can be done now; `None`: there is something to say, or more to do.
    fn advance(&mut self) -> Option<Step> {
        match std::mem::replace(&mut self.phase, Phase::Closing) {
            Phase::Reading if self.draining => self.bye("The server shuts down"),
            Phase::Reading => return self.read(),
            Phase::Running(running, waits) => return self.wait(running, waits),
            Phase::Telling(running, completion) => self.tell(running, completion),
            Phase::Penalty(at_ms, running, completion) => {
                self.phase = Phase::Penalty(at_ms, running, completion);
                return Some(Step::Wait {
                    bytes: false,
                    until: Some(Due::At(at_ms)),
                });
            }
            Phase::Tls => {
                self.phase = Phase::Tls;
                return Some(Step::Wait {
                    bytes: false,
                    until: None,
                });
            }
            Phase::Closing => return Some(Step::Over),
        }
        None
    }

    fn read(&mut self) -> Option<Step> {
        self.phase = Phase::Reading;
        match self.framing.next() {
            None => {
                return Some(Step::Wait {
                    bytes: true,
                    until: Some(self.due()),
                });
            }
            Some(wire::Event::Command(command)) => self.dispatch(command.octets()),
            Some(wire::Event::Literal(announced)) => self.announced(announced.sync),
            Some(wire::Event::Malformed { fault, tag }) => self.malformed(fault, tag.as_deref()),
            Some(wire::Event::Fatal) => self.bye("The next command cannot be found"),
            // A literal is streamed only while its command waits for it.
            Some(wire::Event::Stream(_) | wire::Event::StreamEnd | wire::Event::Rest(_)) => {}
        }
        None
    }

    /// A literal is announced: APPEND streams its message, all other literals are gathered.
    fn announced(&mut self, sync: bool) {
        let command = self.framing.so_far();
        let tag = grammar::tag(command).unwrap_or("*").to_owned();
        if self.cx.account.is_some()
            && let Ok(head) = grammar::head(command)
            && head.name == "APPEND"
            && !head.uid
            && let Some(parsed) = append::announced(&mut head.args.clone())
        {
            return self.start(
                Running {
                    tag,
                    row: command::find("APPEND", false),
                },
                parsed,
            );
        }
        if !self.framing.gather() {
            self.complete(
                Running { tag, row: None },
                Completion::bad("A literal is too big, or one too many"),
            );
        } else if sync {
            self.cx.line(format_args!("+ Ready for the literal"));
        }
    }

    fn malformed(&mut self, fault: Malformed, tag: Option<&[u8]>) {
        let tag = tag.and_then(grammar::tag).unwrap_or("*").to_owned();
        self.complete(Running { tag, row: None }, Completion::bad(why(fault)));
    }

    fn dispatch(&mut self, command: &[u8]) {
        if self.cx.account.is_none() && is_http(command) {
            return self.bye("This is IMAP");
        }
        let head = match grammar::head(command) {
            Ok(head) => head,
            Err(syntax) => {
                let tag = grammar::tag(command).unwrap_or("*").to_owned();
                return self.complete(Running { tag, row: None }, bad(&syntax));
            }
        };
        let Head {
            tag,
            uid,
            name,
            mut args,
        } = head;
        let row = command::find(&name, uid);
        let running = Running {
            tag: tag.to_owned(),
            row,
        };
        match row
            .ok_or(Completion::bad("There is no such command"))
            .and_then(|row| self.allow(row).map(|()| row))
        {
            Ok(row) => {
                let parsed = (row.parse)(&mut args, row.form);
                self.start(running, parsed);
            }
            Err(completion) => self.complete(running, completion),
        }
    }

    fn start(&mut self, running: Running, parsed: command::Parsed) {
        match parsed {
            Ok(command) => {
                let next = command.start(&mut self.cx);
                self.follow(running, next);
            }
            Err(syntax) => self.complete(running, bad(&syntax)),
        }
    }

    /// Whether a command is allowed in this state.
    fn allow(&self, row: &Row) -> Result<(), Completion> {
        let selected = self.cx.selected();
        match row.allowed {
            Allowed::Always => Ok(()),
            Allowed::NotAuthenticated if self.cx.account.is_some() => {
                Err(Completion::bad("You have logged in already"))
            }
            Allowed::NotAuthenticated => Ok(()),
            _ if self.cx.account.is_none() => Err(Completion::bad("Log in first")),
            Allowed::Authenticated => Ok(()),
            _ if selected.is_none() => Err(Completion::bad("Select a mailbox first")),
            Allowed::Writable if selected.is_some_and(|selected| selected.read_only()) => Err(
                Completion::no(Code::READ_ONLY, "The mailbox is selected read-only"),
            ),
            Allowed::Selected | Allowed::Writable => Ok(()),
        }
    }

    fn follow(&mut self, running: Running, next: Next) {
        let waits = match next {
            Next::Await(_) if !self.cx.awaits() => {
                return self.complete(
                    running,
                    Failure::broken("a command awaits what it has not asked for").into(),
                );
            }
            Next::Await(state) => Waits::Outcome(state),
            Next::Drain(state) => Waits::Drained(state),
            Next::Listen(state, due) => Waits::Line(state, due),
            Next::Stream(state) => {
                self.framing.stream();
                Waits::Literal(state)
            }
            Next::Pause(state, at_ms) => Waits::Tick(state, at_ms),
            Next::Done(completion) => return self.complete(running, completion),
            Next::Bye(why) => return self.bye(why),
            Next::Cut => return self.phase = Phase::Closing,
        };
        self.phase = Phase::Running(running, waits);
    }

    fn step(&mut self, running: Running, state: Box<dyn State>, event: Event) {
        let next = state.on(&mut self.cx, event);
        self.follow(running, next);
    }

    /// All output has left and a command waits.
    fn wait(&mut self, running: Running, waits: Waits) -> Option<Step> {
        let (bytes, until) = match &waits {
            Waits::Outcome(_) => (false, None),
            Waits::Tick(_, at_ms) => (false, Some(Due::At(*at_ms))),
            Waits::Line(_, due) => (true, Some(due.unwrap_or(self.due()))),
            Waits::Literal(_) => (true, Some(Due::Idle(self.cx.settings.literal_time_ms))),
            Waits::Drained(_) => (false, None),
        };
        match waits {
            Waits::Drained(state) => self.step(running, state, Event::Drained),
            Waits::Line(state, due) => match self.heard() {
                Some(Ok(event)) => self.step(running, state, event),
                Some(Err(why)) => self.bye(why),
                None => return self.stay(running, Waits::Line(state, due), bytes, until),
            },
            Waits::Literal(state) => match self.framing.next() {
                Some(wire::Event::Stream(octets)) => self.step(running, state, Event::Octets(octets)),
                Some(wire::Event::StreamEnd) => self.phase = Phase::Running(running, Waits::Literal(state)),
                Some(wire::Event::Rest(rest)) => {
                    self.step(running, state, Event::Line(rest.octets().clone()))
                }
                Some(wire::Event::Fatal) => self.bye("The next command cannot be found"),
                Some(wire::Event::Literal(_) | wire::Event::Malformed { .. } | wire::Event::Command(_)) => {
                    self.step(running, state, Event::Garbled);
                }
                None => return self.stay(running, Waits::Literal(state), bytes, until),
            },
            waits => return self.stay(running, waits, bytes, until),
        }
        None
    }

    fn stay(&mut self, running: Running, waits: Waits, bytes: bool, until: Option<Due>) -> Option<Step> {
        self.phase = Phase::Running(running, waits);
        Some(Step::Wait { bytes, until })
    }

    /// What a listening command hears next, or why the session ends.
    fn heard(&mut self) -> Option<Result<Event, &'static str>> {
        match self.framing.line(sasl::RESPONSE_LEN_MAX) {
            Some(Ok(line)) => Some(Ok(Event::Line(line))),
            Some(Err(_)) => Some(Err("A line is none")),
            None if self.draining => Some(Err("The server shuts down")),
            None => self.has_news().then_some(Ok(Event::Changed)),
        }
    }

    /// Whether the watched mailbox is known to have what the selected view has not. Told once.
    fn has_news(&mut self) -> bool {
        let changed = self.changed.take();
        self.cx
            .selected()
            .is_some_and(|selected| changed > Some(selected.since()))
    }

    fn complete(&mut self, running: Running, completion: Completion) {
        self.framing.conclude();
        match completion.condition {
            Condition::Ok => self.bad_commands = 0,
            Condition::Bad => self.bad_commands += 1,
            Condition::No | Condition::Failed(_) => {}
        }
        let bad = completion.condition == Condition::Bad;
        self.phase = if bad && self.bad_commands > self.cx.settings.bad_commands_free {
            Phase::Penalty(
                self.cx.now.mono_ms.saturating_add(self.cx.settings.delay_ms),
                running,
                completion,
            )
        } else {
            Phase::Telling(running, completion)
        };
    }

    /// Tells the client what it may hear now, piece by piece, then the tagged response.
    fn tell(&mut self, running: Running, completion: Completion) {
        let expunges = running.row.is_some_and(|row| row.expunges == Expunges::Yes);
        let uid = running.row.is_some_and(|row| row.form == Form::Uid);
        match self.cx.tell(expunges, uid) {
            Told::More => self.phase = Phase::Telling(running, completion),
            Told::All => self.finish(&running, completion),
        }
    }

    fn finish(&mut self, running: &Running, completion: Completion) {
        // Plaintext behind STARTTLS would be taken for the encrypted client's (RFC 3501, 6.2.1).
        if completion.then == Then::StartTls && !self.framing.is_empty() {
            return self.bye("Something came between STARTTLS and TLS");
        }
        self.tagged(running, &completion);
        self.phase = Phase::Reading;
        match completion.then {
            Then::Go => {}
            Then::LoggedIn => self.framing.budget(self.cx.settings.after_login),
            Then::StartTls => {
                self.cx.act(Action::StartTls(TlsRole::Server));
                self.phase = Phase::Tls;
            }
            Then::Close => self.phase = Phase::Closing,
        }
        if self.bad_commands >= self.cx.settings.bad_commands {
            self.bye("Too many bad commands");
        }
    }

    fn tagged(&mut self, running: &Running, completion: &Completion) {
        let name = running.row.map_or("Command", |row| row.name);
        let uid = if running.row.is_some_and(|row| row.form == Form::Uid) {
            "UID "
        } else {
            ""
        };
        let tag = &running.tag;
        let (condition, code, text) = match &completion.condition {
            Condition::Ok => ("OK", completion.code.clone(), &completion.text),
            Condition::No => ("NO", completion.code.clone(), &completion.text),
            Condition::Bad => ("BAD", completion.code.clone(), &completion.text),
            Condition::Failed(failure) => {
                let (code, text) = words::failure(name, failure);
                return self.cx.line(format_args!("{tag} NO [{code}] {text}"));
            }
        };
        let code = code.map(|code| format!("[{code}] ")).unwrap_or_default();
        match text {
            Some(text) => self.cx.line(format_args!("{tag} {condition} {code}{text}")),
            None => self
                .cx
                .line(format_args!("{tag} {condition} {code}{uid}{name} completed")),
        }
    }

    fn bye(&mut self, why: &str) {
        self.cx.line(format_args!("* BYE {why}"));
        self.phase = Phase::Closing;
    }

    /// When a silent client is sent away.
    fn due(&self) -> Due {
        match (self.cx.account, self.login_until_ms) {
            (Some(_), _) => Due::Idle(self.cx.settings.idle_time_ms),
            (None, Some(at_ms)) => Due::At(at_ms),
            // At once: so the session learns what time it is.
            (None, None) => Due::Idle(0),
        }
    }

    fn tick(&mut self) {
        match std::mem::replace(&mut self.phase, Phase::Closing) {
            Phase::Running(running, Waits::Tick(state, at_ms)) if self.cx.now.mono_ms >= at_ms => {
                self.step(running, state, Event::Tick);
            }
            Phase::Running(running, Waits::Line(state, Some(_))) => self.step(running, state, Event::Tick),
            Phase::Penalty(at_ms, running, completion) if self.cx.now.mono_ms >= at_ms => {
                self.phase = Phase::Telling(running, completion);
            }
            Phase::Reading | Phase::Running(_, Waits::Line(..) | Waits::Literal(_)) => {
                let why = if self.cx.account.is_some() {
                    "Logged out: silent for too long"
                } else {
                    "Not logged in in time"
                };
                self.bye(why);
            }
            other => self.phase = other,
        }
    }

    fn outcome(&mut self, outcome: crate::machine::Outcome) {
        match std::mem::replace(&mut self.phase, Phase::Closing) {
            Phase::Running(running, Waits::Outcome(state)) => {
                self.step(running, state, Event::Outcome(outcome))
            }
            other => self.phase = other,
        }
    }
}

impl Machine for Session {
    fn handle(&mut self, now: Time, input: Input) {
        self.cx.now = now;
        let first = self.login_until_ms.is_none();
        if first {
            self.login_until_ms = Some(now.mono_ms.saturating_add(self.cx.settings.login_time_ms));
        }
        match input {
            Input::Bytes { octets, .. } => self.framing.push(octets),
            Input::Eof | Input::Tls(Err(_)) => {
                self.cx.output().clear();
                self.phase = Phase::Closing;
            }
            Input::Outcome(token, outcome) if self.cx.answers(token) => self.outcome(outcome),
            Input::Changed { mailbox, modseq } => {
                let watched = self
                    .cx
                    .selected()
                    .is_some_and(|selected| selected.mailbox() == mailbox);
                self.changed = self.changed.max(Some(modseq).filter(|_| watched));
            }
            Input::Tls(Ok(info)) if matches!(self.phase, Phase::Tls) => {
                self.cx.peer.tls = Some(info);
                self.phase = Phase::Reading;
            }
            Input::Tick if first => {}
            Input::Tick => self.tick(),
            Input::Shutdown => self.draining = true,
            Input::Outcome(..) | Input::Tls(Ok(_)) | Input::Connected(_) => {}
        }
    }

    fn poll(&mut self) -> Step {
        loop {
            if let Some(action) = self.cx.output().pop() {
                return Step::Act(action);
            }
            if let Some(step) = self.advance() {
                return step;
            }
        }
    }
}

/// The answer to what does not fit the grammar.
fn bad(syntax: &Syntax) -> Completion {
    match syntax.expected {
        grammar::Expected::Charset => {
            Completion::no(Code::BAD_CHARSET, "The charsets here are US-ASCII and UTF-8")
        }
        _ => Completion::bad(syntax.to_string()),
    }
}

/// What is wrong with octets that are no command.
fn why(fault: Malformed) -> &'static str {
    match fault {
        Malformed::Line(LineFault::TooLong) => "The line is too long",
        Malformed::Line(LineFault::BareLf | LineFault::BareCr) => "Lines end with CRLF",
        Malformed::Line(LineFault::Nul) => "There is a NUL in the line",
        Malformed::LiteralSize => "No literal has such a size",
    }
}

/// Whether a browser speaks, perhaps made to by a hostile page.
fn is_http(command: &[u8]) -> bool {
    let verbs: [&[u8]; 7] = [
        b"GET ",
        b"POST ",
        b"HEAD ",
        b"PUT ",
        b"OPTIONS ",
        b"CONNECT ",
        b"DELETE ",
    ];
    let request = verbs.iter().any(|verb| command.starts_with(verb))
        && command.windows(6).any(|part| part == b" HTTP/");
    request
        || command
            .get(..5)
            .is_some_and(|start| start.eq_ignore_ascii_case(b"host:"))
}
