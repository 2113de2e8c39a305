//! Replies of a server: octets in, whole replies out. Whatever a peer writes, a reply is small and safe to show.
//!
//! RFC 5321, 4.2; RFC 2034, 4 and RFC 3463, 2 (enhanced codes); RFC 6531, 3.7.4 (text beyond ASCII). A bare LF ends a line as CRLF does:
//! nothing that is sent depends on it. A bare CR or a NUL ends the conversation.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::wire::line::{BareLf, LineFault, Lines};

/// The most octets of a line that is read; RFC 5321, 4.5.3.1.5 has 512.
pub const LINE_MAX: usize = 2_048;
/// The most octets of a line that are kept.
pub const KEPT_MAX: usize = 512;
/// The most lines of a reply. There are some fifty extensions that a server could name.
pub const LINES_MAX: usize = 128;
/// The most octets of a reply's text.
pub const TEXT_MAX: usize = 1_024;

/// What a server has said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The reply code, 200 to 599.
    pub code: u16,
    /// The enhanced code, if there is one and it is of the same class.
    pub enhanced: Option<Status>,
    /// The text of all lines, a space between two of them, without the enhanced codes. No control character is in it; at most
    /// [`TEXT_MAX`] octets.
    pub text: Arc<str>,
}

/// What a reply asks of a client (RFC 5321, 4.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// 2yz: done.
    Done,
    /// 3yz: go on.
    More,
    /// 4yz: not now.
    Later,
    /// 5yz: not so.
    Refused,
}

impl Reply {
    pub(super) fn class(&self) -> Class {
        match self.code / 100 {
            2 => Class::Done,
            3 => Class::More,
            4 => Class::Later,
            _ => Class::Refused,
        }
    }

    /// Whether the server closes the connection (RFC 5321, 3.8).
    pub(super) fn closes(&self) -> bool {
        self.code == 421
    }

    /// The enhanced code; where the server has said none, the one that says only the class (RFC 3463, 3.1).
    pub fn status(&self) -> Status {
        self.enhanced
            .unwrap_or(Status((self.code / 100).min(5) as u8, 0, 0))
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(enhanced) = self.enhanced {
            write!(f, " {enhanced}")?;
        }
        match &*self.text {
            "" => Ok(()),
            text => write!(f, " {text}"),
        }
    }
}

/// An enhanced status code (RFC 3463, 2): class, subject, detail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status(pub u8, pub u16, pub u16);

impl Status {
    /// The code at the front of a text, and what follows it. It is of the class of `code`.
    fn read(text: &str, code: u16) -> Option<(Self, &str)> {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        let mut parts = word.split('.');
        let (class, subject, detail) = (parts.next()?, parts.next()?, parts.next()?);
        let number = |digits: &str| {
            let few = (1..=3).contains(&digits.len()) && digits.bytes().all(|octet| octet.is_ascii_digit());
            few.then(|| digits.parse().ok()).flatten()
        };
        let class: u8 = class.parse().ok().filter(|_| class.len() == 1)?;
        let status = Self(class, number(subject)?, number(detail)?);
        (parts.next().is_none() && u16::from(class) == code / 100).then_some((status, rest))
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// Why octets are no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyFault {
    /// A line is none.
    Line(LineFault),
    /// A line does not begin with a reply code, or not with that of the line before.
    Code,
    /// More than [`LINES_MAX`] lines.
    Lines,
}

impl fmt::Display for ReplyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ReplyFault::Line(LineFault::TooLong) => "a line of a reply is too long",
            ReplyFault::Line(LineFault::BareLf | LineFault::BareCr) => "a line of a reply has no proper end",
            ReplyFault::Line(LineFault::Nul) => "a reply has a NUL in it",
            ReplyFault::Code => "what was answered is no reply of SMTP",
            ReplyFault::Lines => "a reply has too many lines",
        })
    }
}

/// Takes replies off a stream.
#[derive(Debug)]
pub struct Replies {
    framer: Lines,
    code: Option<u16>,
    lines: Vec<String>,
}

