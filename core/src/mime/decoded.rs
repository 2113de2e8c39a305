//! How large a body is once its transfer encoding is taken off: measured while it flows by, so that FETCH knows it without
//! reading the body (RFC 3516, 4.2 and 4.3).

use std::ops::Range;

use memchr::memchr;

use super::packed::{BadIndex, Input, Sink, flag, number};
use crate::wire::transfer::{Decoder, Encoding};

/// What is known of a body in base64 or quoted-printable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Decoded {
    /// Octets of the decoded body.
    pub octets: u64,
    /// Whether NUL is among them.
    pub nul: bool,
    /// What each line is and gives, where all of them do alike.
    pub lines: Option<Lines>,
}

/// Lines of base64 that are all alike, so that it is known where an octet lies without decoding what is in front of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lines {
    /// Octets of a line with its end.
    pub encoded: u8,
    /// Octets that a line gives; never 0.
    pub decoded: u8,
}

impl Decoded {
    /// Which octets of a body of `size` octets have to be decoded for `wanted` of its decoded octets, and where `wanted` lies
    /// in what they give. Whole lines: without [`Decoded::lines`] all from the beginning.
    pub fn locate(&self, size: u64, wanted: Range<u64>) -> (Range<u64>, Range<u64>) {
        let Some(Lines { encoded, decoded }) = self.lines else {
            return (0..size, wanted);
        };
        let (encoded, decoded) = (u64::from(encoded), u64::from(decoded).max(1));
        let (first, behind) = (wanted.start / decoded, wanted.end.div_ceil(decoded));
        let skipped = first.saturating_mul(decoded);
        let range = first.saturating_mul(encoded).min(size)..behind.saturating_mul(encoded).min(size);
        (range, wanted.start - skipped..wanted.end.saturating_sub(skipped))
    }

    pub(super) fn store(&self, out: &mut impl Sink) {
        number(out, self.octets);
        flag(out, self.nul);
        let Lines { encoded, decoded } = self.lines.unwrap_or(Lines {
            encoded: 0,
            decoded: 0,
        });
        out.put(&[encoded, decoded]);
    }

    pub(super) fn load(input: &mut Input<'_>) -> Result<Decoded, BadIndex> {
        let (octets, nul) = (input.number()?, input.flag()?);
        let (encoded, decoded) = (input.octet()?, input.octet()?);
        let lines = (decoded > 0).then_some(Lines { encoded, decoded });
        Ok(Decoded { octets, nul, lines })
    }
}

/// Measures a body while it flows by, in any cut.
///
/// The line end in front of a delimiter belongs to the delimiter, so the last one is held until it is known what follows.
#[derive(Debug)]
pub(super) struct Measure {
    decoder: Decoder,
    measured: Decoded,
    /// The line end, or its beginning, that came last.
    held: Vec<u8>,
    alike: Alike,
    /// What decoding a piece gives.
    piece: Vec<u8>,
}

/// Octets decoded at a time.
const PIECE_OCTETS: usize = 1024;

impl Measure {
    /// Of a body in this encoding; `None` if it stands there as it is.
    pub(super) fn begin(encoding: &str) -> Option<Measure> {
        let encoding = Encoding::named(encoding);
        (encoding != Encoding::Identity).then(|| Measure {
            decoder: Decoder::new(encoding),
            measured: Decoded::default(),
            held: Vec::new(),
            alike: Alike::default(),
            piece: Vec::new(),
        })
    }

    /// Takes octets of the body.
    pub(super) fn push(&mut self, octets: &[u8]) {
        let end = match octets {
            [] => return,
            [.., b'\r', b'\n'] => 2,
            [.., b'\n' | b'\r'] => 1,
            _ => 0,
        };
        // What was held ends no body if something follows but the other half of it.
        let joined = self.held == b"\r" && octets == b"\n";
        if !joined {
            let held = std::mem::take(&mut self.held);
            self.take(&held);
        }
        let (body, last) = octets
            .split_at_checked(octets.len() - end)
            .unwrap_or((octets, &[]));
        self.take(body);
        self.held.extend_from_slice(last);
    }

