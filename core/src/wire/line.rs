//! Line framing: octets in, whole lines out. Holds at most one line; never looks inside it.
//!
//! A line ends with CRLF and with nothing else (RFC 5321, 2.3.8; RFC 3501, 2.2). A bare LF ends what came before it too,
//! but what it ends is a fault and no line, unless the policy accepts it: so nothing in front of a bare LF is ever run, and
//! a peer that ends its lines so is told at once.

use bytes::{Buf, Bytes};
use memchr::{memchr, memchr3};

/// What an LF without its CR means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BareLf {
    /// It makes what it ends a fault.
    #[default]
    Report,
    /// It ends a line as CRLF does.
    Accept,
}

/// Why octets are no line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineFault {
    /// More octets than the budget, line end not counted.
    TooLong,
    /// An LF without a CR before it.
    BareLf,
    /// A CR without an LF behind it.
    BareCr,
    /// A NUL.
    Nul,
}

/// Takes lines off a stream.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    bare_lf: BareLf,
    scan: Scan,
    held: Vec<u8>,
    skipping: bool,
}

impl Lines {
    /// A framer at the start of a line.
    pub fn new(bare_lf: BareLf) -> Lines {
        Lines {
            bare_lf,
            ..Lines::default()
        }
    }

    /// Takes the next line off the front of `input`, without its end; what is behind it stays there.
    ///
    /// `None`: `input` is used up and the line is not whole. A fault is told once for a line and as soon as it is seen; the
    /// rest of that line is passed over. `max` counts octets without the line end.
    pub fn next(&mut self, input: &mut Bytes, max: usize) -> Option<Result<Bytes, LineFault>> {
        while self.skipping && input.has_remaining() {
            self.skipping = !skip_line(input);
        }
        if input.is_empty() {
            return None;
        }
        match self.scan.next(input, max, self.bare_lf) {
            Cut::More(taken) => {
                append(&mut self.held, &input.split_to(taken));
                None
            }
            Cut::End { taken, ending } => Some(Ok(self.finish(input.split_to(taken), ending))),
            Cut::Fault { taken, fault, ended } => {
                input.advance(taken);
                self.held = Vec::new();
                self.skipping = !ended;
                Some(Err(fault))
            }
        }
    }

    /// Whether no octet of a line has come yet.
    pub fn is_between_lines(&self) -> bool {
        self.held.is_empty() && !self.skipping
    }

    fn finish(&mut self, mut last: Bytes, ending: usize) -> Bytes {
        if self.held.is_empty() {
            last.truncate(last.len().saturating_sub(ending));
            return last;
        }
        let mut line = std::mem::take(&mut self.held);
        append(&mut line, &last);
        line.truncate(line.len().saturating_sub(ending));
        Bytes::from(line)
    }
}

/// Takes octets off the front of `input` up to the next LF; whether it was there.
pub(super) fn skip_line(input: &mut Bytes) -> bool {
    let end = memchr(b'\n', input);
    input.advance(end.map_or(input.len(), |at| at + 1));
    end.is_some()
}

/// Appends to a buffer that grows by an eighth at a time: linear in all, and never much larger than what has come.
pub(super) fn append(buffer: &mut Vec<u8>, octets: &[u8]) {
    if buffer.capacity() - buffer.len() < octets.len() {
        buffer.reserve_exact(octets.len().max(buffer.len() / 8));
    }
    buffer.extend_from_slice(octets);
}

/// Where a line ends in a stream that comes in pieces. Holds no octet, only how far the line has got.
#[derive(Clone, Debug, Default)]
pub(super) struct Scan {
    /// Octets of the line so far, a CR at their end included.
    length: usize,
    after_cr: bool,
}

/// What a piece holds of a line.
pub(super) enum Cut {
    /// This many octets, and the line goes on. They are all there is.
    More(usize),
    /// This many octets to the line's end; the last `ending` of the line are CRLF, or an accepted LF.
    End { taken: usize, ending: usize },
    /// A fault behind this many octets; `ended`: the line's end is among them.
    Fault {
        taken: usize,
        fault: LineFault,
        ended: bool,
    },
}

impl Scan {
    /// Looks at the next piece of the stream, which is not empty.
    ///
    /// What comes out depends on octets and budget, not on the cut: nothing is looked at that a budget has already ended.
    pub(super) fn next(&mut self, octets: &[u8], max: usize, bare_lf: BareLf) -> Cut {
        let room = max.saturating_add(2).saturating_sub(self.length);
        let window = octets.get(..room).unwrap_or(octets);
        let cut = self.find(window);
        let cut = match cut {
            Cut::More(taken) => {
                self.length += taken;
                if self.length - usize::from(self.after_cr) <= max {
                    return cut;
                }
                Cut::Fault {
                    taken,
                    fault: LineFault::TooLong,
                    ended: false,
                }
            }
            Cut::End { taken, ending } if self.length + taken - ending > max => Cut::Fault {
                taken,
                fault: LineFault::TooLong,
                ended: true,
            },
            Cut::End { taken, ending: 1 } if bare_lf == BareLf::Report => Cut::Fault {
                taken,
                fault: LineFault::BareLf,
                ended: true,
            },
            Cut::Fault { taken, ended, .. }
                if (self.length + taken).saturating_sub(usize::from(self.after_cr)) > max =>
            {
                Cut::Fault {
                    taken,
                    fault: LineFault::TooLong,
                    ended,
                }
            }
            cut => cut,
        };
        *self = Scan::default();
        cut
    }

