//! What IMAP arguments mean once they are parsed. The grammar makes these values, the commands use them.

use crate::store::set::{SequenceSet, UidSet};
use crate::store::{Flag, Keyword, ModSeq};
use crate::wire::date::Day;

/// One thing that FETCH tells of a message (`fetch-att`, RFC 3501, 9).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FetchItem {
    /// `FLAGS`
    Flags,
    /// `UID`
    Uid,
    /// `INTERNALDATE`
    InternalDate,
    /// `RFC822.SIZE`
    Size,
    /// `MODSEQ` (RFC 7162, 3.1.4.2)
    ModSeq,
    /// `ENVELOPE`
    Envelope,
    /// `BODY` without a section: BODYSTRUCTURE without extension data
    Body,
    /// `BODYSTRUCTURE`
    BodyStructure,
    /// `BODY[section]<partial>`, `BODY.PEEK[…]`, `RFC822`, `RFC822.HEADER`, `RFC822.TEXT`
    Section(BodySection),
    /// `BINARY[part]<partial>` and `BINARY.PEEK[…]` (RFC 3516, 4.2)
    Binary(BinarySection),
    /// `BINARY.SIZE[part]` (RFC 3516, 4.2), by the numbers of the part
    BinarySize(Vec<u32>),
    /// `SAVEDATE` (RFC 8514, 4.2)
    SaveDate,
    /// `EMAILID` (RFC 8474, 5.3)
    EmailId,
    /// `THREADID` (RFC 8474, 5.3)
    ThreadId,
    /// `PREVIEW` (RFC 8970, 3.1), with LAZY or without
    Preview,
}

/// A part of a message with its transfer encoding taken off.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BinarySection {
    /// Which part, by its numbers; empty: the message, as it is.
    pub part: Vec<u32>,
    /// `<offset.length>` of what it decodes to.
    pub partial: Option<Partial>,
    /// Whether `\Seen` stays as it is.
    pub peek: bool,
}

/// A piece of a message's octets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BodySection {
    /// Which part, by its numbers (`BODY[1.2…]`); empty: the message itself.
    pub part: Vec<u32>,
    /// What of that part.
    pub text: SectionText,
    /// `<offset.length>`
    pub partial: Option<Partial>,
    /// Whether `\Seen` stays as it is.
    pub peek: bool,
    /// How the response names it.
    pub spelling: Spelling,
}

/// What of a part is meant (`section-text`, RFC 3501, 9).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SectionText {
    /// All of it: the whole message for an empty part, else the part's body.
    Whole,
    /// `HEADER`
    Header,
    /// `HEADER.FIELDS (…)` and `HEADER.FIELDS.NOT (…)`
    HeaderFields {
        /// As they were written; compared without regard to ASCII case.
        names: Vec<String>,
        /// All but these.
        not: bool,
    },
    /// `TEXT`
    Text,
    /// `MIME`
    Mime,
}

/// `<offset.length>` (RFC 3501, 6.4.5); in octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Partial {
    /// Where it begins.
    pub offset: u32,
    /// At most how many; never 0.
    pub length: u32,
}

/// How a FETCH response names a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Spelling {
    /// `BODY[…]`
    Body,
    /// `RFC822`
    Rfc822,
    /// `RFC822.HEADER`
    Rfc822Header,
    /// `RFC822.TEXT`
    Rfc822Text,
}

/// A SEARCH as a postfix program: keys push a truth, operators take theirs from the stack. So neither the parser nor the
/// evaluation recurses on input.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct SearchProgram {
    /// Never empty once parsed; leaves exactly one truth.
    pub ops: Vec<SearchOp>,
}

/// One step of a [`SearchProgram`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SearchOp {
    /// Pushes whether the message has this.
    Key(SearchKey),
    /// Turns the last truth around.
    Not,
    /// Of the last two.
    Or,
    /// Of the last two.
    And,
}

