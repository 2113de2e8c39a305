//! The check of a whole store.

mod load;
mod planted;
mod store;
