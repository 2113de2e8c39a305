//! SEARCH and UID SEARCH: which messages match.
//!
//! RFC 3501, 6.4.4; RFC 7162, 3.1.5; RFC 4731, 3.1; RFC 5032, 2. First the view judges all messages, in turns so short that other sessions do not wait. Those it
//! leaves open are judged by their stored columns, page by page; those that are open still are read, some at a time. The
//! answer is told when it is complete, so a failure leaves no half of it.

mod answer;

use self::answer::{Extended, Matches};
use super::{Command, Completion, Event, Form, Next, Parsed, State, unexpected};
use crate::imap::ast::{SearchKey, SearchOp, SearchProgram};
use crate::imap::context::Context;
use crate::imap::enabled::Extension;
use crate::imap::fetch::Stored;
use crate::imap::grammar::Cursor;
use crate::imap::search::{Candidate, Found, Search, Truth};
use crate::imap::selected::Selected;
use crate::machine::{Done, Effect, Scan, ScanTarget};
use crate::store::{Page, PageRow, Reply, Request, Uid, UidSet};

/// Steps of a search program that one turn takes: about a millisecond.
const STEPS_A_TURN: usize = 128 * 1024;

/// What looking into a header field counts for: it may be long, and has to be decoded.
const STEPS_OF_FIELD: usize = 1024;

/// `search = "SEARCH" [search-return-opts] SP search-program` (RFC 4466, 2.6.1)
pub(super) fn parse(args: &mut Cursor<'_>, form: Form) -> Parsed {
    let tag = args.tag();
    let returns = args.search_return()?;
    let program = args.search()?;
    args.end()?;
    let extended = returns.map(|returns| Extended {
        tag: tag.to_owned(),
        returns,
    });
    Ok(Box::new(Question {
        program,
        matches: Matches::new(form, extended),
    }))
}

#[derive(Debug)]
struct Question {
    program: SearchProgram,
    matches: Matches,
}

impl Command for Question {
    fn start(self: Box<Self>, cx: &mut Context) -> Next {
        let has = |is: fn(&SearchKey) -> bool| {
            let mut ops = self.program.ops.iter();
            ops.any(|op| matches!(op, SearchOp::Key(key) if is(key)))
        };
        let (modseq, numbers) = (
            has(|key| matches!(key, SearchKey::ModSeq(_))),
            has(|key| matches!(key, SearchKey::Numbers(_))),
        );
        if modseq {
            cx.enable(Extension::CondStore);
        }
        let Some(selected) = cx.selected() else {
            return Completion::bad("Select a mailbox first").into();
        };
        let last_seq = u32::try_from(selected.exists()).unwrap_or(u32::MAX);
        let last_uid = selected.row_at(last_seq).map_or(0, |row| row.uid.0);
        let search = Search::new(
            self.program,
            selected.keywords(),
            last_seq,
            last_uid,
            cx.now.unix_s(),
        );
        let searching = Searching {
            search,
            matches: self.matches,
            open: Vec::new(),
            modseq,
            numbers,
        };
        AwaitTurn {
            searching,
            next: Uid(1),
        }
        .judge(cx)
    }
}

/// What the whole command remembers.
#[derive(Debug)]
struct Searching {
    search: Search,
    matches: Matches,
    /// UIDs of messages that the view leaves open.
    open: Vec<u32>,
    /// Whether the question has MODSEQs in it, so that the answer has one.
    modseq: bool,
    /// Whether the question has sequence numbers in it, which must keep their meaning until it is answered.
    numbers: bool,
}

impl Searching {
    /// Judges a message by what is known of it; one that matches is taken in.
    fn judge(&mut self, candidate: &Candidate<'_>) -> Truth {
        let truth = self.search.judge(candidate);
        if truth == Truth::True {
            self.matches.add(candidate.seq, candidate.row);
        }
        truth
    }