impl Default for Replies {
    fn default() -> Self {
        Self {
            framer: Lines::new(BareLf::Accept),
            code: None,
            lines: Vec::new(),
        }
    }
}

impl Replies {
    /// Takes the next reply off the front of `input`, with its lines as they were read; what is behind it stays there. `None`: `input`
    /// is used up, and the reply is not whole.
    pub fn next(&mut self, input: &mut Bytes) -> Option<Result<(Reply, Vec<String>), ReplyFault>> {
        loop {
            let line = match self.framer.next(input, LINE_MAX)? {
                Ok(line) => line,
                Err(fault) => return Some(Err(ReplyFault::Line(fault))),
            };
            match self.line(&line) {
                Ok(None) => {}
                Ok(Some(code)) => {
                    self.code = None;
                    let lines = std::mem::take(&mut self.lines);
                    return Some(Ok((reply(code, &lines), lines)));
                }
                Err(fault) => return Some(Err(fault)),
            }
        }
    }

    /// Whether nothing of a reply has come.
    pub fn is_between(&self) -> bool {
        self.code.is_none() && self.framer.is_between_lines()
    }

    /// `*( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF` (RFC 5321, 4.2): the code, if this line is the last.
    fn line(&mut self, line: &[u8]) -> Result<Option<u16>, ReplyFault> {
        let (code, rest) = line.split_first_chunk::<3>().ok_or(ReplyFault::Code)?;
        let code = match code {
            [first @ b'2'..=b'5', digits @ ..] if digits.iter().all(u8::is_ascii_digit) => {
                digits.iter().fold(u16::from(first - b'0'), |code, digit| {
                    code * 10 + u16::from(digit - b'0')
                })
            }
            _ => return Err(ReplyFault::Code),
        };
        let (is_last, text) = match rest.split_first() {
            None => (true, rest),
            Some((b' ', text)) => (true, text),
            Some((b'-', text)) => (false, text),
            Some(_) => return Err(ReplyFault::Code),
        };
        if *self.code.get_or_insert(code) != code {
            return Err(ReplyFault::Code);
        }
        if self.lines.len() >= LINES_MAX {
            return Err(ReplyFault::Lines);
        }
        self.lines.push(harmless(text, KEPT_MAX));
        Ok(is_last.then_some(code))
    }
}

fn reply(code: u16, lines: &[String]) -> Reply {
    let (mut enhanced, mut text) = (None, String::new());
    for line in lines {
        let (status, words) = match Status::read(line, code) {
            Some((status, words)) => (Some(status), words),
            None => (None, line.as_str()),
        };
        enhanced = enhanced.or(status);
        let space = if text.is_empty() || words.is_empty() {
            ""
        } else {
            " "
        };
        if text.len() + space.len() + words.len() > TEXT_MAX {
            break;
        }
        text.push_str(space);
        text.push_str(words);
    }
    let text = text.into();
    Reply { code, enhanced, text }
}

