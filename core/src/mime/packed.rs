//! Numbers and texts one behind the other: what tables of the index and its stored form are made of.
//!
//! Numbers are LEB128, texts are their length and their octets. Reading trusts nothing and allocates nothing.

use std::array::TryFromSliceError;
use std::ops::Range;

/// A stored index that cannot be read: damaged, or of another version. The message has to be scanned again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadIndex;

impl From<TryFromSliceError> for BadIndex {
    fn from(_: TryFromSliceError) -> BadIndex {
        BadIndex
    }
}

/// Takes octets: to keep them, or only to count them.
pub(super) trait Sink {
    fn put(&mut self, octets: &[u8]);
}

impl Sink for Vec<u8> {
    fn put(&mut self, octets: &[u8]) {
        self.extend_from_slice(octets);
    }
}

/// How many octets were put.
#[derive(Debug, Default)]
pub(super) struct Count(pub usize);

impl Sink for Count {
    fn put(&mut self, octets: &[u8]) {
        self.0 += octets.len();
    }
}

/// What has a packed form.
pub(super) trait Pack {
    fn pack(&self, out: &mut impl Sink);

    /// Octets of the packed form.
    fn packed_octets(&self) -> usize {
        let mut count = Count::default();
        self.pack(&mut count);
        count.0
    }

    /// The packed form, in memory of just its size.
    fn packed(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.packed_octets());
        self.pack(&mut out);
        out
    }
}

pub(super) fn number(out: &mut impl Sink, mut value: u64) {
    let mut octets = [0; 10];
    let mut length = 0;
    for octet in &mut octets {
        length += 1;
        *octet = value as u8 & 0x7f;
        value >>= 7;
        if value == 0 {
            break;
        }
        *octet |= 0x80;
    }
    out.put(octets.get(..length).unwrap_or_default());
}

pub(super) fn text(out: &mut impl Sink, value: &[u8]) {
    number(out, value.len() as u64);
    out.put(value);
}

pub(super) fn flag(out: &mut impl Sink, value: bool) {
    out.put(&[u8::from(value)]);
}

pub(super) fn optional(out: &mut impl Sink, value: Option<&[u8]>) {
    flag(out, value.is_some());
    if let Some(value) = value {
        text(out, value);
    }
}

/// What is left of a packed form.
#[derive(Debug, Clone, Copy)]
pub(super) struct Input<'a> {
    pub rest: &'a [u8],
}

impl<'a> Input<'a> {
    pub fn octet(&mut self) -> Result<u8, BadIndex> {
        let (&first, rest) = self.rest.split_first().ok_or(BadIndex)?;
        self.rest = rest;
        Ok(first)
    }

    pub fn flag(&mut self) -> Result<bool, BadIndex> {
        match self.octet()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(BadIndex),
        }
    }

    pub fn number(&mut self) -> Result<u64, BadIndex> {
        let mut value = 0u64;
        for shift in (0..63).step_by(7) {
            let octet = self.octet()?;
            value |= u64::from(octet & 0x7f) << shift;
            if octet & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(BadIndex)
    }

    pub fn text(&mut self) -> Result<&'a [u8], BadIndex> {
        let length = usize::try_from(self.number()?).map_err(|_| BadIndex)?;
        let (text, rest) = self.rest.split_at_checked(length).ok_or(BadIndex)?;
        self.rest = rest;
        Ok(text)
    }

    pub fn str(&mut self) -> Result<&'a str, BadIndex> {
        std::str::from_utf8(self.text()?).map_err(|_| BadIndex)
    }

    pub fn string(&mut self) -> Result<String, BadIndex> {
        self.str().map(str::to_owned)
    }

    pub fn optional(&mut self) -> Result<Option<&'a [u8]>, BadIndex> {
        match self.flag()? {
            true => self.text().map(Some),
            false => Ok(None),
        }
    }

    /// A list grows as its entries are read, each of at least one octet: its announced length allocates nothing.
    pub fn list<T>(&mut self, entry: fn(&mut Self) -> Result<T, BadIndex>) -> Result<Vec<T>, BadIndex> {
        let count = self.number()?;
        let mut list = Vec::new();
        for _ in 0..count {
            list.push(entry(self)?);
        }
        Ok(list)
    }

    /// The octets of a list: its announced number of entries, each of which `entry` passes over.
    pub fn entries<T>(&mut self, entry: fn(&mut Self) -> Result<T, BadIndex>) -> Result<&'a [u8], BadIndex> {
        let count = self.number()?;
        let before = self.rest;
        for _ in 0..count {
            entry(self)?;
        }
        Ok(before.get(..before.len() - self.rest.len()).unwrap_or_default())
    }

    /// A range of `length` octets from `start`, inside a message of `size` octets.
    pub fn range(start: u64, length: u64, size: u64) -> Result<Range<u64>, BadIndex> {
        let end = start
            .checked_add(length)
            .filter(|&end| end <= size)
            .ok_or(BadIndex)?;
        Ok(start..end)
    }
}
