//! What is found where, and that no cut of the octets and no length of a text changes it.

use std::sync::Arc;

use base64::Engine as _;
use bytes::Bytes;
use proptest::prelude::*;

use super::{CHUNK, Matcher};
use crate::machine::{Needle, ScanTarget, Scope};
use crate::mime::text::{decode_charset, fold};
use crate::mime::{Limits, Scanner};
use crate::store::ObjectId;
use crate::wire::filter::Flow;

const HEAD: &str = "Return-Path: <from@trace>\r\n";
const MESSAGE: &str = concat!(
    "Subject: =?utf-8?q?=C3=84rger?= im\r\n B\u{fc}ro\r\n",
    "Content-Type: multipart/mixed; boundary=o\r\n\r\npreamble\r\n",
    "--o\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n",
    "Gr=FC=DFe aus M=FCn=\r\nchen\r\n",
    "--o\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n",
    "w5xiZXIgYWxsZW4=\r\n",
    "--o\r\nContent-Type: application/octet-stream; name=invoice.bin\r\n\r\nattached words\r\n",
    "--o\r\nContent-Type: message/delivery-status\r\n\r\nStatus: 5.1.1\r\n",
    "--o\r\nContent-Type: message/rfc822\r\n\r\nSubject: within\r\nTo: in@ner\r\n\r\ninnermost\r\n",
    "--o--\r\n",
);

fn target(head: &str, object: &[u8]) -> ScanTarget {
    let mut scanner = Scanner::new(Limits::default());
    scanner.push(object);
    let (head, index) = (
        Bytes::copy_from_slice(head.as_bytes()),
        Arc::new(scanner.finish()),
    );
    ScanTarget {
        object: ObjectId([1; 16]),
        size: object.len() as u64,
        head,
        index,
    }
}

fn needle(scope: Scope, text: &str) -> Needle {
    Needle {
        text: fold(text),
        scope,
    }
}

fn run(head: &str, object: &[u8], needles: &[Needle], cut: usize) -> u64 {
    let mut matcher = Matcher::new(&target(head, object), needles);
    for piece in object.chunks(cut) {
        if matcher.push(piece) == Flow::Enough {
            break;
        }
    }
    matcher.finish()
}

#[test]
fn words_are_found_where_they_are_text() {
    let field = |name: &str| Scope::Field(name.to_owned());
    for (scope, text, expected) in [
        (Scope::Text, "\u{c4}RGER im b\u{fc}ro", true),
        (Scope::Text, "subject: \u{e4}rger", true),
        (Scope::Body, "\u{e4}rger", false),
        (Scope::Text, "from@trace", true),
        (Scope::Body, "from@trace", false),
        (Scope::Body, "gr\u{fc}\u{df}e aus m\u{fc}nchen", true),
        (Scope::Text, "gr\u{fc}\u{df}e", true),
        (Scope::Body, "\u{dc}ber ALLEN", true),
        (Scope::Body, "w5xiZX", false),
        (Scope::Body, "attached", false),
        (Scope::Body, "invoice.bin", true),
        (Scope::Body, "preamble", false),
        (Scope::Body, "status: 5.1.1", true),
        (Scope::Body, "in@ner", true),
        (Scope::Body, "INNERMOST", true),
        (Scope::Text, "not there", false),
        (Scope::Body, "", true),
        (field("SUBJECT"), "\u{e4}rger im", true),
        (field("Subject"), "subject", false),
        (field("Subject"), "within", false),
        (field("Return-Path"), "from@", true),
        (field("Subject"), "", true),
        (field("To"), "", false),
    ] {
        // The subject ends in an octet that is not UTF-8, as old mail has it.
        let object: Vec<u8> = MESSAGE
            .replace('\u{fc}', "\u{1}")
            .bytes()
            .map(|o| if o == 1 { 0xfc } else { o })
            .collect();
        for cut in [1, 7, 10_000] {
            let found = run(
                HEAD,
                &object,
                &[needle(Scope::Text, "nowhere"), needle(scope.clone(), text)],
                cut,
            );
            assert_eq!(
                found,
                u64::from(expected) << 1,
                "{scope:?} {text} in pieces of {cut}"
            );
        }
    }
}

#[test]
fn the_empty_text_is_in_an_empty_message() {
    let needles = [
        needle(Scope::Text, ""),
        needle(Scope::Body, ""),
        needle(Scope::Field("To".to_owned()), ""),
    ];
    assert_eq!(run("", b"", &needles, 1), 0b011);
}

#[test]
fn what_is_found_is_enough() {
    let object = format!("Subject: x\r\n\r\nword {}", "more ".repeat(1_000));
    let mut matcher = Matcher::new(&target("", object.as_bytes()), &[needle(Scope::Body, "word")]);
    assert_eq!(matcher.push(&object.as_bytes()[..14]), Flow::More);
    // A text is searched when enough of it is there.
    assert_eq!(matcher.push(&object.as_bytes()[14..]), Flow::Enough);
    let header_only = [needle(Scope::Field("Subject".to_owned()), "x")];
    assert_eq!(
        Matcher::new(&target("", object.as_bytes()), &header_only).push(&object.as_bytes()[..14]),
        Flow::Enough
    );
}

