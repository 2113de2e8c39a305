//! Who is there, and who may come in: connections, those of one address on which nobody has logged in, what all of these hold together,
//! and sessions of one account.
//!
//! A plain value: it closes nothing, and knows no socket and no clock.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv6Addr};

use lightmail_core::config::Config;
use lightmail_core::store::AccountId;

/// What a connection holds before it has said a word: its task, the machine, and the state of TLS, which is most of it.
const HELD_MIN: u64 = 16 * 1024;

/// How many there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    /// Connections.
    pub(super) connections: usize,
    /// Those of them that are kept for who has logged in.
    pub(super) reserve: usize,
    /// Connections of one address before login.
    pub(super) of_address: usize,
    /// Sessions of one account.
    pub(super) of_account: usize,
    /// Octets that all hold together on whom a log-in is waited for.
    pub(super) held: u64,
    /// The most octets of what a peer has sent that are kept for it before login.
    pub(super) kept: u64,
}

impl Room {
    /// What a configuration says, with room for `connections`.
    pub(super) fn new(config: &Config, connections: usize) -> Self {
        let limits = &config.limits;
        let size = |limit: u32| usize::try_from(limit).unwrap_or(usize::MAX);
        let octets = |size: usize| u64::try_from(size).unwrap_or(u64::MAX);
        let percent = size(limits.connections_reserve_percent);
        Self {
            connections,
            reserve: connections.saturating_mul(percent) / 100,
            of_address: size(limits.address_connections),
            of_account: size(limits.account_connections),
            held: limits.login_memory,
            kept: octets(limits.login_command).saturating_add(octets(config.log.record_size)),
        }
    }
}

/// Why somebody may not come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TooMany {
    /// All connections are taken, or all but those that are kept for others.
    Everywhere,
    /// The address has its share.
    OfAddress,
}

/// The name of a connection; later ones are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Number(u64);

/// All who are there.
#[derive(Debug)]
pub(super) struct Hall {
    room: Room,
    came: u64,
    present: BTreeMap<Number, Guest>,
    /// Those on whom a log-in is waited for; the oldest is the first to go.
    waited_for: BTreeMap<Number, u64>,
    /// What those hold together.
    held: u64,
    /// Those of whom nobody knows who they are.
    strangers: usize,
    addresses: HashMap<IpAddr, usize>,
    accounts: HashMap<AccountId, usize>,
}

#[derive(Debug)]
enum Guest {
    Stranger(Option<IpAddr>),
    Known(AccountId),
}

impl Hall {
    /// An empty one.
    pub(super) fn new(room: Room) -> Self {
        Self {
            room,
            came: 0,
            present: BTreeMap::new(),
            waited_for: BTreeMap::new(),
            held: 0,
            strangers: 0,
            addresses: HashMap::new(),
            accounts: HashMap::new(),
        }
    }

    /// One more comes in. On a UNIX socket there is no address: who may open it is trusted, and finds room in the reserve too.
    /// `may_log_in`: whether a log-in is waited for.
    pub(super) fn enter(&mut self, address: Option<IpAddr>, may_log_in: bool) -> Result<Number, TooMany> {
        let address = address.map(network);
        let strangers_max = self.room.connections - self.room.reserve.min(self.room.connections);
        let is_full = self.present.len() >= self.room.connections;
        if is_full || address.is_some() && self.strangers >= strangers_max {
            return Err(TooMany::Everywhere);
        }
        if let Some(address) = address {
            let here = self.addresses.entry(address).or_default();
            if *here >= self.room.of_address {
                return Err(TooMany::OfAddress);
            }
            *here += 1;
        }
        self.came += 1;
        let number = Number(self.came);
        self.strangers += 1;
        self.present.insert(number, Guest::Stranger(address));
        if may_log_in {
            self.waited_for.insert(number, 0);
            self.held += HELD_MIN;
        }
        Ok(number)
    }

    /// A peer has sent octets.
    pub(super) fn hold(&mut self, number: Number, octets: u64) {
        if let Some(sent) = self.waited_for.get_mut(&number) {
            let before = *sent;
            *sent = before.saturating_add(octets).min(self.room.kept);
            self.held += *sent - before;
        }
    }

    /// Who has to go, so that all hold no more than they may; not waited for any more.
    pub(super) fn surplus(&mut self) -> Vec<Number> {
        let mut gone = Vec::new();
        while self.held > self.room.held
            && let Some(oldest) = self.waited_for.keys().next().copied()
        {
            self.forget(oldest);
            gone.push(oldest);
        }
        gone
    }

    /// Somebody has logged in; false if the account has its share. Who had logged in before, as somebody else, leaves that account.
    pub(super) fn know(&mut self, number: Number, account: AccountId) -> bool {
        if matches!(self.present.get(&number), Some(Guest::Known(known)) if *known == account) {
            return true;
        }
        let here = self.accounts.get(&account).copied().unwrap_or(0);
        if here >= self.room.of_account {
            return false;
        }
        self.leave(number);
        self.present.insert(number, Guest::Known(account));
        self.accounts.insert(account, here + 1);
        true
    }

