//! The heap that machines and parsers hold is bounded by what they were given. A binary of its own: its allocator counts.

use std::fs;
use std::path::Path;

use lightmail_fuzz::{TARGETS, heap};
use peak_alloc::PeakAlloc;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// Octets that a subject may hold beyond four times its input: tables of its own, first growths.
const ALLOWANCE: usize = 64 << 10;

fn meter(subject: &mut dyn FnMut()) -> usize {
    HEAP.reset_peak_usage();
    let before = HEAP.current_usage();
    subject();
    HEAP.peak_usage().saturating_sub(before)
}

#[test]
fn held_octets_are_bounded() {
    let mut measured = 0;
    for (target, _) in TARGETS {
        for (name, octets) in entries(target).into_iter().chain(hostile(target)) {
            let Some((held, given)) = heap::held(target, &octets, &meter) else {
                continue;
            };
            let bound = ALLOWANCE + 4 * given;
            assert!(
                held <= bound,
                "{target}, {name}: {held} octets held for {given}, more than {bound}"
            );
            measured += 1;
        }
    }
    assert!(measured > 100, "{measured} inputs were measured");
}

fn entries(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = |kind: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join(kind).join(target);
    let files = ["corpus", "seeds"]
        .into_iter()
        .flat_map(|kind| fs::read_dir(folder(kind)).unwrap());
    let paths = files.map(|entry| entry.unwrap().path());
    paths
        .map(|path| (path.display().to_string(), fs::read(&path).unwrap()))
        .collect()
}

/// Inputs made to cost much: many small things, deep things, things without an end. Every target is given all of them.
fn hostile(target: &str) -> Vec<(String, Vec<u8>)> {
    // How its inputs begin: in one piece, sessions with INBOX selected.
    let beginning: &[u8] = match target {
        "imap_session" => b"2\0\0\0\0\0\0\0\0",
        "pop3_session" => b"2\0\0\0\0\0\0\0\0",
        "lmtp_session" | "smtp_session" | "submission_session" => b"3\0\0\0\0\0\0\0\0",
        "clamd_reply" | "imap_command" | "mime_index" | "matcher" => b"\0\0\0\0",
        _ => b"",
    };
    let all: [(&str, Vec<u8>); 36] = [
        (
            "empty parts",
            [
                &b"Content-Type: multipart/mixed; boundary=b\n\n"[..],
                &b"--b\n".repeat(1_500),
            ]
            .concat(),
        ),
        ("empty fields", b"A:\n".repeat(3_000)),
        ("content fields", b"Content-Type: a/b;c=d\n".repeat(2_000)),
        (
            "nested messages",
            b"Content-Type: message/rfc822\n\n".repeat(2_000),
        ),
        (
            "a thousand addresses",
            [&b"To: "[..], &b"a,".repeat(999), b"a\r\n\r\n"].concat(),
        ),
        ("addresses", [&b"To: "[..], &b"a,".repeat(20_000)].concat()),
        (
            "references",
            [&b"References: "[..], &b"<a>".repeat(20_000)].concat(),
        ),
        ("commas", b"1,".repeat(10_000)),
        ("parentheses", [&b"a SEARCH "[..], &b"(".repeat(60_000)].concat()),
        ("pairs", b"()".repeat(20_000)),
        (
            "search keys",
            [&b"a SEARCH "[..], &b"ALL ".repeat(15_000), b"ALL\r\n"].concat(),
        ),
        (
            "sequence set",
            [&b"a FETCH "[..], &b"1,".repeat(9_999), b"1 FLAGS\r\n"].concat(),
        ),
        ("literals", b"a LOGIN {4+}\r\nabcd {4+}\r\nabcd\r\n".repeat(500)),
        ("one line", vec![b'x'; 200_000]),
        ("commands", b"a NOOP\r\n".repeat(5_000)),
        ("words", b"=?utf-8?q?a?= ".repeat(5_000)),
        ("parameters", b";a=b".repeat(10_000)),
        ("sections", b"[imap]\na\n".repeat(3_000)),
        ("two thousand fields", b"A:\n".repeat(1_999)),
        (
            "a thousand parts",
            [
                &b"Content-Type: multipart/mixed; boundary=b\n\n"[..],
                &b"--b\n\n".repeat(1_000),
            ]
            .concat(),
        ),
        (
            "mail",
            [&b"Subject: x\r\n\r\n"[..], &b"text\r\n".repeat(500), b".\r\n"]
                .concat()
                .repeat(10),
        ),
        ("wildcards", b"*a%b".repeat(5_000)),
        ("a digest", digest(b"--b\n\n\n")),
        ("a digest with senders", digest(b"--b\n\nFrom:a\n\n")),
        (
            "a digest with lists of senders",
            digest(b"--b\n\nFrom:a,a,a,a,a,a,a,a,a,a\n\n"),
        ),
        ("a digest with fields", digest(b"--b\n\nA:\nB:\n\n")),
        ("described parts", parts(b"--b\nContent-ID:a\n\n")),
        (
            "disposed parts",
            parts(b"--b\nContent-Disposition:a;b=c\nContent-Language:a,b\n\n"),
        ),
        ("messages", parts(b"--b\nContent-Type:message/rfc822\n\n\n")),
        (
            "a thousand senders",
            [&b"From: "[..], &b"a,".repeat(999), b"a\r\n\r\n"].concat(),
        ),
        (
            "tags",
            [&b"Content-Type: text/html\n\n"[..], &b"<b>".repeat(6_000)].concat(),
        ),
        (
            "an odd name",
            [&b"Subject: "[..], &b"\x80".repeat(60_000), b"\n\n"].concat(),
        ),
        (
            "odd addresses",
            [&b"To: "[..], &b"\x80,".repeat(30_000), b"\n\n"].concat(),
        ),
        (
            "odd parameters",
            [&b"Content-Type: a/b;"[..], &b"\x80=\xff;".repeat(3_000), b"\n\n"].concat(),
        ),
        (
            "an odd parameter",
            [&b"Content-Type: a/b;"[..], &[0x80; 16_000], b"=c\n\n"].concat(),
        ),
        ("odd text", [&b"\n"[..], &[0x80; 60_000]].concat()),
    ];
    let begun = |(name, octets): (&str, Vec<u8>)| (name.to_owned(), [beginning, &octets].concat());
    all.into_iter().map(begun).collect()
}

fn parts(part: &[u8]) -> Vec<u8> {
    [
        &b"Content-Type: multipart/mixed; boundary=b\n\n"[..],
        &part.repeat(1_000),
    ]
    .concat()
}

fn digest(message: &[u8]) -> Vec<u8> {
    [
        &b"Content-Type: multipart/digest; boundary=b\n\n"[..],
        &message.repeat(500),
    ]
    .concat()
}
