//! The hall that all doors share, and the seats in it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lightmail_core::store::AccountId;

use super::hall::{Hall, Number, Room, TooMany};
use super::signal::Signal;

/// Lets peers in as long as there is room. A clone is the same crowd.
#[derive(Clone, Debug)]
pub(super) struct Crowd(Arc<Mutex<Seated>>);

#[derive(Debug)]
struct Seated {
    hall: Hall,
    /// To tell who has to go.
    signals: HashMap<Number, Signal>,
}

/// The place of one connection. A clone is the same seat; it is left with the last of them.
#[derive(Clone, Debug)]
pub(super) struct Seat(Arc<Taken>);

#[derive(Debug)]
struct Taken {
    crowd: Crowd,
    number: Number,
    go: Signal,
    /// Whether a log-in is waited for: then what the peer sends is counted.
    is_waited_for: AtomicBool,
}

impl Crowd {
    /// An empty one.
    pub(super) fn new(room: Room) -> Self {
        Self(Arc::new(Mutex::new(Seated {
            hall: Hall::new(room),
            signals: HashMap::new(),
        })))
    }

    /// Counts one more; see [`Hall::enter`].
    pub(super) fn enter(&self, address: Option<IpAddr>, may_log_in: bool) -> Result<Seat, TooMany> {
        let go = Signal::default();
        let mut seated = self.seated();
        let number = seated.hall.enter(address, may_log_in)?;
        seated.signals.insert(number, go.clone());
        seated.send_away();
        Ok(Seat(Arc::new(Taken {
            crowd: self.clone(),
            number,
            go,
            is_waited_for: AtomicBool::new(may_log_in),
        })))
    }

    fn seated(&self) -> MutexGuard<'_, Seated> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seated {
    /// Tells those who hold too much that they have to go.
    fn send_away(&mut self) {
        for number in self.hall.surplus() {
            self.signals.get(&number).into_iter().for_each(Signal::give);
        }
    }
}

impl Seat {
    /// The peer has sent so many octets.
    pub(super) fn hold(&self, octets: usize) {
        if !self.0.is_waited_for.load(Ordering::Relaxed) {
            return;
        }
        let mut seated = self.0.crowd.seated();
        seated
            .hall
            .hold(self.0.number, u64::try_from(octets).unwrap_or(u64::MAX));
        seated.send_away();
    }

    /// The peer has logged in; false if the account has its share of sessions.
    pub(super) fn take_place(&self, account: AccountId) -> bool {
        let known = self.0.crowd.seated().hall.know(self.0.number, account);
        self.0.is_waited_for.fetch_and(!known, Ordering::Relaxed);
        known
    }

    /// Whether the peer has to go.
    pub(super) fn is_sent_away(&self) -> bool {
        self.0.go.is_given()
    }

    /// Ready when the peer has to go.
    pub(super) fn sent_away(&self) -> impl Future<Output = ()> + Send + use<> {
        self.0.go.given()
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut seated = self.crowd.seated();
        seated.hall.leave(self.number);
        seated.signals.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use futures_lite::future::{block_on, poll_once};
    use lightmail_core::config::Config;

    use super::*;

    #[test]
    fn the_oldest_is_told_to_go_and_its_seat_is_free_once_it_has_left() {
        let room = Room {
            held: 40_000,
            connections: 3,
            reserve: 0,
            ..Room::new(&Config::default(), 3)
        };
        let crowd = Crowd::new(room);
        let (first, second) = (crowd.enter(None, true).unwrap(), crowd.enter(None, true).unwrap());
        assert!(!first.is_sent_away());
        let third = crowd.enter(None, true).unwrap();
        assert!(first.is_sent_away() && !second.is_sent_away());
        block_on(first.sent_away());
        assert_eq!(block_on(poll_once(second.sent_away())), None);
        assert!(crowd.enter(None, true).is_err());
        drop(first);
        assert!(crowd.enter(None, true).is_ok());
        // Told already, though another one has more.
        assert!(second.is_sent_away());
        third.hold(100_000);
        assert!(third.is_sent_away(), "nobody else is left");
    }
}
