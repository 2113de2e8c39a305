//! What a compressed connection holds. A binary of its own: its allocator counts.

use std::alloc::System;

use bytes::BytesMut;
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
    let region = Region::new(HEAP);
    let (mut inflater, mut deflater, mut wire) = (Inflater::new(), Deflater::new(), BytesMut::new());
    deflater.push(b"a NOOP\r\n", &mut wire);
    let speaks = held(&region);
    deflater.flush(&mut wire);
    inflater.push(wire.split().freeze());
    assert_eq!(inflater.pull(100), Ok(Inflated::Octets("a NOOP\r\n".into())));
    assert_eq!(inflater.pull(100), Ok(Inflated::Hungry));
    drop(wire);
    let waits = held(&region);
    assert!(
        (40 << 10..45 << 10).contains(&waits),
        "{waits} octets while it waits"
    );
    let compressor = speaks - waits;
    assert!(
        (250 << 10..400 << 10).contains(&compressor),
        "{compressor} octets more while it speaks"
    );
    println!("{waits} octets while it waits, {compressor} more while it speaks");
}
