//! Three nodes on one database and one bucket.

use std::io::BufRead as _;
use std::net::UdpSocket;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::backing::Backing;
use crate::common::load::{Dice, deliver, numbers};
use crate::common::{Server, eventually};

fn three(name: &str, backing: &Backing) -> [Server; 3] {
    let sections = backing.sections();
    let first = Server::start_with(name, &sections);
    let [second, third] = [1, 2].map(|_| first.join(name, &sections));
    [first, second, third]
}

#[test]
fn nodes_tell_each_others_changes() {
    let backing = Backing::new();
    let [a, b, c] = three("nodes", &backing);
    let idle = |node: &Server| {
        let mut client = node.logged_in();
        client.ok("SELECT INBOX");
        client.say("i IDLE");
        client.until("+ ");
        client
    };
    let (mut on_b, mut on_c) = (idle(&b), idle(&c));
    let begun = Instant::now();
    assert!(a.deliver(b"Subject: new\r\n\r\nbody\r\n").starts_with("250 "));
    on_b.until("* 1 EXISTS");
    println!(
        "IDLE on another node was told {} ms after the mail came",
        begun.elapsed().as_millis()
    );
    on_c.until("* 1 EXISTS");
    let mut working = b.logged_in();
    working.ok("SELECT INBOX");
    working.ok("STORE 1 +FLAGS (\\Flagged)");
    let told = on_c.until("* 1 FETCH (").pop().unwrap();
    assert!(told.contains("\\Flagged"), "{told}");
    working.ok("STORE 1 +FLAGS (\\Deleted)");
    working.ok("EXPUNGE");
    on_c.until("* 1 EXPUNGE");
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}

/// They look for changes once an hour, so what comes sooner comes by a hint.
#[test]
fn a_hint_tells_another_node_of_a_delivery() {
    let backing = Backing::new();
    let sections = || {
        let free = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        format!(
            "[server]\nnode_address = {free}\npoll_seconds = 3600\n{}",
            backing.sections()
        )
    };
    // A node knows those that were there before it.
    let a = Server::start_with("hint-a", &sections());
    let b = a.join("hint-b", &sections());
    let mut on_a = a.logged_in();
    on_a.ok("SELECT INBOX");
    on_a.say("i IDLE");
    on_a.until("+ ");
    let hint = Duration::from_millis(200);
    on_a.stream.get_ref().set_read_timeout(Some(hint)).unwrap();
    // The first one may be told because the watch begins with a question; what comes behind it may not.
    let (mut told, mut sent, mut line) = (0, 0, String::new());
    eventually("a hint", || {
        sent += 1;
        let text = format!("Subject: {sent}\r\n\r\nbody\r\n");
        assert!(b.deliver(text.as_bytes()).starts_with("250 "));
        while on_a.stream.read_line(&mut line).is_ok_and(|octets| octets > 0) {
            told += usize::from(std::mem::take(&mut line).ends_with(" EXISTS\r\n"));
        }
        told >= 3
    });
}

#[test]
fn what_a_node_acknowledged_outlives_it() {
    const SENDERS: u64 = 4;
    const MAILS: u64 = 30;
    let backing = Backing::new();
    let [mut first, second, third] = three("outlives", &backing);
    let doors = [first.lmtp, second.lmtp, third.lmtp];
    let acknowledged = AtomicU64::new(0);
    thread::scope(|scope| {
        for sender in 0..SENDERS {
            let acknowledged = &acknowledged;
            scope.spawn(move || {
                let mut dice = Dice(sender);
                for number in (0..MAILS).map(|mail| mail * SENDERS + sender) {
                    // As a mail transfer agent does: the same mail to any of them, until one has taken it.
                    let end = Instant::now() + Duration::from_secs(60);
                    while deliver(doors[dice.below(3)], number).is_err() {
                        assert!(Instant::now() < end, "mail {number} is never taken");
                    }
                    acknowledged.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        while acknowledged.load(Ordering::Relaxed) < MAILS {
            thread::yield_now();
        }
        first.child.kill().unwrap();
    });
    for node in [&second, &third] {
        let found = numbers(&mut node.logged_in(), "INBOX");
        assert!(
            found
                .iter()
                .map(|(number, count)| (*number, *count))
                .eq((0..SENDERS * MAILS).map(|n| (n, 1))),
            "{found:?}"
        );
    }
}
