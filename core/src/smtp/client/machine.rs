//! The conversation with one host after the other: inputs, replies, deadlines.

use std::collections::VecDeque;

use bytes::Bytes;

use super::job::{Fate, Job, JobReport, Reason};
use super::login::Exchange;
use super::offers::Offers;
use super::reply::{Replies, Reply, Status};
use super::settings::Settings;
use super::transaction::{Command, Ledger, Transaction, Waiting};
use crate::machine::{Action, Due, Input, Machine, Outcome, Peer, Step, Time, Token};

/// Sends the mail of one job. At its end, [`Client::report`] says what has become of it.
#[derive(Debug)]
pub struct Client {
    pub(super) job: Job,
    pub(super) settings: Settings,
    pub(super) now: Time,
    pub(super) out: VecDeque<Action>,
    pub(super) state: State,
    /// When the peer has used up its time for what is awaited, on the monotonic clock.
    deadline_ms: Option<u64>,
    /// What was read and not looked at yet: at most one read.
    rest: Bytes,
    replies: Replies,
    pub(super) link: Link,
    /// The host that is tried, counted from 0.
    pub(super) host: usize,
    /// Whether this host's TLS has failed and it is spoken to without.
    pub(super) in_the_clear: bool,
    /// What is still to be sent, the next message first.
    pub(super) waiting: VecDeque<Waiting>,
    /// What this host cannot be sent.
    pub(super) elsewhere: Vec<Waiting>,
    pub(super) transaction: Option<Transaction>,
    pub(super) ledger: Ledger,
    pub(super) connections: u32,
    pub(super) tls: Option<String>,
    tokens: u64,
    pub(super) draining: bool,
}

/// What is awaited.
#[derive(Debug)]
pub(super) enum State {
    /// To be told the time.
    Begin,
    /// The connection.
    Connect,
    Greeting,
    /// The reply to EHLO; `basic`: to HELO.
    Hello {
        basic: bool,
    },
    /// The reply to STARTTLS.
    BeginTls,
    /// The handshake.
    Handshake,
    /// A challenge, or the end of the log-in.
    Login(Exchange),
    /// Replies to the commands of a transaction.
    Envelope,
    /// The body has been given away.
    Content(Token),
    /// The reply to the message.
    End,
    /// The reply to QUIT.
    Leave(Then),
    Over,
}

/// What follows the end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// The next host, if mail is left.
    NextHost,
    /// Nothing.
    End,
}

/// What is known of a connection.
#[derive(Debug, Default)]
pub(super) struct Link {
    pub offers: Offers,
    /// Whether it is encrypted.
    pub encrypted: bool,
    /// Whether the server is on this machine.
    pub local: bool,
    pub logged_in: bool,
    /// Whether a transaction is open that nobody wants.
    pub reset: bool,
    /// Whether mail has come to an end on it, a good one or a bad one.
    pub settled: bool,
    /// Whether the peer is gone.
    pub gone: bool,
}

impl Client {
    /// A client that connects when it is driven.
    pub fn new(mut job: Job, settings: Settings) -> Self {
        let mails = std::mem::take(&mut job.deliveries).into_iter();
        let mails = mails.filter(|mail| !mail.recipients.is_empty());
        Self {
            waiting: mails.map(|mail| Waiting { mail, why: None }).collect(),
            job,
            settings,
            now: Time::default(),
            out: VecDeque::new(),
            state: State::Begin,
            deadline_ms: None,
            rest: Bytes::new(),
            replies: Replies::default(),
            link: Link::default(),
            host: 0,
            in_the_clear: false,
            elsewhere: Vec::new(),
            transaction: None,
            ledger: Ledger::default(),
            connections: 0,
            tls: None,
            tokens: 0,
            draining: false,
        }
    }

    /// What has become of the mail. Before its end, as if the connection broke now.
    pub fn report(mut self) -> JobReport {
        if !matches!(self.state, State::Over) {
            self.give_up(&Reason::found(Status(4, 3, 0), "The client was stopped"));
        }
        JobReport {
            done: self.ledger.done,
            connections: self.connections,
            tls: self.tls,
        }
    }

    /// Says a line.
    pub(super) fn say(&mut self, line: &str) {
        self.out
            .push_back(Action::Send(format!("{line}\r\n").into_bytes().into()));
    }

    /// Waits for something, so long at most. A peer that always says a little gets no more time.
    pub(super) fn await_for(&mut self, ms: u64, state: State) {
        self.deadline_ms = Some(self.now.mono_ms.saturating_add(ms));
        self.state = state;
    }

    /// Waits for what the shell does at its own pace.
    pub(super) fn await_content(&mut self, token: Token) {
        self.deadline_ms = None;
        self.state = State::Content(token);
    }

    pub(super) fn draw(&mut self) -> Token {
        self.tokens += 1;
        Token(self.tokens)
    }

    /// A new connection, of which nothing is known.
    pub(super) fn fresh(&mut self) {
        self.link = Link::default();
        self.replies = Replies::default();
        self.rest = Bytes::new();
    }

    /// Whether something has come that is not looked at.
    pub(super) fn has_more(&self) -> bool {
        !self.rest.is_empty() || !self.replies.is_between()
    }

