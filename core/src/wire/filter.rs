//! Filters: what changes octets on their way to a peer, run beside them by whoever moves them.
//!
//! A [`Filter`] is data and goes into an action; a [`Filtering`] is that filter at work on one stream.

use std::ops::Range;
use std::sync::Arc;

use bytes::{Buf, BytesMut};
use memchr::memchr2;

use super::dot::Encoder;
use super::transfer::{Decoder, Encoding};

/// How octets are changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Filter {
    /// Not at all.
    #[default]
    None,
    /// Only these ranges pass: ascending, apart, counted from the first octet given.
    Pick(Arc<[Range<u64>]>),
    /// The transfer encoding is taken off (RFC 3516, BINARY).
    Decode(Encoding),
    /// The transfer encoding is taken off, and of the octets that this gives only this range passes.
    DecodeRange(Encoding, Range<u64>),
    /// Made fit for a multi-line response or DATA; the lone dot is not written.
    DotStuff,
    /// POP3 TOP: the header, the empty line and this many lines of the body, made fit like [`Filter::DotStuff`]
    /// (RFC 1939, 7).
    TopLines(u64),
    /// So many octets at the front become ASCII, octet by octet: what is beyond it becomes `?`. Then as the other one
    /// (RFC 6856, 2.1: a surrogate of a header in UTF-8, as large as it is).
    Ascii(u64, Box<Filter>),
}

/// Whether more octets would change anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    More,
    /// Nothing that follows passes: the mover may stop reading. Pushing more is no error.
    Enough,
}

/// A filter at work: [`push`](Filtering::push) octets in any cut, then [`finish`](Filtering::finish).
#[derive(Clone, Debug)]
pub struct Filtering(Work);

#[derive(Clone, Debug)]
enum Work {
    None,
    Pick {
        ranges: Arc<[Range<u64>]>,
        next: usize,
        at: u64,
    },
    Decode(Decoder),
    DecodeRange {
        decoder: Decoder,
        range: Range<u64>,
        at: u64,
    },
    DotStuff(Encoder),
    Top {
        cut: Top,
        encoder: Encoder,
    },
    Ascii {
        left: u64,
        then: Box<Filtering>,
    },
}

impl Filtering {
    /// `filter` at the start of a stream.
    pub fn new(filter: &Filter) -> Filtering {
        Filtering(match filter {
            Filter::None => Work::None,
            Filter::Pick(ranges) => Work::Pick {
                ranges: Arc::clone(ranges),
                next: 0,
                at: 0,
            },
            Filter::Decode(encoding) => Work::Decode(Decoder::new(*encoding)),
            Filter::DecodeRange(encoding, range) => Work::DecodeRange {
                decoder: Decoder::new(*encoding),
                range: range.clone(),
                at: 0,
            },
            Filter::DotStuff => Work::DotStuff(Encoder::default()),
            Filter::TopLines(lines) => Work::Top {
                cut: Top::new(*lines),
                encoder: Encoder::default(),
            },
            Filter::Ascii(octets, then) => Work::Ascii {
                left: *octets,
                then: Box::new(Filtering::new(then)),
            },
        })
    }

    /// Appends what the next octets become to `out`.
    pub fn push(&mut self, octets: &[u8], out: &mut BytesMut) -> Flow {
        match &mut self.0 {
            Work::None => out.extend_from_slice(octets),
            Work::Pick { ranges, next, at } => return pick(ranges, next, at, octets, out),
            Work::Decode(decoder) => decoder.push(octets, out),
            Work::DecodeRange { decoder, range, at } => {
                let before = out.len();
                decoder.push(octets, out);
                return keep(range, at, before, out);
            }
            Work::DotStuff(encoder) => encoder.push(octets, out),
            Work::Top { cut, encoder } => {
                let (passing, flow) = cut.take(octets);
                encoder.push(passing, out);
                return flow;
            }
            Work::Ascii { left, then } => {
                let front = usize::try_from(*left).unwrap_or(usize::MAX).min(octets.len());
                let (front, behind) = octets.split_at_checked(front).unwrap_or((octets, &[]));
                *left = left.saturating_sub(front.len() as u64);
                let surrogate: Vec<u8> = front.iter().map(ascii).collect();
                return match then.push(&surrogate, out) {
                    Flow::More => then.push(behind, out),
                    Flow::Enough => Flow::Enough,
                };
            }
        }
        Flow::More
    }

    /// Appends what the end of the stream gives: a last CRLF, half a group of base64.
    pub fn finish(&mut self, out: &mut BytesMut) {
        match &mut self.0 {
            Work::None | Work::Pick { .. } => {}
            Work::Decode(decoder) => decoder.finish(out),
            Work::DecodeRange { decoder, range, at } => {
                let before = out.len();
                decoder.finish(out);
                keep(range, at, before, out);
            }
            Work::DotStuff(encoder) | Work::Top { encoder, .. } => encoder.finish(out),
            Work::Ascii { then, .. } => then.finish(out),
        }
    }
}

