//! How fast mail passes the LMTP machine.
//!
//! The machine alone: what taps drink from an upload (SHA-256, the scanner) and what the store does is not in it.

use std::sync::Arc;

use bytes::Bytes;
use lightmail_core::lmtp;
use lightmail_core::machine::{Machine, Seed};
use lightmail_core::smtp::Settings;

use crate::driver::{self, Driver};
use crate::harness::{Work, head, measure};
use crate::mails;

pub fn all() {
    head("LMTP session");
    let small = mails::small();
    let large = mails::attachment(&mails::base64_line());
    let usual = mails::of(4 << 10);
    deliver("mail of 4 KiB, DATA", &usual, data(&usual));
    deliver("mail of 5 KB, DATA", &small, data(&small));
    deliver("mail of 5 KB, BDAT", &small, bdat(&small));
    deliver("10 MB attachment, DATA", &large, data(&large));
    deliver("10 MB attachment, BDAT", &large, bdat(&large));
    deliver("10 MB of dots, DATA", &large, data(&mails::attachment(b".\r\n")));
}

/// Measures one transaction after the other on one connection.
fn deliver(name: &str, message: &[u8], transaction: Vec<u8>) {
    let mut driver = greeted(message);
    let transaction = Bytes::from(transaction);
    let work = Work {
        count: 1,
        unit: "delivery",
        octets: transaction.len(),
    };
    measure(name, work, || {
        let spent = driver.feed(&transaction);
        assert!(driver.tail.starts_with(b"250 2."), "{:?}", driver.tail);
        spent
    });
}

/// A session that has said LHLO.
pub fn greeted(message: &[u8]) -> Driver<impl Machine> {
    let (store, _) = driver::store();
    let session = lmtp::session(driver::peer(), Arc::new(Settings::default()), Seed::new([4; 32]));
    let mut driver = Driver::new(session, store, message);
    driver.feed(&Bytes::from_static(b"LHLO client.example.org\r\n"));
    driver
}

/// Envelope and content in one go, as a client with PIPELINING sends them.
pub fn data(message: &[u8]) -> Vec<u8> {
    let stuffed = message
        .split_inclusive(|&octet| octet == b'\n')
        .flat_map(|line| [if line.starts_with(b".") { &b"."[..] } else { b"" }, line]);
    let content: Vec<u8> = stuffed.flatten().copied().collect();
    [envelope(), b"DATA\r\n", &content, b".\r\n"].concat()
}

fn bdat(message: &[u8]) -> Vec<u8> {
    let chunk = format!("BDAT {} LAST\r\n", message.len());
    [envelope(), chunk.as_bytes(), message].concat()
}

fn envelope() -> &'static [u8] {
    b"MAIL FROM:<a@example.net>\r\nRCPT TO:<user@example.com>\r\n"
}
