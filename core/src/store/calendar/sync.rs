//! Synchronisation of a calendar (RFC 6578): tokens, and what has changed since one.

use super::{CalendarId, CalendarObject, ResourceName};
use crate::store::ModSeq;

/// What a client knows of a calendar: the content of a `DAV:sync-token` (RFC 6578, 3.2).
///
/// The two MODSEQs differ only while a client that knew nothing fetches page by page: it has never seen what was removed
/// before it began. So a long first fetch does not become too old on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncToken {
    /// Which calendar; another of the same name has another id.
    pub calendar: CalendarId,
    /// What was put up to here is known.
    pub changed: ModSeq,
    /// What was removed up to here is known; never below `changed`.
    pub removed: ModSeq,
}

impl SyncToken {
    /// Whether all that came after it can still be told: `modseq` is the calendar's, removals up to `floor` may be forgotten.
    pub fn is_valid(&self, calendar: CalendarId, modseq: ModSeq, floor: ModSeq) -> bool {
        let within = self.changed <= self.removed && (floor..=modseq).contains(&self.removed);
        self.calendar == calendar && within
    }
}

/// A page of what has changed, in the order of MODSEQs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalendarSynced {
    /// Objects that are new or were replaced.
    pub changed: Vec<CalendarObject>,
    /// Names that are gone, those too that came and went since.
    pub removed: Vec<ResourceName>,
    /// What the client knows with this page.
    pub token: SyncToken,
    /// Whether there is more to tell: ask again with the token (RFC 6578, 3.6).
    pub more: bool,
}

impl CalendarSynced {
    /// The first of `changes` as a page: at most `limit`, and whether there are more. They come by MODSEQ, each with its own.
    ///
    /// `since`: what the client knew, nothing at all if `None`; `now`: what it knows with the last page.
    pub fn page(
        changes: impl IntoIterator<Item = Change>,
        limit: u32,
        since: Option<SyncToken>,
        now: SyncToken,
    ) -> Self {
        let mut page = CalendarSynced {
            changed: Vec::new(),
            removed: Vec::new(),
            token: SyncToken {
                changed: since.map_or(ModSeq(0), |since| since.changed),
                ..since.unwrap_or(now)
            },
            more: false,
        };
        for (at, change) in changes.into_iter().enumerate() {
            if at >= limit as usize {
                page.more = true;
                return page;
            }
            page.take(change);
        }
        page.token = now;
        page
    }

    fn take(&mut self, change: Change) {
        let modseq = match change {
            Change::Put(object) => {
                let modseq = object.modseq;
                self.changed.push(object);
                modseq
            }
            Change::Removed(name, modseq) => {
                self.removed.push(name);
                modseq
            }
        };
        self.token.changed = modseq;
        self.token.removed = self.token.removed.max(modseq);
    }
}

/// One change of a calendar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// There is a new object under a name.
    Put(CalendarObject),
    /// There is none any more since this MODSEQ.
    Removed(ResourceName, ModSeq),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(changed: u64, removed: u64) -> SyncToken {
        SyncToken {
            calendar: CalendarId(1),
            changed: ModSeq(changed),
            removed: ModSeq(removed),
        }
    }

    #[test]
    fn a_token_is_valid_from_the_floor_to_now() {
        let is_valid = |token: SyncToken| token.is_valid(CalendarId(1), ModSeq(9), ModSeq(5));
        assert!(is_valid(token(5, 5)) && is_valid(token(9, 9)) && is_valid(token(0, 9)));
        assert!(!is_valid(token(4, 4)) && !is_valid(token(10, 9)) && !is_valid(token(9, 10)));
        assert!(!token(9, 9).is_valid(CalendarId(2), ModSeq(9), ModSeq(5)));
    }

    #[test]
    fn each_page_leads_to_the_next() {
        let gone = |modseq| Change::Removed(ResourceName::new("x").unwrap(), ModSeq(modseq));
        let page = |changes: &[u64], since| {
            CalendarSynced::page(changes.iter().map(|n| gone(*n)), 2, since, token(9, 9))
        };
        let first = page(&[3, 5, 8], Some(token(2, 2)));
        assert_eq!(
            (first.token, first.more, first.removed.len()),
            (token(5, 5), true, 2)
        );
        let last = page(&[8], Some(first.token));
        assert_eq!((last.token, last.more), (token(9, 9), false));
        let initial = page(&[3, 5, 8], None);
        assert_eq!(
            initial.token,
            token(5, 9),
            "what was removed before it began is known"
        );
        let nothing = CalendarSynced::page([gone(3)], 0, Some(token(2, 2)), token(9, 9));
        assert_eq!((nothing.token, nothing.more), (token(2, 2), true));
    }
}
