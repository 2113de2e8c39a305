//! The check of a whole store.

mod load;
mod planted;
pub(super) mod store;
