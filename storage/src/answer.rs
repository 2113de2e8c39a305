//! One value from one thread or task to one that waits for it. Knows no runtime.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use event_listener::Event;

/// The end that gives. Dropping it without giving is an answer too: `None`.
#[derive(Debug)]
pub(crate) struct Giver<T>(Arc<Slot<T>>);

/// The end that waits.
#[derive(Debug)]
pub(crate) struct Taker<T>(Arc<Slot<T>>);

#[derive(Debug)]
struct Slot<T> {
    state: Mutex<State<T>>,
    given: Event,
}

#[derive(Debug)]
enum State<T> {
    Waiting,
    Given(T),
    Over,
}

/// Both ends.
pub(crate) fn answer<T>() -> (Giver<T>, Taker<T>) {
    let slot = Arc::new(Slot {
        state: Mutex::new(State::Waiting),
        given: Event::new(),
    });
    (Giver(Arc::clone(&slot)), Taker(slot))
}

impl<T> Giver<T> {
    pub(crate) fn give(self, value: T) {
        *self.0.lock() = State::Given(value);
    }
}

impl<T> Drop for Giver<T> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        if matches!(*state, State::Waiting) {
            *state = State::Over;
        }
        drop(state);
        self.0.given.notify(usize::MAX);
    }
}

impl<T> Taker<T> {
    /// The value; `None` if it was never given.
    pub(crate) async fn take(self) -> Option<T> {
        loop {
            let listener = self.0.given.listen();
            if let Some(value) = self.0.take() {
                return value;
            }
            listener.await;
        }
    }
}

impl<T> Slot<T> {
    /// What was given, or that nothing will be; `None` while that is open.
    fn take(&self) -> Option<Option<T>> {
        let mut state = self.lock();
        if matches!(*state, State::Waiting) {
            return None;
        }
        match std::mem::replace(&mut *state, State::Over) {
            State::Given(value) => Some(Some(value)),
            State::Waiting | State::Over => Some(None),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
