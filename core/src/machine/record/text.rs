//! How values are written in a record: words with a space between them, on one line; and how they are read again.
//!
//! A value is its fields in order, an enum's value begins with the variant's name. Numbers are decimal, texts and octets stand in
//! quotation marks, keys are hexadecimal. Reading knows what to expect, so nothing is named twice.

use std::fmt::{Display, Write as _};
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;

use crate::machine::Secret;
use crate::store::View;

/// What should have stood there.
pub type Expected = &'static str;

/// A value that a record can hold.
pub trait Recordable: Sized {
    /// Appends its words.
    fn write(&self, out: &mut Writer);
    /// Takes its words off the front. Errors: what should have stood there.
    fn read(from: &mut Reader<'_>) -> Result<Self, Expected>;
}

/// Writes words up to a budget. What does not fit is not written, and nothing after it.
#[derive(Debug, Default)]
pub struct Writer {
    text: String,
    max: usize,
    full: bool,
    /// The view written last: the next one is written as what has changed since.
    pub(super) view: Option<Arc<View>>,
}

impl Writer {
    /// A writer of at most `max` octets.
    pub fn new(max: usize) -> Self {
        Self {
            max,
            ..Self::default()
        }
    }

    /// Appends one word and the space behind it.
    pub fn word(&mut self, word: impl Display) {
        let before = self.text.len();
        // Writing into a string never fails.
        let _ = write!(self.text, "{word} ");
        self.full |= self.text.len() > self.max;
        if self.full {
            self.text.truncate(before);
        }
    }

    /// Ends a line.
    pub fn end_line(&mut self) {
        if self.text.ends_with(' ') {
            self.text.pop();
        }
        self.text.push('\n');
    }

    /// Whether something did not fit.
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// Forgets everything behind the first `len` octets, and the view.
    pub fn cut(&mut self, len: usize) {
        self.text.truncate(len);
        self.text.shrink_to_fit();
        self.view = None;
    }

    /// Lets less be written from now on.
    pub fn lower(&mut self, max: usize) {
        self.max = self.max.min(max);
    }

    /// What is there.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// A value's words, however many.
pub fn words(value: &impl Recordable) -> String {
    let mut out = Writer::new(usize::MAX);
    value.write(&mut out);
    out.text.pop();
    out.text
}

/// Reads words.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a str,
    pub(super) view: Option<Arc<View>>,
}

impl<'a> Reader<'a> {
    /// Reads a line.
    pub fn new(line: &'a str) -> Self {
        Self {
            rest: line,
            view: None,
        }
    }

    /// The next line of the same record.
    pub fn line(&mut self, line: &'a str) {
        self.rest = line;
    }

    /// All that is left of the line.
    pub fn rest(&mut self) -> &'a str {
        std::mem::take(&mut self.rest)
    }

    /// The next word; empty at the end.
    pub fn word(&mut self) -> &'a str {
        let (word, rest) = self.rest.split_once(' ').unwrap_or((self.rest, ""));
        self.rest = rest;
        word
    }

    /// Whether the next word is this one; if so, it is taken.
    pub fn skip(&mut self, word: &str) -> bool {
        let rest = self.rest;
        let found = self.word() == word;
        if !found {
            self.rest = rest;
        }
        found
    }

    /// The next quoted octets.
    pub fn quoted(&mut self) -> Result<Vec<u8>, Expected> {
        const QUOTED: Expected = "octets in quotation marks";
        let inner = self.rest.strip_prefix('"').ok_or(QUOTED)?;
        let mut octets = Vec::new();
        let mut chars = inner.bytes().enumerate();
        while let Some((at, octet)) = chars.next() {
            octets.push(match octet {
                b'"' => {
                    let rest = inner.get(at + 1..).unwrap_or_default();
                    self.rest = rest.strip_prefix(' ').unwrap_or(rest);
                    return Ok(octets);
                }
                b'\\' => escaped(&mut chars.by_ref().map(|(_, octet)| octet)).ok_or(QUOTED)?,
                octet => octet,
            });
        }
        Err(QUOTED)
    }

    /// Errors: something is left on the line.
    pub fn end(&self) -> Result<(), Expected> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err("the end of the line")
        }
    }
}

/// What stands behind a backslash.
fn escaped(from: &mut impl Iterator<Item = u8>) -> Option<u8> {
    match from.next()? {
        b'r' => Some(b'\r'),
        b'n' => Some(b'\n'),
        b't' => Some(b'\t'),
        b'x' => {
            let (high, low) = (digit(from.next()?)?, digit(from.next()?)?);
            Some(high << 4 | low)
        }
        octet @ (b'"' | b'\\' | b'\'') => Some(octet),
        _ => None,
    }
}

