//! Numbers and sets of them.

use super::cursor::Cursor;
use super::syntax::{Expected, Syntax};
use crate::store::set::SequenceSet;

impl Cursor<'_> {
    /// The most ranges and single numbers of one sequence set.
    pub const RANGES_MAX: usize = 10_000;

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
        if !matches!(self.peek(), Some(b'*' | b'0'..=b'9')) {
            return Err(self.error(Expected::SequenceSet));
        }
        let mut ranges = Vec::new();
        loop {
            if ranges.len() == Self::RANGES_MAX {
                return Err(self.error(Expected::AtMost(Self::RANGES_MAX, "ranges in a sequence set")));
            }
            let first = self.seq_number()?;
            let last = if self.skip(b':') {
                self.seq_number()?
            } else {
                first
            };
            ranges.push((first, last));
            if !self.skip(b',') {
                return Ok(SequenceSet::new(ranges));
            }
        }
    }

    /// `seq-number = nz-number / "*"`; `None` is `*`.
    fn seq_number(&mut self) -> Result<Option<u32>, Syntax> {
        if self.skip(b'*') {
            Ok(None)
        } else {
            self.nz_number().map(Some)
        }
    }
}