    /// The first end or fault in `window`; a fault's `taken` stops in front of the offending octet.
    fn find(&mut self, window: &[u8]) -> Cut {
        let fault = |taken, fault| Cut::Fault {
            taken,
            fault,
            ended: false,
        };
        if self.after_cr {
            return match window.first() {
                Some(b'\n') => Cut::End { taken: 1, ending: 2 },
                Some(_) => fault(0, LineFault::BareCr),
                None => Cut::More(0),
            };
        }
        let Some(at) = memchr3(b'\r', b'\n', 0, window) else {
            return Cut::More(window.len());
        };
        match (window.get(at), window.get(at + 1)) {
            (Some(b'\r'), Some(b'\n')) => Cut::End {
                taken: at + 2,
                ending: 2,
            },
            (Some(b'\r'), Some(_)) => fault(at, LineFault::BareCr),
            (Some(b'\r'), None) => {
                self.after_cr = true;
                Cut::More(window.len())
            }
            (Some(b'\n'), _) => Cut::End {
                taken: at + 1,
                ending: 1,
            },
            _ => fault(at, LineFault::Nul),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(pieces: &[&[u8]], max: usize, bare_lf: BareLf) -> Vec<Result<Vec<u8>, LineFault>> {
        let mut framer = Lines::new(bare_lf);
        let mut out = Vec::new();
        for piece in pieces {
            let mut input = Bytes::copy_from_slice(piece);
            while let Some(line) = framer.next(&mut input, max) {
                out.push(line.map(|line| line.to_vec()));
            }
            assert!(input.is_empty());
        }
        out
    }

    fn ok(line: &str) -> Result<Vec<u8>, LineFault> {
        Ok(line.as_bytes().to_vec())
    }

    #[test]
    fn only_crlf_ends_a_line() {
        let script =
            b"EHLO a\r\n\r\nbare\nNOOP\r\nnu\0l\r\nc\rr\r\nlast\r\r\n12345678\r\n123456789\r\nQUIT\r\nrest";
        let told = [
            ok("EHLO a"),
            ok(""),
            Err(LineFault::BareLf),
            ok("NOOP"),
            Err(LineFault::Nul),
            Err(LineFault::BareCr),
            Err(LineFault::BareCr),
            ok("12345678"),
            Err(LineFault::TooLong),
            ok("QUIT"),
        ];
        assert_eq!(lines(&[script], 8, BareLf::Report), told);
    }

    #[test]
    fn a_bare_lf_may_be_accepted() {
        assert_eq!(
            lines(&[b"a\nb\r\n\n"], 8, BareLf::Accept),
            [ok("a"), ok("b"), ok("")]
        );
    }

    #[test]
    fn what_is_behind_a_line_stays() {
        let (mut framer, mut input) = (Lines::default(), Bytes::from_static(b"DATA\r\nHello\r\n"));
        assert_eq!(
            framer.next(&mut input, 100),
            Some(Ok(Bytes::from_static(b"DATA")))
        );
        assert_eq!(input, "Hello\r\n");
        assert!(framer.is_between_lines());
    }

    #[test]
    fn an_endless_line_is_told_once_and_not_held() {
        let mut framer = Lines::default();
        for round in 0..100 {
            let mut input = Bytes::from(vec![b'x'; 1000]);
            let told = framer.next(&mut input, 4096);
            assert_eq!(told.is_some(), round == 4, "round {round}");
            assert!(framer.next(&mut input, 4096).is_none());
            assert!(framer.held.capacity() <= 4096 + 1024);
        }
        assert!(!framer.is_between_lines());
        assert_eq!(
            framer.next(&mut Bytes::from_static(b"\nok\r\n"), 9),
            Some(Ok(Bytes::from_static(b"ok")))
        );
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same_lines(script in "[ab\r\n\0]{0,40}", max in 0usize..6, accept: bool) {
            let bare_lf = if accept { BareLf::Accept } else { BareLf::Report };
            let script = script.as_bytes();
            let whole = lines(&[script], max, bare_lf);
            let octets: Vec<&[u8]> = script.chunks(1).collect();
            prop_assert_eq!(&lines(&octets, max, bare_lf), &whole);
            for at in 0..=script.len() {
                let (head, tail) = script.split_at(at);
                prop_assert_eq!(&lines(&[head, tail], max, bare_lf), &whole);
            }
        }
    }
}
