//! Fuzz targets: octets nobody has thought of, against the machines and parsers of the core.
//!
//! A target is a function that takes any input and asserts what must hold for all of them: no panic, the same result
//! however the octets are cut, what is written is read back, a clean store, bounded output. libFuzzer calls it through a
//! binary of `fuzz_targets/`; the tests call the same function with the corpus and with random octets.
//!
//! An input is octets in the form of its `Input` type: a few that say how it is cut, then the text itself, so that seeds
//! and what is found can be read and written by hand.

mod address;
mod clamd_reply;
mod client;
mod config_ini;
mod cut;
mod data_decoder;
mod date;
mod deflate;
mod encoded_word;
mod glob;
pub mod heap;
mod imap_client;
mod imap_command;
mod imap_session;
mod matcher;
mod mime_index;
mod mime_sound;
mod names;
mod pop3_session;
mod record;
mod responses;
mod sasl;
mod sequence_set;
mod smtp_session;
mod stage;
mod uid_set;

pub use address::address;
pub use clamd_reply::clamd_reply;
pub use config_ini::config_ini;
pub use cut::{Cut, Pace};
pub use data_decoder::data_decoder;
pub use date::date;
pub use deflate::deflate;
pub use encoded_word::encoded_word;
pub use imap_client::{Dialogue, imap_client};
pub use imap_command::imap_command;
pub use imap_session::imap_session;
pub use matcher::matcher;
pub use mime_index::mime_index;
pub use names::names;
pub use pop3_session::pop3_session;
pub use record::{Record, Recorder, replay};
pub use sasl::sasl;
pub use sequence_set::sequence_set;
pub use smtp_session::{lmtp_session, smtp_session, submission_session};
pub use uid_set::uid_set;

use arbitrary::{Arbitrary, Unstructured};

/// A target on raw octets.
pub type Target = fn(&[u8]);

/// Every target by its name, which is that of its binary and of its corpus.
pub const TARGETS: [(&str, Target); 20] = [
    ("address", |octets| on(octets, address)),
    ("clamd_reply", |octets| on(octets, clamd_reply)),
    ("config_ini", |octets| on(octets, config_ini)),
    ("data_decoder", |octets| on(octets, data_decoder)),
    ("date", |octets| on(octets, date)),
    ("deflate", |octets| on(octets, deflate)),
    ("encoded_word", |octets| on(octets, encoded_word)),
    ("imap_client", |octets| on(octets, imap_client)),
    ("imap_command", |octets| on(octets, imap_command)),
    ("imap_session", |octets| on(octets, imap_session)),
    ("lmtp_session", |octets| on(octets, lmtp_session)),
    ("matcher", |octets| on(octets, matcher)),
    ("mime_index", |octets| on(octets, mime_index)),
    ("names", |octets| on(octets, names)),
    ("pop3_session", |octets| on(octets, pop3_session)),
    ("sasl", |octets| on(octets, sasl)),
    ("sequence_set", |octets| on(octets, sequence_set)),
    ("smtp_session", |octets| on(octets, smtp_session)),
    ("submission_session", |octets| on(octets, submission_session)),
    ("uid_set", |octets| on(octets, uid_set)),
];

/// Runs a target. Panics if there is none of this name, or if what it asserts does not hold.
pub fn run(name: &str, octets: &[u8]) {
    let found = TARGETS.iter().find(|(target, _)| *target == name);
    let (_, target) = found.unwrap_or_else(|| panic!("there is no target {name}"));
    target(octets);
}

/// Makes a target's input of octets; too few of them make none.
fn on<'a, I: Arbitrary<'a>>(octets: &'a [u8], target: impl FnOnce(I)) {
    if let Ok(input) = I::arbitrary_take_rest(Unstructured::new(octets)) {
        target(input);
    }
}
