//! Mailbox names: hierarchy, limits, special uses.

use std::fmt;

use sha2::{Digest, Sha256};

/// The hierarchy separator of mailbox names.
pub const SEPARATOR: char = '/';

/// A mailbox name in canonical form: UTF-8, levels separated by `/`, `INBOX` in capitals when it is the first level.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MailboxName(String);

/// Why a name is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadName {
    /// It is empty, or one of its levels is.
    Empty,
    /// More than 1,000 octets in all or 255 in a level.
    TooLong,
    /// More than 32 levels.
    TooDeep,
    /// It holds a control character or one of `%`, `*`, which LIST could not tell from a wildcard.
    BadCharacter,
}

impl fmt::Display for BadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BadName::Empty => "a level of it is empty",
            BadName::TooLong => "it has more than 1,000 octets, or a level more than 255",
            BadName::TooDeep => "it has more than 32 levels",
            BadName::BadCharacter => "it holds a control character, or one of % and *",
        })
    }
}

impl MailboxName {
    /// The most octets of a name.
    pub const LEN_MAX: usize = 1000;
    /// The most octets of one level.
    pub const LEVEL_LEN_MAX: usize = 255;
    /// The most levels.
    pub const DEPTH_MAX: usize = 32;

    /// Checks a name and makes it canonical. `INBOX` is recognised without regard to case (RFC 3501, 5.1).
    pub fn new(name: &str) -> Result<Self, BadName> {
        if name.len() > Self::LEN_MAX {
            return Err(BadName::TooLong);
        }
        if name
            .chars()
            .any(|c| c.is_control() || matches!(c, '%' | '*' | '\u{2028}' | '\u{2029}' | '\u{feff}'))
        {
            return Err(BadName::BadCharacter);
        }
        let mut levels = 0;
        for level in name.split(SEPARATOR) {
            levels += 1;
            match level.len() {
                0 => return Err(BadName::Empty),
                1..=Self::LEVEL_LEN_MAX => {}
                _ => return Err(BadName::TooLong),
            }
        }
        if levels > Self::DEPTH_MAX {
            return Err(BadName::TooDeep);
        }
        let (first, rest) = name.split_at(name.find(SEPARATOR).unwrap_or(name.len()));
        Ok(Self(if first.eq_ignore_ascii_case("INBOX") {
            format!("INBOX{rest}")
        } else {
            name.to_owned()
        }))
    }

    /// The mailbox that every account has.
    pub fn inbox() -> Self {
        Self("INBOX".to_owned())
    }

    /// Whether this is INBOX itself.
    pub fn is_inbox(&self) -> bool {
        self.0 == "INBOX"
    }

    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The unique key of a name within an account: exact, whatever a database's collation thinks.
    pub fn hash(&self) -> [u8; 16] {
        let mut short = [0; 16];
        short
            .iter_mut()
            .zip(Sha256::digest(&self.0))
            .for_each(|(to, from)| *to = from);
        short
    }

    /// The names above this one, outermost first.
    pub fn superiors(&self) -> impl Iterator<Item = MailboxName> + '_ {
        self.0
            .match_indices(SEPARATOR)
            .filter_map(|(at, _)| self.0.get(..at))
            .map(|name| Self(name.to_owned()))
    }

    /// Whether this name lies below `other`.
    pub fn is_below(&self, other: &MailboxName) -> bool {
        self.0
            .strip_prefix(&other.0)
            .is_some_and(|rest| rest.starts_with(SEPARATOR))
    }

    /// What this name becomes when `from` is renamed to `to`: `to` itself for `from`, else as [`MailboxName::moved`].
    pub fn renamed(&self, from: &MailboxName, to: &MailboxName) -> Option<Self> {
        if self == from {
            Some(to.clone())
        } else {
            self.moved(from, to)
        }
    }

    /// This name with the superior `from` replaced by `to`; `None` unless it lies below `from` and the result is a name.
    pub fn moved(&self, from: &MailboxName, to: &MailboxName) -> Option<Self> {
        self.is_below(from)
            .then(|| self.0.strip_prefix(&from.0))
            .flatten()
            .and_then(|rest| Self::new(&format!("{to}{rest}")).ok())
    }
}

impl fmt::Display for MailboxName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for MailboxName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// What a mailbox is for (RFC 6154, 2). The number is what is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpecialUse {
    /// `\Drafts`
    Drafts = 1,
    /// `\Sent`
    Sent = 2,
    /// `\Junk`
    Junk = 3,
    /// `\Trash`
    Trash = 4,
    /// `\Archive`
    Archive = 5,
}

impl SpecialUse {
    /// The mailboxes made for a new account beside INBOX.
    pub const ALL: [SpecialUse; 5] = [
        SpecialUse::Drafts,
        SpecialUse::Sent,
        SpecialUse::Junk,
        SpecialUse::Trash,
        SpecialUse::Archive,
    ];

    /// As LIST writes it.
    pub fn attribute(self) -> &'static str {
        match self {
            SpecialUse::Drafts => "\\Drafts",
            SpecialUse::Sent => "\\Sent",
            SpecialUse::Junk => "\\Junk",
            SpecialUse::Trash => "\\Trash",
            SpecialUse::Archive => "\\Archive",
        }
    }

    /// The name of the mailbox made for a new account.
    pub fn default_name(self) -> &'static str {
        self.attribute().trim_start_matches('\\')
    }

    /// From the stored number; 0 and unknown numbers are no special use.
    pub fn from_stored(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|&special| special as i64 == number)
    }
}
