//! What is wrong with a command: the place, what would have been right, what stands there.

use std::fmt;

use super::modseq::ResyncExpected;
use crate::store::{BadName, Keyword, MailboxName};

/// A command that the grammar does not know. Prints as `expected a mailbox name at octet 14, found ")"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Syntax {
    /// Where, in octets from the start of the command; its first octet is 1.
    pub at: usize,
    /// What would have been right.
    pub expected: Expected,
    /// What stands there.
    pub found: Found,
}

impl Syntax {
    /// The same without the octets found, for places where they may belong to a password.
    pub fn withheld(self) -> Self {
        Self {
            found: Found::Withheld,
            ..self
        }
    }
}

impl fmt::Display for Syntax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {} at octet {}", self.expected, self.at)?;
        match &self.found {
            Found::End => f.write_str(", found the end"),
            Found::Text(text) => write!(f, ", found \"{text}\""),
            Found::Withheld => Ok(()),
        }
    }
}

impl std::error::Error for Syntax {}

/// What stands where something else was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// The command ends there.
    End,
    /// The word there, escaped to printable ASCII and cut behind [`Found::LEN_MAX`] characters.
    Text(String),
    /// It may belong to a password.
    Withheld,
}

impl Found {
    /// The most characters of an escaped text.
    pub const LEN_MAX: usize = 20;

    /// The word that `rest` begins with.
    pub(super) fn in_front_of(rest: &[u8]) -> Self {
        let Some(&first) = rest.first() else {
            return Found::End;
        };
        let delimiter = |octet: &u8| matches!(octet, b' ' | b'(' | b')' | b'\r' | b'\n');
        let more = if delimiter(&first) {
            0
        } else {
            rest.iter().skip(1).take_while(|o| !delimiter(o)).count()
        };
        let mut text = String::new();
        for &octet in rest.iter().take(1 + more) {
            let escaped = std::ascii::escape_default(octet);
            if text.len() + escaped.len() > Self::LEN_MAX {
                text.push_str("...");
                break;
            }
            text.extend(escaped.map(char::from));
        }
        Found::Text(text)
    }
}

/// What would have been right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// `tag`
    Tag,
    /// The name of a command.
    Command,
    /// `SP`, exactly one.
    Space,
    /// Nothing more.
    End,
    /// `(`
    Open,
    /// `)`
    Close,
    /// A space or `)`: the list goes on or ends.
    NextOrClose,
    /// `atom`
    Atom,
    /// `astring`
    AString,
    /// `string`
    String,
    /// What may follow in a quoted string.
    Quoted,
    /// What may follow a `\` in a quoted string.
    Escape,
    /// `literal`, in its announcement.
    Literal,
    /// As many octets as a literal has announced.
    LiteralOctets,
    /// Octets of a literal, none of which is NUL.
    LiteralOctet,
    /// UTF-8.
    Utf8,
    /// US-ASCII: the charset of a SEARCH that names none.
    UsAscii,
    /// `mailbox`
    Mailbox,
    /// Modified UTF-7 (RFC 3501, 5.1.3).
    Utf7,
    /// A mailbox name without this fault.
    Name(BadName),
    /// `list-mailbox`
    ListPattern,
    /// `number`
    Number,
    /// `nz-number`
    NzNumber,
    /// `sequence-set`
    SequenceSet,
    /// A system flag that a client may set, or a keyword.
    Flag,
    /// A system flag that a client may set.
    SystemFlag,
    /// `flag-keyword`
    Keyword,
    /// `store-att-flags`
    StoreItem,
    /// `fetch-att`
    FetchItem,
    /// `section-spec`
    Section,
    /// `section-text` behind a part's number.
    SectionText,
    /// `]`
    SectionEnd,
    /// A partial, from `<` to `>`.
    Partial,
    /// `header-fld-name`
    FieldName,
    /// `search-key`
    SearchKey,
    /// `search-return-opt`
    SearchReturn,
    /// A charset that SEARCH knows: the answer is `NO [BADCHARSET (US-ASCII UTF-8)]`.
    Charset,
    /// `date`
    Date,
    /// `date-time`
    DateTime,
    /// `status-att`
    StatusItem,
    /// `objectid`
    ObjectId,
    /// `preview-mod`
    PreviewModifier,
    /// `list-select-opt`
    SelectOption,
    /// What RECURSIVEMATCH needs beside it.
    BaseOption,
    /// `list-return-opts`
    Return,
    /// `return-option`
    ReturnOption,
    /// `auth-type`
    Mechanism,
    /// `initial-resp`
    InitialResponse,
    /// A user name: an astring of UTF-8 without NUL.
    UserName,
    /// A password: an astring of UTF-8 without NUL.
    Password,
    /// The parameters of ID: a list or NIL.
    IdParameters,
    /// What belongs to MODSEQs.
    Resync(ResyncExpected),
    /// At most so many of something.
    AtMost(usize, &'static str),
}

