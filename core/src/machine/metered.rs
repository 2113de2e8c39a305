//! A machine around a machine that counts what passes.

use std::time::Duration;

use super::{Action, Disclosures, Input, Machine, Step, Time};

/// Counts what goes into a machine and what it asks for. It decides nothing.
#[derive(Debug)]
pub struct Metered<M> {
    machine: M,
    /// The core reads no clock: whoever drives the machine gives one, for the time spent in it.
    clock: fn() -> Duration,
    figures: Figures,
}

/// What a machine cost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Things that happened.
    pub inputs: u64,
    /// Octets that the peer wrote, as far as the machine was given them.
    pub received_bytes: u64,
    /// Octets to the peer; of stored ranges what was asked for, before a filter changed it.
    pub sent_bytes: u64,
    /// Time spent in the machine.
    pub core_time: Duration,
    /// How often each effect was asked for, in the order of the first time.
    effects: Vec<(&'static str, u64)>,
}

impl Figures {
    /// How often each effect was asked for, by its name.
    pub fn effects(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.effects.iter().copied()
    }

    fn count(&mut self, action: &Action) {
        match action {
            Action::Send(octets) => self.sent_bytes += octets.len() as u64,
            Action::SendObject { head, range, .. } => {
                self.sent_bytes += head.len() as u64 + range.end.saturating_sub(range.start);
            }
            Action::Do(_, effect) => self.effect(effect.name()),
            _ => {}
        }
    }

    fn effect(&mut self, name: &'static str) {
        match self.effects.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += 1,
            None => self.effects.push((name, 1)),
        }
    }
}

impl<M> Metered<M> {
    /// Counts for `machine`. `clock` never goes back; where it starts does not matter.
    pub fn new(machine: M, clock: fn() -> Duration) -> Self {
        Self {
            machine,
            clock,
            figures: Figures::default(),
        }
    }

    /// What was counted so far.
    pub fn figures(&self) -> &Figures {
        &self.figures
    }

    /// The machine within.
    pub fn machine(&mut self) -> &mut M {
        &mut self.machine
    }

    fn timed<T>(&mut self, step: impl FnOnce(&mut M) -> T) -> T {
        let begun = (self.clock)();
        let done = step(&mut self.machine);
        self.figures.core_time += (self.clock)().saturating_sub(begun);
        done
    }
}

impl<M: Machine> Machine for Metered<M> {
    fn handle(&mut self, now: Time, input: Input) {
        self.figures.inputs += 1;
        if let Input::Bytes { octets, .. } = &input {
            self.figures.received_bytes += octets.len() as u64;
        }
        self.timed(|machine| machine.handle(now, input));
    }

    fn poll(&mut self) -> Step {
        let step = self.timed(M::poll);
        if let Step::Act(action) = &step {
            self.figures.count(action);
        }
        step
    }

    fn disclosed(&mut self) -> Disclosures {
        self.machine.disclosed()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::Arc;

    use super::*;
    use crate::imap;
    use crate::machine::{Peer, Seed};

    thread_local! {
        static MS: Cell<u64> = const { Cell::new(0) };
    }

    /// A clock that goes on by a millisecond each time it is read.
    fn clock() -> Duration {
        MS.set(MS.get() + 1);
        Duration::from_millis(MS.get())
    }

    #[test]
    fn everything_that_passes_is_counted() {
        let peer = Peer {
            address: None,
            tls: None,
        };
        let session = imap::Session::new(peer, Arc::new(imap::Settings::default()), Seed::new([1; 32]));
        let mut machine = Metered::new(session, clock);
        let (mut sent, mut polls) = (0, 0);
        let mut drain = |machine: &mut Metered<imap::Session>| {
            polls += 1;
            while let Step::Act(action) = machine.poll() {
                polls += 1;
                if let Action::Send(octets) = action {
                    sent += octets.len() as u64;
                }
            }
        };
        drain(&mut machine);
        for input in [&b"a NOOP\r\n"[..], b"b LOGIN user password\r\n"] {
            let octets = input.into();
            machine.handle(Time::default(), Input::Bytes { octets, waited: true });
            drain(&mut machine);
        }
        let figures = machine.figures();
        assert_eq!(
            (figures.inputs, figures.received_bytes, figures.sent_bytes),
            (2, 31, sent)
        );
        assert_eq!(figures.effects().collect::<Vec<_>>(), [("store.FindLogin", 1)]);
        assert_eq!(figures.core_time, Duration::from_millis(2 + polls));
    }
}
