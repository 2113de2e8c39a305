//! Token buckets against guessing: each network and each name may give so many wrong passwords a minute.
//!
//! A bucket holds a minute's tokens and fills evenly within a minute. It is kept as one number, the moment at which it is full
//! again, so a bucket that is full needs no row. A wrong password takes a token; what is right takes none, and asks for none to be
//! there but one.

use std::net::{IpAddr, Ipv6Addr};

use crate::machine::{Peer, Time};

/// A minute, in milliseconds: in so long an empty bucket is full.
const MINUTE_MS: u64 = 60_000;

/// A try to log in, as throttles see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The name given, lower-cased, whether there is such an account or not.
    pub login: String,
    /// From where; `None`: from the server's own machine, where a webmail has many users behind one address.
    pub from: Option<IpAddr>,
    /// How many wrong passwords a bucket holds; at least 1.
    pub per_minute: u32,
    /// Now, in milliseconds since 1970. Where several nodes share a database, time is the database's.
    pub at_ms: u64,
}

impl Attempt {
    /// The most octets of a bucket's name.
    pub const BUCKET_LEN_MAX: usize = 300;

    /// Of a peer, now. `login` is as the client wrote it.
    pub fn new(login: &str, peer: &Peer, per_minute: u32, now: Time) -> Self {
        Self {
            login: login.to_lowercase(),
            from: peer.address.filter(|_| !peer.is_local()),
            per_minute: per_minute.max(1),
            at_ms: now.unix_ms,
        }
    }

    /// The names of its buckets, ascending: that of the account's name, and that of the network it comes from.
    ///
    /// A network is one IPv4 address, or the /64 of IPv6 that one customer has whole. A longer name than an account can have is
    /// counted by its beginning.
    pub fn buckets(&self) -> impl Iterator<Item = String> {
        let name = format!("login {}", self.login);
        let end = name.floor_char_boundary(Self::BUCKET_LEN_MAX);
        let name = name.get(..end).unwrap_or_default().to_owned();
        std::iter::once(name).chain(self.from.map(network))
    }

    /// When a bucket is full again that would have been at `full_ms`, after one more wrong password.
    pub fn spend(&self, full_ms: u64, now_ms: u64) -> u64 {
        let later = full_ms.max(now_ms).saturating_add(self.token_ms());
        later.min(now_ms.saturating_add(self.whole_ms()))
    }

    /// How long a bucket has no token; 0: it has one.
    pub fn wait_ms(&self, full_ms: u64, now_ms: u64) -> u64 {
        let lacks_ms = full_ms.saturating_sub(now_ms).min(self.whole_ms());
        lacks_ms.saturating_sub(self.whole_ms().saturating_sub(self.token_ms()))
    }

    /// In how long a token comes back.
    pub fn token_ms(&self) -> u64 {
        (MINUTE_MS / u64::from(self.per_minute.max(1))).max(1)
    }

    /// In how long an empty bucket is full.
    pub fn whole_ms(&self) -> u64 {
        self.token_ms().saturating_mul(u64::from(self.per_minute.max(1)))
    }
}

/// The name of a network's bucket.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => format!("network {address}/32"),
        IpAddr::V6(address) => {
            let prefix = Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64));
            format!("network {prefix}/64")
        }
    }
}

/// A bucket that is not full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Throttle {
    /// Its name, as [`Attempt::buckets`] gives it.
    pub bucket: String,
    /// In how long it is full again, in milliseconds; then it is none any more.
    pub full_in_ms: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn attempt(from: &str, per_minute: u32) -> Attempt {
        let peer = Peer {
            address: from.parse().ok(),
            tls: None,
        };
        Attempt::new("User@Example.COM", &peer, per_minute, Time::default())
    }

    #[test]
    fn a_network_is_what_one_customer_has() {
        for (from, network) in [
            ("192.0.2.1", Some("network 192.0.2.1/32")),
            ("::ffff:192.0.2.1", Some("network 192.0.2.1/32")),
            ("2001:db8:1:2:3:4:5:6", Some("network 2001:db8:1:2::/64")),
            ("2001:db8:1:2:ffff::", Some("network 2001:db8:1:2::/64")),
            ("127.0.0.1", None),
            ("::1", None),
            ("", None),
        ] {
            let buckets: Vec<_> = attempt(from, 10).buckets().collect();
            let expected: Vec<_> = std::iter::once("login user@example.com").chain(network).collect();
            assert_eq!(buckets, expected, "{from}");
        }
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        let long = Attempt {
            login: "ü".repeat(1000),
            ..attempt("", 10)
        };
        let bucket = long.buckets().next().unwrap();
        assert!(
            (295..=Attempt::BUCKET_LEN_MAX).contains(&bucket.len()),
            "{}",
            bucket.len()
        );
    }

    #[test]
    fn so_many_wrong_passwords_and_then_one_each_few_seconds() {
        let attempt = attempt("192.0.2.1", 10);
        let mut full_ms = 0;
        for _ in 0..10 {
            assert_eq!(attempt.wait_ms(full_ms, 1_000_000), 0);
            full_ms = attempt.spend(full_ms, 1_000_000);
        }
        assert_eq!(attempt.wait_ms(full_ms, 1_000_000), 6_000);
        assert_eq!(attempt.wait_ms(full_ms, 1_006_000), 0);
        full_ms = attempt.spend(full_ms, 1_006_000);
        assert_eq!(attempt.wait_ms(full_ms, 1_006_000), 6_000);
        assert_eq!(full_ms, 1_066_000, "full after a minute of silence");
    }

    proptest! {
        /// However tries fall, no more pass than the bucket holds and what has come back meanwhile.
        #[test]
        fn no_more_pass_than_there_are_tokens(per_minute in 1u32..100, pauses in proptest::collection::vec(0u64..20_000, 1..300)) {
            let attempt = attempt("", per_minute);
            let (mut full_ms, mut now_ms, mut passed) = (0, 1_000_000, 0u64);
            for pause in pauses {
                now_ms += pause;
                if attempt.wait_ms(full_ms, now_ms) == 0 {
                    full_ms = attempt.spend(full_ms, now_ms);
                    passed += 1;
                }
                let back = (now_ms - 1_000_000) / attempt.token_ms();
                prop_assert!(passed <= u64::from(per_minute) + back);
            }
        }
    }
}
