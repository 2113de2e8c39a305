//! How many deliveries a second a database takes: not a test, a measurement (`cargo test -p lightmail-storage pace -- --ignored --nocapture`).

use std::thread;
use std::time::Instant;

use futures_lite::future::block_on;

use super::town::{Kind, Town, upload};

#[test]
#[ignore = "a measurement"]
fn pace_of_deliveries() {
    for (kind, one_by_one) in [(Kind::Sqlite, false), (Kind::MySql, true), (Kind::MySql, false)] {
        for (senders, each) in [(1, 150), (64, 40)] {
            let rate = pace(kind, one_by_one, senders, each);
            println!("{kind:?}, one by one: {one_by_one}, {senders} senders: {rate:.0} deliveries/s");
        }
    }
}

fn pace(kind: Kind, one_by_one: bool, senders: usize, each: usize) -> f64 {
    let town = block_on(Town::new(kind));
    if one_by_one {
        town.storage.inner().database.go_one_by_one();
    }
    let login = |n| format!("u{n}@example.com");
    let homes: Vec<_> = (0..senders).map(|n| block_on(town.settle(&login(n)))).collect();
    let mail = |sender, n| {
        let text = format!("Subject: {sender} {n}\r\n\r\n{}", "x".repeat(2000));
        block_on(upload(&mut town.storage.desk(), text.as_bytes())).unwrap()
    };
    let share = |sender| (0..each).map(|n| mail(sender, n)).collect::<Vec<_>>();
    let shares: Vec<_> = (0..senders).map(share).collect();
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
    (senders * each) as f64 / begun.elapsed().as_secs_f64()
}
