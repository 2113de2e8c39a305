//! Numbers and sets of them.

use super::cursor::Cursor;
use super::syntax::{Expected, Syntax};
use crate::store::set::{BadSequenceSet, SequenceSet};

impl Cursor<'_> {
    /// `number = 1*DIGIT`, below 2³².
    pub fn number(&mut self) -> Result<u32, Syntax> {
        let start = self.position();
        let digits = self.text_while(|octet| octet.is_ascii_digit());
        digits.parse().map_err(|_| self.error_at(start, Expected::Number))
    }

    /// `nz-number = digit-nz *DIGIT`, below 2³²; it does not begin with 0.
    pub fn nz_number(&mut self) -> Result<u32, Syntax> {
        let start = self.position();
        let digits = self.text_while(|octet| octet.is_ascii_digit());
        let number = digits.parse().ok().filter(|_| !digits.starts_with('0'));
        number.ok_or_else(|| self.error_at(start, Expected::NzNumber))
    }

    /// `sequence-set = (seq-number / seq-range) *("," sequence-set)`,
    /// `seq-range = seq-number ":" seq-number` (RFC 3501, 9)
    pub fn sequence_set(&mut self) -> Result<SequenceSet, Syntax> {
        let start = self.position();
        let text = self.take_while(|octet| matches!(octet, b'0'..=b'9' | b'*' | b':' | b','));
        SequenceSet::parse(text).map_err(|bad| match bad {
            BadSequenceSet::Malformed(offset) => self.error_at(start + offset, Expected::SequenceSet),
            BadSequenceSet::TooMany => {
                let most = Expected::AtMost(SequenceSet::ITEMS_MAX, "items in a sequence set");
                self.error_at(start, most)
            }
        })
    }
}
