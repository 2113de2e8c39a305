//! SEARCH: which messages a program of keys is true of (RFC 3501, 6.4.4).
//!
//! A message is judged with what is known of it, cheapest first: its row of the view, its stored columns, its octets. What
//! is known may leave a key open, so there are three truths; most messages are decided by the view alone, and only the rest
//! are asked for. Text is compared by [`crate::mime::text::fold`]: the decoded field or body contains the text.
//!
//! Never asks a store, never reads an object: the command does, as long as [`Search::judge`] says [`Truth::Unknown`].

mod field;
mod judge;
mod needles;
mod truth;

#[cfg(test)]
mod tests;

pub use judge::{Candidate, Search};
pub use needles::{Found, Needles};
pub use truth::Truth;