    /// Somebody has left.
    pub(super) fn leave(&mut self, number: Number) {
        self.forget(number);
        match self.present.remove(&number) {
            Some(Guest::Stranger(address)) => {
                self.strangers -= 1;
                address
                    .into_iter()
                    .for_each(|address| less(&mut self.addresses, &address));
            }
            Some(Guest::Known(account)) => less(&mut self.accounts, &account),
            None => {}
        }
    }

    fn forget(&mut self, number: Number) {
        if let Some(sent) = self.waited_for.remove(&number) {
            self.held -= HELD_MIN + sent;
        }
    }
}

/// One less of them; none is no entry.
fn less<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

/// Who has one IPv6 address has the other 2^64 of its network too.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    fn nth(nth: u8) -> Option<IpAddr> {
        Some([192, 0, 2, nth].into())
    }

    fn hall(change: impl FnOnce(&mut Room)) -> Hall {
        let mut room = Room::new(&Config::default(), 100);
        change(&mut room);
        Hall::new(room)
    }

    #[test]
    fn an_address_gets_its_share_and_no_more() {
        let mut hall = hall(|room| room.of_address = 2);
        let first = hall.enter(at("192.0.2.1"), true).unwrap();
        let second = hall.enter(at("192.0.2.1"), false).unwrap();
        assert_eq!(hall.enter(at("192.0.2.1"), true), Err(TooMany::OfAddress));
        assert!(hall.enter(at("192.0.2.2"), true).is_ok());
        hall.leave(second);
        let third = hall.enter(at("192.0.2.1"), true).unwrap();
        assert!(hall.enter(at("192.0.2.1"), true).is_err());
        assert!(hall.know(first, AccountId(1)));
        assert!(hall.enter(at("192.0.2.1"), true).is_ok());
        hall.leave(third);
    }

    #[test]
    fn addresses_of_one_ipv6_network_share() {
        let mut hall = hall(|room| room.of_address = 1);
        hall.enter(at("2001:db8:0:1::1"), true).unwrap();
        assert_eq!(
            hall.enter(at("2001:db8:0:1:ffff::2"), true),
            Err(TooMany::OfAddress)
        );
        assert!(hall.enter(at("2001:db8:0:2::1"), true).is_ok());
    }

    #[test]
    fn some_room_is_kept_for_who_has_logged_in() {
        let mut hall = hall(|room| (room.connections, room.reserve) = (4, 1));
        let all: Vec<_> = (0..3).map(|n| hall.enter(nth(n), true).unwrap()).collect();
        assert_eq!(hall.enter(nth(3), true), Err(TooMany::Everywhere));
        assert!(hall.know(all[0], AccountId(1)));
        let fourth = hall.enter(nth(3), true).unwrap();
        assert!(hall.enter(nth(4), true).is_err(), "all are taken");
        assert!(hall.enter(None, false).is_err());
        hall.leave(fourth);
        assert!(hall.enter(None, false).is_ok(), "a socket of this machine");
        all.into_iter().for_each(|number| hall.leave(number));
        assert_eq!((hall.strangers, hall.addresses.len(), hall.held), (1, 0, 0));
    }

    /// Threats B01, B14.
    #[test]
    fn the_oldest_goes_where_all_hold_too_much() {
        let mut hall = hall(|room| (room.held, room.kept) = (3 * HELD_MIN, 1000));
        let all: Vec<_> = (0..3).map(|n| hall.enter(nth(n), true).unwrap()).collect();
        let mta = hall.enter(None, false).unwrap();
        hall.hold(mta, 1 << 40);
        assert_eq!(hall.surplus(), []);
        hall.hold(all[2], 1);
        assert_eq!(hall.surplus(), [all[0]], "whoever it was that sent more");
        hall.hold(all[0], 1000);
        assert_eq!(hall.surplus(), [], "who has to go counts no more");
        assert!(hall.know(all[1], AccountId(1)));
        hall.hold(all[1], u64::MAX);
        hall.hold(all[2], u64::MAX);
        assert_eq!(hall.held, HELD_MIN + 1000, "no more than is kept");
        all.into_iter().chain([mta]).for_each(|number| hall.leave(number));
        assert_eq!((hall.strangers, hall.held, hall.accounts.len()), (0, 0, 0));
    }

    #[test]
    fn an_account_has_its_share_of_sessions() {
        let mut hall = hall(|room| room.of_account = 1);
        let (one, other) = (AccountId(1), AccountId(2));
        let all: Vec<_> = (0..2).map(|n| hall.enter(nth(n), true).unwrap()).collect();
        assert!(hall.know(all[0], one) && hall.know(all[0], one));
        assert!(!hall.know(all[1], one));
        assert!(hall.know(all[1], other));
        // It logs in as somebody else.
        assert!(!hall.know(all[0], other));
        hall.leave(all[1]);
        assert!(hall.know(all[0], other));
        assert_eq!(hall.accounts, HashMap::from([(other, 1)]));
    }
}