    /// The body is over; the last `line_end` octets were none of it.
    pub(super) fn end(mut self, line_end: u64) -> Decoded {
        let held = std::mem::take(&mut self.held);
        let kept = held
            .len()
            .saturating_sub(usize::try_from(line_end).unwrap_or(usize::MAX));
        self.take(held.get(..kept).unwrap_or_default());
        self.piece.clear();
        self.decoder.finish(&mut self.piece);
        self.count();
        let lines = self.alike.lines(self.piece.len());
        Decoded {
            lines,
            ..self.measured
        }
    }

    fn take(&mut self, octets: &[u8]) {
        let mut rest = octets;
        while !rest.is_empty() {
            let near = rest.get(..PIECE_OCTETS).unwrap_or(rest);
            let line_end = memchr(b'\n', near);
            let (piece, behind) = rest
                .split_at_checked(line_end.map_or(near.len(), |at| at + 1))
                .unwrap_or((rest, &[]));
            self.piece.clear();
            self.decoder.push(piece, &mut self.piece);
            let whole = matches!(&self.decoder, Decoder::Base64(decoder) if decoder.is_between_groups());
            self.alike
                .take(piece.len(), self.piece.len(), whole, line_end.is_some());
            self.count();
            rest = behind;
        }
    }

    fn count(&mut self) {
        self.measured.octets += self.piece.len() as u64;
        self.measured.nul |= memchr(0, &self.piece).is_some();
    }
}

/// Whether all lines but the last are alike.
#[derive(Debug, Default)]
struct Alike {
    /// Octets of the first line, and what it gave.
    first: Option<(usize, usize)>,
    /// The line that is being read.
    line: (usize, usize),
    /// The first that is not like the first; behind it nothing may come that gives anything, or begins to.
    last: Option<(usize, usize)>,
    broken: bool,
}

impl Alike {
    /// Takes a piece of a line: its octets, what it gave, whether that ended a group, whether it ended the line.
    fn take(&mut self, encoded: usize, decoded: usize, whole: bool, ended: bool) {
        self.line = (
            self.line.0.saturating_add(encoded),
            self.line.1.saturating_add(decoded),
        );
        if ended {
            self.end_line(whole);
        }
    }

    fn end_line(&mut self, whole: bool) {
        let line = std::mem::take(&mut self.line);
        match (self.first, self.last) {
            (None, _) if whole => self.first = Some(line),
            (None, _) => self.broken = true,
            (Some(first), None) if first == line && whole => {}
            (Some(_), None) => self.last = Some(line),
            (Some(_), Some(_)) => self.broken |= line.1 > 0 || !whole,
        }
    }

