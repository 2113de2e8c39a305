//! What a session has to say, in order: octets gathered into pieces, other actions between them.
//!
//! Holds what one drain of the session produces; a command that has much to say gives way in between ([`super::command::Next::Drain`]).

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use crate::machine::Action;

/// Gathered octets leave as one piece when they are this many.
const PIECE: usize = 16 * 1024;

/// Actions that wait to be polled.
#[derive(Debug, Default)]
pub(super) struct Output {
    ready: VecDeque<Action>,
    gathered: BytesMut,
}

impl Output {
    /// Where responses are printed.
    pub(super) fn gather(&mut self) -> &mut BytesMut {
        if self.gathered.len() >= PIECE {
            self.seal();
        }
        &mut self.gathered
    }

    /// Octets that are there already; large ones are not copied.
    pub(super) fn send(&mut self, octets: Bytes) {
        if octets.len() < PIECE {
            self.gather().extend_from_slice(&octets);
        } else {
            self.push(Action::Send(octets));
        }
    }

    /// An action behind everything said so far.
    pub(super) fn push(&mut self, action: Action) {
        self.seal();
        self.ready.push_back(action);
    }

    /// The next action; `None` when all has left.
    pub(super) fn pop(&mut self) -> Option<Action> {
        if self.ready.is_empty() {
            self.seal();
        }
        self.ready.pop_front()
    }

    /// Octets and actions not yet polled are forgotten: the peer is gone.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    fn seal(&mut self) {
        if !self.gathered.is_empty() {
            // The buffer goes with its octets, so that a silent session holds none.
            self.ready
                .push_back(Action::Send(std::mem::take(&mut self.gathered).freeze()));
        }
    }
}
