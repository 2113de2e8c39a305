//! A record fed to a fresh machine.

use super::digest::Digest;
use super::file::RecordedStep;
use crate::machine::{Action, Machine, Step};

/// What a machine did with one step of a record.
#[derive(Clone, Debug, PartialEq)]
pub struct Played {
    /// What it did.
    pub actions: Vec<Action>,
    /// What it wants next.
    pub then: Step,
    /// Whether the recorded machine did the same; `None` if that is not known.
    pub agrees: Option<bool>,
}

/// Gives a machine the next step of a record.
pub fn play(machine: &mut impl Machine, step: &RecordedStep) -> Played {
    if let Some(input) = &step.input {
        machine.handle(step.at, input.clone());
    }
    let (mut actions, mut digest) = (Vec::new(), Digest::default());
    let then = loop {
        match machine.poll() {
            Step::Act(action) => {
                digest.add(&action);
                actions.push(action);
            }
            then => break then,
        }
    };
    Played {
        actions,
        then,
        agrees: step.said.map(|said| said.agrees(&digest)),
    }
}
