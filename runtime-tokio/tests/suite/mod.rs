//! The tests that every shell passes.

mod antivirus;
mod attacks;
mod bucket;
mod compress;
mod delivery;
mod first_light;
mod full;
mod garbage;
mod limits;
mod lmtp;
mod nodes;
mod parity;
mod pop3;
mod postfix;
mod recorded;
mod records;
mod sasl;
mod serving;
mod smtp;
mod test_imap;
mod tls;
mod transcripts;
