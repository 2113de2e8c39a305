//! What needs a whole storage.

pub(crate) mod scratch;
