//! The check of a whole store.

mod load;
mod pace;
mod planted;
pub(super) mod store;