fn ascii(octet: &u8) -> u8 {
    if octet.is_ascii() { *octet } else { b'?' }
}

fn pick(ranges: &[Range<u64>], next: &mut usize, at: &mut u64, octets: &[u8], out: &mut BytesMut) -> Flow {
    let start = *at;
    *at = start.saturating_add(octets.len() as u64);
    let within = |offset: u64| usize::try_from(offset.clamp(start, *at) - start).unwrap_or(octets.len());
    while let Some(range) = ranges.get(*next) {
        out.extend_from_slice(
            octets
                .get(within(range.start)..within(range.end))
                .unwrap_or_default(),
        );
        if range.end > *at {
            return Flow::More;
        }
        *next += 1;
    }
    Flow::Enough
}

/// Of what stands behind the first `before` octets of `out`, which goes on a stream at `at`, leaves only what is within `range`.
fn keep(range: &Range<u64>, at: &mut u64, before: usize, out: &mut BytesMut) -> Flow {
    let mut fresh = out.split_off(before);
    let start = *at;
    *at = start.saturating_add(fresh.len() as u64);
    let within = |offset: u64| usize::try_from(offset.clamp(start, *at) - start).unwrap_or(fresh.len());
    let (skip, end) = (within(range.start), within(range.end));
    fresh.truncate(end);
    fresh.advance(skip.min(end));
    out.unsplit(fresh);
    if *at < range.end { Flow::More } else { Flow::Enough }
}

/// Where TOP ends. Lines are those that the peer will see: CR, LF and CRLF all break one, as [`Encoder`] writes them.
#[derive(Clone, Debug)]
struct Top {
    in_header: bool,
    lines_left: u64,
    line_is_empty: bool,
    after_cr: bool,
}

impl Top {
    fn new(lines: u64) -> Top {
        Top {
            in_header: true,
            lines_left: lines,
            line_is_empty: true,
            after_cr: false,
        }
    }

