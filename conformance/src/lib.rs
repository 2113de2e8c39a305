//! Transcripts of the mail RFCs, and what replays them: in the pure core within milliseconds, or against any live server.
//!
//! A transcript is a text that reads like the RFC's own examples ([`transcript`]); [`run`] plays it over a [`Player`]:
//! [`pure`] is LightMail's core with the reference store, [`tcp`] any server at all.

mod deflate;
pub mod fill;
pub mod given;
pub mod known;
pub mod library;
pub mod pattern;
pub mod player;
pub mod pure;
pub mod record;
pub mod replay;
pub mod report;
pub mod results;
pub mod run;
pub mod samples;
pub mod scram;
pub mod tcp;
pub mod tls;
pub mod transcript;

pub use player::{Heard, Player, Unsupported};
pub use transcript::Transcript;
