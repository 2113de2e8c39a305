//! The tests that every shell passes.

mod bucket;
mod first_light;
mod parity;
mod serving;
mod tls;
mod transcripts;
