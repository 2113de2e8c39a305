//! Command lines: octets in, whole lines out. Holds at most one line; never looks inside it.

use bytes::{Buf, Bytes, BytesMut};
use memchr::memchr;

/// One command line, without its line end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line {
    Whole(Bytes),
    /// It was over the budget; its octets are forgotten.
    TooLong,
}

/// Cuts lines. A line ends with LF; a CR in front of it belongs to the line end (commands typed by hand often lack it).
#[derive(Debug)]
pub(super) struct Lines {
    held: BytesMut,
    too_long: bool,
    max: usize,
}

impl Lines {
    /// `max`: the most octets of a line, its line end included.
    pub fn new(max: usize) -> Self {
        Self {
            held: BytesMut::new(),
            too_long: false,
            max,
        }
    }

    /// Takes one line from `rest`, or all of it if no line ends there.
    pub fn next(&mut self, rest: &mut Bytes) -> Option<Line> {
        let Some(end) = memchr(b'\n', rest) else {
            let piece = std::mem::take(rest);
            self.hold(&piece);
            return None;
        };
        let piece = rest.split_to(end);
        rest.advance(1);
        self.hold(&piece);
        if std::mem::take(&mut self.too_long) {
            return Some(Line::TooLong);
        }
        let line = std::mem::take(&mut self.held).freeze();
        Some(Line::Whole(
            line.strip_suffix(b"\r")
                .map_or_else(|| line.clone(), |bare| line.slice_ref(bare)),
        ))
    }

    fn hold(&mut self, piece: &[u8]) {
        self.too_long |= self.held.len() + piece.len() >= self.max;
        if self.too_long {
            self.held = BytesMut::new();
        } else {
            self.held.extend_from_slice(piece);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]]) -> Vec<Line> {
        let mut lines = Lines::new(8);
        let mut found = Vec::new();
        for piece in pieces {
            let mut rest = Bytes::copy_from_slice(piece);
            found.extend(std::iter::from_fn(|| lines.next(&mut rest)));
        }
        found
    }

    fn whole(line: &'static str) -> Line {
        Line::Whole(Bytes::from_static(line.as_bytes()))
    }

    #[test]
    fn lines_are_cut_wherever_the_reads_are() {
        let expected = vec![
            whole("a"),
            whole(""),
            whole("b\rc"),
            whole("123456"),
            Line::TooLong,
            whole("d"),
        ];
        let text = b"a\r\n\nb\rc\n123456\r\n1234567\r\nd\r\ne";
        assert_eq!(lines(&[text]), expected);
        for at in 0..text.len() {
            assert_eq!(lines(&[&text[..at], &text[at..]]), expected, "{at}");
        }
        assert_eq!(lines(&text.chunks(1).collect::<Vec<_>>()), expected);
    }

    #[test]
    fn a_line_that_never_ends_is_not_held() {
        let mut lines = Lines::new(8);
        assert_eq!(lines.next(&mut Bytes::from(vec![b'x'; 100_000])), None);
        assert_eq!(lines.held.capacity(), 0);
        assert_eq!(lines.next(&mut Bytes::from_static(b"y\n")), Some(Line::TooLong));
    }
}