/// The octets behind the last text are not asked for.
#[test]
fn attachments_behind_the_last_text_are_not_read() {
    let message = "Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\n\r\ntext\r\n--o\r\nContent-Type: image/png\r\n\r\n";
    let object = [message.as_bytes(), &[b'A'; 1_000], b"\r\n--o--\r\n"].concat();
    let mut matcher = Matcher::new(&target("", &object), &[needle(Scope::Text, "nowhere")]);
    assert_eq!(matcher.push(&object[..message.len()]), Flow::Enough);
    assert_eq!(matcher.finish(), 0);
}

/// A long needle is found across the window's borders, at any place.
#[test]
fn needles_longer_than_a_chunk_are_found() {
    let long = "0123456789".repeat(3 * CHUNK / 10);
    for before in [0, 1, CHUNK - 1, CHUNK, 5 * CHUNK + 3] {
        let object = format!("A: b\r\n\r\n{}{long}{}", "x".repeat(before), "y".repeat(CHUNK));
        let needles = [
            needle(Scope::Body, &long),
            needle(Scope::Body, &format!("{long}z")),
            needle(Scope::Body, "xy"),
        ];
        assert_eq!(
            run("", object.as_bytes(), &needles, 1_000),
            0b001,
            "behind {before} octets"
        );
    }
}

fn encode(text: &str, transfer: &str) -> String {
    match transfer {
        "base64" => {
            let encoded = base64::engine::general_purpose::STANDARD.encode(text);
            let lines: Vec<_> = encoded
                .as_bytes()
                .chunks(76)
                .map(|line| String::from_utf8_lossy(line))
                .collect();
            lines.join("\r\n")
        }
        "quoted-printable" => text
            .bytes()
            .map(|octet| format!("={octet:02X}"))
            .collect::<Vec<_>>()
            .join("=\r\n"),
        _ => text.to_owned(),
    }
}

proptest! {
    /// The same as looking into the whole decoded text at once.
    #[test]
    fn any_cut_finds_what_the_whole_text_holds(
        words in proptest::collection::vec(prop::sample::select(vec!["ab", "aab", "\u{c4}", " ", "b\u{20ac}", "longer words "]), 0..60),
        times in 1usize..40,
        needles in proptest::collection::vec(
            proptest::collection::vec(prop::sample::select(vec!["a", "b", "\u{e4}", " ", "\u{20ac}", "longer"]), 1..6), 1..10),
        transfer in prop::sample::select(vec!["7bit", "base64", "quoted-printable"]),
        cut in 1usize..5_000,
    ) {
        let text = words.concat().repeat(times);
        let header = format!("Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: {transfer}\r\n\r\n");
        let object = header + &encode(&text, transfer);
        let needles: Vec<_> = needles.iter().map(|parts| needle(Scope::Body, &parts.concat())).collect();
        let whole = fold(&decode_charset(b"utf-8", text.as_bytes()));
        let expected = needles.iter().enumerate().map(|(n, needle)| u64::from(whole.contains(&needle.text)) << n).sum::<u64>();
        prop_assert_eq!(run("", object.as_bytes(), &needles, cut), expected);
    }

    /// Whatever the message looks like, the cut makes no difference.
    #[test]
    fn any_cut_gives_the_same_answer(
        lines in proptest::collection::vec(prop::sample::select(vec![
            "Subject: =?utf-8?q?a=C3=84?=\r\n", "X: ab\r\n", " folded\r\n", "\r\n", "\n", "ab\r\n", "YWI=\r\n", "=61b=\r\n",
            "Content-Type: multipart/mixed; boundary=o\r\n", "Content-Type: message/rfc822\r\n", "--o\r\n", "--o--\r\n",
            "Content-Transfer-Encoding: base64\r\n", "Content-Transfer-Encoding: quoted-printable\r\n",
        ]), 0..30),
        cut in 1usize..40,
    ) {
        let object = lines.concat();
        let fields = [needle(Scope::Field("X".to_owned()), "ab"), needle(Scope::Field("Subject".to_owned()), "a\u{e4}")];
        let texts = ["ab", "a\u{e4}", "x: ab folded", "b"].map(|text| [Scope::Text, Scope::Body].map(|scope| needle(scope, text)));
        let needles: Vec<_> = fields.into_iter().chain(texts.into_iter().flatten()).collect();
        let whole = run(HEAD, object.as_bytes(), &needles, 1 << 20);
        prop_assert_eq!(run(HEAD, object.as_bytes(), &needles, cut), whole);
        // What is in the body is in the message.
        for pair in 1..5 {
            prop_assert!(whole >> (2 * pair) & 0b11 != 0b10, "{whole:b}");
        }
    }
}
