//! The tests that every shell passes.

mod attacks;
mod bucket;
mod first_light;
mod full;
mod garbage;
mod lmtp;
mod nodes;
mod parity;
mod pop3;
mod postfix;
mod recorded;
mod records;
mod serving;
mod test_imap;
mod tls;
mod transcripts;
