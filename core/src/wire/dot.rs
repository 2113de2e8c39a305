//! Messages between DATA and the lone dot (RFC 5321, 4.5.2), and multi-line responses of POP3 (RFC 1939, 3).
//!
//! In: only CRLF, dot, CRLF ends a message; no other octets do, wherever reads cut them. Out: a dot is doubled behind
//! anything that a peer could take for a line break, and no CR or LF ever leaves alone. So what is one message here is one
//! message there.

use bytes::{Buf, BufMut, Bytes};
use memchr::memchr2;

/// The end of a message on the wire, behind its last line.
pub const END: &[u8] = b".\r\n";

/// What becomes of a CR or an LF that stands alone inside a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bare {
    /// It becomes CRLF in the message; it never ends one.
    Normalise,
    /// It stays as it is, and [`Piece::End`] tells, so that the caller refuses the message at its true end.
    Report,
}

/// A piece of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// The next octets; never empty.
    Body(Bytes),
    /// The message has ended; what follows in the input is no part of it.
    End {
        /// A CR or an LF stood alone somewhere in it.
        bare: bool,
    },
}

/// Takes one message off a stream, from the octet behind the `354` line's answer to the lone dot.
#[derive(Clone, Debug)]
pub struct Decoder {
    policy: Bare,
    state: State,
    bare: bool,
    /// Octets that come out before any more go in.
    due: &'static [u8],
}

/// What stands before the next octet. The octets named here are not given out yet, except CRLF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// CRLF, or the start of the message.
    LineStart,
    /// CRLF and a dot.
    Dot,
    /// CRLF, a dot, CR.
    DotCr,
    Text,
    Cr,
    Ended,
}

impl Decoder {
    /// A decoder at the start of a message.
    pub fn new(policy: Bare) -> Decoder {
        Decoder {
            policy,
            state: State::LineStart,
            bare: false,
            due: b"",
        }
    }

    /// Takes octets off the front of `input` and gives the next piece, without copying.
    ///
    /// `None`: `input` is used up, or the end has been told; whatever stands behind the end is left in `input`.
    pub fn next(&mut self, input: &mut Bytes) -> Option<Piece> {
        loop {
            if !self.due.is_empty() {
                return Some(Piece::Body(Bytes::from_static(std::mem::take(&mut self.due))));
            }
            let first = *input.first()?;
            match (self.state, first) {
                (State::Ended, _) => return None,
                (State::LineStart, b'.') => self.go(State::Dot, input),
                (State::Dot, b'\r') => self.go(State::DotCr, input),
                (State::DotCr, b'\n') => {
                    self.go(State::Ended, input);
                    return Some(Piece::End { bare: self.bare });
                }
                (State::Cr, b'\n') => {
                    self.due = b"\r\n";
                    self.go(State::LineStart, input);
                }
                (State::Cr | State::DotCr, _) => self.lone(b"\r"),
                (State::Text, b'\r') => self.go(State::Cr, input),
                (State::LineStart | State::Dot | State::Text, _) => {
                    if let Some(octets) = self.text(input) {
                        return Some(Piece::Body(octets));
                    }
                }
            }
        }
    }

    fn go(&mut self, state: State, input: &mut Bytes) {
        input.advance(1);
        self.state = state;
    }

    /// A CR or LF that stands alone has been met and is taken.
    fn lone(&mut self, octet: &'static [u8]) {
        self.bare = true;
        self.state = State::Text;
        self.due = if self.policy == Bare::Normalise {
            b"\r\n"
        } else {
            octet
        };
    }

    /// Takes the longest run that passes as it is: up to a line that begins with a dot, a lone CR or LF, or a CR whose next
    /// octet has not come.
    fn text(&mut self, input: &mut Bytes) -> Option<Bytes> {
        self.state = State::Text;
        let mut end = 0;
        while let Some(at) = input.get(end..).and_then(|rest| memchr2(b'\r', b'\n', rest)) {
            end += at;
            match (input.get(end), input.get(end + 1), input.get(end + 2)) {
                (Some(b'\r'), Some(b'\n'), next) => {
                    end += 2;
                    if matches!(next, Some(b'.') | None) {
                        self.state = State::LineStart;
                        return Some(input.split_to(end));
                    }
                }
                (Some(b'\r'), ..) => return self.before(State::Cr, end, input),
                _ => {
                    let run = self.before(State::Text, end, input);
                    self.lone(b"\n");
                    return run;
                }
            }
        }
        Some(input.split_to(input.len()))
    }

