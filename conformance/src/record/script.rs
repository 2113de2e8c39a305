//! Writes what passes in the transcripts' format, so that reading it gives the same octets.

use std::io::{self, Write};

use super::vary::Varying;
use crate::transcript::Protocol;

/// A transcript that grows.
pub(super) struct Script<W> {
    out: W,
    protocol: Protocol,
    varying: Option<Varying>,
    written: u64,
}

/// The most octets of a record.
pub(super) const RECORD_MAX: u64 = 64 * 1024 * 1024;

impl<W: Write> Script<W> {
    /// Begins with a header: whose session it is, and where it starts.
    pub(super) fn begin(
        out: W,
        protocol: Protocol,
        server: &str,
        given: &[String],
        literal: bool,
    ) -> io::Result<Self> {
        let mut script = Self {
            out,
            protocol,
            varying: (!literal).then(Varying::default),
            written: 0,
        };
        let over = match protocol {
            Protocol::Imap => "IMAP",
            Protocol::Lmtp => "LMTP",
            Protocol::Pop3 => "POP3",
            Protocol::Smtp => "SMTP",
            Protocol::Submission => "SUBMISSION",
        };
        script.put(&format!(
            "# Recorded by lightmail-conformance. Secrets are x, as many as they had octets.\n\
             # A transcript is made of it by `proves   RFC 3501, 6.4.3: what it says there` in the place of `records`.\n\
             records  a session with {server}\nover     {over}\n"
        ))?;
        for phrase in given {
            script.put(&format!("given    {phrase}\n"))?;
        }
        script.put("\n")?;
        Ok(script)
    }

    /// Octets of the client, at most a line.
    pub(super) fn client(&mut self, octets: &[u8]) -> io::Result<()> {
        let lines: String = client_lines(octets);
        self.put(&lines)
    }

    /// A line of the server, without its CRLF.
    pub(super) fn server(&mut self, line: &[u8]) -> io::Result<()> {
        let text = std::str::from_utf8(line).ok().filter(|text| is_text(text));
        let shown = match (text, &mut self.varying) {
            (Some(text), Some(varying)) if is_plain(text) => {
                format!("S: {}\n", varying.pattern(text, self.protocol))
            }
            (Some(text), _) if is_plain(text) => format!("S: {text}\n"),
            _ => format!("S| {}\n", hex(line)),
        };
        self.put(&shown)
    }

    /// A line that is no speech.
    pub(super) fn note(&mut self, line: &str) -> io::Result<()> {
        self.put(&format!("{line}\n"))
    }

    /// Whether it is as long as a record may be.
    pub(super) fn is_full(&self) -> bool {
        self.written > RECORD_MAX
    }

    /// Each piece is flushed: whatever ends the program, what has passed stands in the file.
    fn put(&mut self, text: &str) -> io::Result<()> {
        self.written += text.len() as u64;
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }
}

