//! The vocabulary of storage.

pub mod set;
