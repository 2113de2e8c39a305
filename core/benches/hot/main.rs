//! The hot paths of the core: `cargo bench -p lightmail-core`, or `… -- imap` for one group of them.

mod driver;
mod harness;
mod imap;
mod lmtp;
mod mails;
mod mime;

/// A group of measurements, and the name that asks for it.
type Group = (&'static str, fn());

const GROUPS: [Group; 3] = [("imap", imap::all), ("lmtp", lmtp::all), ("mime", mime::all)];

fn main() {
    // Cargo adds options of its own.
    let asked: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    for (name, measure) in GROUPS {
        if asked.is_empty() || asked.iter().any(|word| word == name) {
            measure();
        }
    }
}