/// One condition (`search-key`, RFC 3501, 6.4.4). `ANSWERED` and `UNANSWERED` are one key with two polarities, and so on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SearchKey {
    /// `ALL`
    All,
    /// A sequence set.
    Numbers(SequenceSet),
    /// `UID`
    Uids(SequenceSet),
    /// `ANSWERED`, `DELETED`, `DRAFT`, `FLAGGED`, `SEEN` (negated: their `UN…` forms)
    Flag(Flag),
    /// `KEYWORD`; one that the mailbox does not know is on no message.
    Keyword(Keyword),
    /// `RECENT`; `OLD` is its negation, `NEW` is `RECENT UNSEEN`.
    Recent,
    /// `BEFORE`, `ON`, `SINCE`: INTERNALDATE's day, without regard to zone.
    Internal(DayRelation, Day),
    /// `SENTBEFORE`, `SENTON`, `SENTSINCE`: the day of the `Date` field.
    Sent(DayRelation, Day),
    /// `LARGER`: more octets than this.
    Larger(u32),
    /// `SMALLER`: fewer octets than this.
    Smaller(u32),
    /// `BCC`, `CC`, `FROM`, `SUBJECT`, `TO`, `HEADER name`: the decoded field contains the folded text; an empty text asks
    /// only whether the field is there.
    Header {
        /// `HEADER`: the field as it is written counts, not what it means in the envelope.
        written: bool,
        /// The field's name.
        name: String,
        /// Folded by [`crate::mime::text::fold`].
        text: String,
    },
    /// `BODY`: folded text.
    Body(String),
    /// `TEXT`: folded text.
    Text(String),
    /// `MODSEQ` (RFC 7162, 3.1.5): at least this.
    ModSeq(ModSeq),
    /// `SAVEDBEFORE`, `SAVEDON`, `SAVEDSINCE` (RFC 8514, 4.3): the day on which the message came into this mailbox.
    Saved(DayRelation, Day),
    /// `EMAILID` (RFC 8474, 6): the id as it is told, in any form that an id may have.
    EmailId(String),
    /// `THREADID` (RFC 8474, 6); no message has one here.
    ThreadId,
    /// `OLDER` (RFC 5032, 2): INTERNALDATE lies at least so many seconds back.
    Older(u32),
    /// `YOUNGER` (RFC 5032, 2): INTERNALDATE lies at most so many seconds back.
    Younger(u32),
}

/// What an extended SEARCH is to tell of what it finds (`search-return-opt`, RFC 4731, 3.1). One of them at least is set:
/// no options mean ALL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SearchReturn {
    /// `MIN`: the lowest number.
    pub min: bool,
    /// `MAX`: the highest number.
    pub max: bool,
    /// `ALL`: all numbers, as a set.
    pub all: bool,
    /// `COUNT`: how many there are.
    pub count: bool,
}

/// How a message's day relates to the one asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DayRelation {
    /// Earlier.
    Before,
    /// The same.
    On,
    /// The same or later.
    Since,
}

/// An item of STATUS (`status-att`, RFC 3501, 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusItem {
    /// `MESSAGES`
    Messages,
    /// `RECENT`
    Recent,
    /// `UIDNEXT`
    UidNext,
    /// `UIDVALIDITY`
    UidValidity,
    /// `UNSEEN`
    Unseen,
    /// `MAILBOXID` (RFC 8474, 4.3)
    MailboxId,
    /// `APPENDLIMIT` (RFC 7889, 3.1)
    AppendLimit,
    /// `HIGHESTMODSEQ` (RFC 7162, 3.1.7)
    HighestModSeq,
    /// `SIZE` (RFC 8438, 3)
    Size,
}

/// The parameters of SELECT and EXAMINE (RFC 4466, 2.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SelectParams {
    /// `CONDSTORE` (RFC 7162, 3.1.8)
    pub condstore: bool,
    /// `QRESYNC` (RFC 7162, 3.2.5)
    pub resync: Option<Resync>,
}

/// What a client knows of a mailbox that it opens again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resync {
    /// The UIDVALIDITY of what it knows.
    pub uid_validity: u32,
    /// It knows all changes up to here.
    pub modseq: ModSeq,
    /// It wants to hear of these messages only; `None`: of all.
    pub known: Option<UidSet>,
    /// Some numbers of messages, and their UIDs.
    pub matches: Option<SequenceMatch>,
}

/// Sequence numbers and the UIDs that a client knows under them: as many, in the same order (RFC 7162, 3.2.5.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SequenceMatch {
    /// The numbers.
    pub numbers: UidSet,
    /// The UIDs.
    pub uids: UidSet,
}

/// The modifiers of FETCH (RFC 4466, 2.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FetchModifiers {
    /// `CHANGEDSINCE`: only messages whose MODSEQ is above this (RFC 7162, 3.1.4.1).
    pub changed_since: Option<ModSeq>,
    /// `VANISHED`: and which are gone since (RFC 7162, 3.2.6).
    pub vanished: bool,
}
