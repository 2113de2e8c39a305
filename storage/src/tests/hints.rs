//! Hints between nodes.

use std::net::UdpSocket;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures_lite::future::block_on;
use lightmail_core::machine::Watched;
use lightmail_core::store::ModSeq;

use super::scratch::Scratch;
use super::town::{Home, Kind, Town};
use crate::Storage;

/// A node that polls when a hint comes, and never else.
async fn node(town: &Town, scratch: &Scratch) -> Storage {
    let mut config = town.server.as_ref().unwrap().config(scratch.path());
    config.server.node_address = Some("127.0.0.1:0".to_owned());
    let storage = Storage::open(&config).await.unwrap();
    storage
        .inner()
        .hub
        .bell()
        .is_patient
        .store(true, Ordering::Relaxed);
    storage.occupy().unwrap();
    storage
}

/// Until each of two nodes knows of the other.
async fn acquainted(nodes: [&Storage; 2]) {
    while nodes.iter().any(|node| node.node().unwrap().others() == 0) {
        nodes.iter().for_each(|node| node.node().unwrap().pulse.ring());
        async_io::Timer::after(Duration::from_millis(5)).await;
    }
}

/// Two nodes of one database that know of each other.
struct Neighbours {
    /// Whose storage is that of the first.
    town: Town,
    second: Storage,
    home: Home,
    _folders: [Scratch; 2],
}

impl Neighbours {
    async fn new() -> Self {
        let mut town = Town::new(Kind::MySql).await;
        let home = town.settle("a@example.com").await;
        let folders = [Scratch::new(), Scratch::new()];
        let (first, second) = (node(&town, &folders[0]).await, node(&town, &folders[1]).await);
        acquainted([&first, &second]).await;
        town.storage = first;
        Self {
            town,
            second,
            home,
            _folders: folders,
        }
    }
}

fn inbox(home: Home) -> Watched {
    Watched::Mailbox {
        id: home.inbox,
        since: ModSeq(1),
    }
}

#[test]
fn a_change_is_told_to_other_nodes_at_once() {
    block_on(async {
        let Neighbours {
            town,
            second,
            home,
            _folders,
        } = Neighbours::new().await;
        let (mut mailbox, mut account) = (
            second.watch(inbox(home)),
            second.watch(Watched::Account(home.account)),
        );
        for modseq in 2..5 {
            town.deliver(&format!("Subject: {modseq}\r\n\r\n"), &[home])
                .await
                .unwrap();
            for watcher in [&mut mailbox, &mut account] {
                while watcher.changed().await.1 != ModSeq(modseq) {}
            }
        }
        town.storage.close().await;
        while second.node().unwrap().others() > 0 {
            second.node().unwrap().pulse.ring();
            async_io::Timer::after(Duration::from_millis(5)).await;
        }
    });
}

/// What nobody of ours has sent costs nothing but a few polls, and hides nothing.
#[test]
fn forged_hints_are_harmless() {
    block_on(async {
        let Neighbours {
            town,
            second,
            home,
            _folders,
        } = Neighbours::new().await;
        let mut watcher = second.watch(inbox(home));
        let liar = UdpSocket::bind("127.0.0.1:0").unwrap();
        let ids = [
            home.account.0.to_be_bytes(),
            home.inbox.0.to_be_bytes(),
            [0xff; 8],
        ];
        let forged = [b"LMN1".to_vec(), ids.concat()].concat();
        let begun = Instant::now();
        for n in 0..3000 {
            let lies: [&[u8]; 5] = [&forged, b"", b"LMN1", &forged[..n % forged.len()], &[0x5a; 3000]];
            for lie in lies {
                let _ = liar.send_to(lie, second.node().unwrap().address());
            }
        }
        town.deliver("Subject: 1\r\n\r\n", &[home]).await.unwrap();
        // The socket may have been full of lies just then.
        let more = async {
            loop {
                async_io::Timer::after(Duration::from_millis(20)).await;
                let _ = liar.send_to(&forged, second.node().unwrap().address());
            }
        };
        let told = async { watcher.changed().await };
        assert_eq!(
            futures_lite::future::or(told, more).await,
            (home.inbox, ModSeq(2))
        );
        let polls = u128::from(second.statements().of("poll"));
        let bound = begun.elapsed().as_millis() / 50 + 2;
        assert!(polls <= bound, "{polls} polls of at most {bound}");
    });
}
