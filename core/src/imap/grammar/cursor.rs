//! A place in a command: what stands there, and the small steps that all parsers share.
//!
//! The command is one contiguous slice with its literals in place and without the line end that closes it. A cursor never
//! goes back, never copies, and does not recurse; what it returns borrows from the command wherever it can.

use super::chars;
use super::syntax::{Expected, Found, Syntax};

/// A place in a command.
#[derive(Clone, Debug)]
pub struct Cursor<'a> {
    command: &'a [u8],
    at: usize,
    depth: usize,
}

impl<'a> Cursor<'a> {
    /// The most parentheses open at one time.
    pub const DEPTH_MAX: usize = 32;

    /// The start of a command.
    pub fn new(command: &'a [u8]) -> Self {
        Self {
            command,
            at: 0,
            depth: 0,
        }
    }

    /// The tag that the command begins with.
    pub fn tag(&self) -> &'a str {
        Self::new(self.command).text_while(chars::is_tag)
    }

    /// How many octets lie behind.
    pub fn position(&self) -> usize {
        self.at
    }

    /// What lies ahead.
    pub fn rest(&self) -> &'a [u8] {
        self.command.get(self.at..).unwrap_or_default()
    }

    /// The next octet.
    pub fn peek(&self) -> Option<u8> {
        self.command.get(self.at).copied()
    }

    /// An error at this place.
    pub fn error(&self, expected: Expected) -> Syntax {
        self.error_at(self.at, expected)
    }

    /// An error at an earlier place, as [`Cursor::position`] gave it.
    pub fn error_at(&self, at: usize, expected: Expected) -> Syntax {
        let found = Found::in_front_of(self.command.get(at..).unwrap_or_default());
        Syntax {
            at: at + 1,
            expected,
            found,
        }
    }

    /// Goes past `octet` if it is next.
    pub fn skip(&mut self, octet: u8) -> bool {
        let here = self.peek() == Some(octet);
        self.at += usize::from(here);
        here
    }

    /// Goes past `octet`, or fails.
    pub fn expect(&mut self, octet: u8, expected: Expected) -> Result<(), Syntax> {
        if self.skip(octet) {
            Ok(())
        } else {
            Err(self.error(expected))
        }
    }

    /// `SP`: exactly one space. Two are an error, as RFC 3501, 9 (2) wants.
    pub fn sp(&mut self) -> Result<(), Syntax> {
        self.expect(b' ', Expected::Space)
    }

    /// The command ends here. A space before the line end is an error too.
    pub fn end(&self) -> Result<(), Syntax> {
        if self.rest().is_empty() {
            Ok(())
        } else {
            Err(self.error(Expected::End))
        }
    }

    /// `(`, counted against [`Cursor::DEPTH_MAX`].
    pub fn open(&mut self) -> Result<(), Syntax> {
        if self.peek() == Some(b'(') && self.depth >= Self::DEPTH_MAX {
            return Err(self.error(Expected::AtMost(Self::DEPTH_MAX, "open parentheses")));
        }
        self.expect(b'(', Expected::Open)?;
        self.depth += 1;
        Ok(())
    }

    /// `)`
    pub fn close(&mut self) -> Result<(), Syntax> {
        self.expect(b')', Expected::Close)?;
        self.depth = self.depth.saturating_sub(1);
        Ok(())
    }

    /// The octets from here on that satisfy `fits`; perhaps none.
    pub fn take_while(&mut self, fits: impl Fn(u8) -> bool) -> &'a [u8] {
        let len = self.rest().iter().take_while(|&&octet| fits(octet)).count();
        self.take(len).unwrap_or_default()
    }

    /// The next `len` octets; `None` if there are fewer.
    pub fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let taken = self.rest().get(..len)?;
        self.at += len;
        Some(taken)
    }

    /// The same of ASCII, as text; what is not ASCII ends it.
    pub(super) fn text_while(&mut self, fits: impl Fn(u8) -> bool) -> &'a str {
        str::from_utf8(self.take_while(|octet| octet.is_ascii() && fits(octet))).unwrap_or_default()
    }

    /// A word of letters, digits, `.` and `-`, as all names of items, keys and options are; perhaps empty.
    pub fn word(&mut self) -> &'a str {
        self.text_while(chars::is_word)
    }

    /// The next word, left where it is.
    pub fn peek_word(&self) -> &'a str {
        self.clone().word()
    }

    /// Goes past a word if it is next, whatever its case.
    pub fn skip_word(&mut self, word: &str) -> bool {
        let here = self.peek_word().eq_ignore_ascii_case(word);
        self.at += if here { word.len() } else { 0 };
        here
    }

    /// `"(" item *(SP item) ")"`: at most `most` of `what`; none only if `empty` allows it.
    pub fn list<T>(
        &mut self,
        empty: bool,
        (most, what): (usize, &'static str),
        mut item: impl FnMut(&mut Self) -> Result<T, Syntax>,
    ) -> Result<Vec<T>, Syntax> {
        self.open()?;
        let mut items = Vec::new();
        if empty && self.peek() == Some(b')') {
            self.close()?;
            return Ok(items);
        }
        loop {
            if items.len() == most {
                return Err(self.error(Expected::AtMost(most, what)));
            }
            items.push(item(self)?);
            match self.peek() {
                Some(b')') => break,
                Some(b' ') => self.sp()?,
                _ => return Err(self.error(Expected::NextOrClose)),
            }
        }
        self.close()?;
        Ok(items)
    }
}
