//! Changes by other nodes and processes are seen by asking: one poller for a storage, while somebody watches.
//!
//! It asks for the HIGHESTMODSEQ of all that is watched, many mailboxes with one statement, every second (`[server] poll_seconds`) and whenever the
//! bell rings. The poll is the truth; what rings the bell is only a reason to ask now.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_io::Timer;
use event_listener::Event;
use futures_lite::FutureExt as _;
use lightmail_core::store::{AccountId, MailboxId};

use crate::sql::poll::{newest_of_accounts, newest_of_mailboxes};
use crate::sql::tx::{Notice, Tx};
use crate::storage::Inner;

/// The least time between them, however often the bell rings.
const GAP: Duration = Duration::from_millis(50);

/// What the poller asks for.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) mailboxes: Vec<MailboxId>,
    pub(crate) accounts: Vec<AccountId>,
}

/// Ends a wait: asks the poller to poll now.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    rung: AtomicBool,
    rings: Event,
    /// Nothing but a ring ends a wait.
    #[cfg(test)]
    pub(crate) is_patient: AtomicBool,
}

impl Bell {
    pub(crate) fn ring(&self) {
        self.rung.store(true, Ordering::Release);
        self.rings.notify(1);
    }

    /// Until it rings, or has rung since the last time; at most so long.
    pub(crate) async fn wait(&self, limit: Duration) {
        let ring = async {
            loop {
                let ring = self.rings.listen();
                if self.rung.swap(false, Ordering::Acquire) {
                    return;
                }
                ring.await;
            }
        };
        #[cfg(test)]
        if self.is_patient.load(Ordering::Relaxed) {
            return ring.await;
        }
        let over = async {
            Timer::after(limit).await;
        };
        ring.or(over).await;
    }
}

/// Starts the poller of a storage. It ends by itself when nobody watches.
pub(crate) fn start(inner: &Arc<Inner>) {
    let (bell, every) = (Arc::clone(inner.hub.bell()), inner.poll_every);
    let inner = Arc::downgrade(inner);
    blocking::unblock(move || async_io::block_on(poll(&inner, &bell, every))).detach();
}

/// Starts another poller if this one panics: who watches does not wait in vain.
struct Poller<'a>(&'a Weak<Inner>);

impl Drop for Poller<'_> {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Some(inner) = self.0.upgrade()
        {
            tracing::error!("store.poller.panicked");
            start(&inner);
        }
    }
}

/// Between polls it does not keep the storage open.
async fn poll(inner: &Weak<Inner>, bell: &Bell, every: Duration) {
    let _poller = Poller(inner);
    loop {
        bell.wait(every).await;
        let Some(inner) = inner.upgrade() else { return };
        let Some(wanted) = inner.hub.wanted_or_end() else {
            return;
        };
        // Without an answer nothing is known to have changed; the next poll tells.
        if let Some(found) = ask(&inner, &wanted).await {
            inner.hub.tell(&found);
        }
        drop(inner);
        Timer::after(GAP).await;
    }
}

pub(crate) async fn ask(inner: &Inner, wanted: &Wanted) -> Option<Vec<Notice>> {
    let ask = async |tx: &mut Tx<'_>| {
        let mut found = newest_of_mailboxes(tx, &wanted.mailboxes).await?;
        found.extend(newest_of_accounts(tx, &wanted.accounts).await?);
        Ok(found)
    };
    inner.read("poll", ask).await.ok()
}
