//! The conversation: octets become command lines and content, states follow each other.

use std::mem;
use std::sync::Arc;

use bytes::Bytes;

use super::command::{self, AwaitChunk, AwaitContent, AwaitRecipient, AwaitResponse};
use super::context::{Context, Verdict};
use super::login::AwaitLogin;
use super::manners::Manners;
use super::message::{AwaitDelivered, AwaitStored};
use super::ownership::{AwaitAuthors, AwaitSender};
use super::settings::Settings;
use super::words::{self, Reply};
use crate::login::Pause;
use crate::machine::{Disclosures, Due, Input, Machine, Outcome, Peer, Seed, Step, Time, TlsInfo};
use crate::sasl;
use crate::wire::http::is_http;
use crate::wire::line::{BareLf, LineFault, Lines};

/// How long a peer may say nothing (RFC 5321, 4.5.3.2.7), and how long it has for its hello or, where users send, its log-in.
const IDLE_MS: u64 = 5 * 60 * 1000;

/// One mail conversation. Made by [`crate::lmtp::session`], [`super::mx::session`] and [`super::submission::session`].
#[derive(Debug)]
pub struct Server {
    pub(super) cx: Context,
    state: State,
    lines: Lines,
    /// What was read and not looked at yet: at most one read.
    pub(super) rest: Bytes,
    /// Octets that came since the beginning.
    pub(super) pushed: u64,
    /// What of the peer's octets is no secret.
    pub(super) told: Disclosures,
    /// Whether a command line has been read: the first one may be HTTP's.
    begun: bool,
    /// When the first input came: the deadline of the hello, or of the log-in, counts from here.
    opened_ms: Option<u64>,
    draining: bool,
}

/// What the session awaits. Each state owns what its moment needs and moves by value.
#[derive(Debug)]
pub(super) enum State {
    AwaitCommand,
    /// MAIL: whose the sender is.
    AwaitSender(AwaitSender),
    /// RCPT: where mail for the address goes.
    AwaitRecipient(AwaitRecipient),
    /// DATA: the message.
    AwaitContent(AwaitContent),
    /// BDAT: the octets of a chunk.
    AwaitChunk(AwaitChunk),
    /// The object is being made durable.
    AwaitStored(AwaitStored),
    /// Whose the addresses of From are.
    AwaitAuthors(AwaitAuthors),
    /// The message is being delivered.
    AwaitDelivered(AwaitDelivered),
    /// AUTH: the response to a challenge.
    AwaitResponse(AwaitResponse),
    /// AUTH: the answer to a log-in's question.
    AwaitLogin(AwaitLogin),
    /// A peer that errs too often, or whose password was wrong, is served later.
    AwaitPause(Pause<Reply>),
    /// STARTTLS: the command is answered once nothing stands behind it.
    BeginTls,
    /// The handshake.
    AwaitTls,
    Over,
}

impl Server {
    pub(crate) fn new(manners: &'static Manners, peer: Peer, settings: Arc<Settings>, seed: Seed) -> Self {
        let mut cx = Context::new(manners, peer, settings, seed);
        cx.out
            .lines(&[format!("220 {} {} ready", cx.settings.hostname, manners.protocol)]);
        Self {
            cx,
            state: State::AwaitCommand,
            lines: Lines::new(BareLf::Report),
            rest: Bytes::new(),
            pushed: 0,
            told: Disclosures::default(),
            begun: false,
            opened_ms: None,
            draining: false,
        }
    }

    /// Moves on by one command or one piece of content; `false` if there is nothing to move on with.
    fn advance(&mut self) -> bool {
        let Self { cx, rest, .. } = self;
        self.state = match mem::replace(&mut self.state, State::Over) {
            State::AwaitCommand | State::AwaitResponse(_) | State::AwaitPause(_) if self.draining => {
                goodbye(cx, words::SHUTDOWN)
            }
            State::AwaitCommand => match self.lines.next(rest, cx.settings.line_max.saturating_sub(2)) {
                Some(line) => self.command(line),
                None => return self.stay(State::AwaitCommand),
            },
            State::AwaitResponse(state) => match self.lines.next(rest, sasl::RESPONSE_LEN_MAX) {
                Some(line) => self.response(state, line),
                None => return self.stay(State::AwaitResponse(state)),
            },
            State::AwaitContent(state) if !rest.is_empty() => {
                let state = state.feed(cx, rest);
                self.disclose_content();
                state
            }
            State::AwaitChunk(state) if !rest.is_empty() => {
                let state = state.feed(cx, rest);
                self.disclose_content();
                state
            }
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

    fn command(&mut self, line: Result<Bytes, LineFault>) -> State {
        let first = !mem::replace(&mut self.begun, true);
        self.disclose_line(&line);
        match line {
            Ok(line) if first && is_http(&line) => goodbye(&mut self.cx, words::NOT_HTTP),
            Ok(line) => command::run(&mut self.cx, &line),
            Err(fault) => self.cx.answer(words::line_fault(fault)),
        }
    }

    /// A line that fails ends the exchange, and is not looked at again as a command (RFC 4954, 4).
    fn response(&mut self, state: AwaitResponse, line: Result<Bytes, LineFault>) -> State {
        self.disclose_response(line.as_deref().ok());
        match line {
            Ok(line) => state.on(&mut self.cx, &line),
            Err(LineFault::TooLong) => self.cx.answer(words::RESPONSE_TOO_LONG),
            Err(fault) => self.cx.answer(words::line_fault(fault)),
        }
    }

    /// What has been sent behind STARTTLS is never read as if it had come encrypted (RFC 3207, 4): the session ends.
    fn begin_tls(&mut self) -> State {
        if !self.rest.is_empty() || !self.lines.is_between_lines() {
            return goodbye(&mut self.cx, words::INJECTED);
        }
        self.cx.out.reply(words::BEGIN_TLS);
        self.cx.out.start_tls();
        State::AwaitTls
    }

    /// The handshake is done. The session begins anew, and so does the time for the hello.
    fn encrypted(&mut self, info: TlsInfo) {
        self.cx.encrypted(info);
        self.opened_ms = Some(self.cx.now.mono_ms);
        self.state = State::AwaitCommand;
    }

    /// Between two commands: what the peer's conduct has earned it.
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
            Verdict::Close => self.state = goodbye(&mut self.cx, words::TOO_MANY_ERRORS),
        }
    }

