//! How many connections there are, and how many of them an address has that nobody has logged in on.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts connections, so that their number is bounded and one peer cannot take them all.
#[derive(Clone, Debug)]
pub(super) struct Crowd(Arc<Hall>);

#[derive(Debug)]
struct Hall {
    most: usize,
    most_of_address: usize,
    present: Mutex<Present>,
}

#[derive(Debug, Default)]
struct Present {
    all: usize,
    strangers: HashMap<IpAddr, usize>,
}

/// Why somebody may not come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TooMany {
    /// All connections are taken.
    Everywhere,
    /// The address has its share.
    OfAddress,
}

/// One connection; leaves when dropped.
#[derive(Debug)]
pub(super) struct Seat(Crowd);

/// One connection of an address on which nobody has logged in yet; it is one no more when dropped.
#[derive(Debug)]
pub(super) struct Stranger {
    crowd: Crowd,
    address: Option<IpAddr>,
}

impl Crowd {
    /// At most `most` connections at a time, of which one address has at most `most_of_address` before login.
    pub(super) fn new(most: usize, most_of_address: usize) -> Self {
        Self(Arc::new(Hall {
            most,
            most_of_address,
            present: Mutex::default(),
        }))
    }

    /// Counts one more. On a UNIX socket there is no address, and no share of it.
    pub(super) fn enter(&self, address: Option<IpAddr>) -> Result<(Seat, Stranger), TooMany> {
        let address = address.map(network);
        let mut present = self.present();
        if present.all >= self.0.most {
            return Err(TooMany::Everywhere);
        }
        if let Some(address) = address {
            let here = present.strangers.entry(address).or_default();
            if *here >= self.0.most_of_address {
                return Err(TooMany::OfAddress);
            }
            *here += 1;
        }
        present.all += 1;
        let crowd = self.clone();
        Ok((Seat(self.clone()), Stranger { crowd, address }))
    }

    fn present(&self) -> MutexGuard<'_, Present> {
        self.0.present.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who has one IPv6 address has the other 2^64 of its network too.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.present().all -= 1;
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let Some(address) = self.address else { return };
        let mut present = self.crowd.present();
        if let Some(here) = present.strangers.get_mut(&address) {
            *here -= 1;
            if *here == 0 {
                present.strangers.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn an_address_gets_its_share_and_no_more() {
        let crowd = Crowd::new(100, 2);
        let first = crowd.enter(at("192.0.2.1")).unwrap();
        let (_seat, second) = crowd.enter(at("192.0.2.1")).unwrap();
        assert_eq!(crowd.enter(at("192.0.2.1")).unwrap_err(), TooMany::OfAddress);
        assert!(crowd.enter(at("192.0.2.2")).is_ok());
        drop(first);
        let third = crowd.enter(at("192.0.2.1")).unwrap();
        assert!(crowd.enter(at("192.0.2.1")).is_err());
        // Somebody logs in there.
        drop(second);
        assert!(crowd.enter(at("192.0.2.1")).is_ok());
        drop(third);
    }

    #[test]
    fn addresses_of_one_ipv6_network_share() {
        let crowd = Crowd::new(100, 1);
        let _here = crowd.enter(at("2001:db8:0:1::1")).unwrap();
        assert_eq!(
            crowd.enter(at("2001:db8:0:1:ffff::2")).unwrap_err(),
            TooMany::OfAddress
        );
        assert!(crowd.enter(at("2001:db8:0:2::1")).is_ok());
    }

    #[test]
    fn all_together_are_bounded_too() {
        let crowd = Crowd::new(2, 2);
        let (seat, stranger) = crowd.enter(None).unwrap();
        let _other = crowd.enter(at("192.0.2.1")).unwrap();
        assert_eq!(crowd.enter(at("192.0.2.2")).unwrap_err(), TooMany::Everywhere);
        drop(stranger);
        assert!(crowd.enter(None).is_err(), "who has logged in is still there");
        drop(seat);
        let _next = crowd.enter(None).unwrap();
        assert_eq!(crowd.present().strangers.len(), 1);
    }
}
