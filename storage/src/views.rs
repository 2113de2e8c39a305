//! The newest view of each mailbox that somebody reads, shared by all sessions; bounded by rows.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lightmail_core::store::{MailboxId, View};

/// The most rows of all views together; a row is 48 octets.
const ROWS_MAX: usize = 2_000_000;
/// What a view costs beside its rows, counted in rows.
const VIEW_COST: usize = 16;

/// The views, the least lately used of which go first.
#[derive(Debug)]
pub(crate) struct Views {
    state: Mutex<State>,
    rows_max: usize,
}

#[derive(Debug, Default)]
struct State {
    views: HashMap<MailboxId, Entry>,
    rows: usize,
    uses: u64,
}

#[derive(Debug)]
struct Entry {
    view: Arc<View>,
    used: u64,
}

impl Default for Views {
    fn default() -> Self {
        Self::with_room(ROWS_MAX)
    }
}

impl Views {
    fn with_room(rows_max: usize) -> Self {
        Self {
            state: Mutex::default(),
            rows_max,
        }
    }

    /// The view of a mailbox, if it is here.
    pub(crate) fn get(&self, mailbox: MailboxId) -> Option<Arc<View>> {
        let mut state = self.lock();
        state.uses += 1;
        let used = state.uses;
        let entry = state.views.get_mut(&mailbox)?;
        entry.used = used;
        Some(Arc::clone(&entry.view))
    }

    /// Takes in a view, unless a newer one is here.
    pub(crate) fn put(&self, view: Arc<View>) {
        let mut state = self.lock();
        let known = state
            .views
            .get(&view.mailbox)
            .map(|entry| entry.view.highest_modseq);
        if known.is_some_and(|known| known >= view.highest_modseq) {
            return;
        }
        state.uses += 1;
        let entry = Entry {
            used: state.uses,
            view,
        };
        state.rows += cost(&entry.view);
        if let Some(old) = state.views.insert(entry.view.mailbox, entry) {
            state.rows -= cost(&old.view);
        }
        state.shrink(self.rows_max);
    }

    /// Forgets the view of a mailbox.
    pub(crate) fn remove(&self, mailbox: MailboxId) {
        let mut state = self.lock();
        state.remove(mailbox);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn remove(&mut self, mailbox: MailboxId) {
        if let Some(old) = self.views.remove(&mailbox) {
            self.rows -= cost(&old.view);
        }
    }

    /// Forgets the least lately used views: a quarter more than needed, so that it is not sorted at every step.
    fn shrink(&mut self, rows_max: usize) {
        if self.rows <= rows_max {
            return;
        }
        let mut by_use: Vec<_> = self
            .views
            .iter()
            .map(|(mailbox, entry)| (entry.used, *mailbox))
            .collect();
        by_use.sort_unstable();
        by_use.pop();
        for (_, mailbox) in by_use {
            if self.rows <= rows_max / 4 * 3 {
                break;
            }
            self.remove(mailbox);
        }
    }
}

fn cost(view: &View) -> usize {
    view.len() + VIEW_COST
}

#[cfg(test)]
mod tests {
    use super::*;
    use lightmail_core::store::{Flags, ModSeq, Row, Uid};

    fn view(mailbox: i64, modseq: u64, rows: u32) -> Arc<View> {
        let row = |uid| Row {
            uid: Uid(uid),
            size: 1,
            flags: Flags::NONE,
            modseq: ModSeq(1),
            internal_date_s: 0,
            sent_date_s: 0,
        };
        let mut view = View::empty(MailboxId(mailbox), 1).with_rows((1..=rows).map(row));
        view.highest_modseq = ModSeq(modseq);
        Arc::new(view)
    }

    #[test]
    fn an_older_view_does_not_replace_a_newer_one() {
        let views = Views::default();
        views.put(view(1, 5, 3));
        views.put(view(1, 4, 9));
        assert_eq!(views.get(MailboxId(1)).map(|view| view.len()), Some(3));
        views.put(view(1, 6, 9));
        assert_eq!(views.get(MailboxId(1)).map(|view| view.len()), Some(9));
    }

    #[test]
    fn the_least_lately_used_views_go_first_and_the_newest_stays() {
        let views = Views::with_room(400);
        (1..=3).for_each(|mailbox| views.put(view(mailbox, 1, 100)));
        views.get(MailboxId(1));
        views.put(view(4, 1, 100));
        assert!(views.get(MailboxId(2)).is_none());
        assert!(views.get(MailboxId(4)).is_some());
        views.put(view(5, 1, 10_000));
        assert!(
            views.get(MailboxId(5)).is_some(),
            "a view larger than the room is kept while it is in use"
        );
        assert_eq!(views.lock().rows, 10_016);
    }
}
