//! Allocations and octets of the heap that a command costs the core: `cargo bench -p lightmail-core --bench allocations`.
//!
//! A binary of its own: its allocator counts, which would slow the others down.

#![allow(
    dead_code,
    reason = "the drivers of the other bench have more than is used here"
)]

#[path = "../hot/driver.rs"]
mod driver;
#[path = "../hot/harness.rs"]
mod harness;
#[path = "../hot/imap.rs"]
mod imap;
#[path = "../hot/lmtp.rs"]
mod lmtp;
#[path = "../hot/mails.rs"]
mod mails;

use std::alloc::System;

use bytes::Bytes;
use driver::Driver;
use lightmail_core::machine::Machine;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static HEAP: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Commands of each kind; the first ones are not counted, since buffers grow then.
const COMMANDS: usize = 1_000;

/// Allocations until now, those that grew or shrank included.
fn allocations() -> usize {
    let stats = HEAP.stats();
    stats.allocations + stats.reallocations
}

fn main() {
    println!("\n| command | allocations each |\n| --- | --- |");
    let mut session = imap::selected(100);
    for command in ["NOOP", "FETCH 50 (FLAGS)", "FETCH 1:* (FLAGS)"] {
        count(command, &mut session, format!("a {command}\r\n").into());
    }
    count("APPEND of 4 KiB", &mut session, imap::append().into());
    let message = mails::of(4 << 10);
    let mut session = lmtp::greeted(&message);
    count("LMTP, mail of 4 KiB", &mut session, lmtp::data(&message).into());
}

/// Counts what a command costs inside the machine.
fn count<M: Machine>(name: &str, session: &mut Driver<M>, command: Bytes) {
    session.counter = allocations;
    for _ in 0..COMMANDS / 10 {
        session.feed(&command);
    }
    let each = (0..COMMANDS).map(|_| {
        let before = allocations();
        session.feed(&command);
        allocations() - before - session.aside
    });
    println!("| {name} | {:.1} |", each.sum::<usize>() as f64 / COMMANDS as f64);
}