    /// The octets that still belong to it.
    fn take<'a>(&mut self, octets: &'a [u8]) -> (&'a [u8], Flow) {
        let mut end = 0;
        while !self.is_over() {
            let rest = octets.get(end..).unwrap_or_default();
            let Some(at) = memchr2(b'\r', b'\n', rest) else {
                self.line_is_empty &= rest.is_empty();
                self.after_cr &= rest.is_empty();
                return (octets, Flow::More);
            };
            let second_half = at == 0 && self.after_cr && rest.first() == Some(&b'\n');
            end += at + 1;
            self.after_cr = rest.get(at) == Some(&b'\r');
            if !second_half {
                self.break_line(self.line_is_empty && at == 0);
            }
        }
        (octets.get(..end).unwrap_or(octets), Flow::Enough)
    }

    fn is_over(&self) -> bool {
        !self.in_header && self.lines_left == 0
    }

    fn break_line(&mut self, empty: bool) {
        if self.in_header {
            self.in_header = !empty;
        } else {
            self.lines_left = self.lines_left.saturating_sub(1);
        }
        self.line_is_empty = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn run(filter: &Filter, pieces: &[&[u8]]) -> (String, Flow) {
        let (mut filtering, mut out, mut flow) = (Filtering::new(filter), BytesMut::new(), Flow::More);
        for piece in pieces {
            flow = filtering.push(piece, &mut out);
        }
        filtering.finish(&mut out);
        (String::from_utf8_lossy(&out).into_owned(), flow)
    }

    fn top(lines: u64, text: &str) -> (String, Flow) {
        run(&Filter::TopLines(lines), &[text.as_bytes()])
    }

    #[test]
    fn picks_ranges() {
        let pick = |ranges: &[Range<u64>], text: &str| run(&Filter::Pick(ranges.into()), &[text.as_bytes()]);
        assert_eq!(
            pick(&[0..2, 4..4, 5..7], "0123456789"),
            ("0156".into(), Flow::Enough)
        );
        assert_eq!(pick(&[8..20, 30..31], "0123456789"), ("89".into(), Flow::More));
        assert_eq!(pick(&[], "0123456789"), (String::new(), Flow::Enough));
        assert_eq!(
            pick(&[0..4, 4..u64::MAX], "0123456789"),
            ("0123456789".into(), Flow::More)
        );
    }

    #[test]
    fn takes_the_top() {
        let text = "A: 1\r\nB: 2\r\n\r\none\r\n.two\r\nthree";
        assert_eq!(top(0, text), ("A: 1\r\nB: 2\r\n\r\n".into(), Flow::Enough));
        assert_eq!(
            top(2, text),
            ("A: 1\r\nB: 2\r\n\r\none\r\n..two\r\n".into(), Flow::Enough)
        );
        assert_eq!(
            top(3, text),
            ("A: 1\r\nB: 2\r\n\r\none\r\n..two\r\nthree\r\n".into(), Flow::More)
        );
        assert_eq!(
            top(1, "A: 1\n\none\ntwo\n"),
            ("A: 1\r\n\r\none\r\n".into(), Flow::Enough)
        );
        assert_eq!(top(1, "\r\none\r\ntwo"), ("\r\none\r\n".into(), Flow::Enough));
        assert_eq!(top(5, "A: only"), ("A: only\r\n".into(), Flow::More));
    }

    #[test]
    fn a_front_becomes_ascii() {
        let ascii = |octets: u64, then: Filter| Filter::Ascii(octets, Box::new(then));
        let text = "A: \u{e9}\r\n\r\n.\u{e9}\r\n".as_bytes();
        assert_eq!(
            run(&ascii(9, Filter::DotStuff), &[text]).0,
            "A: ??\r\n\r\n..\u{e9}\r\n"
        );
        assert_eq!(
            run(&ascii(9, Filter::TopLines(0)), &[text]),
            ("A: ??\r\n\r\n".into(), Flow::Enough)
        );
        assert_eq!(
            run(&ascii(u64::MAX, Filter::None), &[text]).0,
            "A: ??\r\n\r\n.??\r\n"
        );
    }

    #[test]
    fn decodes_stuffs_or_leaves_alone() {
        assert_eq!(
            run(&Filter::Decode(Encoding::Base64), &[b"aGVs", b"bG8"]).0,
            "hello"
        );
        assert_eq!(
            run(&Filter::Decode(Encoding::QuotedPrintable), &[b"=4", b"1="]).0,
            "A"
        );
        let cut = |range, text: &[u8]| run(&Filter::DecodeRange(Encoding::Base64, range), &[text]);
        assert_eq!(cut(1..3, b"aGVsbG8="), ("el".into(), Flow::Enough));
        assert_eq!(cut(3..9, b"aGVsbG8="), ("lo".into(), Flow::More));
        // Two sextets wait for the end.
        assert_eq!(cut(3..9, b"aGVsbG"), ("l".into(), Flow::More));
        assert_eq!(cut(7..9, b"aGVsbG8="), (String::new(), Flow::More));
        assert_eq!(run(&Filter::DotStuff, &[b".", b".a"]).0, "...a\r\n");
        assert_eq!(run(&Filter::None, &[b".", b"\n"]).0, ".\n");
    }

    proptest! {
        #[test]
        fn pick_gives_the_ranges_however_the_octets_are_cut(
            text: Vec<u8>,
            mut ends in prop::collection::vec(0u64..220, 0..8),
            cut in 1usize..50,
        ) {
            ends.sort_unstable();
            let ranges: Vec<_> = ends.chunks_exact(2).map(|pair| pair[0]..pair[1]).collect();
            let wanted = |range: &Range<u64>| text.iter().skip(range.start as usize).take((range.end - range.start) as usize);
            let want: Vec<u8> = ranges.iter().flat_map(wanted).copied().collect();
            let mut filtering = Filtering::new(&Filter::Pick(ranges.into()));
            let mut out = BytesMut::new();
            for piece in text.chunks(cut) {
                filtering.push(piece, &mut out);
            }
            prop_assert_eq!(&out[..], &want[..]);
        }

        #[test]
        fn any_cut_gives_the_same(text in "[.a=\r\n4]{0,30}", lines in 0u64..4, from in 0u64..20, length in 0u64..9) {
            let ranges = [from..from + length, from + length + 2..from + length + 5];
            for filter in [
                Filter::None,
                Filter::Pick(ranges.as_slice().into()),
                Filter::Decode(Encoding::QuotedPrintable),
                Filter::DecodeRange(Encoding::QuotedPrintable, from..from + length),
                Filter::DotStuff,
                Filter::TopLines(lines),
                Filter::Ascii(from, Box::new(Filter::TopLines(lines))),
            ] {
                let whole = run(&filter, &[text.as_bytes()]);
                for at in 0..=text.len() {
                    let (head, tail) = text.as_bytes().split_at(at);
                    prop_assert_eq!(&run(&filter, &[head, tail]), &whole);
                }
                let octets: Vec<&[u8]> = text.as_bytes().chunks(1).chain([&b""[..]]).collect();
                prop_assert_eq!(&run(&filter, &octets), &whole);
            }
        }
    }
}