    /// Judges a message by its stored columns and what was found in it; one that the session does not know matches nothing.
    fn judge_stored(&mut self, selected: &Selected, target: &Target) -> Truth {
        let uid = target.stored.row().uid;
        let Some((seq, row)) = selected.find(uid) else {
            return Truth::False;
        };
        let (stored, found) = (Some(&target.stored), &target.found);
        self.judge(&Candidate {
            seq,
            row,
            recent: selected.is_recent(uid),
            stored,
            found,
        })
    }

    /// How many steps judging a message by its stored columns takes.
    fn steps_of_stored(&self) -> usize {
        self.search.steps() + self.search.fields().saturating_mul(STEPS_OF_FIELD)
    }

    /// Pulls the stored columns of what is left, or tells.
    fn ask_page(self, cx: &mut Context, uids: UidSet) -> Next {
        let uids = self.matches.needed(uids);
        match cx.selected().map(Selected::mailbox) {
            Some(mailbox) if !uids.is_empty() => {
                cx.ask(Request::FetchPage { mailbox, uids });
                Next::wait(AwaitPage { searching: self })
            }
            _ => self.tell(cx),
        }
    }

    /// Expunges may be told behind an answer to a question without numbers (RFC 7162, 3.2.10.2).
    fn tell(self, cx: &mut Context) -> Next {
        self.matches.tell(cx, self.modseq, !self.numbers)
    }
}

/// Judges by the view; waits for its next turn.
#[derive(Debug)]
struct AwaitTurn {
    searching: Searching,
    next: Uid,
}

impl AwaitTurn {
    fn judge(mut self, cx: &mut Context) -> Next {
        let mut steps_left = STEPS_A_TURN;
        let Some(selected) = cx.selected() else {
            return self.searching.tell(cx);
        };
        let mut rows = selected.rows_within(self.next, Uid(u32::MAX)).peekable();
        let seq = rows.peek().and_then(|row| selected.seq_of(row.uid)).unwrap_or(1);
        for (seq, row) in (seq..).zip(rows) {
            // Then none behind it does either.
            if !self.searching.matches.needs(row.uid) {
                break;
            }
            if steps_left == 0 {
                self.next = row.uid;
                let now_ms = cx.now.mono_ms;
                return Next::Pause(Box::new(self), now_ms);
            }
            steps_left = steps_left.saturating_sub(self.searching.search.steps());
            let recent = selected.is_recent(row.uid);
            let candidate = Candidate {
                seq,
                row,
                recent,
                stored: None,
                found: &Found::NOTHING,
            };
            if self.searching.judge(&candidate) == Truth::Unknown {
                self.searching.open.push(row.uid.0);
            }
        }
        let open = std::mem::take(&mut self.searching.open).into_iter().collect();
        self.searching.ask_page(cx, open)
    }
}

impl State for AwaitTurn {
    fn on(self: Box<Self>, cx: &mut Context, _tick: Event) -> Next {
        self.judge(cx)
    }
}

#[derive(Debug)]
struct AwaitPage {
    searching: Searching,
}

impl State for AwaitPage {
    fn on(self: Box<Self>, cx: &mut Context, event: Event) -> Next {
        let page = match event.reply() {
            Ok(Reply::Page(page)) => page,
            Ok(other) => return unexpected(&other).into(),
            Err(failure) => return failure.into(),
        };
        let Page { rows, rest } = page;
        // A page without rows would be asked for again and again.
        let left = if rows.is_empty() { UidSet::default() } else { rest };
        let targets: Vec<_> = rows.into_iter().map(Target::new).collect();
        Sifting {
            scanning: Scanning {
                searching: self.searching,
                open: Vec::new(),
                left,
            },
            targets: targets.into_iter(),
            open: Vec::new(),
            round: None,
        }
        .sift(cx)
    }
}

/// A message that is read.
#[derive(Debug)]
struct Target {
    stored: Stored,
    found: Found,
}

impl Target {
    fn new(row: PageRow) -> Self {
        Self {
            stored: Stored::new(row),
            found: Found::NOTHING,
        }
    }

