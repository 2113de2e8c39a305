//! A machine around a machine that keeps what passes, and the machine alone fed with it again.

use std::cell::RefCell;
use std::rc::Rc;

use bytes::Bytes;
use lightmail_core::machine::{Action, Input, Machine, Step, Time};

/// What went into a machine and what came out.
#[derive(Debug, Default)]
pub struct Record {
    /// The inputs, in order.
    pub inputs: Vec<(Time, Input)>,
    /// The actions, in order.
    pub actions: Vec<Action>,
}

impl Record {
    /// Octets that the peer wrote, as far as the machine took them.
    pub fn octets(&self) -> usize {
        let octets = self.inputs.iter().map(|(_, input)| match input {
            Input::Bytes { octets, .. } => octets.len(),
            _ => 0,
        });
        octets.sum()
    }
}

/// Keeps a record of a machine.
pub struct Recorder<M> {
    machine: M,
    record: Rc<RefCell<Record>>,
}

impl<M: Machine> Recorder<M> {
    /// The machine, to be driven in its place, and its record.
    pub fn new(machine: M) -> (Self, Rc<RefCell<Record>>) {
        let record = Rc::new(RefCell::new(Record::default()));
        let shared = Rc::clone(&record);
        (Self { machine, record }, shared)
    }
}

impl<M: Machine> Machine for Recorder<M> {
    fn handle(&mut self, now: Time, input: Input) {
        self.record.borrow_mut().inputs.push((now, input.clone()));
        self.machine.handle(now, input);
    }

    fn poll(&mut self) -> Step {
        let step = self.machine.poll();
        if let Step::Act(action) = &step {
            self.record.borrow_mut().actions.push(action.clone());
        }
        step
    }
}

/// Feeds a fresh machine with a record's inputs; `each` sees the actions. The octets are copied first, so that a machine
/// which keeps some of them is charged for all.
pub fn replay(machine: &mut impl Machine, record: &Record, mut each: impl FnMut(Action)) {
    drain(machine, &mut each);
    for (now, input) in &record.inputs {
        machine.handle(*now, copied(input));
        drain(machine, &mut each);
    }
}

fn drain(machine: &mut impl Machine, each: &mut impl FnMut(Action)) {
    while let Step::Act(action) = machine.poll() {
        each(action);
    }
}

fn copied(input: &Input) -> Input {
    match input {
        Input::Bytes { octets, waited } => Input::Bytes {
            octets: Bytes::copy_from_slice(octets),
            waited: *waited,
        },
        other => other.clone(),
    }
}