fn digit(octet: u8) -> Option<u8> {
    char::from(octet)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

/// Octets in quotation marks, in ASCII.
pub struct Quoted<'a>(pub &'a [u8]);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

macro_rules! numbers {
    ($($type:ty)*) => {$(
        impl Recordable for $type {
            fn write(&self, out: &mut Writer) {
                out.word(self);
            }

            fn read(from: &mut Reader<'_>) -> Result<Self, Expected> {
                from.word().parse().map_err(|_| concat!("a number (", stringify!($type), ")"))
            }
        }
    )*};
}

numbers!(i8 u8 u16 u32 u64 usize i64);

impl Recordable for bool {
    fn write(&self, out: &mut Writer) {
        out.word(if *self { "yes" } else { "no" });
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Expected> {
        match from.word() {
            "yes" => Ok(true),
            "no" => Ok(false),
            _ => Err("yes or no"),
        }
    }
}

impl Recordable for Vec<u8> {
    fn write(&self, out: &mut Writer) {
        out.word(Quoted(self));
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Expected> {
        from.quoted()
    }
}

impl Recordable for Bytes {
    fn write(&self, out: &mut Writer) {
        out.word(Quoted(self));
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Expected> {
        from.quoted().map(Bytes::from)
    }
}

impl Recordable for String {
    fn write(&self, out: &mut Writer) {
        out.word(Quoted(self.as_bytes()));
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Expected> {
        String::from_utf8(from.quoted()?).map_err(|_| "text in UTF-8")
    }
}

impl Recordable for Secret {
    /// Masked, at equal length.
    fn write(&self, out: &mut Writer) {
        out.word(Quoted(super::mask::secret(&self.0).as_bytes()));
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Expected> {
        String::read(from).map(Secret)
    }
}

impl Recordable for IpAddr {
    fn write(&self, out: &mut Writer) {
        out.word(self);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Expected> {
        from.word().parse().map_err(|_| "an address")
    }
}

impl<const N: usize> Recordable for [u8; N] {
    fn write(&self, out: &mut Writer) {
        let hex = self.iter().fold(String::new(), |mut hex, octet| {
            let _ = write!(hex, "{octet:02x}");
            hex
        });
        out.word(hex);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Expected> {
        const KEY: Expected = "a key in hexadecimal";
        let word = from.word().as_bytes();
        let mut key = [0; N];
        if word.len() != 2 * N {
            return Err(KEY);
        }
        for (to, pair) in key.iter_mut().zip(word.chunks_exact(2)) {
            let &[high, low] = pair else { return Err(KEY) };
            *to = digit(high)
                .zip(digit(low))
                .map(|(high, low)| high << 4 | low)
                .ok_or(KEY)?;
        }
        Ok(key)
    }
}

impl<T: Recordable> Recordable for Option<T> {
    fn write(&self, out: &mut Writer) {
        match self {
            Some(value) => value.write(out),
            None => out.word("-"),
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Expected> {
        if from.skip("-") {
            Ok(None)
        } else {
            T::read(from).map(Some)
        }
    }
}

/// How many, then each. Octets have a form of their own.
macro_rules! lists {
    ($($type:ty)*) => {$(
        impl Recordable for Vec<$type> {
            fn write(&self, out: &mut Writer) {
                out.word(self.len());
                self.iter().take_while(|value| {
                    value.write(out);
                    !out.is_full()
                }).for_each(drop);
            }

            fn read(from: &mut Reader<'_>) -> Result<Self, Expected> {
                (0..usize::read(from)?).map(|_| <$type>::read(from)).collect()
            }
        }
    )*};
}

/// Each field in order.
macro_rules! structs {
    ($($name:ty { $($field:tt),* $(,)? })*) => {$(
        impl Recordable for $name {
            fn write(&self, out: &mut Writer) {
                $(self.$field.write(out);)*
            }

            fn read(from: &mut Reader<'_>) -> Result<Self, Expected> {
                Ok(Self { $($field: Recordable::read(from)?),* })
            }
        }
    )*};
}

/// The variant's name, then each field.
macro_rules! enums {
    ($($name:ty { $($variant:ident $({ $($field:tt: $value:ident),* })?),* $(,)? })*) => {$(
        impl Recordable for $name {
            fn write(&self, out: &mut Writer) {
                match self {
                    $(Self::$variant $({ $($field: $value),* })? => {
                        out.word(stringify!($variant));
                        $($($value.write(out);)*)?
                    })*
                }
            }

            fn read(from: &mut Reader<'_>) -> Result<Self, Expected> {
                let variant = from.word();
                $(if variant == stringify!($variant) {
                    return Ok(Self::$variant $({ $($field: Recordable::read(from)?),* })?);
                })*
                Err(concat!("a ", stringify!($name)))
            }
        }
    )*};
}

pub(crate) use {enums, lists, structs};
