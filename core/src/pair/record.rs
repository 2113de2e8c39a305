//! What is kept of a conversation.

use std::collections::BTreeMap;

use crate::machine::{Effect, Upload};

/// The most that a conversation ever held, in octets and pieces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Peaks {
    /// Octets in one `Send`.
    pub send: usize,
    /// Octets sent, stored ranges aside, between two waits.
    pub drain: usize,
    /// Effects in flight at once.
    pub effects: usize,
    /// Uploads open at once.
    pub uploads: usize,
}

/// What must not depend on how the input was cut: the octets to each destination, and the effects in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// To the peer.
    pub sent: Vec<u8>,
    /// To each upload.
    pub uploads: BTreeMap<Upload, Vec<u8>>,
    /// All but `ConfirmDelivery`, which is about time.
    pub effects: Vec<Effect>,
    /// Whether the machine is over.
    pub over: bool,
}
