//! Atoms, strings and literals.

use std::borrow::Cow;

use super::chars;
use super::cursor::Cursor;
use super::syntax::{Expected, Syntax};

/// How a literal is announced (RFC 3501, 4.3; RFC 7888, 3; RFC 3516, 4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announced {
    /// Its size in octets.
    pub size: u64,
    /// `{n+}`: the client does not wait for a continuation request.
    pub non_sync: bool,
    /// `~{n}`: it may hold NUL.
    pub binary: bool,
}

impl<'a> Cursor<'a> {
    /// `atom = 1*ATOM-CHAR`
    pub fn atom(&mut self) -> Result<&'a str, Syntax> {
        match self.text_while(chars::is_atom) {
            "" => Err(self.error(Expected::Atom)),
            atom => Ok(atom),
        }
    }

    /// `astring = 1*ASTRING-CHAR / string`
    pub fn astring(&mut self) -> Result<Cow<'a, [u8]>, Syntax> {
        self.astring_as(Expected::AString)
    }

    /// An astring that has a name of its own in errors.
    pub fn astring_as(&mut self, expected: Expected) -> Result<Cow<'a, [u8]>, Syntax> {
        self.chars_or_string(chars::is_astring, expected)
    }

    /// An astring of UTF-8.
    pub fn utf8_as(&mut self, expected: Expected) -> Result<Cow<'a, str>, Syntax> {
        let start = self.position();
        let octets = self.astring_as(expected)?;
        utf8(octets).ok_or_else(|| self.error_at(start, Expected::Utf8))
    }

    /// `string = quoted / literal`
    pub fn string(&mut self) -> Result<Cow<'a, [u8]>, Syntax> {
        match self.peek() {
            Some(b'"') => self.quoted(),
            Some(b'{') => self.literal().map(Cow::Borrowed),
            _ => Err(self.error(Expected::String)),
        }
    }

    /// `nstring = string / nil`
    pub fn nstring(&mut self) -> Result<Option<Cow<'a, [u8]>>, Syntax> {
        if self.skip_word("NIL") {
            Ok(None)
        } else {
            self.string().map(Some)
        }
    }

    /// `1*<a class of characters> / string`
    pub(super) fn chars_or_string(
        &mut self,
        class: impl Fn(u8) -> bool,
        expected: Expected,
    ) -> Result<Cow<'a, [u8]>, Syntax> {
        match self.peek() {
            Some(b'"' | b'{') => self.string(),
            _ => match self.take_while(class) {
                [] => Err(self.error(expected)),
                octets => Ok(Cow::Borrowed(octets)),
            },
        }
    }

    /// `quoted = DQUOTE *QUOTED-CHAR DQUOTE`,
    /// `QUOTED-CHAR = <any TEXT-CHAR except quoted-specials> / "\" quoted-specials`
    ///
    /// Octets above 127 are not TEXT-CHAR in IMAP4rev1: such strings travel as literals.
    fn quoted(&mut self) -> Result<Cow<'a, [u8]>, Syntax> {
        self.expect(b'"', Expected::String)?;
        let mut value = Cow::Borrowed(self.take_while(chars::is_quoted));
        loop {
            if self.skip(b'"') {
                return Ok(value);
            }
            self.expect(b'\\', Expected::Quoted)?;
            match self.peek() {
                Some(octet @ (b'"' | b'\\')) if self.skip(octet) => value.to_mut().push(octet),
                _ => return Err(self.error(Expected::Escape)),
            }
            value
                .to_mut()
                .extend_from_slice(self.take_while(chars::is_quoted));
        }
    }

    /// `literal = "{" number ["+"] "}" CRLF *CHAR8` (RFC 3501, 9; RFC 7888, 8), its octets in place.
    fn literal(&mut self) -> Result<&'a [u8], Syntax> {
        let start = self.position();
        let announced = self.announced()?;
        if !(self.skip(b'\r') && self.skip(b'\n')) {
            return Err(self.error_at(start, Expected::Literal));
        }
        let size = usize::try_from(announced.size).unwrap_or(usize::MAX);
        let Some(octets) = self.take(size) else {
            return Err(self.error_at(start, Expected::LiteralOctets));
        };
        if octets.contains(&0) {
            Err(self.error_at(start, Expected::LiteralOctet))
        } else {
            Ok(octets)
        }
    }

    /// The announcement of a literal that is not in place because it streams; the command so far ends with it.
    ///
    /// `literal = "{" number ["+"] "}"`, `literal8 = "~{" number ["+"] "}"` (RFC 3516, 4.4; RFC 7888, 8)
    pub fn literal_announcement(&mut self) -> Result<Announced, Syntax> {
        let start = self.position();
        let binary = self.skip(b'~');
        let announced = self
            .announced()
            .map_err(|_| self.error_at(start, Expected::Literal))?;
        self.end()?;
        Ok(Announced { binary, ..announced })
    }

    /// `"{" number ["+"] "}"`
    fn announced(&mut self) -> Result<Announced, Syntax> {
        let start = self.position();
        let parts = self.skip(b'{').then(|| {
            let size = self.text_while(|octet| octet.is_ascii_digit()).parse().ok();
            let non_sync = self.skip(b'+');
            size.filter(|_| self.skip(b'}')).map(|size| Announced {
                size,
                non_sync,
                binary: false,
            })
        });
        parts
            .flatten()
            .ok_or_else(|| self.error_at(start, Expected::Literal))
    }
}

/// The text of these octets, if they are UTF-8.
pub(super) fn utf8(octets: Cow<'_, [u8]>) -> Option<Cow<'_, str>> {
    match octets {
        Cow::Borrowed(octets) => str::from_utf8(octets).ok().map(Cow::Borrowed),
        Cow::Owned(octets) => String::from_utf8(octets).ok().map(Cow::Owned),
    }
}