/// Whether the format can hold these characters at all.
fn is_text(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

/// Whether a pattern of this text means the text: no comment, no capture. `...` may stand, for it matches itself.
fn is_plain(text: &str) -> bool {
    let line = format!("S: {text}");
    !line
        .char_indices()
        .any(|(at, _)| is_sign(&line[..at], &line[at..]))
        && !text.contains("$(")
        && !text.contains("$\"")
}

/// Whether the character in front of `rest` has a meaning of its own.
fn is_sign(before: &str, rest: &str) -> bool {
    match rest.as_bytes().first() {
        Some(b'#') => before.ends_with("  ") || before.ends_with('\\'),
        Some(b'$') => rest[1..].starts_with(|c: char| c.is_ascii_lowercase()),
        _ => false,
    }
}

/// The lines for what a client says: text where it can be, hexadecimal where it must be.
fn client_lines(octets: &[u8]) -> String {
    let (body, end) = match octets.strip_suffix(b"\r\n") {
        Some(body) => (body, &b"\r\n"[..]),
        None => (octets, &b""[..]),
    };
    let (mut out, mut text, mut raw) = (String::new(), String::new(), Vec::new());
    for chunk in body.utf8_chunks() {
        let valid = chunk.valid();
        for (at, c) in valid.char_indices() {
            if c.is_control() || is_sign(&format!("C- {}", tail(&text)), &valid[at..]) {
                flush(&mut out, "C-", &mut text);
                raw.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            } else {
                flush(&mut out, "C|", &mut hex_taken(&mut raw));
                text.push(c);
            }
        }
        if !chunk.invalid().is_empty() {
            flush(&mut out, "C-", &mut text);
            raw.extend_from_slice(chunk.invalid());
        }
    }
    if !raw.is_empty() {
        raw.extend_from_slice(end);
        flush(&mut out, "C|", &mut hex_taken(&mut raw));
    } else if end.is_empty() {
        flush(&mut out, "C-", &mut text);
    } else {
        out += &format!("C: {text}\n");
    }
    out
}

/// The last two characters, which are all that a sign's meaning hangs on.
fn tail(text: &str) -> &str {
    let at = text.char_indices().rev().nth(1).map_or(0, |(at, _)| at);
    &text[at..]
}

fn flush(out: &mut String, sign: &str, text: &mut String) {
    if !text.is_empty() {
        *out += &format!("{sign} {text}\n");
        text.clear();
    }
}

fn hex_taken(raw: &mut Vec<u8>) -> String {
    hex(&std::mem::take(raw))
}

fn hex(octets: &[u8]) -> String {
    let pairs: Vec<_> = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    pairs.join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::transcript::StepKind;
    use crate::{Transcript, pattern::Captures};

    fn header() -> Vec<u8> {
        let mut out = Vec::new();
        Script::begin(&mut out, Protocol::Imap, "t:143", &[], true).unwrap();
        out
    }

    fn read(lines: &[u8]) -> Transcript {
        let text = String::from_utf8([&header(), lines].concat()).unwrap();
        Transcript::parse("t", &text).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    fn sent(transcript: &Transcript) -> Vec<u8> {
        let octets = transcript.steps.iter().map(|step| match &step.kind {
            StepKind::Send {
                octets,
                template: true,
                ..
            } => crate::fill::fill(octets, &Captures::new()).unwrap(),
            StepKind::Send { octets, .. } => octets.clone(),
            other => panic!("{other:?}"),
        });
        octets.collect::<Vec<_>>().concat()
    }

    #[test]
    fn what_is_text_is_written_as_text() {
        for (octets, lines) in [
            (&b"a NOOP\r\n"[..], "C: a NOOP\n"),
            (b"no end", "C- no end\n"),
            (b"\r\n", "C: \n"),
            (b"a $work # x\r\n", "C- a \nC| 24\nC: work # x\n"),
            (b"a  # \\#\n", "C- a  \nC| 23\nC-  \\\nC| 23 0a\n"),
            ("gr\u{fc}n \0\r\n".as_bytes(), "C- gr\u{fc}n \nC| 00 0d 0a\n"),
        ] {
            assert_eq!(client_lines(octets), lines);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(octets in "([ -~\r\n]|[$#\\\\ .a]|\\PC){1,60}", raw in prop::collection::vec(any::<u8>(), 1..20)) {
            for octets in [octets.as_bytes(), &raw] {
                prop_assert_eq!(sent(&read(client_lines(octets).as_bytes())), octets);
            }
        }

        #[test]
        fn a_servers_line_matches_what_is_written_of_it(text in "(\\* |a OK |a NO \\[|220 |250 2\\.1\\.0 )?([ -~]|[$#\\\\ .a]|UIDVALIDITY 1|\\PC){0,60}", raw in prop::collection::vec(any::<u8>(), 0..20)) {
            for line in [text.as_bytes(), &raw] {
                for (protocol, literal) in [(Protocol::Imap, true), (Protocol::Imap, false), (Protocol::Lmtp, false)] {
                    let mut out = Vec::new();
                    let mut script = Script::begin(&mut out, protocol, "t", &[], literal).unwrap();
                    script.server(line).unwrap();
                    let read = Transcript::parse("t", std::str::from_utf8(&out).unwrap()).unwrap();
                    let StepKind::Expect(lines) = &read.steps[0].kind else { panic!() };
                    prop_assert!(lines[0].pattern.matches(line, &mut Captures::new()), "{}", String::from_utf8_lossy(&out));
                }
            }
        }
    }
}