    /// Looks at one reply; `false` if there is none.
    fn advance(&mut self) -> bool {
        if !self.reads() {
            return false;
        }
        match self.replies.next(&mut self.rest) {
            None => return false,
            Some(Ok((reply, lines))) => self.replied(reply, &lines),
            Some(Err(fault)) => {
                let why = fault.to_string();
                self.lost(Reason::found(Status(4, 5, 0), &why));
            }
        }
        true
    }

    fn reads(&self) -> bool {
        match self.state {
            State::Greeting
            | State::Hello { .. }
            | State::BeginTls
            | State::Login(_)
            | State::Envelope
            | State::End
            | State::Leave(_) => true,
            State::Begin | State::Connect | State::Handshake | State::Content(_) | State::Over => false,
        }
    }

    fn replied(&mut self, reply: Reply, lines: &[String]) {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Greeting => self.greeted(reply),
            State::Hello { basic } => self.welcomed(reply, lines, basic),
            State::BeginTls => self.may_begin_tls(reply),
            State::Login(exchange) => self.challenged(reply, exchange),
            State::Envelope => self.answered(reply),
            State::End => self.finished(reply),
            State::Leave(then) => self.left(then),
            state => self.state = state,
        }
    }

    fn gone(&mut self) {
        self.link.gone = true;
        match self.state {
            // Its outcome has still to come.
            State::Content(_) => {}
            // A shell closes too where plaintext is left over at the switch.
            State::Handshake => self.tls_failed(NO_TLS),
            State::Leave(then) => self.left(then),
            State::Begin | State::Connect | State::Over => {}
            _ => self.lost(Reason::found(
                Status(4, 4, 2),
                "The server has closed the connection",
            )),
        }
    }

    fn tick(&mut self) {
        if self.deadline_ms.is_none_or(|at_ms| at_ms > self.now.mono_ms) {
            return;
        }
        match self.state {
            State::Connect => self.unreachable("no answer in time"),
            State::Handshake => self.tls_failed("no answer in time"),
            State::Leave(then) => self.left(then),
            State::Begin | State::Content(_) | State::Over => {}
            _ => self.lost(Reason::found(
                Status(4, 4, 2),
                "The server has not answered in time",
            )),
        }
    }

    /// What can be told for certain is waited for; nothing new is begun.
    fn drain(&mut self) {
        self.draining = true;
        match self.state {
            State::Content(_) | State::End | State::Leave(_) | State::Over => {}
            _ => self.give_up(&Reason::found(Status(4, 3, 2), SHUTTING_DOWN)),
        }
    }

    fn connected(&mut self, peer: &Peer) {
        self.link.local = peer.is_local();
        self.link.encrypted = peer.is_encrypted();
        self.begin();
    }

    fn landed(&mut self, outcome: Outcome) {
        match outcome {
            Ok(_) => self.body_sent(),
            Err(_) => self.unreadable(),
        }
    }

    fn wait(&self) -> Step {
        match self.state {
            State::Over => Step::Over,
            State::Begin => Step::Wait {
                bytes: false,
                until: Some(Due::Idle(0)),
            },
            _ => Step::Wait {
                bytes: self.reads(),
                until: self.deadline_ms.map(Due::At),
            },
        }
    }
}

impl Machine for Client {
    fn handle(&mut self, now: Time, input: Input) {
        self.now = now;
        match input {
            Input::Tick if matches!(self.state, State::Begin) => self.connect(),
            Input::Connected(connected) if matches!(self.state, State::Connect) => match connected {
                Ok(peer) => self.connected(&peer),
                Err(why) => self.unreachable(&why.0),
            },
            // Plaintext that has come in front of TLS is never read as if it had come behind it (RFC 3207, 4).
            Input::Bytes { .. } if matches!(self.state, State::Handshake) => {
                self.tls_failed(NO_TLS);
            }
            Input::Bytes { octets, .. } => {
                self.rest = octets;
                self.tick();
            }
            Input::Eof | Input::Inflate(_) => self.gone(),
            Input::Tls(begun) if matches!(self.state, State::Handshake) => match begun {
                Ok(info) => self.encrypted(info.summary),
                Err(why) => self.tls_failed(&why.0),
            },
            Input::Outcome(token, outcome) if matches!(self.state, State::Content(own) if own == token) => {
                self.landed(outcome);
            }
            Input::Tick => self.tick(),
            Input::Shutdown => self.drain(),
            // None of them was asked for.
            Input::Outcome(..) | Input::Changed { .. } | Input::Tls(_) | Input::Connected(_) => {}
        }
    }

    fn poll(&mut self) -> Step {
        loop {
            if let Some(action) = self.out.pop_front() {
                return Step::Act(action);
            }
            if !self.advance() {
                return self.wait();
            }
        }
    }
}

/// Why nothing new is begun.
pub(super) const SHUTTING_DOWN: &str = "We are shutting down";

/// What came where TLS should have begun was something else, or nothing.
pub(super) const NO_TLS: &str = "the server went on without it";

/// The time for a command's reply.
pub(super) fn time_of(command: Option<Command>, settings: &Settings) -> u64 {
    match command {
        Some(Command::Data) => settings.data_ms,
        _ => settings.command_ms,
    }
}

/// What a failed host says of a mail.
pub(super) fn later(status: Status, words: &str) -> Fate {
    Fate::Later(Reason::found(status, words))
}
