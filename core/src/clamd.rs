//! The INSTREAM command of clamd, the daemon of ClamAV, as octets: what is sent around a stream, and what the answer means.
//!
//! A stream is [`COMMAND`], then chunks, each its length in four octets ([`head`]) and its octets, then [`END`]. The answer is one line
//! that ends with a NUL, as the command does: `stream: OK`, `stream: NAME FOUND`, `INSTREAM size limit exceeded. ERROR`. It may come
//! before the stream has ended; clamd takes no more of the stream then.

use std::fmt;

/// What begins a stream. The `z` asks for an answer that ends with a NUL, as the command itself does.
pub const COMMAND: &[u8] = b"zINSTREAM\0";

/// What ends a stream: a chunk without octets.
pub const END: [u8; 4] = [0; 4];

/// The most octets of an answer. Signatures have names of some dozen octets.
pub const ANSWER_MAX: usize = 1024;

/// The most characters of a signature's name that are told.
pub const NAME_MAX: usize = 128;

/// What stands before a chunk: how many octets it has, most significant octet first. `None`: four octets do not hold the number, or
/// it is none, as a chunk without octets would end the stream.
pub fn head(octets: usize) -> Option<[u8; 4]> {
    let octets = u32::try_from(octets).ok().filter(|octets| *octets > 0)?;
    Some(octets.to_be_bytes())
}

/// What clamd has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Nothing,
    /// What a signature describes: its name, made of visible characters of ASCII, at most [`NAME_MAX`] of them, at least one.
    Virus(String),
}

/// Why clamd's answer says nothing of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The stream is longer than clamd takes (`StreamMaxLength`).
    TooLong,
    /// Another error, in clamd's words, made of visible characters of ASCII and spaces.
    Error(String),
    /// No whole answer came. A line without its end says nothing: it may be half of one.
    Cut,
    /// The answer is longer than [`ANSWER_MAX`], or is none.
    Nonsense,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::TooLong => f.write_str(
                "the message is longer than clamd takes: raise StreamMaxLength in clamd.conf, or lower [limits] message_size",
            ),
            Fault::Error(words) => write!(f, "clamd answered: {words}"),
            Fault::Cut => f.write_str("clamd closed the connection without an answer"),
            Fault::Nonsense => f.write_str("what answered does not speak as clamd does"),
        }
    }
}

/// Gathers an answer, however it is cut.
#[derive(Debug, Default)]
pub struct Answer(Vec<u8>);

impl Answer {
    /// Takes octets that came; answers once they hold the end of the answer, or more than an answer may.
    pub fn push(&mut self, octets: &[u8]) -> Option<Result<Found, Fault>> {
        // A NUL ends the answer to a command that a NUL ended; some errors are told before clamd knows how the command ended.
        let end = octets.iter().position(|octet| matches!(octet, 0 | b'\n'));
        let line = octets.get(..end.unwrap_or(octets.len())).unwrap_or_default();
        if self.0.len() + line.len() > ANSWER_MAX {
            return Some(Err(Fault::Nonsense));
        }
        self.0.extend_from_slice(line);
        end.map(|_| parse(&self.0))
    }
}

fn parse(line: &[u8]) -> Result<Found, Fault> {
    let line = line.strip_prefix(b"stream: ").unwrap_or(line);
    if line == b"OK" {
        return Ok(Found::Nothing);
    }
    if let Some(name) = line.strip_suffix(b" FOUND") {
        return Ok(Found::Virus(visible(name)));
    }
    match line.strip_suffix(b" ERROR") {
        Some(words) if words.starts_with(b"INSTREAM size limit exceeded") => Err(Fault::TooLong),
        Some(words) => Err(Fault::Error(printable(words))),
        None => Err(Fault::Nonsense),
    }
}

/// A signature's name as it may stand in a header, a reply or a log. What is not visible, or not of ASCII, becomes `?`.
fn visible(name: &[u8]) -> String {
    let shown = |octet: &u8| {
        if octet.is_ascii_graphic() {
            char::from(*octet)
        } else {
            '?'
        }
    };
    let name: String = name.iter().take(NAME_MAX).map(shown).collect();
    if name.is_empty() { "?".to_owned() } else { name }
}

