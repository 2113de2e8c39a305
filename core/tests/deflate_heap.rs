//! What a compressed connection holds. A binary of its own: its allocator counts.

use std::alloc::System;

use bytes::{Bytes, BytesMut};
use lightmail_core::wire::deflate::{Deflater, Inflated, Inflater};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static HEAP: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn held(region: &Region<'_, System>) -> usize {
    let change = region.change();
    change.bytes_allocated - change.bytes_deallocated
}

#[test]
fn a_connection_that_waits_holds_a_window_and_tables() {
    let said = Bytes::from(b"* 1 FETCH (FLAGS (\\Seen))\r\n".repeat(4));
    let region = Region::new(HEAP);
    let (mut inflater, mut deflater, mut wire) = (Inflater::new(), Deflater::new(), BytesMut::new());
    deflater.push(b"a OK\r\n", &mut wire);
    let little = held(&region);
    deflater.push(&said, &mut wire);
    let speaks = held(&region);
    deflater.flush(&mut wire);
    inflater.push(wire.split().freeze());
    assert!(inflater.pull(1000).is_ok());
    assert_eq!(inflater.pull(1000), Ok(Inflated::Hungry));
    drop(wire);
    let waits = held(&region);
    assert!(
        (40 << 10..45 << 10).contains(&waits),
        "{waits} octets while it waits"
    );
    assert!(little < waits + 200, "{little} octets while it says little");
    let compressor = speaks - waits;
    assert!(
        (250 << 10..400 << 10).contains(&compressor),
        "{compressor} octets more while it speaks"
    );
}