    fn landed(&mut self, outcome: Outcome) {
        let cx = &mut self.cx;
        self.state = match mem::replace(&mut self.state, State::Over) {
            State::AwaitLogin(state) => state.on(cx, outcome),
            State::AwaitSender(state) => state.on(cx, outcome),
            State::AwaitRecipient(state) => state.on(cx, outcome),
            State::AwaitStored(state) => state.on(cx, outcome),
            State::AwaitAuthors(state) => state.on(cx, outcome),
            State::AwaitDelivered(state) => state.on(cx, outcome),
            state => state,
        };
        self.judge();
    }

    fn tick(&mut self) {
        match &self.state {
            State::AwaitCommand | State::AwaitResponse(_) | State::AwaitContent(_) | State::AwaitChunk(_) => {
                self.state = goodbye(&mut self.cx, words::IDLE)
            }
            State::AwaitPause(pause) if pause.until_ms <= self.cx.now.mono_ms => {
                let last = pause.last;
                self.cx.out.lines(pause.word.as_slice());
                self.state = if last { State::Over } else { State::AwaitCommand };
            }
            _ => {}
        }
    }

    /// A peer that always says a little has no more time than others.
    fn hurry(&mut self) {
        let body = self.cx.transaction.as_ref().and_then(|mail| mail.body.as_ref());
        let slow = body.is_some_and(|body| body.is_slow(self.cx.now, &self.cx.settings));
        match (&self.state, self.begin_by()) {
            (State::AwaitContent(_) | State::AwaitChunk(_), _) if slow => {
                self.state = goodbye(&mut self.cx, words::TOO_SLOW);
            }
            (State::AwaitCommand | State::AwaitResponse(_), Some(at_ms)) if at_ms <= self.cx.now.mono_ms => {
                self.tick();
            }
            _ => {}
        }
    }

    /// The moment by which the peer has said hello or, where users send, has logged in; `None`: it has.
    fn begin_by(&self) -> Option<u64> {
        let idles = self.cx.hello.is_none() || self.cx.must_log_in();
        let opened_ms = self.opened_ms.filter(|_| idles);
        opened_ms.map(|opened_ms| opened_ms.saturating_add(IDLE_MS))
    }

    /// The transaction in progress is given up, as if it had met a temporary error (RFC 5321, 4.1.1.10).
    fn abandon(&mut self) {
        self.cx.reset();
        self.state = State::Over;
    }

    fn wait(&self) -> Step {
        let idle = self.begin_by().map_or(Due::Idle(IDLE_MS), Due::At);
        match &self.state {
            State::AwaitCommand | State::AwaitResponse(_) | State::AwaitContent(_) | State::AwaitChunk(_) => {
                Step::Wait {
                    bytes: true,
                    until: Some(idle),
                }
            }
            State::AwaitPause(pause) => Step::Wait {
                bytes: false,
                until: Some(Due::At(pause.until_ms)),
            },
            State::AwaitLogin(_)
            | State::AwaitSender(_)
            | State::AwaitRecipient(_)
            | State::AwaitStored(_)
            | State::AwaitAuthors(_)
            | State::AwaitDelivered(_)
            | State::BeginTls
            | State::AwaitTls => Step::Wait {
                bytes: false,
                until: None,
            },
            State::Over => Step::Over,
        }
    }
}

impl Machine for Server {
    fn handle(&mut self, now: Time, input: Input) {
        self.cx.now = now;
        self.opened_ms.get_or_insert(now.mono_ms);
        match input {
            // Plaintext that has come in front of TLS is never read as if it had come behind it (RFC 3207, 4).
            Input::Bytes { .. } if matches!(self.state, State::AwaitTls) => self.abandon(),
            Input::Bytes { octets, waited } => {
                if waited {
                    self.cx.confirm();
                }
                self.pushed += octets.len() as u64;
                self.rest = octets;
                self.hurry();
            }
            Input::Eof | Input::Tls(Err(_)) | Input::Inflate(_) => self.abandon(),
            Input::Tls(Ok(info)) if matches!(self.state, State::AwaitTls) => self.encrypted(info),
            Input::Outcome(token, outcome) if self.cx.out.landed(token) => self.landed(outcome),
            Input::Tick => self.tick(),
            Input::Shutdown => self.draining = true,
            // The outcome of a confirmation changes nothing; the others were never asked for.
            Input::Outcome(..) | Input::Changed { .. } | Input::Tls(Ok(_)) | Input::Connected(_) => {}
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

/// Says a last word.
fn goodbye(cx: &mut Context, word: Reply) -> State {
    cx.reset();
    cx.out.reply(word);
    State::Over
}
