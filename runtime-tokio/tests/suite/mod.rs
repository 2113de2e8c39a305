//! The tests that every shell passes.

mod first_light;
mod parity;
mod records;
mod serving;
mod tls;
mod transcripts;
