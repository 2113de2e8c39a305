//! A command waits: for one thing at a time, which is told to it.

use super::super::command::{Event, Next, State};
use super::super::grammar::Cursor;
use super::{Phase, Running, Session, Waits};
use crate::machine::{Due, Form, Outcome, Step};
use crate::sasl;
use crate::store::Failure;
use crate::wire::command as wire;

impl Session {
    pub(super) fn follow(&mut self, running: Running, next: Next) {
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

    pub(super) fn step(&mut self, running: Running, state: Box<dyn State>, event: Event) {
        let next = state.on(&mut self.cx, event);
        self.follow(running, next);
    }

    /// All output has left and a command waits.
    pub(super) fn wait(&mut self, running: Running, waits: Waits) -> Option<Step> {
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
                Some(Ok(event)) => {
                    self.disclose_line(&running, &event);
                    self.step(running, state, event);
                }
                Some(Err(why)) => {
                    self.disclose(Form::Frame);
                    self.bye(why);
                }
                None => return self.stay(running, Waits::Line(state, due), bytes, until),
            },
            Waits::Literal(state) => match self.framing.next() {
                Some(wire::Event::Stream(octets)) => {
                    self.disclose(Form::Content);
                    self.step(running, state, Event::Octets(octets));
                }
                Some(wire::Event::StreamEnd) => self.phase = Phase::Running(running, Waits::Literal(state)),
                Some(wire::Event::Rest(rest)) => {
                    let is_end = rest.octets().is_empty();
                    self.disclose(if is_end { Form::Plain } else { Form::Frame });
                    self.step(running, state, Event::Line(rest.octets().clone()));
                }
                Some(wire::Event::Fatal) => self.lost(),
                Some(wire::Event::Literal(_)) => {
                    let message = Cursor::new(self.framing.so_far()).append_message();
                    self.disclose(if message.is_ok() { Form::Plain } else { Form::Frame });
                    self.step(running, state, Event::Message(message));
                }
                Some(wire::Event::Malformed { .. } | wire::Event::Command(_)) => {
                    self.disclose(Form::Frame);
                    self.step(running, state, Event::Garbled);
                }
                None => return self.stay(running, Waits::Literal(state), bytes, until),
            },
            waits => return self.stay(running, waits, bytes, until),
        }
        None
    }

    pub(super) fn stay(
        &mut self,
        running: Running,
        waits: Waits,
        bytes: bool,
        until: Option<Due>,
    ) -> Option<Step> {
        self.phase = Phase::Running(running, waits);
        Some(Step::Wait { bytes, until })
    }

    /// What a listening command hears next, or why the session ends.
    pub(super) fn heard(&mut self) -> Option<Result<Event, &'static str>> {
        match self.framing.line(sasl::RESPONSE_LEN_MAX) {
            Some(Ok(line)) => Some(Ok(Event::Line(line))),
            Some(Err(_)) => Some(Err("The line cannot be read")),
            None if self.draining => Some(Err("The server shuts down")),
            None => self.has_news().then_some(Ok(Event::Changed)),
        }
    }

    /// Whether the watched mailbox is known to have what the selected view has not. Told once.
    pub(super) fn has_news(&mut self) -> bool {
        let changed = self.changed.take();
        self.cx
            .selected()
            .is_some_and(|selected| changed > Some(selected.since()))
    }

    pub(super) fn tick(&mut self) {
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

    pub(super) fn outcome(&mut self, outcome: Outcome) {
        match std::mem::replace(&mut self.phase, Phase::Closing) {
            Phase::Running(running, Waits::Outcome(state)) => {
                self.step(running, state, Event::Outcome(outcome))
            }
            other => self.phase = other,
        }
    }
}
