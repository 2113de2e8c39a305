//! The preview of a message: the beginning of its first text, in one line (RFC 8970, 3.1).

use super::about::About;
use super::parameter::decoded;
use super::text::TextDecoder;
use crate::wire::transfer::{Decoder, Encoding};

/// Characters of a preview.
const CHARACTERS: usize = 200;
/// Octets of a plain text that are kept for it.
const PLAIN_OCTETS: usize = 4 << 10;
/// Octets of an HTML text that are kept for it; styles often come first.
const HTML_OCTETS: usize = 16 << 10;

/// Gathers what the preview is made of while bodies flow by.
#[derive(Debug, Default)]
pub(super) struct Preview {
    plain: Option<Sample>,
    html: Option<Sample>,
}

/// The beginning of a part's body, as it stands in the message.
#[derive(Debug)]
struct Sample {
    part: usize,
    transfer: Encoding,
    charset: String,
    octets: Vec<u8>,
    most: usize,
}

impl Preview {
    /// Learns of a leaf whose body begins now. Only the first plain and the first HTML text are of interest.
    pub fn begin(&mut self, at: usize, part: &About<'_>) {
        let attached = part.disposition.is_some_and(|(kind, _)| kind == "attachment");
        let (slot, most) = match (part.media_type, part.subtype) {
            ("text", "plain") => (&mut self.plain, PLAIN_OCTETS),
            ("text", "html") => (&mut self.html, HTML_OCTETS),
            _ => return,
        };
        if slot.is_none() && !attached {
            let transfer = Encoding::named(part.encoding);
            let charset = decoded(part.params.iter(), "charset").unwrap_or_default();
            *slot = Some(Sample {
                part: at,
                transfer,
                charset,
                octets: Vec::new(),
                most,
            });
        }
    }

    /// Takes octets of the body of the part at `at`.
    pub fn push(&mut self, at: usize, octets: &[u8]) {
        let samples = [&mut self.plain, &mut self.html].into_iter().flatten();
        for sample in samples.filter(|sample| sample.part == at) {
            let room = sample.most.saturating_sub(sample.octets.len());
            sample
                .octets
                .extend_from_slice(octets.get(..room).unwrap_or(octets));
        }
    }

    /// The preview: of the plain text or, if that says nothing, of the HTML text.
    pub fn text(&self) -> String {
        let plain = self
            .plain
            .as_ref()
            .map(|sample| one_line(&sample.decode()))
            .unwrap_or_default();
        match (plain.is_empty(), &self.html) {
            (true, Some(html)) => one_line(&without_tags(&html.decode())),
            _ => plain,
        }
    }
}

impl Sample {
    fn decode(&self) -> String {
        let (mut octets, mut text) = (Vec::new(), String::new());
        let mut transfer = Decoder::new(self.transfer);
        transfer.push(&self.octets, &mut octets);
        transfer.finish(&mut octets);
        // The sample may end within a character, so the decoder is not told that this is the end.
        TextDecoder::new(self.charset.as_bytes()).push(&octets, false, &mut text);
        text
    }
}

/// The first characters of a text, runs of space and control characters made one space.
fn one_line(text: &str) -> String {
    let (mut line, mut count, mut gap) = (String::new(), 0, false);
    for character in text.chars() {
        if character.is_whitespace() || character.is_control() {
            gap = count > 0;
            continue;
        }
        count += 1 + usize::from(gap);
        if count > CHARACTERS {
            break;
        }
        if std::mem::take(&mut gap) {
            line.push(' ');
        }
        line.push(character);
    }
    line
}

/// The text of an HTML fragment: tags become space, what is never shown (comments, styles, scripts, title) goes, the common
/// character references are replaced.
fn without_tags(html: &str) -> String {
    let mut out = String::new();
    let mut rest = html;
    while let Some(mark) = rest.find(['<', '&']) {
        let (text, from) = rest.split_at_checked(mark).unwrap_or((rest, ""));
        out.push_str(text);
        rest = match from.starts_with('<') {
            true => {
                out.push(' ');
                after_tag(from)
            }
            false => character(from, &mut out),
        };
    }
    out.push_str(rest);
    out
}

/// What follows a tag, and the text of an element that is never shown. A tag that does not end takes the rest.
fn after_tag(from: &str) -> &str {
    if let Some(comment) = from.strip_prefix("<!--") {
        return comment.split_once("-->").map_or("", |(_, rest)| rest);
    }
    let Some((tag, rest)) = from.split_once('>') else {
        return "";
    };
    let name = tag
        .trim_start_matches('<')
        .split(|c: char| c.is_whitespace() || c == '/')
        .next()
        .unwrap_or_default();
    let hidden = ["style", "script", "title"]
        .iter()
        .find(|hidden| name.eq_ignore_ascii_case(hidden));
    match hidden {
        Some(hidden) => after_element(rest, hidden),
        None => rest,
    }
}

/// What follows `</name`, or nothing.
fn after_element<'a>(mut rest: &'a str, name: &str) -> &'a str {
    while let Some((_, end)) = rest.split_once("</") {
        match end
            .get(..name.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(name))
        {
            true => return end.split_once('>').map_or("", |(_, rest)| rest),
            false => rest = end,
        }
    }
    ""
}

/// Adds what a character reference stands for; gives what follows it.
fn character<'a>(from: &'a str, out: &mut String) -> &'a str {
    let near = from.get(..from.floor_char_boundary(12)).unwrap_or(from);
    let reference = near.strip_prefix('&').and_then(|inner| inner.split_once(';'));
    let found = reference.and_then(|(name, _)| match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" | "zwnj" => Some(' '),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    });
    let octets = match (found, reference) {
        (Some(character), Some((name, _))) => {
            out.push(character);
            name.len() + 2
        }
        _ => {
            out.push('&');
            1
        }
    };
    from.get(octets..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_becomes_text() {
        for (html, text) in [
            ("<p>Hello&nbsp;<b>world</b></p>", "Hello world"),
            (
                "<html><head><title>x</title><style>p { a: b }</style></head><body>Hi</body>",
                "Hi",
            ),
            ("a <!-- > --> b", "a b"),
            ("1 &lt; 2 &amp;&#33; &#xe4; &unknown; &", "1 < 2 &! ä &unknown; &"),
            ("<script>a</b></SCRIPT >c", "c"),
            ("cut <a href=", "cut"),
            ("<style>never closed", ""),
        ] {
            assert_eq!(one_line(&without_tags(html)), text, "{html}");
        }
    }

    #[test]
    fn one_line_of_two_hundred_characters() {
        assert_eq!(one_line(" a\r\n\tb\u{a0}c \0"), "a b c");
        assert_eq!(one_line(&"ä".repeat(500)), "ä".repeat(200));
        assert_eq!(one_line(&"ab ".repeat(500)).chars().count(), 200);
        assert_eq!(one_line(&("x".repeat(199) + " y")), "x".repeat(199));
    }
}
