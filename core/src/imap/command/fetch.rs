//! FETCH and UID FETCH: tells of messages.
//!
//! RFC 3501, 6.4.5, 6.4.8 and 7.4.2; RFC 7162, 3.1.4 and 3.2.6; RFC 3516, 4.3 (UNKNOWN-CTE).
//! What the view knows is told without a question. Else stored columns are pulled page by
//! page, each when the last has left, and bodies pass the core by, one barrier each. Messages that have been read become
//! `\Seen` in one request at the end, and their new flags are told behind the command's own responses.
//!
//! A body that cannot be read is a `NO` at the end, the other messages are told all the same. A response that has begun is
//! finished or the connection is cut: a client would take `NIL`, or a `NO` in the midst of it, for the message's content.

use std::collections::VecDeque;
use std::ops::RangeInclusive;

use super::{Command, Completion, Event, Form, Next, Parsed, State, resync, unexpected};
use crate::imap::ast::{FetchItem, FetchModifiers};
use crate::imap::context::Context;
use crate::imap::enabled::Extension;
use crate::imap::fetch::{Message, Piece, Plan, Response, Stored};
use crate::imap::grammar::Cursor;
use crate::imap::selected::Selected;
use crate::imap::words::Code;
use crate::machine::{Action, Done};
use crate::store::set::SequenceSet;
use crate::store::{
    Budget, Failure, Flag, FlagChange, ModSeq, Page, Refusal, Reply, Request, Row, Uid, UidSet,
};

/// Octets that are put together before they leave.
const BATCH: usize = 32 * 1024;

/// Messages whose objects are hinted at before they are sent.
const AHEAD: usize = 8;

/// `fetch = "FETCH" SP sequence-set SP ("ALL" / "FULL" / "FAST" / fetch-att / "(" fetch-att *(SP fetch-att) ")")
/// [fetch-modifiers]` (RFC 4466, 6)
pub(super) fn parse(args: &mut Cursor<'_>, form: Form) -> Parsed {
    args.sp()?;
    let set = args.sequence_set()?;
    args.sp()?;
    let mut items = args.fetch_items()?;
    let modifiers = args.fetch_modifiers(form == Form::Uid)?;
    args.end()?;
    // CHANGEDSINCE asks for MODSEQ without saying so (RFC 7162, 3.1.4.1).
    items.extend(modifiers.changed_since.map(|_| FetchItem::ModSeq));
    Ok(Box::new(Fetch {
        set,
        plan: Plan::new(items, form == Form::Uid),
        form,
        modifiers,
    }))
}

#[derive(Debug)]
struct Fetch {
    set: SequenceSet,
    plan: Plan,
    form: Form,
    modifiers: FetchModifiers,
}

impl Command for Fetch {
    fn start(self: Box<Self>, cx: &mut Context) -> Next {
        match self.modifiers.changed_since.filter(|_| self.modifiers.vanished) {
            Some(_) if !cx.has_enabled(Extension::QResync) => {
                Completion::bad("ENABLE QRESYNC comes first").into()
            }
            Some(since) => match resync::request(cx, since) {
                Some(request) => {
                    cx.ask(request);
                    Next::wait(AwaitVanished { fetch: *self })
                }
                None => Completion::bad("Select a mailbox first").into(),
            },
            None => self.begin(cx),
        }
    }
}

/// Waits for what has vanished (RFC 7162, 3.2.6).
#[derive(Debug)]
struct AwaitVanished {
    fetch: Fetch,
}

impl State for AwaitVanished {
    fn on(self: Box<Self>, cx: &mut Context, event: Event) -> Next {
        let refreshed = match event.reply() {
            Ok(Reply::Refreshed(refreshed)) => refreshed,
            Ok(other) => return unexpected(&other).into(),
            Err(failure) => return failure.into(),
        };
        // `*` is the last UID that was given: that message may be gone too.
        let last = refreshed.view.uid_next.0.saturating_sub(1);
        let asked = self.fetch.set.clone().resolve(last);
        let vanished = refreshed.vanished.intersection(&asked);
        cx.absorb(refreshed);
        resync::tell_earlier(cx, &vanished);
        self.fetch.begin(cx)
    }
}

