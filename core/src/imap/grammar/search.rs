//! What SEARCH looks for, as a postfix program.

use super::cursor::Cursor;
use super::syntax::{Expected, Syntax};
use crate::imap::ast::{DayRelation, SearchKey, SearchOp, SearchProgram, SearchReturn};
use crate::mime::text::fold;
use crate::store::Flag;

/// Something that waits for its operands. They live on a stack of their own: nesting in a command costs no call.
enum Frame {
    /// The command itself or a parenthesis; whether it has a key already.
    All { some: bool, parenthesis: bool },
    /// `NOT`
    Not,
    /// `OR`; whether its first operand is there.
    Or { first: bool },
}

/// How strings in a SEARCH are read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Charset {
    UsAscii,
    Utf8,
}

impl Cursor<'_> {
    /// The most search keys of one command, each NOT, OR and parenthesis counted, as each is a `search-key`.
    pub const SEARCH_KEYS_MAX: usize = 1000;

    /// `[SP "RETURN" SP "(" [search-return-opt *(SP search-return-opt)] ")"]` (RFC 4466, 2.6.1; RFC 4731, 3.1), in front of
    /// [`Cursor::search`]; `None`: it is no extended SEARCH.
    pub fn search_return(&mut self) -> Result<Option<SearchReturn>, Syntax> {
        let mut ahead = self.clone();
        if !(ahead.skip(b' ') && ahead.skip_word("RETURN")) {
            return Ok(None);
        }
        *self = ahead;
        self.sp()?;
        let mut returns = SearchReturn::default();
        let options = self.list(true, (usize::MAX, "options"), |args| {
            let start = args.position();
            *match args.word().to_ascii_uppercase().as_str() {
                "MIN" => &mut returns.min,
                "MAX" => &mut returns.max,
                "ALL" => &mut returns.all,
                "COUNT" => &mut returns.count,
                _ => return Err(args.error_at(start, Expected::SearchReturn)),
            } = true;
            Ok(())
        })?;
        returns.all |= options.is_empty();
        Ok(Some(returns))
    }

    /// `[SP "CHARSET" SP astring] 1*(SP search-key)` (RFC 3501, 9, `search`), from the first space to the end.
    ///
    /// An unknown charset is [`Expected::Charset`], which is not BAD but `NO [BADCHARSET …]`.
    pub fn search(&mut self) -> Result<SearchProgram, Syntax> {
        self.sp()?;
        let charset = self.charset()?;
        let mut ops = Vec::new();
        let mut frames = vec![Frame::All {
            some: false,
            parenthesis: false,
        }];
        for _ in 0..Self::SEARCH_KEYS_MAX {
            if let Some(frame) = self.operator()? {
                let space_follows = !matches!(frame, Frame::All { .. });
                frames.push(frame);
                if space_follows {
                    self.sp()?;
                }
                continue;
            }
            self.search_key(charset, &mut ops)?;
            if self.complete(&mut frames, &mut ops)? {
                return Ok(SearchProgram { ops });
            }
        }
        Err(self.error(Expected::AtMost(Self::SEARCH_KEYS_MAX, "SEARCH keys")))
    }

    /// `["CHARSET" SP astring SP]`; US-ASCII unless it is named.
    fn charset(&mut self) -> Result<Charset, Syntax> {
        if !self.skip_word("CHARSET") {
            return Ok(Charset::UsAscii);
        }
        self.sp()?;
        let start = self.position();
        let name = self.astring_as(Expected::Charset)?;
        let charset = match name.to_ascii_uppercase().as_slice() {
            b"US-ASCII" => Charset::UsAscii,
            b"UTF-8" => Charset::Utf8,
            _ => return Err(self.error_at(start, Expected::Charset)),
        };
        self.sp()?;
        Ok(charset)
    }

    /// `"NOT" / "OR" / "("`: what begins a key that is made of keys.
    fn operator(&mut self) -> Result<Option<Frame>, Syntax> {
        if self.peek() == Some(b'(') {
            self.open()?;
            return Ok(Some(Frame::All {
                some: false,
                parenthesis: true,
            }));
        }
        if self.skip_word("NOT") {
            return Ok(Some(Frame::Not));
        }
        Ok(self.skip_word("OR").then_some(Frame::Or { first: false }))
    }

    /// A key is complete, and with it perhaps what waited for it. True if the whole command is.
    fn complete(&mut self, frames: &mut Vec<Frame>, ops: &mut Vec<SearchOp>) -> Result<bool, Syntax> {
        while let Some(frame) = frames.pop() {
            match frame {
                Frame::Not => ops.push(SearchOp::Not),
                Frame::Or { first: true } => ops.push(SearchOp::Or),
                Frame::Or { first: false } => {
                    frames.push(Frame::Or { first: true });
                    self.sp()?;
                    return Ok(false);
                }
                Frame::All { some, parenthesis } => {
                    if some {
                        ops.push(SearchOp::And);
                    }
                    match self.peek() {
                        Some(b' ') => {
                            frames.push(Frame::All {
                                some: true,
                                parenthesis,
                            });
                            self.sp()?;
                            return Ok(false);
                        }
                        _ if parenthesis => self.expect_close()?,
                        _ => self.end()?,
                    }
                }
            }
        }
        Ok(true)
    }

    fn expect_close(&mut self) -> Result<(), Syntax> {
        self.close().map_err(|error| Syntax {
            expected: Expected::NextOrClose,
            ..error
        })
    }

    /// A `search-key` that is not made of others (RFC 3501, 9).
    fn search_key(&mut self, charset: Charset, ops: &mut Vec<SearchOp>) -> Result<(), Syntax> {
        if matches!(self.peek(), Some(b'*' | b'0'..=b'9')) {
            ops.push(SearchOp::Key(SearchKey::Numbers(self.sequence_set()?)));
            return Ok(());
        }
        let start = self.position();
        let name = self.word().to_ascii_uppercase();
        if let Some(meaning) = argumentless(&name) {
            ops.extend(meaning);
            return Ok(());
        }
        let key = self.key_with_argument(&name, charset, start)?;
        ops.push(SearchOp::Key(key));
        if name == "UNKEYWORD" {
            ops.push(SearchOp::Not);
        }
        Ok(())
    }

    fn key_with_argument(&mut self, name: &str, charset: Charset, start: usize) -> Result<SearchKey, Syntax> {
        use DayRelation::{Before, On, Since};
        Ok(match name {
            "BCC" | "CC" | "FROM" | "SUBJECT" | "TO" => SearchKey::Header {
                written: false,
                name: name.to_owned(),
                text: self.search_text(charset)?,
            },
            "HEADER" => {
                self.sp()?;
                SearchKey::Header {
                    written: true,
                    name: self.field_name()?,
                    text: self.search_text(charset)?,
                }
            }
            "BODY" => SearchKey::Body(self.search_text(charset)?),
            "TEXT" => SearchKey::Text(self.search_text(charset)?),
            "KEYWORD" | "UNKEYWORD" => SearchKey::Keyword(self.argument(Self::keyword)?),
            "BEFORE" => SearchKey::Internal(Before, self.argument(Self::date)?),
            "ON" => SearchKey::Internal(On, self.argument(Self::date)?),
            "SINCE" => SearchKey::Internal(Since, self.argument(Self::date)?),
            "SENTBEFORE" => SearchKey::Sent(Before, self.argument(Self::date)?),
            "SENTON" => SearchKey::Sent(On, self.argument(Self::date)?),
            "SENTSINCE" => SearchKey::Sent(Since, self.argument(Self::date)?),
            "LARGER" => SearchKey::Larger(self.argument(Self::number)?),
            "SMALLER" => SearchKey::Smaller(self.argument(Self::number)?),
            "UID" => SearchKey::Uids(self.argument(Self::sequence_set)?),
            "MODSEQ" => SearchKey::ModSeq(self.search_modseq()?),
            "SAVEDBEFORE" => SearchKey::Saved(Before, self.argument(Self::date)?),
            "SAVEDON" => SearchKey::Saved(On, self.argument(Self::date)?),
            "SAVEDSINCE" => SearchKey::Saved(Since, self.argument(Self::date)?),
            "EMAILID" => SearchKey::EmailId(self.argument(Self::object_id)?.to_owned()),
            "THREADID" => self.argument(Self::object_id).map(|_| SearchKey::ThreadId)?,
            "OLDER" => SearchKey::Older(self.argument(Self::nz_number)?),
            "YOUNGER" => SearchKey::Younger(self.argument(Self::nz_number)?),
            _ => return Err(self.error_at(start, Expected::SearchKey)),
        })
    }

    /// `SP` and what follows it.
    fn argument<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T, Syntax>) -> Result<T, Syntax> {
        self.sp()?;
        parse(self)
    }

    /// `SP astring`, in the charset of the command, folded.
    fn search_text(&mut self, charset: Charset) -> Result<String, Syntax> {
        self.sp()?;
        let start = self.position();
        let text = self.utf8_as(Expected::AString)?;
        if charset == Charset::UsAscii && !text.is_ascii() {
            return Err(self.error_at(start, Expected::UsAscii));
        }
        Ok(fold(&text))
    }
}

