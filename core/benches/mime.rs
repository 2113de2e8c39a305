//! How fast messages are scanned and stored indexes are read: `cargo bench -p lightmail-core --bench mime`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use lightmail_core::mime::{Limits, MessageIndex, Scanner, StoredIndex};

/// How long each measurement runs.
const RUN: Duration = Duration::from_millis(500);
/// What a shell reads at once.
const READ_OCTETS: usize = 64 << 10;

fn main() {
    let small = small();
    for (name, message) in [
        ("small mail, two alternatives", small.clone()),
        ("one 10 MB base64 attachment", attachment(&line_of(b"QUJD"))),
        ("one 10 MB attachment of line ends", attachment(b"\r\n")),
        ("one 10 MB attachment of almost delimiters", attachment(b"--\r\n")),
    ] {
        measure(name, message.len(), || drop(black_box(scan(&message))));
    }
    let index = scan(&small);
    let stored = index.encode();
    println!(
        "the small mail's index: {} octets for {}",
        stored.len(),
        small.len()
    );
    measure("encode it", stored.len(), || drop(black_box(index.encode())));
    measure("decode it", stored.len(), || {
        drop(black_box(MessageIndex::decode(&stored)))
    });
    measure("look up its ENVELOPE", stored.len(), || {
        black_box(StoredIndex::new(&stored).map(|stored| stored.envelope().len())).ok();
    });
}

fn scan(message: &[u8]) -> MessageIndex {
    let mut scanner = Scanner::new(Limits::default());
    message.chunks(READ_OCTETS).for_each(|piece| scanner.push(piece));
    scanner.finish()
}

fn measure(name: &str, octets: usize, work: impl Fn()) {
    let start = Instant::now();
    let mut rounds = 0u32;
    while start.elapsed() < RUN {
        work();
        rounds += 1;
    }
    let each = start.elapsed() / rounds;
    let speed = octets as f64 / each.as_secs_f64() / 1e6;
    println!("{name}: {speed:.0} MB/s, {:.1} µs each", each.as_secs_f64() * 1e6);
}

/// A line of 76 characters.
fn line_of(unit: &[u8]) -> Vec<u8> {
    [unit.repeat(76 / unit.len()), b"\r\n".to_vec()].concat()
}

fn attachment(line: &[u8]) -> Vec<u8> {
    let head = "From: a@example.org\r\nTo: b@example.org\r\nSubject: a file\r\n\
                Content-Type: multipart/mixed; boundary=\"=_boundary\"\r\n\r\n--=_boundary\r\n\r\nHello\r\n--=_boundary\r\n\
                Content-Type: application/octet-stream; name=a.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n";
    let body = line.repeat((10 << 20) / line.len());
    [head.as_bytes(), &body, b"\r\n--=_boundary--\r\n"].concat()
}

fn small() -> Vec<u8> {
    let received = "Received: from mx.example.net (mx.example.net [192.0.2.7])\r\n\tby mail.example.org with ESMTPS id 4f\r\n\
                    \tfor <b@example.org>; Tue, 24 Nov 2026 10:11:12 +0100\r\n";
    let head = "From: =?utf-8?Q?J=C3=BCrgen?= <a@example.net>\r\nTo: \"B. Example\" <b@example.org>, c@example.org\r\n\
                Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?= from Bonn\r\nDate: Tue, 24 Nov 2026 10:11:10 +0100\r\n\
                Message-ID: <1@example.net>\r\nReferences: <2@example.net> <3@example.net>\r\nMIME-Version: 1.0\r\n\
                Content-Type: multipart/alternative; boundary=\"=_b\"\r\n\r\n";
    let plain = "--=_b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n";
    let html = "\r\n--=_b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n";
    let text = "A line of text as people write them, not too long.\r\n".repeat(30);
    [
        &received.repeat(4),
        head,
        plain,
        &text,
        html,
        "<p>",
        &text,
        "</p>\r\n--=_b--\r\n",
    ]
    .concat()
    .into_bytes()
}
