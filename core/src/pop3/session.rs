//! One POP3 conversation: reads command lines one at a time, and goes from state to state.
//!
//! RFC 1939, 3 (states, the autologout timer) and 4 to 6. While a question is open no octets are asked for, so the kernel's window
//! holds the client (RFC 2449, 6.6). Only QUIT removes messages: whatever else ends a session, what it marked stays.

use std::mem;
use std::sync::Arc;

use bytes::Bytes;

use super::command::{self, AwaitDeleted, AwaitPage, AwaitResponse, AwaitSent, Listing};
use super::context::{Context, Verdict};
use super::lease::{self, AwaitLease, AwaitReleased, AwaitRenewed, Lease};
use super::login::AwaitLogin;
use super::maildrop::AwaitOpened;
use super::settings::Settings;
use super::words::{self, Reply};
use crate::login::Pause;
use crate::machine::{Action, Disclosures, Due, Input, Machine, Outcome, Peer, Seed, Step, Time, TlsRole};
use crate::sasl;
use crate::wire::http::is_http;
use crate::wire::line::{BareLf, LineFault, Lines};

/// A POP3 session, from greeting to farewell.
#[derive(Debug)]
pub struct Session {
    pub(super) cx: Context,
    state: State,
    lines: Lines,
    /// What was read and not looked at yet: at most one read.
    pub(super) rest: Bytes,
    /// Octets that came since the beginning.
    pub(super) pushed: u64,
    /// What of the client's octets is no secret.
    pub(super) told: Disclosures,
    /// Whether a command line has been read: the first one may be HTTP's.
    begun: bool,
    /// From when on a client that has not logged in is sent away; known with the first input.
    login_until_ms: Option<u64>,
    /// When the client was heard last, or a message has left.
    quiet_since_ms: u64,
    draining: bool,
}

/// What the session awaits. Each state owns what its moment needs and moves by value.
#[derive(Debug)]
pub(super) enum State {
    AwaitCommand,
    /// AUTH: the response to a challenge.
    AwaitResponse(AwaitResponse),
    /// A log-in: the answer to its question.
    AwaitLogin(AwaitLogin),
    /// The lease of the maildrop.
    AwaitLease(AwaitLease),
    /// The maildrop.
    AwaitOpened(AwaitOpened),
    /// The lease once more.
    AwaitRenewed(AwaitRenewed),
    /// RETR, TOP: a message's columns.
    AwaitPage(AwaitPage),
    /// That the message has left.
    AwaitSent(AwaitSent),
    /// LIST, UIDL: that what was said so far has left.
    Listing(Listing),
    /// QUIT: what was marked is being removed.
    AwaitDeleted(AwaitDeleted),
    /// The lease is given back.
    AwaitReleased(AwaitReleased),
    /// A client that errs, or whose password was wrong, is served later.
    AwaitPause(Pause<Reply>),
    /// STLS: the command is answered once nothing stands behind it.
    BeginTls,
    /// The handshake.
    AwaitTls,
    /// The client is gone; the open question is not.
    AwaitEnd,
    Over,
}

impl Session {
    /// A conversation with `peer`, who has just connected. `seed` draws its name in the lease.
    pub fn new(peer: Peer, settings: Arc<Settings>, seed: Seed) -> Self {
        let mut cx = Context::new(peer, settings, seed);
        let hostname = cx.settings.hostname.clone();
        cx.out.ok(format_args!("{hostname} LightMail ready"));
        cx.out.blamed = None;
        Self {
            cx,
            state: State::AwaitCommand,
            lines: Lines::new(BareLf::Report),
            rest: Bytes::new(),
            pushed: 0,
            told: Disclosures::default(),
            begun: false,
            login_until_ms: None,
            quiet_since_ms: 0,
            draining: false,
        }
    }

    /// Moves on by one line or one piece of an answer; `false` if there is nothing to move on with.
    fn advance(&mut self) -> bool {
        let now_ms = self.cx.now.mono_ms;
        self.state = match mem::replace(&mut self.state, State::Over) {
            State::AwaitCommand | State::AwaitResponse(_) | State::AwaitPause(_) if self.draining => {
                self.goodbye(words::SHUTDOWN)
            }
            State::AwaitCommand if self.cx.lease.renew_at_ms() <= now_ms => lease::renew(&mut self.cx),
            State::AwaitCommand => match self.line(self.cx.settings.line_max.saturating_sub(2)) {
                Some(line) => self.command(line),
                None => return self.stay(State::AwaitCommand),
            },
            State::AwaitResponse(state) => match self.line(sasl::RESPONSE_LEN_MAX) {
                Some(line) => self.response(state, line),
                None => return self.stay(State::AwaitResponse(state)),
            },
            State::Listing(state) => state.go_on(&mut self.cx),
            State::BeginTls => self.begin_tls(),
            state => return self.stay(state),
        };
        self.judge();
        true
    }

    fn stay(&mut self, state: State) -> bool {
        self.state = state;
        false
    }

    fn line(&mut self, max: usize) -> Option<Result<Bytes, LineFault>> {
        self.lines.next(&mut self.rest, max)
    }

    fn command(&mut self, line: Result<Bytes, LineFault>) -> State {
        let first = !mem::replace(&mut self.begun, true);
        self.disclose_line(&line);
        match line {
            Ok(line) if first && is_http(&line) => self.goodbye(words::NOT_HTTP),
            Ok(line) => command::run(&mut self.cx, &line),
            Err(fault) => self.cx.answer(words::line_fault(fault)),
        }
    }