impl Fetch {
    fn begin(self, cx: &mut Context) -> Next {
        let Fetch {
            set,
            plan,
            form,
            modifiers,
        } = self;
        let mut uids = match cx.resolve(set, form) {
            Ok(uids) => uids,
            Err(bad) => return bad.into(),
        };
        if plan.tells_modseq() {
            cx.enable(Extension::CondStore);
        }
        if let (Some(since), Some(selected)) = (modifiers.changed_since, cx.selected()) {
            uids = selected.changed_since(&uids, since);
        }
        let telling = Telling {
            plan,
            told: Vec::new(),
            stamped: ModSeq(0),
            read: Vec::new(),
            failure: None,
        };
        if telling.plan.needs_page() {
            telling.ask_page(cx, uids)
        } else {
            FromView {
                telling,
                left: uids.ranges().collect(),
            }
            .tell(cx)
        }
    }
}

/// What the whole command remembers.
#[derive(Debug)]
struct Telling {
    plan: Plan,
    /// Messages that were told since [`Telling::settle`].
    told: Vec<u32>,
    /// The highest MODSEQ that was told.
    stamped: ModSeq,
    /// Messages that become `\Seen` by being told.
    read: Vec<u32>,
    /// The first of the failures that left a message out.
    failure: Option<Completion>,
}

impl Telling {
    /// Pulls the next page, or ends if nothing is left.
    fn ask_page(self, cx: &mut Context, uids: UidSet) -> Next {
        match cx.selected().map(Selected::mailbox) {
            Some(mailbox) if !uids.is_empty() => {
                cx.ask(Request::FetchPage {
                    mailbox,
                    uids: uids.clone(),
                });
                Next::wait(AwaitPage {
                    telling: self,
                    asked: uids,
                })
            }
            _ => self.end(cx),
        }
    }

    /// Adds the response of one message.
    fn tell(
        &self,
        selected: &Selected,
        (seq, row): (u32, &Row),
        stored: Option<&Stored>,
        out: &mut Response,
    ) {
        let (recent, keywords) = (selected.is_recent(row.uid), selected.keywords());
        self.plan.respond(
            &Message {
                seq,
                row,
                recent,
                keywords,
                stored,
            },
            out,
        );
    }

    /// A message has been told whole.
    fn told(&mut self, selected: &Selected, row: &Row) {
        self.told.push(row.uid.0);
        if self.plan.tells_modseq() {
            self.stamped = self.stamped.max(row.modseq);
        }
        if self.plan.sets_seen() && !selected.read_only() && !row.flags.has(Flag::Seen) {
            self.read.push(row.uid.0);
        }
    }

    /// The client knows flags and MODSEQs of what was told, so they are no news any more.
    fn settle(&mut self, cx: &mut Context) {
        let told = std::mem::take(&mut self.told);
        let (flags, modseqs) = (self.plan.tells_flags(), self.plan.tells_modseq());
        if let (true, Some(selected)) = (flags || modseqs, &mut cx.selected) {
            selected.told(&told.into_iter().collect(), flags, modseqs);
            selected.stamp(self.stamped);
        }
    }

    fn failed(&mut self, failure: impl Into<Completion>) {
        self.failure.get_or_insert(failure.into());
    }

    /// All is told: marks as `\Seen` what has been read.
    fn end(mut self, cx: &mut Context) -> Next {
        self.settle(cx);
        let uids: UidSet = self.read.into_iter().collect();
        match cx.selected() {
            Some(selected) if !uids.is_empty() => {
                let (mailbox, since) = (selected.mailbox(), selected.since());
                let (change, flags) = (FlagChange::Add, Flag::Seen.into());
                let (keywords, unchanged_since) = (Vec::new(), None);
                cx.ask(Request::ChangeFlags {
                    mailbox,
                    uids,
                    change,
                    flags,
                    keywords,
                    unchanged_since,
                    since,
                });
                Next::wait(AwaitSeen {
                    failure: self.failure,
                })
            }
            _ => complete(self.failure),
        }
    }
}