/// What a mailbox name would have to be.
fn name(f: &mut fmt::Formatter<'_>, bad: &BadName) -> fmt::Result {
    match bad {
        BadName::Empty => f.write_str("a mailbox name without an empty level"),
        BadName::BadCharacter => f.write_str("a mailbox name without control characters, \"%\" and \"*\""),
        BadName::TooLong => {
            let (name, level) = (MailboxName::LEN_MAX, MailboxName::LEVEL_LEN_MAX);
            write!(
                f,
                "a mailbox name of at most {name} octets, {level} in each level,"
            )
        }
        BadName::TooDeep => write!(f, "a mailbox name of at most {} levels", MailboxName::DEPTH_MAX),
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Expected::Tag => "a tag",
            Expected::Command => "a command",
            Expected::Space => "a space",
            Expected::End => "the end of the command",
            Expected::Open => "\"(\"",
            Expected::Close => "\")\"",
            Expected::NextOrClose => "a space or \")\"",
            Expected::Atom => "an atom",
            Expected::AString => "an atom or a string",
            Expected::String => "a string",
            Expected::Quoted => "a 7-bit character or the closing quote",
            Expected::Escape => "a quote or a backslash",
            Expected::Literal => "a literal",
            Expected::LiteralOctets => "as many octets as the literal announces",
            Expected::LiteralOctet => "a literal without NUL",
            Expected::Utf8 => "UTF-8",
            Expected::UsAscii => "US-ASCII, since no other charset is named,",
            Expected::Mailbox => "a mailbox name",
            Expected::Utf7 => "a mailbox name in modified UTF-7",
            Expected::Name(bad) => return name(f, bad),
            Expected::ListPattern => "a mailbox name or pattern",
            Expected::Number => "a number below 4294967296",
            Expected::NzNumber => "a number from 1 to 4294967295",
            Expected::SequenceSet => "a sequence set",
            Expected::Flag => "a flag",
            Expected::SystemFlag => "one of \\Answered, \\Flagged, \\Deleted, \\Seen, \\Draft",
            Expected::Keyword => return write!(f, "a keyword of at most {} characters", Keyword::LEN_MAX),
            Expected::StoreItem => "FLAGS, +FLAGS or -FLAGS, with or without .SILENT,",
            Expected::FetchItem => "a FETCH item",
            Expected::Section => "a section",
            Expected::SectionText => "HEADER, HEADER.FIELDS, TEXT or MIME",
            Expected::SectionEnd => "\"]\"",
            Expected::Partial => "a partial like <0.1024>",
            Expected::FieldName => "the name of a header field",
            Expected::SearchKey => "a SEARCH key",
            Expected::SearchReturn => "MIN, MAX, ALL or COUNT",
            Expected::Charset => "the charset US-ASCII or UTF-8",
            Expected::Date => "a date like 1-Feb-2026",
            Expected::DateTime => "a date and time like \"01-Feb-2026 09:00:00 +0100\"",
            Expected::StatusItem => "a STATUS item",
            Expected::ObjectId => "an object id of at most 255 letters, digits, \"_\" and \"-\"",
            Expected::PreviewModifier => "LAZY",
            Expected::SelectOption => "SUBSCRIBED, REMOTE, RECURSIVEMATCH or SPECIAL-USE",
            Expected::BaseOption => "SUBSCRIBED beside RECURSIVEMATCH",
            Expected::Return => "RETURN",
            Expected::ReturnOption => "SUBSCRIBED, CHILDREN, SPECIAL-USE or STATUS",
            Expected::Mechanism => "the name of a SASL mechanism",
            Expected::InitialResponse => "an initial response in base64",
            Expected::UserName => "a user name",
            Expected::Password => "a password",
            Expected::IdParameters => "a list of names and values, or NIL",
            Expected::Resync(expected) => return expected.fmt(f),
            Expected::AtMost(most, what) => return write!(f, "at most {most} {what}"),
        })
    }
}
