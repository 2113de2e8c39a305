//! What a client is told that comes back to a mailbox: which messages are gone, and which have changed.
//!
//! RFC 7162, 3.2.5 (QRESYNC of SELECT and EXAMINE), 3.2.6 (VANISHED of UID FETCH), 3.2.10.1 (VANISHED (EARLIER)). The store
//! remembers every UID that was ever expunged, under its MODSEQ or a higher one, so one question answers both.

use super::{Completion, Context, Event, Next, State, unexpected};
use crate::imap::ast::{Resync, SequenceMatch};
use crate::imap::selected::Selected;
use crate::store::{ModSeq, Refreshed, Reply, Request, UidSet};

/// The most ranges of one VANISHED response.
const RANGES_A_LINE: usize = 1000;

/// The most pairs of number and UID that are looked at, the highest first.
const MATCHES_MAX: usize = 10_000;

/// The question what happened in the selected mailbox since `since`.
pub(super) fn request(cx: &Context, since: ModSeq) -> Option<Request> {
    cx.selected().map(|selected| Request::Refresh {
        mailbox: selected.mailbox(),
        since,
        claim_recent: !selected.read_only(),
    })
}

/// Tells by VANISHED (EARLIER) which of `vanished` are gone; those that the client still numbers come later, without EARLIER.
pub(super) fn tell_earlier(cx: &mut Context, vanished: &UidSet) {
    let Some(earlier) = cx.selected().map(|selected| selected.unnumbered(vanished)) else {
        return;
    };
    let ranges: Vec<_> = earlier.ranges().collect();
    for some in ranges.chunks(RANGES_A_LINE) {
        let mut uids = UidSet::new();
        some.iter().cloned().for_each(|range| uids.insert_range(range));
        cx.line(format_args!("* VANISHED (EARLIER) {uids}"));
    }
}

/// The mailbox has just been opened and told. Goes on with what has changed since the client knew it, if it speaks of the same
/// mailbox (RFC 7162, 3.2.5) and anything has.
pub(super) fn follow(cx: &mut Context, resync: Resync, completion: Completion) -> Next {
    let is_older = |selected: &&Selected| {
        let view = selected.view();
        view.uid_validity == resync.uid_validity && resync.modseq < view.highest_modseq
    };
    match cx
        .selected()
        .filter(is_older)
        .and_then(|_| request(cx, resync.modseq))
    {
        Some(request) => {
            cx.ask(request);
            Next::wait(AwaitNews { resync, completion })
        }
        None => completion.into(),
    }
}

#[derive(Debug)]
struct AwaitNews {
    resync: Resync,
    completion: Completion,
}

impl State for AwaitNews {
    fn on(self: Box<Self>, cx: &mut Context, event: Event) -> Next {
        match event.reply() {
            Ok(Reply::Refreshed(refreshed)) => {
                tell_news(cx, &self.resync, refreshed);
                self.completion.into()
            }
            // A mailbox that could not be told whole is not selected (RFC 3501, 6.3.1).
            Ok(other) => {
                cx.selected = None;
                unexpected(&other).into()
            }
            Err(failure) => {
                cx.selected = None;
                failure.into()
            }
        }
    }
}

/// What vanished is told here, the flags of what changed when the command ends.
fn tell_news(cx: &mut Context, resync: &Resync, refreshed: Refreshed) {
    let within = |uids: &UidSet| match &resync.known {
        Some(known) => uids.intersection(known),
        None => uids.clone(),
    };
    let (changed, mut vanished) = (within(&refreshed.changed), within(&refreshed.vanished));
    let Some(selected) = &mut cx.selected else { return };
    if let Some(matches) = &resync.matches {
        vanished.remove_to(agreed(selected, matches));
    }
    selected.absorb(refreshed);
    selected.owe_flags(&changed);
    tell_earlier(cx, &vanished);
}

/// The highest UID that has the number under which the client knows it, so that all expunges below are no news; 0: there is none
/// (RFC 7162, 3.2.5.2).
fn agreed(selected: &Selected, matches: &SequenceMatch) -> u32 {
    let pairs = matches.numbers.iter().rev().zip(matches.uids.iter().rev());
    let mut pairs = pairs.take(MATCHES_MAX);
    let agreed = pairs.find(|(number, uid)| selected.row_at(*number).is_some_and(|row| row.uid.0 == *uid));
    agreed.map_or(0, |(_, uid)| uid)
}
