//! How a command proceeds: started once, then told one thing at a time, until it is over.

use std::fmt::{self, Debug, Write as _};

use bytes::Bytes;

use super::{Completion, Context};
use crate::imap::grammar::{AppendMessage, Syntax};
use crate::machine::{Done, Due, Outcome};
use crate::store::{Failure, Reply};

/// A parsed command, ready to start.
pub(in crate::imap) trait Command: Debug + Send {
    /// Takes the first step.
    fn start(self: Box<Self>, cx: &mut Context) -> Next;
}

/// A command that waits. Named by what it awaits, moved by value.
pub(in crate::imap) trait State: Debug + Send {
    /// Goes on with what happened: exactly what the last [`Next`] asked for.
    fn on(self: Box<Self>, cx: &mut Context, event: Event) -> Next;
}

/// What a step leads to.
#[derive(Debug)]
pub(in crate::imap) enum Next {
    /// The answer to the one question that has just been asked: [`Event::Outcome`].
    Await(Box<dyn State>),
    /// That all output has left: [`Event::Drained`]. So a long answer is made piece by piece.
    Drain(Box<dyn State>),
    /// The client's next line: [`Event::Line`]; or a change ([`Event::Changed`]), or the deadline ([`Event::Tick`]).
    Listen(Box<dyn State>, Option<Due>),
    /// The announced literal piece by piece ([`Event::Octets`]), then what is behind it ([`Event::Line`], [`Event::Message`],
    /// [`Event::Garbled`]).
    Stream(Box<dyn State>),
    /// A moment of `Time::mono_ms`, and nothing else: [`Event::Tick`].
    Pause(Box<dyn State>, u64),
    /// Nothing: the command is over.
    Done(Completion),
    /// Nothing: the session is over, for this reason.
    Bye(&'static str),
    /// Nothing: the session is over at once. In the midst of a response there is no place for a reason.
    Cut,
}

impl Next {
    /// [`Next::Await`]
    pub(in crate::imap) fn wait(state: impl State + 'static) -> Self {
        Next::Await(Box::new(state))
    }
}

/// What a waiting command is told.
#[derive(Debug)]
pub(in crate::imap) enum Event {
    /// The question is answered.
    Outcome(Outcome),
    /// All output has left.
    Drained,
    /// The client's next line, without its CRLF.
    Line(Bytes),
    /// The next octets of the literal.
    Octets(Bytes),
    /// Behind the literal another message is announced, or something else that is to be a literal (RFC 3502, 6.3.11).
    Message(Result<AppendMessage, Syntax>),
    /// What is behind the literal is no line.
    Garbled,
    /// The watched mailbox has changed.
    Changed,
    /// The time has come.
    Tick,
}

impl Event {
    /// The store's answer.
    pub(in crate::imap) fn reply(self) -> Result<Reply, Failure> {
        match self {
            Event::Outcome(Ok(Done::Reply(reply))) => Ok(reply),
            Event::Outcome(Err(failure)) => Err(failure),
            other => Err(unexpected(&other)),
        }
    }
}

/// An answer that does not fit its question: the shell or the store is broken.
pub(in crate::imap) fn unexpected(what: &dyn Debug) -> Failure {
    let mut names = Names::default();
    // It fails where the names end.
    let _ = write!(names, "{what:?}");
    Failure::broken(format!("an answer that fits no question: {}", names.0))
}

/// The names that a value's `Debug` form begins with: what it is, and nothing of what is in it, which may be a password's hash
/// or a page of mail.
#[derive(Default)]
struct Names(String);

impl fmt::Write for Names {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let is_name = |c: &char| c.is_ascii_alphanumeric() || *c == '(';
        let names = text.chars().take_while(is_name);
        let before = self.0.len();
        self.0.extend(names.take(Self::LEN_MAX.saturating_sub(before)));
        if self.0.len() - before == text.len() {
            Ok(())
        } else {
            Err(fmt::Error)
        }
    }
}

impl Names {
    const LEN_MAX: usize = 100;
}

impl From<Completion> for Next {
    fn from(completion: Completion) -> Self {
        Next::Done(completion)
    }
}

impl From<Failure> for Next {
    fn from(failure: Failure) -> Self {
        Next::Done(failure.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Account, AccountId, Fault};

    /// The words go to the log.
    #[test]
    fn an_answer_that_fits_no_question_is_named_and_not_shown() {
        let account = Account {
            id: AccountId(1),
            login: "user".to_owned(),
            pw_hash: crate::machine::Secret("$2b$12$secret".to_owned()),
            access: crate::store::Access::Anywhere,
        };
        let reply = Done::Reply(Reply::AccountFound(Some(account)));
        for (what, named) in [
            (
                Event::Outcome(Ok(reply)),
                "Outcome(Ok(Reply(AccountFound(Some(Account",
            ),
            (
                Event::Outcome(Ok(Done::VerifierInvented(crate::machine::Secret(
                    "secret".to_owned(),
                )))),
                "Outcome(Ok(VerifierInvented(Secret(",
            ),
            (Event::Line(Bytes::from_static(b"secret")), "Line(b"),
            (Event::Drained, "Drained"),
        ] {
            let Failure::Broken(Fault(words)) = unexpected(&what) else {
                panic!("{what:?}")
            };
            assert_eq!(words, format!("an answer that fits no question: {named}"));
        }
    }
}
