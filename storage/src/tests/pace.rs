//! How many deliveries a second a database takes: not a test, a measurement (`cargo test -p lightmail-storage pace -- --ignored --nocapture`).

use std::thread;
use std::time::Instant;

use futures_lite::future::block_on;

use super::town::{Kind, Town, upload};

#[test]
#[ignore = "a measurement"]
fn pace_of_deliveries() {
    for (kind, senders, each) in [
        (Kind::Sqlite, 1, 300),
        (Kind::Sqlite, 64, 40),
        (Kind::MySql, 1, 300),
        (Kind::MySql, 64, 40),
    ] {
        let town = block_on(Town::new(kind));
        let homes: Vec<_> = (0..senders)
            .map(|n| block_on(town.settle(&format!("u{n}@example.com"))))
            .collect();
        let shares: Vec<Vec<_>> = (0..senders)
            .map(|sender| {
                let mail = |n: usize| format!("Subject: {sender} {n}\r\n\r\n{}", "x".repeat(2000));
                (0..each)
                    .map(|n| block_on(upload(&mut town.storage.desk(), mail(n).as_bytes())).unwrap())
                    .collect()
            })
            .collect();
        let begun = Instant::now();
        thread::scope(|scope| {
            for (home, share) in homes.iter().zip(shares) {
                let town = &town;
                scope.spawn(move || {
                    for stored in share {
                        block_on(town.deliver_stored(stored, &[*home])).unwrap();
                    }
                });
            }
        });
        let rate = (senders * each) as f64 / begun.elapsed().as_secs_f64();
        println!("{kind:?}, {senders} senders: {rate:.0} deliveries/s");
    }
}
