//! What a client is told of its selected mailbox, a piece at a time.
//!
//! RFC 3501, 7.3 and 7.4; RFC 7162, 3.2.4 (UID and MODSEQ in what it did not ask for), 3.2.10.2 (VANISHED) and 6 (up to which
//! MODSEQ it knows everything).

use std::fmt::Write;

use bytes::BytesMut;

use super::Selected;
use crate::imap::context::print;
use crate::imap::grammar;
use crate::imap::words::Code;
use crate::store::set::UidSet;
use crate::store::{Keywords, ModSeq, Row, Uid};

/// How [`Selected::tell`] ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// The client knows all that it may know now.
    All,
    /// The budget is used up: call again.
    More,
    /// The numbering is lost, and nothing that could be told would mend it: the session has to end.
    Lost,
}

/// How a client is told what is new.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Manner {
    /// Expunges may be told now (RFC 9051, 7.5.1).
    pub(crate) expunges: bool,
    /// They are told by VANISHED (RFC 7162, 3.2.10.2).
    pub(crate) vanished: bool,
    /// Flags come with the UID, as in every response to a UID command (RFC 3501, 6.4.8).
    pub(crate) uid: bool,
    /// Flags come with UID and MODSEQ, and a new MODSEQ without new flags is told too (RFC 7162, 3.2.4).
    pub(crate) modseq: bool,
}

impl Selected {
    /// The most octets that [`Selected::tell`] prints at once.
    const TELL_OCTETS: usize = 16 * 1024;

    /// The most UIDs of one VANISHED response.
    const VANISHED_UIDS: usize = 1000;

    /// Tells what the client has not heard: expunges if they may be told, new messages, keywords, flags.
    pub(crate) fn tell(&mut self, out: &mut BytesMut, manner: Manner) -> Told {
        if self.lost {
            return Told::Lost;
        }
        let end = out.len() + Self::TELL_OCTETS;
        if manner.expunges && self.tell_expunges(out, end, manner.vanished) == Told::More {
            return Told::More;
        }
        self.tell_size(out);
        self.tell_keywords(out);
        let told = self.tell_flags(out, manner, end);
        if told == Told::All && self.gone.is_empty() {
            self.synced = self.view.highest_modseq;
        }
        told
    }

    /// A FETCH has told the MODSEQ of a message.
    pub(crate) fn stamp(&mut self, modseq: ModSeq) {
        self.stamped = self.stamped.max(modseq);
    }

    /// What comes right before a tagged response. A client takes the highest MODSEQ that it has seen for the one up to which it
    /// knows everything; where that is not so, it is told otherwise, and told again when it is (RFC 7162, 6).
    pub(crate) fn tell_synced(&mut self, out: &mut BytesMut) {
        let stamped = std::mem::replace(&mut self.stamped, ModSeq(0));
        let behind = stamped > self.synced || (self.behind && self.synced < self.view.highest_modseq);
        if stamped > self.synced || behind != self.behind {
            let code = Code::HIGHEST_MODSEQ;
            print(
                out,
                format_args!("* OK [{code} {}] All up to there has been told", self.synced.0),
            );
        }
        self.behind = behind;
    }

    fn tell_expunges(&mut self, out: &mut BytesMut, end: usize, vanished: bool) -> Told {
        while out.len() < end {
            if self.gone.is_empty() {
                return Told::All;
            }
            if vanished {
                self.tell_vanished(out);
            } else if let Some(row) = self.gone.pop_front() {
                // Nothing below it is gone any more: its number is its rank.
                print(out, format_args!("* {} EXPUNGE", self.view.rank(row.uid) + 1));
                self.exists_told = self.exists_told.saturating_sub(1);
            }
        }
        Told::More
    }

    fn tell_vanished(&mut self, out: &mut BytesMut) {
        let some = self.gone.len().min(Self::VANISHED_UIDS);
        let uids: UidSet = self.gone.drain(..some).map(|row| row.uid.0).collect();
        print(out, format_args!("* VANISHED {uids}"));
        self.exists_told = self.exists_told.saturating_sub(some);
    }

    fn tell_size(&mut self, out: &mut BytesMut) {
        self.told_below = self.view.uid_next;
        let (exists, recent) = (self.exists(), self.recent());
        if exists != self.exists_told {
            print(out, format_args!("* {exists} EXISTS"));
        }
        if recent != self.recent_told {
            print(out, format_args!("* {recent} RECENT"));
        }
        (self.exists_told, self.recent_told) = (exists, recent);
    }

    fn tell_keywords(&mut self, out: &mut BytesMut) {
        if self.view.keywords.len() != self.keywords_told {
            self.keywords_told = self.view.keywords.len();
            self.print_flags(out);
        }
    }

    /// The FLAGS and PERMANENTFLAGS responses (RFC 3501, 7.2.6 and 7.1).
    pub(crate) fn print_flags(&self, out: &mut BytesMut) {
        let names: String = self.view.keywords.names().fold(String::new(), |mut names, name| {
            let _ = write!(names, " {name}");
            names
        });
        let system = r"\Answered \Flagged \Deleted \Seen \Draft";
        print(out, format_args!("* FLAGS ({system}{names})"));
        let code = Code::PERMANENT_FLAGS;
        if self.read_only {
            print(out, format_args!("* OK [{code} ()] No flag can be changed here"));
        } else {
            let more = if self.view.keywords.len() < Keywords::MAX {
                r" \*"
            } else {
                ""
            };
            print(
                out,
                format_args!("* OK [{code} ({system}{names}{more})] Flags that stay"),
            );
        }
    }

    fn tell_flags(&mut self, out: &mut BytesMut, manner: Manner, end: usize) -> Told {
        if !manner.modseq {
            self.restamped = UidSet::default();
        }
        let mut told = None;
        for uid in self.changed.union(&self.restamped).iter().map(Uid) {
            if out.len() >= end {
                break;
            }
            told = Some(uid.0);
            let Some((number, row)) = self.find(uid).map(|(number, row)| (number, *row)) else {
                continue;
            };
            let _ = write!(out, "* {number} FETCH (");
            self.tell_row(out, &row, manner);
            out.extend_from_slice(b")\r\n");
            if manner.modseq {
                self.stamp(row.modseq);
            }
        }
        if let Some(last) = told {
            self.changed.remove_to(last);
            self.restamped.remove_to(last);
        }
        if self.changed.is_empty() && self.restamped.is_empty() {
            Told::All
        } else {
            Told::More
        }
    }

    /// The items of a message whose flags or MODSEQ are news.
    fn tell_row(&self, out: &mut BytesMut, row: &Row, manner: Manner) {
        let mut space = "";
        if manner.uid || manner.modseq {
            let _ = write!(out, "UID {}", row.uid.0);
            space = " ";
        }
        if self.changed.contains(row.uid.0) {
            let _ = write!(out, "{space}FLAGS ");
            let recent = self.is_recent(row.uid);
            grammar::print::flags(out, row.flags, &self.view.keywords, recent);
        }
        if manner.modseq {
            let _ = write!(out, " MODSEQ ({})", row.modseq.0);
        }
    }
}
