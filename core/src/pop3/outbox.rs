//! What a session has to do next: actions in order, and the one question it waits for.

use std::collections::VecDeque;
use std::fmt::Display;
use std::ops::Range;

use bytes::{Bytes, BytesMut};

use super::words::{Reply, Status};
use crate::machine::{Action, Effect, Token};
use crate::store::ObjectId;
use crate::wire::filter::Filter;

/// Actions wait here until the shell polls; answers are gathered.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    actions: VecDeque<Action>,
    gathered: BytesMut,
    tokens: u64,
    awaited: Option<Token>,
    /// Whether an answer since the last look blamed the client ([`Status::Bad`]), or one was good.
    pub blamed: Option<bool>,
}

impl Outbox {
    pub fn next(&mut self) -> Option<Action> {
        if self.actions.is_empty() {
            self.seal();
        }
        self.actions.pop_front()
    }

    /// An answer of one line.
    pub fn reply(&mut self, reply: Reply) {
        self.blamed = match reply.status {
            Status::Bad => Some(true),
            Status::Ok => Some(false),
            Status::Err => self.blamed,
        };
        self.line(reply);
    }

    /// A good answer that counts something: `+OK` and these words.
    pub fn ok(&mut self, words: impl Display) {
        self.blamed = Some(false);
        self.line(format_args!("+OK {words}"));
    }

    /// One line; its end is added.
    pub fn line(&mut self, line: impl Display) {
        // Writing to memory does not fail.
        let _ = std::fmt::write(&mut self.gathered, format_args!("{line}\r\n"));
    }

    /// Where answers of many lines are printed.
    pub fn gather(&mut self) -> &mut BytesMut {
        &mut self.gathered
    }

    /// Octets of which no copy is made.
    pub fn send(&mut self, octets: impl Into<Bytes>) {
        self.push(Action::Send(octets.into()));
    }

    /// Any action that is not answered by an outcome.
    pub fn push(&mut self, action: Action) {
        self.seal();
        self.actions.push_back(action);
    }

    /// Runs an effect whose outcome is awaited.
    pub fn ask(&mut self, effect: Effect) {
        self.awaited = Some(self.run(effect));
    }

    /// Runs an effect whose outcome nobody waits for.
    pub fn run(&mut self, effect: Effect) -> Token {
        let token = self.token();
        self.push(Action::Do(token, effect));
        token
    }

    /// Sends a stored range, `head` before it; its outcome is awaited.
    pub fn send_object(&mut self, head: Bytes, object: ObjectId, range: Range<u64>, filter: Filter) {
        let token = self.token();
        self.awaited = Some(token);
        self.push(Action::SendObject {
            token,
            head,
            object,
            range,
            filter,
        });
    }

    /// Whether this outcome is the awaited one; then nothing is awaited any more.
    pub fn landed(&mut self, token: Token) -> bool {
        self.awaited.take_if(|awaited| *awaited == token).is_some()
    }

    /// Whether a question is open.
    pub fn awaits(&self) -> bool {
        self.awaited.is_some()
    }

    fn token(&mut self) -> Token {
        self.tokens += 1;
        Token(self.tokens)
    }

    fn seal(&mut self) {
        if !self.gathered.is_empty() {
            // The buffer goes with its octets, so that a silent session holds none.
            let gathered = std::mem::take(&mut self.gathered).freeze();
            self.actions.push_back(Action::Send(gathered));
        }
    }
}