/// The same of words, whose spaces stay.
fn printable(words: &[u8]) -> String {
    let shown = |octet: &u8| {
        if (0x20..0x7f).contains(octet) {
            char::from(*octet)
        } else {
            '?'
        }
    };
    words.iter().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn answer(pieces: &[&[u8]]) -> Option<Result<Found, Fault>> {
        let mut answer = Answer::default();
        pieces.iter().find_map(|piece| answer.push(piece))
    }

    fn virus(name: &str) -> Option<Result<Found, Fault>> {
        Some(Ok(Found::Virus(name.to_owned())))
    }

    #[test]
    fn a_chunk_says_its_length() {
        assert_eq!(head(1), Some([0, 0, 0, 1]));
        assert_eq!(head(0x0102_0304), Some([1, 2, 3, 4]));
        assert_eq!((head(0), head(1 << 32)), (None, None));
    }

    #[test]
    fn answers_of_clamd_are_understood() {
        assert_eq!(answer(&[b"stream: OK\0"]), Some(Ok(Found::Nothing)));
        assert_eq!(
            answer(&[b"stream: Eicar-Test-Signature.UNOFFICIAL FOUND\0"]),
            virus("Eicar-Test-Signature.UNOFFICIAL")
        );
        assert_eq!(
            answer(&[b"INSTREAM size limit exceeded. ERROR\0"]),
            Some(Err(Fault::TooLong))
        );
        assert_eq!(
            answer(&[b"stream: Can't allocate memory ERROR\0"]),
            Some(Err(Fault::Error("Can't allocate memory".to_owned())))
        );
        assert_eq!(
            answer(&[b"COMMAND READ TIMED OUT ERROR\n"]),
            Some(Err(Fault::Error("COMMAND READ TIMED OUT".to_owned())))
        );
    }

    #[test]
    fn what_is_no_answer_says_nothing() {
        for nonsense in [
            &b"\0"[..],
            b"OK then\0",
            b"HTTP/1.1 400 Bad Request\r\n",
            b"stream: FOUNDATION\0",
        ] {
            assert_eq!(answer(&[nonsense]), Some(Err(Fault::Nonsense)), "{nonsense:?}");
        }
        assert_eq!(answer(&[b"stream: O", b"K"]), None);
        assert_eq!(answer(&[&[b'x'; ANSWER_MAX]]), None);
        assert_eq!(answer(&[&[b'x'; ANSWER_MAX], b"x"]), Some(Err(Fault::Nonsense)));
    }

    /// Threats D10: a name that would end a line, or colour a terminal.
    #[test]
    fn names_are_safe_to_show() {
        assert_eq!(
            answer(&[b"stream: a\r\x1b[31m b\xff FOUND\0"]),
            virus("a??[31m?b?")
        );
        assert_eq!(answer(&[b"stream:  FOUND\0"]), virus("?"));
        let long = [&b"stream: "[..], &[b'x'; 900], b" FOUND\0"].concat();
        assert_eq!(answer(&[&long]), virus(&"x".repeat(NAME_MAX)));
        let words = answer(&[b"stream: a\tb\x07 ERROR\0"]);
        assert_eq!(words, Some(Err(Fault::Error("a?b?".to_owned()))));
    }

    proptest! {
        #[test]
        fn any_cut_is_the_same_answer(
            line in prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..80),
                "stream: [ -~]{0,30}( FOUND| ERROR|OK)?\0".prop_map(String::into_bytes),
            ],
            cuts in proptest::collection::vec(1usize..9, 1..40),
        ) {
            let mut pieces = Vec::new();
            let mut rest = &line[..];
            for cut in cuts.into_iter().cycle() {
                if rest.is_empty() { break; }
                let (piece, behind) = rest.split_at(cut.min(rest.len()));
                pieces.push(piece);
                rest = behind;
            }
            prop_assert_eq!(answer(&pieces), answer(&[&line]));
        }
    }
}