    /// `finished`: what the end of the body still gave.
    fn lines(mut self, finished: usize) -> Option<Lines> {
        let (encoded, decoded) = self.first?;
        if self.line.0 > 0 {
            self.end_line(false);
        }
        let (last_encoded, last_decoded) = self.last.unwrap_or_default();
        let fits = last_encoded <= encoded && last_decoded.saturating_add(finished) <= decoded;
        let (encoded, decoded) = (u8::try_from(encoded).ok()?, u8::try_from(decoded).ok()?);
        (fits && !self.broken && decoded > 0).then_some(Lines { encoded, decoded })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::base64;
    use proptest::prelude::*;

    fn measured(encoding: &str, pieces: &[&[u8]], line_end: u64) -> Decoded {
        let mut measure = Measure::begin(encoding).unwrap();
        pieces.iter().for_each(|piece| measure.push(piece));
        measure.end(line_end)
    }

    fn decode(encoding: Encoding, octets: &[u8]) -> Vec<u8> {
        let (mut decoder, mut out) = (Decoder::new(encoding), Vec::new());
        decoder.push(octets, &mut out);
        decoder.finish(&mut out);
        out
    }

    fn lines(encoded: u8, decoded: u8) -> Option<Lines> {
        Some(Lines { encoded, decoded })
    }

    #[test]
    fn bodies_are_measured() {
        for (encoding, body, octets, nul, alike) in [
            ("base64", "", 0, false, None),
            ("base64", "aGVsbG8=", 5, false, None),
            ("base64", "aGVs\r\naGVs\r\nbG8=\r\n\r\n", 8, false, lines(6, 3)),
            ("base64", "aGVs\naGVs\nbG8", 8, false, lines(5, 3)),
            ("BASE64", "AAAA\r\n", 3, true, lines(6, 3)),
            // Lines that are not alike: one is longer, one holds what is no base64, something follows the short one.
            ("base64", "aGVs\naGVsbG8h\n", 9, false, None),
            ("base64", "aGVs\na!GVs\nbG8=\n", 8, false, None),
            ("base64", "aGVs\nbG8=\naGVs\n", 8, false, None),
            // A group goes on in the next line.
            ("base64", "aGVsb\nG8haG\nVsbG8\n", 11, false, None),
            ("base64", "aGVs\nbG8haA\n", 7, false, None),
            ("quoted-printable", "=00=41 \r\nb=\r\n", 5, true, None),
        ] {
            let decoded = Decoded {
                octets,
                nul,
                lines: alike,
            };
            assert_eq!(
                measured(encoding, &[body.as_bytes()], 0),
                decoded,
                "{encoding} {body:?}"
            );
        }
        assert!(Measure::begin("8bit").is_none());
    }

    #[test]
    fn the_line_end_of_a_delimiter_is_none_of_the_body() {
        for pieces in [
            &[&b"a\r\n"[..]][..],
            &[b"a", b"\r\n"],
            &[b"a\r", b"\n"],
            &[b"a", b"\r", b"\n"],
        ] {
            assert_eq!(measured("quoted-printable", pieces, 2).octets, 1);
            assert_eq!(measured("quoted-printable", pieces, 1).octets, 2);
            assert_eq!(measured("quoted-printable", pieces, 0).octets, 3);
        }
        assert_eq!(measured("quoted-printable", &[b"a\n", b"\n"], 1).octets, 2);
        assert_eq!(measured("quoted-printable", &[b"a\r", b"\r\n"], 2).octets, 2);
    }

    /// What is found without decoding what is in front of it.
    fn check_range(body: &[u8], encoding: Encoding, decoded: Decoded, wanted: Range<u64>) {
        let all = decode(encoding, body);
        let wanted = wanted.start.min(all.len() as u64)..wanted.end.min(all.len() as u64);
        let (range, within) = decoded.locate(body.len() as u64, wanted.clone());
        let part = decode(encoding, &body[range.start as usize..range.end as usize]);
        let got = part.get(within.start as usize..within.end as usize);
        let want = &all[wanted.start as usize..wanted.end as usize];
        assert_eq!(got, Some(want), "{decoded:?} {range:?} {within:?}");
    }

    proptest! {
        #[test]
        fn any_cut_is_measured_alike_and_as_it_decodes(
            text in "[=A0\r\n \0ghi]{0,60}",
            cuts: Vec<prop::sample::Index>,
            from in 0u64..30,
            length in 0u64..30,
        ) {
            for (name, encoding) in [("base64", Encoding::Base64), ("quoted-printable", Encoding::QuotedPrintable)] {
                let text = text.as_bytes();
                let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
                at.extend([0, text.len()]);
                at.sort_unstable();
                let pieces: Vec<&[u8]> = at.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect();
                let all = decode(encoding, text);
                let decoded = measured(name, &pieces, 0);
                prop_assert_eq!(decoded, measured(name, &[text], 0));
                prop_assert_eq!((decoded.octets, decoded.nul), (all.len() as u64, all.contains(&0)));
                check_range(text, encoding, decoded, from..from + length);
            }
        }

        #[test]
        fn a_range_of_usual_base64_is_read_by_lines(
            octets in prop::collection::vec(any::<u8>(), 200..600),
            groups in 1usize..20,
            from in 0u64..600,
            length in 1u64..200,
        ) {
            let text = base64::encode(&octets);
            let body: Vec<u8> = text.as_bytes().chunks(4 * groups).flat_map(|line| [line, b"\r\n"].concat()).collect();
            let decoded = measured("base64", &[&body], 0);
            prop_assert!(decoded.lines.is_some());
            check_range(&body, Encoding::Base64, decoded, from..from + length);
            let wanted = from.min(decoded.octets)..(from + length).min(decoded.octets);
            let (range, _) = decoded.locate(body.len() as u64, wanted.clone());
            let lines = (wanted.end - wanted.start).div_ceil(3 * groups as u64) + 1;
            prop_assert!(range.end - range.start <= lines * (4 * groups as u64 + 2));
        }
    }
}
