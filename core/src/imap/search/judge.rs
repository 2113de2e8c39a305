//! Judging one message by a search program.

use std::ops::Not as _;

use super::field;
use super::needles::{Found, Needles};
use super::truth::Truth;
use crate::imap::ast::{DayRelation, SearchKey, SearchOp, SearchProgram};
use crate::imap::fetch::Stored;
use crate::imap::object_name::ObjectName;
use crate::machine::Scope;
use crate::store::{Flags, Keywords, ModSeq, Row, UidSet};
use crate::wire::date::Day;

/// A search program, made ready for one mailbox: sets are resolved and keywords looked up once.
#[derive(Debug)]
pub struct Search {
    steps: Vec<Step>,
    needles: Needles,
}

/// What is known of a message.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// Its sequence number.
    pub seq: u32,
    /// Its row of the view.
    pub row: &'a Row,
    /// Whether it is `\Recent` in this session.
    pub recent: bool,
    /// Its stored columns.
    pub stored: Option<&'a Stored>,
    /// What was found in its octets.
    pub found: &'a Found,
}

#[derive(Debug)]
enum Step {
    Test(Test),
    Not,
    Or,
    And,
}

/// A [`SearchKey`] that needs nothing but the message.
#[derive(Debug)]
enum Test {
    Always(bool),
    Numbers(UidSet),
    Uids(UidSet),
    Flags(Flags),
    Recent,
    Internal(DayRelation, Day),
    Sent(DayRelation, Day),
    Larger(u32),
    Smaller(u32),
    ModSeq(ModSeq),
    /// INTERNALDATE is not behind this moment, in seconds since 1970.
    ArrivedBy(i64),
    /// INTERNALDATE is not before this moment, in seconds since 1970.
    ArrivedSince(i64),
    Saved(DayRelation, Day),
    EmailId(String),
    /// A field that the index may know, else a needle.
    Field {
        written: bool,
        name: String,
        text: String,
        needle: usize,
    },
    /// A text that only the octets tell.
    Needle(usize),
}

impl Search {
    /// Makes `program` ready for a mailbox whose last message has the number `last_seq` and the UID `last_uid`, both 0 if it
    /// is empty; `now_s`: the moment from which ages count, in seconds since 1970.
    pub fn new(
        program: SearchProgram,
        keywords: &Keywords,
        last_seq: u32,
        last_uid: u32,
        now_s: i64,
    ) -> Self {
        let mut needles = Needles::default();
        let mut test = |key| match key {
            SearchKey::All => Test::Always(true),
            SearchKey::Numbers(set) => Test::Numbers(set.resolve(last_seq)),
            SearchKey::Uids(set) => Test::Uids(set.resolve(last_uid)),
            SearchKey::Flag(flag) => Test::Flags(flag.into()),
            SearchKey::Keyword(keyword) => keywords.find(&keyword).map_or(Test::Always(false), Test::Flags),
            SearchKey::Recent => Test::Recent,
            SearchKey::Internal(relation, day) => Test::Internal(relation, day),
            SearchKey::Sent(relation, day) => Test::Sent(relation, day),
            SearchKey::Larger(size) => Test::Larger(size),
            SearchKey::Smaller(size) => Test::Smaller(size),
            SearchKey::ModSeq(modseq) => Test::ModSeq(modseq),
            SearchKey::Saved(relation, day) => Test::Saved(relation, day),
            SearchKey::EmailId(id) => Test::EmailId(id),
            SearchKey::ThreadId => Test::Always(false),
            SearchKey::Older(age_s) => Test::ArrivedBy(now_s.saturating_sub(age_s.into())),
            SearchKey::Younger(age_s) => Test::ArrivedSince(now_s.saturating_sub(age_s.into())),
            SearchKey::Header { written, name, text } => {
                let needle = needles.add(text.clone(), Scope::Field(name.clone()));
                Test::Field {
                    written,
                    name,
                    text,
                    needle,
                }
            }
            SearchKey::Body(text) => Test::Needle(needles.add(text, Scope::Body)),
            SearchKey::Text(text) => Test::Needle(needles.add(text, Scope::Text)),
        };
        let steps = program.ops.into_iter().map(|op| match op {
            SearchOp::Key(key) => Step::Test(test(key)),
            SearchOp::Not => Step::Not,
            SearchOp::Or => Step::Or,
            SearchOp::And => Step::And,
        });
        Self {
            steps: steps.collect(),
            needles,
        }
    }