/// The keys without an argument; `UN…`, OLD and NEW say with operators what they mean (RFC 3501, 6.4.4).
fn argumentless(name: &str) -> Option<Vec<SearchOp>> {
    let key = |flag: Flag| SearchOp::Key(SearchKey::Flag(flag));
    let recent = SearchOp::Key(SearchKey::Recent);
    Some(match name {
        // Every mailbox knows when its messages were saved (RFC 8514, 4.3).
        "ALL" | "SAVEDATESUPPORTED" => vec![SearchOp::Key(SearchKey::All)],
        "ANSWERED" => vec![key(Flag::Answered)],
        "DELETED" => vec![key(Flag::Deleted)],
        "DRAFT" => vec![key(Flag::Draft)],
        "FLAGGED" => vec![key(Flag::Flagged)],
        "SEEN" => vec![key(Flag::Seen)],
        "UNANSWERED" => vec![key(Flag::Answered), SearchOp::Not],
        "UNDELETED" => vec![key(Flag::Deleted), SearchOp::Not],
        "UNDRAFT" => vec![key(Flag::Draft), SearchOp::Not],
        "UNFLAGGED" => vec![key(Flag::Flagged), SearchOp::Not],
        "UNSEEN" => vec![key(Flag::Seen), SearchOp::Not],
        "RECENT" => vec![recent],
        "OLD" => vec![recent, SearchOp::Not],
        "NEW" => vec![recent, key(Flag::Seen), SearchOp::Not, SearchOp::And],
        _ => return None,
    })
}
