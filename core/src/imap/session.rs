//! One IMAP conversation: reads commands one at a time, keeps the rules of the command table, answers.
//!
//! RFC 3501, 3 (states), 5.5 (one command at a time), 7.1 (greeting and endings). While a question is open no octets are asked for,
//! so the kernel's window holds the client. Never looks into a command's arguments: that is the commands' business.

mod answering;
mod disclosing;
mod reading;
mod waiting;

use std::sync::Arc;

use super::command::{self, Completion, Row, State};
use super::context::Context;
use super::framing::Framing;
use super::settings::Settings;
use super::words;
use crate::machine::{Disclosures, Due, Input, Machine, Peer, Seed, Step, Time};
use crate::store::ModSeq;

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
    /// What of the client's octets is no secret.
    told: Disclosures,
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
            "* OK [{} {capabilities}] {hostname} {name} ready",
            words::Code::CAPABILITY
        ));
        Self {
            cx,
            framing,
            phase: Phase::Reading,
            login_until_ms: None,
            bad_commands: 0,
            changed: None,
            draining: false,
            told: Disclosures::default(),
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

    /// When a silent client is sent away.
    fn due(&self) -> Due {
        match (self.cx.account, self.login_until_ms) {
            (Some(_), _) => Due::Idle(self.cx.settings.idle_time_ms),
            (None, Some(at_ms)) => Due::At(at_ms),
            // At once: so the session learns what time it is.
            (None, None) => Due::Idle(0),
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
            // Plaintext that has come in front of TLS is never read as if it had come behind it (RFC 3501, 6.2.1).
            Input::Bytes { .. } if matches!(self.phase, Phase::Tls) => self.phase = Phase::Closing,
            Input::Bytes { octets, .. } => {
                self.framing.push(octets);
                // A client that never pauses has no more time than others.
                if matches!(self.due(), Due::At(at_ms) if at_ms <= now.mono_ms) {
                    self.tick();
                }
            }
            Input::Eof | Input::Tls(Err(_)) => {
                self.cx.output().clear();
                self.phase = Phase::Closing;
            }
            Input::Inflate(fault) => self.bye(words::deflate(fault)),
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

    fn disclosed(&mut self) -> Disclosures {
        std::mem::take(&mut self.told)
    }
}