/// What may stand in a log, a report and on a terminal: letters and digits of any script, and what is visible of ASCII; all else becomes `?`.
/// At most so many octets.
pub(super) fn harmless(octets: &[u8], max: usize) -> String {
    let octets = octets.get(..max).unwrap_or(octets);
    let mut text = String::with_capacity(octets.len());
    for c in String::from_utf8_lossy(octets).chars() {
        let shown = match c {
            ' '..='~' => c,
            c if !c.is_ascii() && c.is_alphanumeric() => c,
            _ => '?',
        };
        text.push(shown);
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(pieces: &[&[u8]]) -> Vec<Result<String, ReplyFault>> {
        let (mut replies, mut told) = (Replies::default(), Vec::new());
        for piece in pieces {
            let mut input = Bytes::copy_from_slice(piece);
            while let Some(next) = replies.next(&mut input) {
                told.push(next.map(|(reply, _)| reply.to_string()));
                if matches!(told.last(), Some(Err(_))) {
                    return told;
                }
            }
        }
        told
    }

    fn ok(text: &str) -> Result<String, ReplyFault> {
        Ok(text.to_owned())
    }

    #[test]
    fn replies_have_lines_codes_and_texts() {
        let text = b"220 foo.example ready\r\n250-a\r\n250-b c\r\n250 d\r\n354\r\n550-5.1.1 No\r\n550 5.1.1 such user\r\n\
                     452 4.2.2\r\n550 4.1.1 another class\r\n250 2.1 x\r\n250 2.1.0.0 x\r\n221 2.0.0 lf\n";
        let told = [
            ok("220 foo.example ready"),
            ok("250 a b c d"),
            ok("354"),
            ok("550 5.1.1 No such user"),
            ok("452 4.2.2"),
            ok("550 4.1.1 another class"),
            ok("250 2.1 x"),
            ok("250 2.1.0.0 x"),
            ok("221 2.0.0 lf"),
        ];
        assert_eq!(read(&[text]), told);
        let status = |text: &'static [u8]| {
            let mut input = Bytes::from_static(text);
            let (reply, _) = Replies::default().next(&mut input).unwrap().unwrap();
            reply.status()
        };
        assert_eq!(status(b"452 4.2.2 full\r\n"), Status(4, 2, 2));
        assert_eq!(status(b"550 4.1.1 another class\r\n"), Status(5, 0, 0));
    }

    #[test]
    fn what_is_no_reply_is_told() {
        use ReplyFault::{Code, Line};
        for (text, fault) in [
            (&b"SSH-2.0-x\r\n"[..], Code),
            (b"\r\n", Code),
            (b"25\r\n", Code),
            (b"150 early\r\n", Code),
            (b"600 late\r\n", Code),
            (b"2a0 x\r\n", Code),
            (b"250_x\r\n", Code),
            (b"250-a\r\n251 b\r\n", Code),
            (b"250 a\rb\r\n", Line(LineFault::BareCr)),
            (b"250 a\0b\r\n", Line(LineFault::Nul)),
        ] {
            assert_eq!(read(&[text]), [Err(fault)], "{}", text.escape_ascii());
        }
    }

    /// A multi-line bomb, and a line without an end.
    #[test]
    fn replies_have_bounds() {
        assert_eq!(read(&[&b"250-x\r\n".repeat(10_000)]), [Err(ReplyFault::Lines)]);
        assert_eq!(
            read(&[&[b'2'; 10_000]]),
            [Err(ReplyFault::Line(LineFault::TooLong))]
        );
        let long = [&b"550-"[..], &[b'x'; 2_000], b"\r\n"].concat().repeat(100);
        let long = [&long[..], b"550 end\r\n"].concat();
        let mut input = Bytes::from(long);
        let (reply, lines) = Replies::default().next(&mut input).unwrap().unwrap();
        assert!(reply.text.len() <= TEXT_MAX && lines.iter().all(|line| line.len() <= KEPT_MAX));
        assert_eq!(lines.len(), 101);
    }

    /// Threats A09: neither a terminal nor a line of a log is the peer's to write.
    #[test]
    fn texts_are_safe_to_show() {
        let told = read(&["550 5.0.0 a\tb\x1b[31m\x07 \u{202e}Grüße\u{2028} \u{ff}\r\n".as_bytes()]);
        assert_eq!(told, [ok("550 5.0.0 a?b?[31m? ?Grüße? ÿ")]);
        assert_eq!(read(&[b"250 \xff\xfe\r\n"]), [ok("250 ??")]);
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same_replies(text in "([25][05][0 ][- ]?[a.5 \r\0]{0,4}\r?\n){0,6}") {
            let text = text.as_bytes();
            let whole = read(&[text]);
            let octets: Vec<&[u8]> = text.chunks(1).collect();
            prop_assert_eq!(&read(&octets), &whole);
            for at in 0..=text.len() {
                let (head, tail) = text.split_at(at);
                prop_assert_eq!(&read(&[head, tail]), &whole);
            }
        }
    }
}
