//! The tests that every shell passes.

mod first_light;
mod parity;
mod recorded;
mod serving;
mod tls;
mod transcripts;
