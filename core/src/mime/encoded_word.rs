//! Encoded words in header text: `=?charset?Q?text?=` and `=?charset?B?text?=` to UTF-8 (RFC 2047; languages by RFC 2231, 5).

use super::text::{decode_charset, decode_unlabelled};
use crate::wire::transfer::{Decoder, Encoding};

/// Octets of the longest charset name that is looked at.
const CHARSET_OCTETS: usize = 64;

/// One encoded word, not yet decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncodedWord<'a> {
    charset: &'a [u8],
    base64: bool,
    text: &'a [u8],
    octets: usize,
}

impl<'a> EncodedWord<'a> {
    /// The encoded word that `text` begins with, if it begins with one. Spaces inside are accepted, as some mailers write
    /// them. Looks no further than the third `?` or, where that does not follow soon, the charset's bound.
    pub fn at_start(text: &'a [u8]) -> Option<EncodedWord<'a>> {
        let inner = text.strip_prefix(b"=?")?;
        let near = inner.get(..CHARSET_OCTETS).unwrap_or(inner);
        let mark = memchr::memchr(b'?', near)?;
        let (charset, rest) = inner.split_at_checked(mark)?;
        let (base64, rest) = match rest {
            [b'?', b'b' | b'B', b'?', rest @ ..] => (true, rest),
            [b'?', b'q' | b'Q', b'?', rest @ ..] => (false, rest),
            _ => return None,
        };
        let end = memchr::memchr(b'?', rest)?;
        let (word, tail) = rest.split_at_checked(end)?;
        let sound = tail.starts_with(b"?=") && !charset.is_empty() && !word.contains(&b'\n');
        let charset = charset.split(|&octet| octet == b'*').next()?;
        sound.then_some(EncodedWord {
            charset,
            base64,
            text: word,
            octets: mark + end + 7,
        })
    }

    /// Octets of the word with its marks.
    pub fn octets(&self) -> usize {
        self.octets
    }

    /// Adds the octets that the word stands for, still in its charset.
    fn decode(&self, out: &mut Vec<u8>) {
        let mut decoder = Decoder::new(match self.base64 {
            true => Encoding::Base64,
            false => Encoding::QuotedPrintable,
        });
        for run in self.text.split_inclusive(|&octet| matches!(octet, b'_' | b' ')) {
            // A space at the end of the word is no padding, so it is written as Q writes any octet.
            match run {
                [text @ .., b'_' | b' '] if !self.base64 => {
                    decoder.push(text, out);
                    decoder.push(b"=20", out);
                }
                text => decoder.push(text, out),
            }
        }
        decoder.finish(out);
    }
}

/// Header text in UTF-8: encoded words decoded, the space between two of them dropped (RFC 2047, 6.2), characters that were
/// cut between two words of one charset put together again. Text outside that is not UTF-8 is taken for windows-1252.
pub fn decode(text: &[u8]) -> String {
    let mut out = String::new();
    let mut pending = Pending::default();
    let mut rest = text;
    while let Some(mark) = memchr::memmem::find(rest, b"=?") {
        let (plain, from) = rest.split_at_checked(mark).unwrap_or((rest, &[]));
        let Some(word) = EncodedWord::at_start(from) else {
            let (plain, later) = rest.split_at_checked(mark + 2).unwrap_or((rest, &[]));
            pending.plain(plain, &mut out);
            rest = later;
            continue;
        };
        let between_words = pending.charset.is_some() && plain.trim_ascii().is_empty();
        if !between_words {
            pending.plain(plain, &mut out);
        }
        pending.word(&word, &mut out);
        rest = from.get(word.octets()..).unwrap_or_default();
    }
    pending.plain(rest, &mut out);
    pending.flush(&mut out);
    out
}

/// What was read and not yet turned into UTF-8: octets of one charset, or plain text if `charset` is `None`.
#[derive(Default)]
struct Pending<'a> {
    charset: Option<&'a [u8]>,
    octets: Vec<u8>,
}

impl<'a> Pending<'a> {
    fn plain(&mut self, text: &[u8], out: &mut String) {
        if text.is_empty() {
            return;
        }
        if self.charset.is_some() {
            self.flush(out);
        }
        self.octets.extend_from_slice(text);
    }

    fn word(&mut self, word: &EncodedWord<'a>, out: &mut String) {
        if !self
            .charset
            .is_some_and(|charset| charset.eq_ignore_ascii_case(word.charset))
        {
            self.flush(out);
        }
        self.charset = Some(word.charset);
        word.decode(&mut self.octets);
    }

    fn flush(&mut self, out: &mut String) {
        let text = match self.charset.take() {
            Some(charset) => decode_charset(charset, &self.octets),
            None => decode_unlabelled(&self.octets),
        };
        match out.is_empty() {
            true => *out = text.into_owned(),
            false => out.push_str(&text),
        }
        self.octets.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 2047, 8, and what mail in the wild looks like.
    #[test]
    fn words_are_decoded_and_joined() {
        for (text, expected) in [
            ("=?ISO-8859-1?Q?a?=", "a"),
            ("=?ISO-8859-1?Q?a?= b", "a b"),
            ("=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab"),
            ("=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=", "ab"),
            ("=?ISO-8859-1?Q?a_b?=", "a b"),
            ("=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=", "a b"),
            (
                "=?US-ASCII?Q?Keith_Moore?= <moore@cs.utk.edu>",
                "Keith Moore <moore@cs.utk.edu>",
            ),
            ("=?ISO-8859-1?Q?Patrik_F=E4ltstr=F6m?=", "Patrik Fältström"),
            (
                "=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?= =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
                "If you can read this you understand the example.",
            ),
            ("=?US-ASCII*EN?Q?Keith_Moore?=", "Keith Moore"),
            ("=?utf-8?B?4g==?= =?UTF-8?B?gqw=?=", "€"),
            ("=?utf-8?q?=E2?=\t=?utf-8?q?=82=AC?=", "€"),
            ("=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本"),
            ("=?utf-8?q?Hello World?=", "Hello World"),
            ("=?utf-8?q?Hello ?= =?utf-8?q?_World__?=", "Hello  World  "),
            ("=?x-unknown?q?=C3=A4?=", "ä"),
            ("=?utf-8?x?a?= =?utf-8?q?a", "=?utf-8?x?a?= =?utf-8?q?a"),
            ("=?=?= 1 =? 2", "=?=?= 1 =? 2"),
            ("a =?utf-8?q??= b", "a  b"),
            ("", ""),
        ] {
            assert_eq!(decode(text.as_bytes()), expected, "{text}");
        }
        assert_eq!(decode(b"gr\xfc\xdfe"), "grüße");
    }

    #[test]
    fn ten_thousand_words_become_ten_thousand_letters() {
        assert_eq!(
            decode(&b"=?utf-8?q?a?= ".repeat(10_000)),
            "a".repeat(10_000) + " "
        );
        assert_eq!(decode(&b"=?utf-8?q?a?=".repeat(10_000)).len(), 10_000);
        let open = b"=?utf-8?q?a".repeat(10_000);
        assert_eq!(decode(&open).as_bytes(), open);
    }
}
