//! Encoded words and encoded parameters: anything has a text, and what is encoded as the RFCs say is read as it was.

use std::fmt::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lightmail_core::mime::encoded_word::{EncodedWord, decode};
use lightmail_core::mime::parameter::{parameter, parse};

use crate::cut::Cut;

/// Header text (RFC 2047), and the same octets as a value with parameters (RFC 2231).
pub fn encoded_word(input: Cut<'_>) {
    let text = decode(input.octets);
    assert!(
        text.len() <= 3 * input.octets.len(),
        "{} octets of {}",
        text.len(),
        input.octets.len()
    );
    if let Some(word) = EncodedWord::at_start(input.octets) {
        assert!((7..=input.octets.len()).contains(&word.octets()));
    }
    if let Ok(plain) = std::str::from_utf8(input.octets) {
        assert!(
            plain.contains("=?") || text == plain,
            "plain text became {text:?}"
        );
        words(plain);
        parameters(plain, input);
    }
    let (kind, params) = parse(input.octets);
    assert!(params.len() <= 64 && kind.len() <= 3 * input.octets.len());
    let octets: usize = params.iter().map(|(_, value)| value.len()).sum();
    assert!(octets <= (16 << 10) + 64, "{octets} octets of parameters");
    for (name, _) in &params {
        parameter(&params, name.trim_end_matches('*'));
    }
}

/// Both encodings of a text are that text, alone and in words that cut its characters.
fn words(text: &str) {
    let q = |octets: &[u8]| {
        octets.iter().fold(String::new(), |mut out, octet| {
            let _ = write!(out, "={octet:02X}");
            out
        })
    };
    for size in [1, 3, 40] {
        let chunks = || text.as_bytes().chunks(size);
        let q: Vec<_> = chunks()
            .map(|chunk| format!("=?utf-8?q?{}?=", q(chunk)))
            .collect();
        let b: Vec<_> = chunks()
            .map(|chunk| format!("=?UTF-8*en?B?{}?=", STANDARD.encode(chunk)))
            .collect();
        assert_eq!(decode(q.join(" ").as_bytes()), text);
        assert_eq!(decode(b.join("\r\n ").as_bytes()), text);
    }
}

/// A parameter that is encoded in one piece, and in the pieces that the input is cut into, is its text.
fn parameters(text: &str, input: Cut<'_>) {
    let percent = |octets: &[u8]| {
        octets.iter().fold(String::new(), |mut out, octet| {
            let _ = write!(out, "%{octet:02x}");
            out
        })
    };
    let pieces: Vec<_> = input.pieces().collect();
    if text.len() > 4_000 || pieces.len() > 60 || pieces.is_empty() {
        return;
    }
    let whole = format!("a/b; name*=utf-8'en'{}", percent(text.as_bytes()));
    assert_eq!(
        parameter(&parse(whole.as_bytes()).1, "name").as_deref(),
        Some(text)
    );
    let mut joined = String::from("a/b");
    for (at, piece) in pieces.iter().enumerate() {
        let charset = if at == 0 { "utf-8''" } else { "" };
        let _ = write!(joined, "; name*{at}*={charset}{}", percent(piece));
    }
    assert_eq!(
        parameter(&parse(joined.as_bytes()).1, "name").as_deref(),
        Some(text),
        "{joined}"
    );
}
