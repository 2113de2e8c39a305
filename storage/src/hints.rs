//! Hints between nodes: what a node has changed it tells the others by UDP, so that they poll at once and not within a second.
//!
//! A hint is never trusted for what it says: it is only a reason to poll now, and polls keep their distance however many
//! hints come. One that is lost costs the time until the next poll. Every node writes into the table `nodes` where it is.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use async_io::Async;
use event_listener::Event;
use futures_lite::FutureExt as _;
use lightmail_core::store::{AccountId, MailboxId, ModSeq};

use crate::poll::Bell;
use crate::sql::nodes;
use crate::sql::tx::{Notice, Tx};
use crate::storage::Inner;

/// How often a node says that it lives, and asks who else does.
const BEAT: Duration = Duration::from_secs(10);
/// What a datagram of ours begins with.
const MAGIC: &[u8] = b"LMN1";
/// Octets of a hint: account, mailbox, MODSEQ.
const HINT: usize = 24;
/// Hints of a datagram: it fits into one packet of any network.
const HINTS_MAX: usize = 50;
/// Mailboxes that wait to be told of. What is beyond is found by polling.
const OUTBOX_MAX: usize = 4096;

/// This node among the others.
#[derive(Debug)]
pub(crate) struct Node {
    id: [u8; 16],
    address: SocketAddr,
    outbox: Mutex<BTreeMap<(AccountId, MailboxId), ModSeq>>,
    put: Event,
    others: Mutex<Vec<SocketAddr>>,
    gone: AtomicBool,
    /// Rings for a beat.
    pub(crate) pulse: Bell,
}

impl Node {
    /// Takes the address by which the others reach this node, `host:port`, and begins to tell and to listen.
    ///
    /// Errors: it is no address of this machine, or it is taken.
    pub(crate) fn start(inner: &Arc<Inner>, address: &str) -> io::Result<Arc<Self>> {
        let socket = UdpSocket::bind(address)?;
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(|error| io::Error::other(error.to_string()))?;
        let node = Arc::new(Self {
            id,
            address: socket.local_addr()?,
            outbox: Mutex::default(),
            put: Event::new(),
            others: Mutex::default(),
            gone: AtomicBool::new(false),
            pulse: Bell::default(),
        });
        let socket = Async::new(socket)?;
        let (inner, same) = (Arc::downgrade(inner), Arc::clone(&node));
        blocking::unblock(move || async_io::block_on(same.live(&inner, &socket))).detach();
        Ok(node)
    }

    /// Tells the others of commits, soon.
    pub(crate) fn tell(&self, notices: &[Notice]) {
        let mut outbox = lock(&self.outbox);
        for notice in notices {
            let key = (notice.account, notice.mailbox);
            if outbox.len() < OUTBOX_MAX || outbox.contains_key(&key) {
                let newest = outbox.entry(key).or_default();
                *newest = notice.modseq.max(*newest);
            }
        }
        drop(outbox);
        self.put.notify(1);
    }

    /// Takes this node from the list. After an error the others forget it by its age.
    pub(crate) async fn leave(&self, inner: &Inner) {
        self.gone.store(true, Ordering::Relaxed);
        self.pulse.ring();
        let _ = inner
            .read("nodes", async |tx: &mut Tx<'_>| nodes::leave(tx, self.id).await)
            .await;
    }

    /// As long as the storage is there and not closed.
    async fn live(&self, inner: &Weak<Inner>, socket: &Async<UdpSocket>) {
        self.beat(inner)
            .or(self.send(socket))
            .or(receive(inner, socket))
            .await;
    }

    async fn beat(&self, inner: &Weak<Inner>) {
        let address = self.address.to_string();
        while let Some(inner) = inner.upgrade() {
            if self.gone.load(Ordering::Relaxed) {
                return;
            }
            let ask = async |tx: &mut Tx<'_>| nodes::beat(tx, self.id, &address).await;
            // Without an answer the others are where they were.
            if let Ok(others) = inner.read("nodes", ask).await {
                *lock(&self.others) = others.iter().filter_map(|other| other.parse().ok()).collect();
            }
            drop(inner);
            self.pulse.wait(BEAT).await;
        }
    }

    async fn send(&self, socket: &Async<UdpSocket>) {
        loop {
            let put = self.put.listen();
            let datagram = self.next_datagram();
            if datagram.is_empty() {
                put.await;
                continue;
            }
            let others = lock(&self.others).clone();
            for other in others {
                // Whoever is not there needs no hint.
                let _ = socket.send_to(&datagram, other).await;
            }
        }
    }

    /// Empty: there is nothing to tell.
    fn next_datagram(&self) -> Vec<u8> {
        let mut outbox = lock(&self.outbox);
        let mut datagram = Vec::new();
        for _ in 0..HINTS_MAX {
            let Some(((account, mailbox), modseq)) = outbox.pop_first() else {
                break;
            };
            if datagram.is_empty() {
                datagram.extend_from_slice(MAGIC);
            }
            datagram.extend(account.0.to_be_bytes());
            datagram.extend(mailbox.0.to_be_bytes());
            datagram.extend(modseq.0.to_be_bytes());
        }
        datagram
    }

    #[cfg(test)]
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    #[cfg(test)]
    pub(crate) fn others(&self) -> usize {
        lock(&self.others).len()
    }
}

/// Rings for a poll when a hint is about something that is watched.
async fn receive(inner: &Weak<Inner>, socket: &Async<UdpSocket>) {
    let mut octets = [0; MAGIC.len() + HINT * HINTS_MAX];
    loop {
        // An error is about a datagram that was sent before, to a node that is gone.
        let Ok((len, _)) = socket.recv_from(&mut octets).await else {
            continue;
        };
        let Some(inner) = inner.upgrade() else { return };
        let mut hints = octets.get(..len).map(hints).unwrap_or_default().into_iter();
        if hints.any(|hint| inner.hub.is_news(&hint)) {
            inner.hub.bell().ring();
        }
    }
}

/// The hints of a datagram; none of one that is not ours.
fn hints(datagram: &[u8]) -> Vec<Notice> {
    let Some(rest) = datagram.strip_prefix(MAGIC) else {
        return Vec::new();
    };
    let (hints, _) = rest.as_chunks::<HINT>();
    let numbers = hints.iter().map(|hint| hint.as_chunks::<8>().0);
    numbers
        .filter_map(|numbers| match numbers {
            [account, mailbox, modseq] => Some(Notice {
                account: AccountId(i64::from_be_bytes(*account)),
                mailbox: MailboxId(i64::from_be_bytes(*mailbox)),
                modseq: ModSeq(u64::from_be_bytes(*modseq)),
            }),
            _ => None,
        })
        .collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
