//! Pure filters that change octets on their way to a peer, run beside the bytes by whoever moves them.

use std::ops::Range;
use std::sync::Arc;

use bytes::BytesMut;

/// What changes a stored range on its way. Plain data: it can be compared, recorded and replayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Nothing.
    None,
    /// Only these ranges, ascending and disjoint, counted from the first octet given: chosen header fields.
    Pick(Arc<[Range<u64>]>),
}

/// Whether more octets are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// More may change the output.
    More,
    /// Nothing that follows is wanted.
    Enough,
}

/// A [`Filter`] at work.
#[derive(Debug)]
pub struct Filtering {
    filter: Filter,
    /// Octets that have been given.
    seen: u64,
    /// The next range of `Pick`.
    next: usize,
}

impl Filtering {
    /// At the first octet.
    pub fn new(filter: &Filter) -> Self {
        Self {
            filter: filter.clone(),
            seen: 0,
            next: 0,
        }
    }

    /// Takes the next octets and appends what comes of them to `out`.
    pub fn push(&mut self, octets: &[u8], out: &mut BytesMut) -> Flow {
        let start = self.seen;
        self.seen += octets.len() as u64;
        match &self.filter {
            Filter::None => {
                out.extend_from_slice(octets);
                Flow::More
            }
            Filter::Pick(ranges) => {
                while let Some(range) = ranges.get(self.next) {
                    let within = |at: u64| {
                        usize::try_from(at.saturating_sub(start))
                            .unwrap_or(usize::MAX)
                            .min(octets.len())
                    };
                    out.extend_from_slice(
                        octets
                            .get(within(range.start)..within(range.end))
                            .unwrap_or_default(),
                    );
                    if range.end > self.seen {
                        return Flow::More;
                    }
                    self.next += 1;
                }
                Flow::Enough
            }
        }
    }

    /// Appends what the end brings.
    pub fn finish(&mut self, _out: &mut BytesMut) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pick_gives_the_ranges_however_the_octets_are_cut(
            text in proptest::collection::vec(any::<u8>(), 0..200),
            mut ends in proptest::collection::vec(0u64..220, 0..8),
            cut in 1usize..50,
        ) {
            ends.sort_unstable();
            let ranges: Vec<_> = ends.chunks_exact(2).map(|pair| pair[0]..pair[1]).collect();
            let want: Vec<u8> = ranges.iter().flat_map(|range| {
                text.iter().copied().skip(range.start as usize).take((range.end - range.start) as usize)
            }).collect();
            let mut filtering = Filtering::new(&Filter::Pick(ranges.into()));
            let mut out = BytesMut::new();
            for piece in text.chunks(cut) {
                filtering.push(piece, &mut out);
            }
            filtering.finish(&mut out);
            prop_assert_eq!(&out[..], &want[..]);
        }
    }
}
