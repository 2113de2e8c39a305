//! How many connections an address has.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts connections by address, so that one peer cannot take them all.
#[derive(Clone, Debug)]
pub(super) struct Crowd {
    most: usize,
    present: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// One counted connection; leaves when dropped.
#[derive(Debug)]
pub(super) struct Seat {
    crowd: Crowd,
    address: Option<IpAddr>,
}

impl Crowd {
    /// At most `most` connections of one address at a time.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            present: Arc::default(),
        }
    }

    /// `None` when the address has its share. A UNIX socket has no limit.
    pub(super) fn enter(&self, address: Option<IpAddr>) -> Option<Seat> {
        if let Some(address) = address {
            let mut present = self.present();
            let here = present.entry(address).or_default();
            if *here >= self.most {
                return None;
            }
            *here += 1;
        }
        Some(Seat {
            crowd: self.clone(),
            address,
        })
    }

    fn present(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let Some(address) = self.address else { return };
        let mut present = self.crowd.present();
        if let Some(here) = present.get_mut(&address) {
            *here -= 1;
            if *here == 0 {
                present.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_gets_its_share_and_no_more() {
        let crowd = Crowd::new(2);
        let here = Some(IpAddr::from([192, 0, 2, 1]));
        let first = crowd.enter(here);
        let _second = crowd.enter(here).unwrap();
        assert!(crowd.enter(here).is_none());
        assert!(crowd.enter(Some(IpAddr::from([192, 0, 2, 2]))).is_some());
        drop(first);
        assert!(crowd.enter(here).is_some());
    }
}
