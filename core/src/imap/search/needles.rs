//! The texts of a search program that are looked for in octets, in rounds of as many as one scan takes.

use super::truth::Truth;
use crate::machine::{Needle, Scope};

/// The texts to look for, numbered.
#[derive(Debug, Default)]
pub struct Needles(Vec<Needle>);

impl Needles {
    /// The most needles of one scan: one bit each.
    pub const ROUND: usize = 64;

    /// The number of a text, added if it is new.
    pub(super) fn add(&mut self, text: String, scope: Scope) -> usize {
        let needle = Needle { text, scope };
        self.0
            .iter()
            .position(|known| *known == needle)
            .unwrap_or_else(|| {
                self.0.push(needle);
                self.0.len() - 1
            })
    }

    /// What to look for in a round, counted from 0; nothing when all rounds are over.
    pub fn round(&self, round: usize) -> &[Needle] {
        self.0.chunks(Self::ROUND).nth(round).unwrap_or_default()
    }
}

/// What scans found in one message: a word of bits for each round that is over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found(Vec<u64>);

impl Found {
    /// Nothing was looked for yet.
    pub const NOTHING: Found = Found(Vec::new());

    /// Adds what the next round found.
    pub fn add(&mut self, bits: u64) {
        self.0.push(bits);
    }

    /// Whether a needle was found.
    pub(super) fn of(&self, needle: usize) -> Truth {
        let bits = self.0.get(needle / Needles::ROUND);
        bits.map_or(Truth::Unknown, |bits| {
            Truth::from(bits >> (needle % Needles::ROUND) & 1 == 1)
        })
    }
}