fn complete(failure: Option<Completion>) -> Next {
    failure.unwrap_or_else(Completion::ok).into()
}

/// Told from the view alone: waits until a batch has left.
#[derive(Debug)]
struct FromView {
    telling: Telling,
    left: VecDeque<RangeInclusive<u32>>,
}

impl FromView {
    fn tell(mut self, cx: &mut Context) -> Next {
        let mut out = Response::default();
        while let (true, Some(selected)) = (out.len() < BATCH, &cx.selected) {
            let Some(range) = self.left.pop_front() else { break };
            let mut rows = selected
                .rows_within(Uid(*range.start()), Uid(*range.end()))
                .peekable();
            let seq = rows.peek().and_then(|row| selected.seq_of(row.uid)).unwrap_or(1);
            for (seq, row) in (seq..).zip(rows) {
                if out.len() >= BATCH {
                    self.left.push_front(row.uid.0..=*range.end());
                    break;
                }
                self.telling.tell(selected, (seq, row), None, &mut out);
                self.telling.told(selected, row);
            }
        }
        self.telling.settle(cx);
        let _ = send(cx, &mut out.take().into_iter());
        if self.left.is_empty() {
            self.telling.end(cx)
        } else {
            Next::Drain(Box::new(self))
        }
    }
}

impl State for FromView {
    fn on(self: Box<Self>, cx: &mut Context, _drained: Event) -> Next {
        self.tell(cx)
    }
}

/// Sends pieces up to the first stored range, that included. `Some`: one was sent; whether it can still be answered if it
/// fails.
fn send(cx: &mut Context, pieces: &mut std::vec::IntoIter<Piece>) -> Option<bool> {
    for piece in pieces {
        match piece {
            Piece::Octets(octets) => cx.send(octets),
            Piece::Object {
                head,
                first,
                object,
                range,
                filter,
            } => {
                cx.send_object(head, object, range, filter);
                return Some(first);
            }
        }
    }
    None
}

#[derive(Debug)]
struct AwaitPage {
    telling: Telling,
    asked: UidSet,
}

impl State for AwaitPage {
    fn on(self: Box<Self>, cx: &mut Context, event: Event) -> Next {
        let AwaitPage { mut telling, asked } = *self;
        match event.reply() {
            Ok(Reply::Page(Page { rows, rest })) => {
                let answered: UidSet = rows.iter().map(|row| row.uid.0).collect();
                if !asked.difference(&rest).difference(&answered).is_empty() {
                    telling.failed(Failure::from(Refusal::Gone));
                }
                // A page without rows would be asked for again and again.
                let left = if rows.is_empty() { UidSet::default() } else { rest };
                let rows = rows.into_iter().map(Stored::new).collect();
                FromPage {
                    telling,
                    rows,
                    hinted: 0,
                    left,
                }
                .tell(cx)
            }
            Ok(other) => unexpected(&other).into(),
            Err(failure) => {
                telling.failed(failure);
                telling.end(cx)
            }
        }
    }
}

/// Told from a page: waits until a batch, or the page, has left.
#[derive(Debug)]
struct FromPage {
    telling: Telling,
    rows: VecDeque<Stored>,
    /// How many of `rows` have been hinted at.
    hinted: usize,
    /// What comes after this page.
    left: UidSet,
}

impl FromPage {
    /// Tells until a batch is full, the page is told, or octets of an object come next.
    fn tell(mut self, cx: &mut Context) -> Next {
        let mut out = Response::default();
        while let (true, Some(stored)) = (out.len() < BATCH, self.rows.front()) {
            if !self.telling.plan.can_decode(stored) {
                self.telling.failed(Completion::no(
                    Code::UNKNOWN_CTE,
                    "Some of it is in an encoding that is not known here",
                ));
                self.pass();
                continue;
            }
            if let Some((selected, seq, row)) = known(cx, stored) {
                self.telling.tell(selected, (seq, row), Some(stored), &mut out);
            }
            if out.has_objects() {
                self.hint(cx);
                return self.send(cx, out.take().into_iter());
            }
            self.told(cx);
        }
        self.telling.settle(cx);
        let _ = send(cx, &mut out.take().into_iter());
        Next::Drain(Box::new(self))
    }