    fn to_scan(&self) -> ScanTarget {
        let row = self.stored.row();
        let (object, size, head) = (row.object, row.object_size, row.head.clone());
        ScanTarget {
            object,
            size,
            head,
            index: self.stored.index().clone(),
        }
    }
}

/// Judges messages of a page, and keeps those that are open still; waits for its next turn.
#[derive(Debug)]
struct Sifting {
    scanning: Scanning,
    targets: std::vec::IntoIter<Target>,
    open: Vec<Target>,
    /// The round of needles that comes next for what is open; `None`: nothing of the page has been read yet.
    round: Option<usize>,
}

impl Sifting {
    fn sift(mut self, cx: &mut Context) -> Next {
        let mut steps_left = STEPS_A_TURN;
        while let (true, Some(selected)) = (steps_left > 0, cx.selected()) {
            let Some(target) = self.targets.next() else {
                return self.end(cx);
            };
            let searching = &mut self.scanning.searching;
            steps_left = steps_left.saturating_sub(searching.steps_of_stored());
            if searching.judge_stored(selected, &target) == Truth::Unknown {
                self.open.push(target);
            }
        }
        let now_ms = cx.now.mono_ms;
        Next::Pause(Box::new(self), now_ms)
    }

    fn end(self, cx: &mut Context) -> Next {
        let Self {
            mut scanning,
            open,
            round,
            ..
        } = self;
        match round {
            None => {
                scanning.open = open;
                scanning.scan(cx)
            }
            Some(round) => AwaitScanned {
                scanning,
                batch: open,
                round,
            }
            .ask(cx),
        }
    }
}

impl State for Sifting {
    fn on(self: Box<Self>, cx: &mut Context, _tick: Event) -> Next {
        self.sift(cx)
    }
}

/// What a page leaves open.
#[derive(Debug)]
struct Scanning {
    searching: Searching,
    open: Vec<Target>,
    /// What comes after this page.
    left: UidSet,
}

impl Scanning {
    /// Reads the next messages, or goes on to the next page.
    fn scan(mut self, cx: &mut Context) -> Next {
        let matches = &self.searching.matches;
        self.open.retain(|target| matches.needs(target.stored.row().uid));
        let rest = self.open.split_off(self.open.len().min(Scan::TARGETS_MAX));
        let batch = std::mem::replace(&mut self.open, rest);
        AwaitScanned {
            scanning: self,
            batch,
            round: 0,
        }
        .ask(cx)
    }
}

/// Waits for what a round of needles finds in some messages.
#[derive(Debug)]
struct AwaitScanned {
    scanning: Scanning,
    batch: Vec<Target>,
    round: usize,
}

impl AwaitScanned {
    /// Looks for this round's needles in what is open still.
    fn ask(self, cx: &mut Context) -> Next {
        let needles = self
            .scanning
            .searching
            .search
            .needles()
            .round(self.round)
            .to_vec();
        if !self.batch.is_empty() && !needles.is_empty() {
            let targets = self.batch.iter().map(Target::to_scan).collect();
            cx.effect(Effect::Scan(Scan { targets, needles }));
            Next::wait(self)
        } else if self.scanning.open.is_empty() {
            self.scanning.searching.ask_page(cx, self.scanning.left)
        } else {
            self.scanning.scan(cx)
        }
    }
}

impl State for AwaitScanned {
    fn on(mut self: Box<Self>, cx: &mut Context, event: Event) -> Next {
        let bits = match event {
            Event::Outcome(Ok(Done::Scanned(bits))) if bits.len() == self.batch.len() => bits,
            Event::Outcome(Err(failure)) => return failure.into(),
            other => return unexpected(&other).into(),
        };
        self.batch
            .iter_mut()
            .zip(bits)
            .for_each(|(target, bits)| target.found.add(bits));
        Sifting {
            scanning: self.scanning,
            targets: self.batch.into_iter(),
            open: Vec::new(),
            round: Some(self.round + 1),
        }
        .sift(cx)
    }
}

#[cfg(test)]
mod tests;