    /// The run up to `end`; the octet at `end` is taken into `state`.
    fn before(&mut self, state: State, end: usize, input: &mut Bytes) -> Option<Bytes> {
        let run = input.split_to(end);
        self.go(state, input);
        Some(run).filter(|run| !run.is_empty())
    }
}

/// Makes a text fit to be sent as a message: dots doubled, line breaks CRLF, the last one there.
///
/// The lone dot itself ([`END`]) is not written.
#[derive(Clone, Debug)]
pub struct Encoder {
    line_start: bool,
    after_cr: bool,
}

impl Default for Encoder {
    fn default() -> Encoder {
        Encoder {
            line_start: true,
            after_cr: false,
        }
    }
}

impl Encoder {
    /// Appends the next octets of the text to `out`.
    pub fn push(&mut self, octets: &[u8], out: &mut impl BufMut) {
        let mut rest = octets;
        while let Some(&first) = rest.first() {
            if std::mem::take(&mut self.after_cr) && first == b'\n' {
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            if self.line_start && first == b'.' {
                out.put_slice(b".");
            }
            let run = memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
            let (run, behind) = rest.split_at_checked(run).unwrap_or((rest, &[]));
            out.put_slice(run);
            self.line_start = !behind.is_empty();
            self.after_cr = behind.first() == Some(&b'\r');
            if self.line_start {
                out.put_slice(b"\r\n");
            }
            rest = behind.get(1..).unwrap_or_default();
        }
    }

    /// Appends the last CRLF, if the text lacks it. An empty text stays empty.
    pub fn finish(&mut self, out: &mut impl BufMut) {
        if !self.line_start {
            out.put_slice(b"\r\n");
        }
        *self = Encoder::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The messages in a script, and what stands behind the last of them.
    fn messages(pieces: &[&[u8]], policy: Bare) -> (Vec<(Vec<u8>, bool)>, Vec<u8>) {
        let (mut decoder, mut open, mut done) = (Decoder::new(policy), Vec::new(), Vec::new());
        for piece in pieces {
            let mut input = Bytes::copy_from_slice(piece);
            loop {
                match decoder.next(&mut input) {
                    Some(Piece::Body(octets)) => {
                        assert!(!octets.is_empty());
                        open.extend_from_slice(&octets);
                    }
                    Some(Piece::End { bare }) => {
                        done.push((std::mem::take(&mut open), bare));
                        decoder = Decoder::new(policy);
                    }
                    None => break,
                }
            }
            assert!(input.is_empty());
        }
        (done, open)
    }

    fn one(script: &str, policy: Bare) -> (String, bool) {
        let (mut done, open) = messages(&[script.as_bytes()], policy);
        assert_eq!((done.len(), open.len()), (1, 0), "{script:?}");
        let (message, bare) = done.remove(0);
        (String::from_utf8(message).unwrap(), bare)
    }

    #[test]
    fn decodes_exactly() {
        for (script, message) in [
            (".\r\n", ""),
            ("\r\n.\r\n", "\r\n"),
            ("a\r\n.\r\n", "a\r\n"),
            ("..\r\n.\r\n", ".\r\n"),
            (".a\r\n...\r\n..b\r\n.\r\n", "a\r\n..\r\n.b\r\n"),
            ("a.\r\nb\r\n\r\n.\r\n", "a.\r\nb\r\n\r\n"),
        ] {
            for policy in [Bare::Normalise, Bare::Report] {
                assert_eq!(one(script, policy), (message.to_owned(), false));
            }
        }
    }

    #[test]
    fn nothing_else_ends_a_message() {
        for (fake, kept, normal) in [
            ("a\n.\n", "a\n.\n", "a\r\n.\r\n"),
            ("a\n.\r\n", "a\n.\r\n", "a\r\n.\r\n"),
            ("a\r\n.\n", "a\r\n\n", "a\r\n\r\n"),
            ("a\r.\r", "a\r.\r", "a\r\n.\r\n"),
            ("a\r\n.\r", "a\r\n\r", "a\r\n\r\n"),
            (".\r\r\n", "\r\r\n", "\r\n\r\n"),
            ("\n.\r\n", "\n.\r\n", "\r\n.\r\n"),
        ] {
            let script = format!("{fake}MAIL FROM:<x>\r\n.\r\n");
            assert_eq!(
                one(&script, Bare::Report),
                (format!("{kept}MAIL FROM:<x>\r\n"), true),
                "{fake:?}"
            );
            assert_eq!(
                one(&script, Bare::Normalise),
                (format!("{normal}MAIL FROM:<x>\r\n"), true),
                "{fake:?}"
            );
        }
        assert_eq!(
            one("a\r\n\0.\r\nb\r\n.\r\n", Bare::Report),
            ("a\r\n\0.\r\nb\r\n".to_owned(), false)
        );
    }

    #[test]
    fn octets_behind_the_end_stay_with_the_caller() {
        let (mut decoder, mut input) = (
            Decoder::new(Bare::Report),
            Bytes::from_static(b"a\r\n.\r\nQUIT\r\n"),
        );
        assert_eq!(
            decoder.next(&mut input),
            Some(Piece::Body(Bytes::from_static(b"a\r\n")))
        );
        assert_eq!(decoder.next(&mut input), Some(Piece::End { bare: false }));
        assert_eq!(decoder.next(&mut input), None);
        assert_eq!(input, "QUIT\r\n");
    }

    #[test]
    fn plain_text_passes_in_one_piece() {
        let text = Bytes::from("line\r\n".repeat(1000));
        let piece = Decoder::new(Bare::Normalise).next(&mut text.clone());
        assert_eq!(piece, Some(Piece::Body(text)));
    }

    fn encode(pieces: &[&[u8]]) -> Vec<u8> {
        let (mut encoder, mut out) = (Encoder::default(), Vec::new());
        pieces.iter().for_each(|piece| encoder.push(piece, &mut out));
        encoder.finish(&mut out);
        out
    }

    #[test]
    fn encodes_for_any_peer() {
        for (text, wire) in [
            ("", ""),
            (".", "..\r\n"),
            ("a", "a\r\n"),
            ("a\r\n.\r\n", "a\r\n..\r\n"),
            ("a\n.\n.b", "a\r\n..\r\n..b\r\n"),
            ("a\r.\r", "a\r\n..\r\n"),
            ("\r\r\n\n", "\r\n\r\n\r\n"),
        ] {
            assert_eq!(encode(&[text.as_bytes()]), wire.as_bytes(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn decoding_undoes_encoding(lines in prop::collection::vec("[.a\0]{0,3}", 0..8)) {
            let text = lines.iter().map(|line| format!("{line}\r\n")).collect::<String>();
            let wire = [&encode(&[text.as_bytes()]), END].concat();
            let (done, rest) = messages(&[&wire], Bare::Report);
            prop_assert_eq!((done, rest), (vec![(text.into_bytes(), false)], vec![]));
        }

        #[test]
        fn messages_are_counted_by_their_true_ends(script in "[.a\r\n\0]{0,40}") {
            // Every message but the first begins where the end of the one before it was taken off.
            let mut ends = 0;
            let mut text = format!("\r\n{script}");
            while let Some(at) = text.find("\r\n.\r\n") {
                ends += 1;
                text = format!("\r\n{}", &text[at + 5..]);
            }
            for policy in [Bare::Normalise, Bare::Report] {
                prop_assert_eq!(messages(&[script.as_bytes()], policy).0.len(), ends);
            }
        }

        #[test]
        fn any_cut_gives_the_same(script in "[.a\r\n]{0,24}", normalise: bool) {
            let policy = if normalise { Bare::Normalise } else { Bare::Report };
            let script = script.as_bytes();
            let (whole, encoded) = (messages(&[script], policy).0, encode(&[script]));
            let octets: Vec<&[u8]> = script.chunks(1).collect();
            prop_assert_eq!(&messages(&octets, policy).0, &whole);
            prop_assert_eq!(&encode(&octets), &encoded);
            for at in 0..=script.len() {
                let (head, tail) = script.split_at(at);
                prop_assert_eq!(&messages(&[head, tail], policy).0, &whole);
                prop_assert_eq!(&encode(&[head, tail]), &encoded);
            }
        }

        #[test]
        fn no_lenient_reader_sees_two_messages(text: Vec<u8>, tricky in "[.\r\n]{0,12}") {
            let wire = encode(&[&text, tricky.as_bytes(), &text]);
            for (at, pair) in wire.windows(2).enumerate() {
                prop_assert!((pair[0] == b'\r') == (pair[1] == b'\n'), "a lone CR or LF at {}", at);
            }
            let starts = wire.split(|octet| *octet == b'\n').filter(|line| line.starts_with(b"."));
            prop_assert!(starts.into_iter().all(|line| line.starts_with(b"..")));
        }
    }
}