    /// Sends the pieces of the front message, then goes on with the next.
    fn send(mut self, cx: &mut Context, mut pieces: std::vec::IntoIter<Piece>) -> Next {
        match send(cx, &mut pieces) {
            Some(first) => Next::wait(AwaitSent {
                page: self,
                pieces,
                first,
            }),
            None => {
                self.told(cx);
                self.tell(cx)
            }
        }
    }

    /// The front message has been told whole.
    fn told(&mut self, cx: &Context) {
        if let Some(stored) = self.pass()
            && let Some((selected, _, row)) = known(cx, &stored)
        {
            self.telling.told(selected, row);
        }
    }

    /// The front message is over.
    fn pass(&mut self) -> Option<Stored> {
        self.hinted = self.hinted.saturating_sub(1);
        self.rows.pop_front()
    }

    /// Tells the shell which objects come next, so that it can fetch ahead.
    fn hint(&mut self, cx: &mut Context) {
        if self.hinted > AHEAD / 2 {
            return;
        }
        let next = self.rows.iter().take(AHEAD).skip(self.hinted);
        let ranges: Vec<_> = next.flat_map(|stored| self.telling.plan.ranges(stored)).collect();
        self.hinted = self.rows.len().min(AHEAD);
        if ranges.len() > 1 {
            cx.act(Action::Soon(ranges));
        }
    }
}

/// A stored message's number and row.
fn known<'a>(cx: &'a Context, stored: &Stored) -> Option<(&'a Selected, u32, &'a Row)> {
    let selected = cx.selected()?;
    let (seq, row) = selected.find(stored.row().uid)?;
    Some((selected, seq, row))
}

impl State for FromPage {
    fn on(self: Box<Self>, cx: &mut Context, _drained: Event) -> Next {
        if self.rows.is_empty() {
            self.telling.ask_page(cx, self.left)
        } else {
            self.tell(cx)
        }
    }
}

/// Waits until an object's octets have left.
#[derive(Debug)]
struct AwaitSent {
    page: FromPage,
    /// What follows them in the front message's response.
    pieces: std::vec::IntoIter<Piece>,
    /// Whether nothing of the response has left before them.
    first: bool,
}

impl State for AwaitSent {
    fn on(self: Box<Self>, cx: &mut Context, event: Event) -> Next {
        let AwaitSent {
            mut page,
            pieces,
            first,
        } = *self;
        match event {
            Event::Outcome(Ok(Done::Sent)) => page.send(cx, pieces),
            Event::Outcome(Err(failure)) if first => {
                let later = matches!(failure, Failure::Unavailable { .. });
                page.telling.failed(failure);
                page.pass();
                // Where one object cannot be had now, the next cannot either.
                if later {
                    page.telling.end(cx)
                } else {
                    page.tell(cx)
                }
            }
            _ => Next::Cut,
        }
    }
}

/// Waits until what has been read is `\Seen`.
#[derive(Debug)]
struct AwaitSeen {
    failure: Option<Completion>,
}

impl State for AwaitSeen {
    fn on(self: Box<Self>, cx: &mut Context, event: Event) -> Next {
        match (event.reply(), &mut cx.selected) {
            (Ok(Reply::FlagsChanged(changed)), Some(selected)) => {
                selected.absorb(changed.refreshed);
                complete(self.failure)
            }
            (Ok(other), _) => unexpected(&other).into(),
            // On a full disk mail can still be read. What was asked for has been told; that it is not marked the client sees.
            (Err(Failure::Refused(Refusal::Limit(Budget::Space))), _) => complete(self.failure),
            (Err(failure), _) => complete(self.failure.or(Some(failure.into()))),
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
