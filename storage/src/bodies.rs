//! What bodies are that were listed lately, so that reading one asks the database nothing.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use lightmail_core::machine::ObjectKind;
use lightmail_core::store::ObjectId;

/// The most bodies remembered.
const BODIES_MAX: usize = 16 * 1024;

/// What the row of an object says of it: where its octets are, and what they must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Body {
    pub(crate) kind: ObjectKind,
    pub(crate) size: u64,
    pub(crate) sha256: [u8; 32],
}

/// The bodies listed last. An object never changes, so what is in here stays true.
#[derive(Debug, Default)]
pub(crate) struct Bodies(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    known: HashMap<ObjectId, Body>,
    in_order: VecDeque<ObjectId>,
}

impl Bodies {
    pub(crate) fn get(&self, object: ObjectId) -> Option<Body> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .known
            .get(&object)
            .copied()
    }

    pub(crate) fn put(&self, bodies: impl IntoIterator<Item = (ObjectId, Body)>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (object, body) in bodies {
            if state.known.insert(object, body).is_none() {
                state.in_order.push_back(object);
            }
            if state.in_order.len() > BODIES_MAX
                && let Some(oldest) = state.in_order.pop_front()
            {
                state.known.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_forgotten() {
        let bodies = Bodies::default();
        let id = |n: usize| ObjectId((n as u128).to_be_bytes());
        let body = Body {
            kind: ObjectKind::Email,
            size: 1,
            sha256: [0; 32],
        };
        bodies.put((0..BODIES_MAX + 10).map(|n| (id(n), body)));
        assert_eq!(bodies.get(id(9)), None);
        assert_eq!(bodies.get(id(10)), Some(body));
    }
}
