//! What is to go wrong, and when.

use crate::store::Failure;

/// Lets one effect fail: the n-th with its name from now on.
///
/// Names are those of [`crate::machine::Effect::name`], and `SendObject`, `StartTls`, `Connect` for the actions that can fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The effect's name: `store.Deliver`.
    pub effect: String,
    /// Which one from now on; 1 is the next.
    pub nth: usize,
    /// How far it comes.
    pub when: When,
    /// What the machine is told.
    pub failure: Failure,
}

/// How far a failing effect comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Nothing is done.
    Before,
    /// Everything is done, but the answer says that it failed. A `SendObject` breaks in the middle and cuts the connection.
    After,
}

impl Fault {
    /// Nothing is done: something is wrong here.
    pub fn before(effect: &str, nth: usize) -> Self {
        let failure = Failure::broken(format!("fault: {effect} before"));
        Self {
            effect: effect.to_owned(),
            nth,
            when: When::Before,
            failure,
        }
    }

    /// It is done, but the answer says that something is wrong here.
    pub fn after(effect: &str, nth: usize) -> Self {
        let failure = Failure::broken(format!("fault: {effect} after"));
        Self {
            effect: effect.to_owned(),
            nth,
            when: When::After,
            failure,
        }
    }

    /// Nothing is done in time: `Unavailable`.
    pub fn timeout(effect: &str, nth: usize) -> Self {
        let failure = Failure::Unavailable { retry_after_s: 60 };
        Self {
            effect: effect.to_owned(),
            nth,
            when: When::Before,
            failure,
        }
    }
}

/// The faults that are still to come.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults(Vec<Fault>);

impl Faults {
    pub(super) fn add(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    /// Counts one effect of this name down, and says whether it is the one to fail.
    pub(super) fn strike(&mut self, effect: &str) -> Option<Fault> {
        self.0
            .iter_mut()
            .filter(|fault| fault.effect == effect)
            .for_each(|fault| {
                fault.nth = fault.nth.saturating_sub(1);
            });
        let due = self
            .0
            .iter()
            .position(|fault| fault.effect == effect && fault.nth == 0)?;
        Some(self.0.remove(due))
    }
}
