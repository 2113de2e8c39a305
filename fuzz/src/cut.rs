//! Octets and how they are cut.

use arbitrary::Arbitrary;

/// Octets that come in pieces. As raw octets: four that say how long the pieces are in turn, then the octets themselves.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub struct Cut<'a> {
    pub(crate) sizes: [u8; 4],
    /// All of them.
    pub octets: &'a [u8],
}

impl<'a> Cut<'a> {
    /// The octets in one piece.
    pub fn whole(octets: &'a [u8]) -> Self {
        Self {
            sizes: [0; 4],
            octets,
        }
    }

    /// The pieces. A size of 0 stands for all that is left.
    pub fn pieces(self) -> impl Iterator<Item = &'a [u8]> {
        let (mut rest, mut sizes) = (self.octets, self.sizes.into_iter().cycle());
        std::iter::from_fn(move || {
            let size = match sizes.next() {
                Some(size @ 1..) => rest.len().min(size.into()),
                _ => rest.len(),
            };
            let (piece, later) = rest.split_at(size);
            rest = later;
            (!piece.is_empty()).then_some(piece)
        })
    }

    /// The text as lines, for targets that take several values.
    pub fn lines(self) -> impl Iterator<Item = &'a [u8]> {
        self.octets.split(|&octet| octet == b'\n')
    }
}

/// What a peer writes in a session. As raw octets: where it begins, four pauses, four lengths, then what it writes.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub struct Pace<'a> {
    /// Where the session begins; its low bits count, so that digits can be written by hand.
    pub start: u8,
    pauses: [u8; 4],
    /// What is written, in pieces.
    pub cut: Cut<'a>,
}

impl<'a> Pace<'a> {
    /// The pieces, each with the milliseconds that pass behind it.
    pub fn steps(self) -> impl Iterator<Item = (&'a [u8], u64)> {
        self.cut.pieces().zip(self.pauses().cycle())
    }

    /// Milliseconds: by the low four bits of an octet, none to most of an hour.
    pub fn pauses(self) -> impl Iterator<Item = u64> + Clone {
        let ms = |pause: u8| u64::from(pause & 15).pow(3) * 1000;
        self.pauses.into_iter().map(ms)
    }
}
