//! Text to UTF-8, and the forms of it that compare alike.

use std::borrow::Cow;

use encoding_rs::{Decoder, Encoding, UTF_8, WINDOWS_1252};

use super::encoded_word;

/// Decodes text of a charset that comes in pieces. Nothing is an error: what does not decode becomes U+FFFD, and an unknown
/// charset is read as UTF-8.
pub struct TextDecoder {
    decoder: Decoder,
}

impl TextDecoder {
    /// A decoder for the charset that a `charset` parameter names.
    pub fn new(charset: &[u8]) -> TextDecoder {
        TextDecoder {
            decoder: encoding(charset).new_decoder_without_bom_handling(),
        }
    }

    /// Takes the next octets and adds what they stand for; `last` with the final ones, which may be none.
    pub fn push(&mut self, octets: &[u8], last: bool, out: &mut String) {
        let mut rest = octets;
        loop {
            out.reserve(
                self.decoder
                    .max_utf8_buffer_length(rest.len())
                    .unwrap_or(rest.len())
                    .max(16),
            );
            let (result, read, _) = self.decoder.decode_to_string(rest, out, last);
            rest = rest.get(read..).unwrap_or_default();
            if result == encoding_rs::CoderResult::InputEmpty {
                return;
            }
        }
    }
}

/// The text that octets of a charset stand for.
pub fn decode_charset<'a>(charset: &[u8], octets: &'a [u8]) -> Cow<'a, str> {
    encoding(charset).decode_without_bom_handling(octets).0
}

/// The text of octets whose charset nobody names: UTF-8 if they are that, else windows-1252.
pub fn decode_unlabelled(octets: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(octets) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => WINDOWS_1252.decode_without_bom_handling(octets).0,
    }
}

/// US-ASCII is read as UTF-8, of which it is a part: senders that say it and mean it lose nothing, the others are legible.
fn encoding(charset: &[u8]) -> &'static Encoding {
    let named = charset.trim_ascii();
    match named.eq_ignore_ascii_case(b"us-ascii") || named.eq_ignore_ascii_case(b"ascii") {
        true => UTF_8,
        false => Encoding::for_label_no_replacement(named).unwrap_or(UTF_8),
    }
}

/// The form of a text in which texts that differ only in case are equal: Unicode lower case, character by character. That is
/// less than the collation i;unicode-casemap (no title case, no decomposition) and enough for substring search.
pub fn fold(text: &str) -> String {
    match text.is_ascii() {
        true => text.to_ascii_lowercase(),
        false => text.chars().flat_map(char::to_lowercase).collect(),
    }
}

/// The longest beginning of a text of at most `octets` octets that cuts no character.
pub fn cut(mut text: String, octets: usize) -> String {
    text.truncate(text.floor_char_boundary(octets));
    text
}

/// The base subject by which ORDEREDSUBJECT, REFERENCES and SORT (SUBJECT) compare: decoded, folded, spaces joined, without
/// `Re:`, `Fwd:`, `[blobs]` in front, `(fwd)` behind, and `[Fwd: …]` around. RFC 5256, 2.1.
pub fn base_subject(subject: &[u8]) -> String {
    let decoded = fold(&encoded_word::decode(subject));
    let joined = decoded.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut rest = joined.as_str();
    loop {
        rest = without_trailers(rest);
        rest = without_leaders(rest);
        match rest
            .strip_prefix("[fwd:")
            .and_then(|inner| inner.strip_suffix(']'))
        {
            Some(inner) => rest = inner,
            None => return rest.to_owned(),
        }
    }
}

fn without_trailers(mut text: &str) -> &str {
    loop {
        text = text.trim_end();
        match text.strip_suffix("(fwd)") {
            Some(rest) => text = rest,
            None => return text,
        }
    }
}

/// Removes `subj-leader` and `subj-blob` in front, the latter only if something stays (RFC 5256, 2.1, steps 3 to 5).
fn without_leaders(mut text: &str) -> &str {
    loop {
        text = text.trim_start();
        if let Some(rest) = after_refwd(text) {
            text = rest;
            continue;
        }
        match after_blob(text) {
            Some(rest) if !rest.trim_start().is_empty() => text = rest,
            _ => return text,
        }
    }
}

/// What follows `*subj-blob subj-refwd`: blobs before `Re:` go with it.
fn after_refwd(text: &str) -> Option<&str> {
    let word = ["re", "fwd", "fw"]
        .iter()
        .find_map(|word| text.strip_prefix(word))?
        .trim_start();
    after_blob(word).unwrap_or(word).strip_prefix(':')
}

/// What follows `"[" *BLOBCHAR "]" *WSP`.
fn after_blob(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('[')?;
    let end = inner.find(['[', ']'])?;
    inner.get(end..)?.strip_prefix(']').map(str::trim_start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_decodes_as_the_whole_does() {
        for (charset, octets, expected) in [
            ("utf-8", &b"gr\xc3\xbc\xc3\x9fe"[..], "grüße"),
            ("ISO-8859-1", b"gr\xfc\xdfe", "grüße"),
            ("iso-2022-jp", b"\x1b$BF|K\\\x1b(B.", "日本."),
            ("us-ascii", b"\xc3\xa4", "ä"),
            ("no such charset", b"a\xff", "a\u{fffd}"),
            ("utf-8", b"cut \xe2\x82", "cut \u{fffd}"),
        ] {
            assert_eq!(decode_charset(charset.as_bytes(), octets), expected, "{charset}");
            let (mut decoder, mut out) = (TextDecoder::new(charset.as_bytes()), String::new());
            octets
                .iter()
                .for_each(|&octet| decoder.push(&[octet], false, &mut out));
            decoder.push(b"", true, &mut out);
            assert_eq!(out, expected, "{charset} octet by octet");
        }
    }

    #[test]
    fn folding_and_cutting_keep_characters_whole() {
        assert_eq!(fold("ÄRGER Im Büro"), "ärger im büro");
        assert_eq!(cut("aä".into(), 2), "a");
        assert_eq!(cut("aä".into(), 3), "aä");
    }

    #[test]
    fn base_subjects() {
        for (subject, base) in [
            ("Re: Hello", "hello"),
            ("RE [2]: [list] Fwd:  hello   there (fwd) (FWD)", "hello there"),
            ("[list] Re: hello", "hello"),
            ("[Fwd: Re: hello]", "hello"),
            ("[only a blob]", "[only a blob]"),
            ("Return: x", "return: x"),
            ("=?utf-8?q?Re=3A_=C3=84?=", "ä"),
            ("Re: ", ""),
        ] {
            assert_eq!(base_subject(subject.as_bytes()), base, "{subject}");
        }
        assert_eq!(base_subject(&b"re: ".repeat(50_000)), "");
        assert_eq!(base_subject(&b"[Fwd:".repeat(50_000)).len(), 250_000);
    }
}
