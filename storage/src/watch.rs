//! Change notices within this process: who commits tells who watches. What other processes change is seen by asking.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use event_listener::Event;
use lightmail_core::machine::Watched;
use lightmail_core::store::{AccountId, MailboxId, ModSeq};

use crate::sql::tx::Notice;
use crate::storage::Inner;

/// Who watches what.
#[derive(Debug, Default)]
pub(crate) struct Hub(Mutex<HashMap<Topic, Vec<Arc<Inbox>>>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Topic {
    Mailbox(MailboxId),
    Account(AccountId),
}

/// What a watcher has not been told yet: for each mailbox the newest MODSEQ alone.
#[derive(Debug, Default)]
struct Inbox {
    news: Mutex<BTreeMap<MailboxId, ModSeq>>,
    came: Event,
}

impl Hub {
    /// Tells of commits.
    pub(crate) fn tell(&self, notices: &[Notice]) {
        let topics = lock(&self.0);
        for notice in notices {
            for topic in [Topic::Mailbox(notice.mailbox), Topic::Account(notice.account)] {
                let inboxes = topics.get(&topic).into_iter().flatten();
                inboxes.for_each(|inbox| inbox.put(notice.mailbox, notice.modseq));
            }
        }
    }

    fn enter(&self, topic: Topic) -> Arc<Inbox> {
        let inbox = Arc::new(Inbox::default());
        lock(&self.0).entry(topic).or_default().push(Arc::clone(&inbox));
        inbox
    }

    fn leave(&self, topic: Topic, inbox: &Arc<Inbox>) {
        let mut topics = lock(&self.0);
        if let Some(inboxes) = topics.get_mut(&topic) {
            inboxes.retain(|other| !Arc::ptr_eq(other, inbox));
            if inboxes.is_empty() {
                topics.remove(&topic);
            }
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
        let watch = topic.map(|topic| (topic, inner.hub.enter(topic)));
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
