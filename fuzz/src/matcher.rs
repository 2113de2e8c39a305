//! Words in messages: any cut finds the same, and what is in a text is found in it.

use std::sync::Arc;

use bytes::Bytes;
use lightmail_core::machine::{Needle, ScanTarget, Scope};
use lightmail_core::mime::matcher::Matcher;
use lightmail_core::mime::text::{decode_charset, fold};
use lightmail_core::store::ObjectId;
use lightmail_core::wire::filter::Flow;

use crate::cut::Cut;
use crate::mime_index::scan;

/// The first line is what is looked for, the rest is a message; then the rest is only its text.
pub fn matcher(input: Cut<'_>) {
    let at = input.octets.iter().position(|&octet| octet == b'\n');
    let (words, message) = input.octets.split_at(at.map_or(0, |at| at + 1));
    let word = fold(String::from_utf8_lossy(words).trim_end_matches(['\r', '\n']));
    let message = Cut {
        octets: message,
        ..input
    };
    let needles = needles(&word);
    assert_eq!(
        look(message, &needles),
        look(Cut::whole(message.octets), &needles),
        "{word:?}"
    );
    in_text(message, &word);
}

/// The same text in all the ways to look for it, behind one that is nowhere.
pub fn needles(word: &str) -> Vec<Needle> {
    let field = |name: &str| Scope::Field(name.to_owned());
    let scopes = [
        Scope::Text,
        Scope::Body,
        field("Subject"),
        field("To"),
        Scope::Text,
    ];
    let texts = [word, word, word, "", "\u{10ffff}\u{1}nowhere"];
    let needle = |(scope, text): (Scope, &str)| Needle {
        scope,
        text: text.to_owned(),
    };
    scopes.into_iter().zip(texts).map(needle).collect()
}

/// Looks for needles in a message that comes in pieces.
pub fn look(message: Cut<'_>, needles: &[Needle]) -> u64 {
    let mut matcher = Matcher::new(&target(message.octets), needles);
    let mut enough = false;
    for piece in message.pieces() {
        let flow = matcher.push(piece);
        assert!(!enough || flow == Flow::Enough, "it wants more than enough");
        enough = flow == Flow::Enough;
    }
    matcher.finish()
}

/// What the matcher is told of a message.
pub fn target(message: &[u8]) -> ScanTarget {
    ScanTarget {
        object: ObjectId([1; 16]),
        size: message.len() as u64,
        head: Bytes::from_static(b"Return-Path: <from@trace>\r\n"),
        index: Arc::new(scan(Cut::whole(message))),
    }
}

/// A text without transfer encoding holds what it holds.
fn in_text(text: Cut<'_>, word: &str) {
    let whole = fold(&decode_charset(b"utf-8", text.octets));
    let octets = [b"Content-Type: text/plain; charset=utf-8\r\n\r\n", text.octets].concat();
    let needle = Needle {
        scope: Scope::Body,
        text: word.to_owned(),
    };
    let found = look(
        Cut {
            octets: &octets,
            ..text
        },
        &[needle],
    );
    assert_eq!(found == 1, whole.contains(word), "{word:?} in {whole:?}");
}