    fn response(&mut self, state: AwaitResponse, line: Result<Bytes, LineFault>) -> State {
        self.disclose_response(line.as_deref().ok());
        match line {
            Ok(line) => state.on(&mut self.cx, &line),
            Err(fault) => self.cx.answer(words::line_fault(fault)),
        }
    }

    /// What has been sent behind STLS is never read as if it had come encrypted (RFC 2595, 4): the session ends.
    fn begin_tls(&mut self) -> State {
        if !self.rest.is_empty() || !self.lines.is_between_lines() {
            return self.goodbye(words::INJECTED);
        }
        self.cx.reply(words::BEGIN_TLS);
        self.cx.out.push(Action::StartTls(TlsRole::Server));
        State::AwaitTls
    }

    /// Between two commands: what the client's conduct has earned it.
    fn judge(&mut self) {
        if !matches!(self.state, State::AwaitCommand) {
            return;
        }
        match self.cx.verdict() {
            Verdict::GoOn => {}
            Verdict::SlowDown => {
                self.state = State::AwaitPause(Pause {
                    until_ms: self.cx.now.mono_ms.saturating_add(self.cx.settings.delay_ms),
                    word: None,
                    last: false,
                });
            }
            Verdict::Close => self.state = self.goodbye(words::TOO_MANY_ERRORS),
        }
    }

    fn landed(&mut self, outcome: Outcome) {
        let cx = &mut self.cx;
        self.state = match mem::replace(&mut self.state, State::Over) {
            State::AwaitLogin(state) => state.on(cx, outcome),
            State::AwaitLease(state) => state.on(cx, outcome),
            State::AwaitOpened(state) => state.on(cx, outcome),
            State::AwaitRenewed(state) => state.on(cx, outcome),
            State::AwaitPage(state) => state.on(cx, outcome),
            State::AwaitSent(state) => {
                self.quiet_since_ms = cx.now.mono_ms;
                state.on(cx, outcome)
            }
            State::AwaitDeleted(state) => state.on(cx, outcome),
            State::AwaitReleased(state) => state.on(cx),
            State::AwaitEnd => State::Over,
            state => state,
        };
        self.judge();
        self.leave();
    }

    fn tick(&mut self) {
        let now_ms = self.cx.now.mono_ms;
        match &self.state {
            // RFC 1939, 3: without a word, and without an update.
            State::AwaitCommand | State::AwaitResponse(_) if self.silent_until_ms() <= now_ms => {
                self.state = State::Over;
                self.leave();
            }
            State::AwaitPause(pause) if pause.until_ms <= now_ms => {
                let (word, last) = (pause.word, pause.last);
                if let Some(word) = word {
                    self.cx.reply(word);
                }
                self.state = if last { State::Over } else { State::AwaitCommand };
            }
            _ => {}
        }
    }

    /// When a client that says nothing more is sent away.
    fn silent_until_ms(&self) -> u64 {
        match (&self.cx.maildrop, self.login_until_ms) {
            (Some(_), _) => self.quiet_since_ms.saturating_add(self.cx.settings.idle_time_ms),
            (None, until_ms) => until_ms.unwrap_or(u64::MAX),
        }
    }

    /// Says a last word.
    fn goodbye(&mut self, word: Reply) -> State {
        self.cx.reply(word);
        Lease::leave(&mut self.cx);
        State::Over
    }

    /// A session that is over keeps nobody out.
    fn leave(&mut self) {
        if matches!(self.state, State::Over) {
            Lease::leave(&mut self.cx);
        }
    }

    /// The client is gone. A question that is open is waited for: the lease that it takes would be given back before it is taken.
    fn abandon(&mut self) {
        self.state = match self.cx.out.awaits() {
            true => State::AwaitEnd,
            false => State::Over,
        };
        self.leave();
    }

    fn wait(&self) -> Step {
        let (bytes, until) = match &self.state {
            State::AwaitCommand | State::AwaitResponse(_) => (true, Some(self.deadline())),
            State::AwaitPause(pause) => (false, Some(Due::At(pause.until_ms))),
            State::Over => return Step::Over,
            _ => (false, None),
        };
        Step::Wait { bytes, until }
    }

    fn deadline(&self) -> Due {
        match self.login_until_ms {
            Some(_) => Due::At(self.silent_until_ms().min(self.cx.lease.renew_at_ms())),
            // At once: so the session learns what time it is.
            None => Due::Idle(0),
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
            // Plaintext that has come in front of TLS is never read as if it had come behind it (RFC 2595, 4).
            Input::Bytes { .. } if matches!(self.state, State::AwaitTls) => self.state = State::Over,
            Input::Bytes { octets, .. } => {
                self.pushed += octets.len() as u64;
                self.rest = octets;
                // A client that never pauses has no more time than others.
                self.tick();
                self.quiet_since_ms = now.mono_ms;
            }
            Input::Eof | Input::Tls(Err(_)) | Input::Inflate(_) => self.abandon(),
            Input::Outcome(token, outcome) if self.cx.out.landed(token) => self.landed(outcome),
            Input::Tls(Ok(info)) if matches!(self.state, State::AwaitTls) => {
                self.cx.peer.tls = Some(info);
                self.cx.user = None;
                self.state = State::AwaitCommand;
            }
            Input::Tick if first => {}
            Input::Tick => self.tick(),
            Input::Shutdown => self.draining = true,
            Input::Outcome(..) | Input::Tls(Ok(_)) | Input::Changed { .. } | Input::Connected(_) => {}
        }
    }

    fn poll(&mut self) -> Step {
        loop {
            if let Some(action) = self.cx.out.next() {
                return Step::Act(action);
            }
            if !self.advance() {
                return self.wait();
            }
        }
    }

    fn disclosed(&mut self) -> Disclosures {
        mem::take(&mut self.told)
    }
}
