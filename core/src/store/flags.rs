//! Flags: five system bits and up to 57 keyword bits in one integer.

use std::fmt;
use std::ops::{BitAnd, BitOr, Not};

use super::{Budget, Refusal};

/// A message's flags: bits 0 to 4 are the system flags, bit `5 + n` the keyword `n` of its mailbox's [`Keywords`].
/// `\Recent` is not among them: it belongs to a session (RFC 3501, 2.3.2).
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Flags(pub u64);

/// A system flag (RFC 3501, 2.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flag {
    /// `\Seen`
    Seen,
    /// `\Answered`
    Answered,
    /// `\Flagged`
    Flagged,
    /// `\Deleted`
    Deleted,
    /// `\Draft`
    Draft,
}

impl Flag {
    /// All of them, in bit order.
    pub const ALL: [Flag; 5] = [
        Flag::Seen,
        Flag::Answered,
        Flag::Flagged,
        Flag::Deleted,
        Flag::Draft,
    ];

    /// As it is written, with its backslash.
    pub fn name(self) -> &'static str {
        match self {
            Flag::Seen => "\\Seen",
            Flag::Answered => "\\Answered",
            Flag::Flagged => "\\Flagged",
            Flag::Deleted => "\\Deleted",
            Flag::Draft => "\\Draft",
        }
    }
}

impl From<Flag> for Flags {
    fn from(flag: Flag) -> Self {
        Flags(match flag {
            Flag::Seen => 1,
            Flag::Answered => 2,
            Flag::Flagged => 4,
            Flag::Deleted => 8,
            Flag::Draft => 16,
        })
    }
}

impl Flags {
    /// No flag.
    pub const NONE: Flags = Flags(0);
    /// All five system flags.
    pub const SYSTEM: Flags = Flags(31);

    /// Whether every flag of `other` is set here.
    pub fn has(self, other: impl Into<Flags>) -> bool {
        let other = other.into().0;
        self.0 & other == other
    }

    /// The bit of keyword `n`.
    pub fn keyword(n: usize) -> Flags {
        Flags(if n < Keywords::MAX { 1 << (5 + n) } else { 0 })
    }
}

impl BitOr for Flags {
    type Output = Flags;
    fn bitor(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}

impl BitAnd for Flags {
    type Output = Flags;
    fn bitand(self, other: Flags) -> Flags {
        Flags(self.0 & other.0)
    }
}

impl Not for Flags {
    type Output = Flags;
    fn not(self) -> Flags {
        Flags(!self.0)
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Flags({:#b})", self.0)
    }
}

/// A keyword: an atom of 1 to 50 characters, not beginning with a backslash (`flag-keyword = atom`, RFC 3501, 9).
/// Compared without regard to ASCII case; the first spelling is kept.
#[derive(Clone, Debug)]
pub struct Keyword(String);

impl Keyword {
    /// The most characters of a keyword.
    pub const LEN_MAX: usize = 50;

    /// `None` if `name` is no atom, or too long.
    pub fn new(name: &str) -> Option<Self> {
        let atom = |c: u8| c.is_ascii_graphic() && !br#"(){%*"\]"#.contains(&c);
        let fits = (1..=Self::LEN_MAX).contains(&name.len()) && name.bytes().all(atom);
        fits.then(|| Self(name.to_owned()))
    }

    /// As it was first spelled.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PartialEq for Keyword {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Keyword {}

/// The keywords of one mailbox: an append-only list, so that bit `n` never changes its meaning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keywords(Vec<Keyword>);

impl Keywords {
    /// The most keywords of one mailbox: what 62 bits hold beside the system flags.
    pub const MAX: usize = 57;

    /// Reads the stored form: names with a space between them. What is no keyword is a damaged row.
    pub fn from_stored(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let names: Option<Vec<_>> = text
            .split(' ')
            .filter(|name| !name.is_empty())
            .map(Keyword::new)
            .collect();
        names.filter(|names| names.len() <= Self::MAX).map(Self)
    }

    /// The stored form.
    pub fn to_stored(&self) -> String {
        self.names().collect::<Vec<_>>().join(" ")
    }

    /// The names, in bit order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(Keyword::as_str)
    }

    /// The bit of a keyword, if this mailbox has it.
    pub fn find(&self, keyword: &Keyword) -> Option<Flags> {
        self.0
            .iter()
            .position(|known| known == keyword)
            .map(Flags::keyword)
    }

    /// The bit of a keyword, appended if it is new; `None` when the list is full.
    pub fn find_or_add(&mut self, keyword: &Keyword) -> Option<Flags> {
        self.find(keyword).or_else(|| {
            (self.0.len() < Self::MAX).then(|| {
                self.0.push(keyword.clone());
                Flags::keyword(self.0.len() - 1)
            })
        })
    }

    /// The bits of some keywords; new ones are appended. Errors: `Limit(Keywords)` when the list is full.
    pub fn find_or_add_all<'a>(
        &mut self,
        keywords: impl IntoIterator<Item = &'a Keyword>,
    ) -> Result<Flags, Refusal> {
        keywords.into_iter().try_fold(Flags::NONE, |bits, keyword| {
            let bit = self
                .find_or_add(keyword)
                .ok_or(Refusal::Limit(Budget::Keywords))?;
            Ok(bits | bit)
        })
    }

    /// Flags whose keyword bits mean what `from` says, in the bits of this list; keywords that are not here are left out.
    pub fn translate(&self, flags: Flags, from: &Keywords) -> Flags {
        let keywords = from
            .of(flags)
            .filter_map(Keyword::new)
            .filter_map(|keyword| self.find(&keyword));
        keywords.fold(flags & Flags::SYSTEM, |flags, bit| flags | bit)
    }

    /// The names of the keyword bits set in `flags`.
    pub fn of(&self, flags: Flags) -> impl Iterator<Item = &str> {
        self.names()
            .enumerate()
            .filter(move |(n, _)| flags.has(Flags::keyword(*n)))
            .map(|(_, name)| name)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
