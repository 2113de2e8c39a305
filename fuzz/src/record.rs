//! Sessions that are recorded as the shells do it, and fed again.

use std::cell::RefCell;
use std::rc::Rc;

use lightmail_core::greet::again;
use lightmail_core::machine::record::{self, play};
use lightmail_core::machine::{Action, Disclosures, Input, Machine, Recorded, Step, Time};

/// What went into a machine, read back from its record.
#[derive(Debug)]
pub struct Record(record::Record);

impl Record {
    /// Octets that the peer wrote, as far as the machine took them.
    pub fn octets(&self) -> usize {
        let octets = self.0.steps.iter().map(|step| match &step.input {
            Some(Input::Bytes { octets, .. }) => octets.len(),
            _ => 0,
        });
        octets.sum()
    }
}

/// A recorded machine that is asked for its record while a world drives it. A clone is the same one.
pub struct Recorder<M>(Rc<RefCell<Recorded<M>>>);

impl<M> Clone for Recorder<M> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<M: Machine> Recorder<M> {
    /// Shares a machine.
    pub fn new(machine: Recorded<M>) -> Self {
        Self(Rc::new(RefCell::new(machine)))
    }

    /// The record so far, written and read again. All of it must be readable.
    pub fn record(&self) -> Record {
        let text = self.0.borrow_mut().record(false);
        match record::Record::parse(&text) {
            Ok(record) => Record(record),
            Err(bad) => panic!("the record is none: {bad}\n{text}"),
        }
    }
}

impl<M: Machine> Machine for Recorder<M> {
    fn handle(&mut self, now: Time, input: Input) {
        self.0.borrow_mut().handle(now, input);
    }

    fn poll(&mut self) -> Step {
        self.0.borrow_mut().poll()
    }

    fn disclosed(&mut self) -> Disclosures {
        self.0.borrow_mut().disclosed()
    }
}

/// Feeds a fresh machine with a record's inputs; `each` sees the actions.
pub fn replay(machine: &mut impl Machine, record: &Record, each: impl FnMut(Action)) {
    let played = record.0.steps.iter().flat_map(|step| play(machine, step).actions);
    played.for_each(each);
}

/// A session is a list of inputs: the same ones, the same actions. A mask may change what a line means that was none; from there on
/// it is another session.
pub fn assert_replays(record: &Record) {
    let mut machine = again(&record.0.origin).unwrap_or_else(|expected| panic!("expected {expected}"));
    for step in &record.0.steps {
        let played = play(&mut machine, step);
        match step.said {
            Some(said) if !said.exact && played.agrees == Some(false) => return,
            _ => assert_eq!(
                played.agrees,
                Some(true),
                "a replay differs: {step:?}\n{played:?}"
            ),
        }
    }
}