    /// How many steps judging a message takes.
    pub fn steps(&self) -> usize {
        self.steps.len()
    }

    /// How many of them look into a header field, if the stored columns are known.
    pub fn fields(&self) -> usize {
        let is_field = |step: &&Step| matches!(step, Step::Test(Test::Field { .. }));
        self.steps.iter().filter(is_field).count()
    }

    /// What is to be looked for in octets.
    pub fn needles(&self) -> &Needles {
        &self.needles
    }

    /// Whether the program is true of a message, as far as it is known.
    pub fn judge(&self, candidate: &Candidate<'_>) -> Truth {
        let mut stack = smallvec::SmallVec::<[Truth; 16]>::new();
        for step in &self.steps {
            // A program leaves one truth and takes no more than there are; a message matches no other.
            let mut pop = || stack.pop().unwrap_or(Truth::False);
            let truth = match step {
                Step::Test(test) => test.of(candidate),
                Step::Not => pop().not(),
                Step::Or => pop().or(pop()),
                Step::And => pop().and(pop()),
            };
            stack.push(truth);
        }
        stack.pop().unwrap_or(Truth::False)
    }
}

impl Test {
    fn of(&self, candidate: &Candidate<'_>) -> Truth {
        let row = candidate.row;
        Truth::from(match self {
            Test::Always(truth) => *truth,
            Test::Numbers(numbers) => numbers.contains(candidate.seq),
            Test::Uids(uids) => uids.contains(row.uid.0),
            Test::Flags(flags) => row.flags.has(*flags),
            Test::Recent => candidate.recent,
            Test::Internal(relation, day) => is_related(row.internal_date_s, *relation, *day),
            Test::Sent(relation, day) => is_related(row.sent_date_s, *relation, *day),
            Test::Larger(size) => row.size > *size,
            Test::Smaller(size) => row.size < *size,
            Test::ModSeq(modseq) => row.modseq >= *modseq,
            Test::ArrivedBy(moment_s) => row.internal_date_s <= *moment_s,
            Test::ArrivedSince(moment_s) => row.internal_date_s >= *moment_s,
            Test::Saved(relation, day) => {
                return of_stored(candidate, |stored| {
                    is_related(stored.row().save_date_s, *relation, *day)
                });
            }
            Test::EmailId(id) => {
                return of_stored(candidate, |stored| {
                    ObjectName::Email(stored.row().email_id).is(id)
                });
            }
            Test::Field {
                written,
                name,
                text,
                needle,
            } => {
                let indexed = candidate.stored.map_or(Truth::Unknown, |stored| {
                    field::contains(stored, name, text, *written)
                });
                return if indexed == Truth::Unknown {
                    candidate.found.of(*needle)
                } else {
                    indexed
                };
            }
            Test::Needle(needle) => return candidate.found.of(*needle),
        })
    }
}

/// What only the stored columns tell.
fn of_stored(candidate: &Candidate<'_>, truth: impl FnOnce(&Stored) -> bool) -> Truth {
    let stored = candidate.stored;
    stored.map_or(Truth::Unknown, |stored| Truth::from(truth(stored)))
}

/// Whether the UTC day of a moment, in seconds since 1970, relates so to `day`.
fn is_related(moment_s: i64, relation: DayRelation, day: Day) -> bool {
    let of_message = Day::of(moment_s);
    match relation {
        DayRelation::Before => of_message < day,
        DayRelation::On => of_message == day,
        DayRelation::Since => of_message >= day,
    }
}
