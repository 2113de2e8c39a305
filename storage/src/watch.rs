//! Change notices: who commits tells who watches in this process. What other nodes and processes change is seen by asking, as
//! [`crate::poll`] does for all who watch.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use event_listener::Event;
use lightmail_core::machine::Watched;
use lightmail_core::store::{AccountId, MailboxId, ModSeq};

use crate::poll::{self, Bell, Wanted};
use crate::sql::tx::Notice;
use crate::storage::Inner;

/// Who watches what.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    state: Mutex<State>,
    bell: Arc<Bell>,
}

#[derive(Debug, Default)]
struct State {
    topics: HashMap<Topic, Audience>,
    /// There is a poller.
    polling: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Topic {
    Mailbox(MailboxId),
    Account(AccountId),
}

/// Those who watch a topic, and what all of them have been told or knew when they came.
#[derive(Debug, Default)]
struct Audience {
    inboxes: Vec<Arc<Inbox>>,
    known: BTreeMap<MailboxId, ModSeq>,
}

/// What a watcher has not been told yet: for each mailbox the newest MODSEQ alone.
#[derive(Debug, Default)]
struct Inbox {
    news: Mutex<BTreeMap<MailboxId, ModSeq>>,
    came: Event,
}

impl Hub {
    /// Tells of commits, whoever made them. What is known already is told to nobody again.
    pub(crate) fn tell(&self, notices: &[Notice]) {
        let mut state = lock(&self.state);
        for notice in notices {
            for topic in [Topic::Mailbox(notice.mailbox), Topic::Account(notice.account)] {
                if let Some(audience) = state.topics.get_mut(&topic) {
                    audience.tell(notice);
                }
            }
        }
    }

    /// Whether somebody who watches would be told something new, if it is true.
    pub(crate) fn is_news(&self, hint: &Notice) -> bool {
        let state = lock(&self.state);
        let topics = [Topic::Mailbox(hint.mailbox), Topic::Account(hint.account)];
        let audiences = topics.iter().filter_map(|topic| state.topics.get(topic));
        audiences
            .map(|audience| audience.known.get(&hint.mailbox))
            .any(|known| known.is_none_or(|known| *known < hint.modseq))
    }

    /// What rings for a poll.
    pub(crate) fn bell(&self) -> &Arc<Bell> {
        &self.bell
    }

    /// What is watched; `None` if nothing is: then the poller has ended.
    pub(crate) fn wanted_or_end(&self) -> Option<Wanted> {
        let mut state = lock(&self.state);
        let mut wanted = Wanted::default();
        for topic in state.topics.keys() {
            match topic {
                Topic::Mailbox(mailbox) => wanted.mailboxes.push(*mailbox),
                Topic::Account(account) => wanted.accounts.push(*account),
            }
        }
        state.polling = !state.topics.is_empty();
        state.polling.then_some(wanted)
    }

    /// Whether somebody has to start a poller is the second answer.
    fn enter(&self, topic: Topic, since: Option<(MailboxId, ModSeq)>) -> (Arc<Inbox>, bool) {
        let inbox = Arc::new(Inbox::default());
        let mut state = lock(&self.state);
        let audience = state.topics.entry(topic).or_default();
        audience.inboxes.push(Arc::clone(&inbox));
        if let Some((mailbox, since)) = since {
            // Of two that know more and less, the poll goes by the one that knows less.
            let known = audience.known.entry(mailbox).or_insert(since);
            *known = since.min(*known);
        }
        (inbox, !std::mem::replace(&mut state.polling, true))
    }

    fn leave(&self, topic: Topic, inbox: &Arc<Inbox>) {
        let mut state = lock(&self.state);
        if let Some(audience) = state.topics.get_mut(&topic) {
            audience.inboxes.retain(|other| !Arc::ptr_eq(other, inbox));
            if audience.inboxes.is_empty() {
                state.topics.remove(&topic);
            }
        }
    }
}

impl Audience {
    fn tell(&mut self, notice: &Notice) {
        let known = self.known.entry(notice.mailbox).or_default();
        if notice.modseq > *known {
            *known = notice.modseq;
            let inboxes = self.inboxes.iter();
            inboxes.for_each(|inbox| inbox.put(notice.mailbox, notice.modseq));
        }
    }
}

impl Inbox {
    fn put(&self, mailbox: MailboxId, modseq: ModSeq) {
        let mut news = lock(&self.news);
        let newest = news.entry(mailbox).or_insert(modseq);
        *newest = modseq.max(*newest);
        drop(news);
        self.came.notify(usize::MAX);
    }
}

/// Waits for changes of what it watches. Dropping it ends the watch.
#[derive(Debug)]
pub struct Watcher {
    inner: Arc<Inner>,
    watch: Option<(Topic, Arc<Inbox>)>,
    /// What the machine knows already of its one mailbox, until the database has been asked for what is newer.
    unasked: Option<(MailboxId, ModSeq)>,
}

impl Watcher {
    pub(crate) fn new(inner: Arc<Inner>, watched: Watched) -> Self {
        let (topic, unasked) = match watched {
            Watched::Nothing => (None, None),
            Watched::Mailbox { id, since } => (Some(Topic::Mailbox(id)), Some((id, since))),
            Watched::Account(account) => (Some(Topic::Account(account)), None),
        };
        let watch = topic.map(|topic| {
            let (inbox, alone) = inner.hub.enter(topic, unasked);
            if alone {
                poll::start(&inner);
            }
            if let Topic::Account(_) = topic {
                // What changed before the watch is told with the first poll.
                inner.hub.bell().ring();
            }
            (topic, inbox)
        });
        Self {
            inner,
            watch,
            unasked,
        }
    }

    /// The next change: a mailbox and its HIGHESTMODSEQ. Several changes of one mailbox are told as one.
    ///
    /// Cancel-safe. Waits for ever when nothing is watched. What is newer than the watch's `since` already is told at once.
    pub async fn changed(&mut self) -> (MailboxId, ModSeq) {
        if let Some((mailbox, since)) = self.unasked {
            // A failure here is no news: the machine's next question meets it.
            let newest = self.inner.highest_modseq(mailbox).await.ok().flatten();
            self.unasked = None;
            if let (Some(newest), Some((_, inbox))) = (newest.filter(|newest| *newest > since), &self.watch) {
                inbox.put(mailbox, newest);
            }
        }
        let Some((_, inbox)) = &self.watch else {
            return std::future::pending().await;
        };
        loop {
            let listener = inbox.came.listen();
            if let Some(change) = lock(&inbox.news).pop_first() {
                return change;
            }
            listener.await;
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        if let Some((topic, inbox)) = &self.watch {
            self.inner.hub.leave(*topic, inbox);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
