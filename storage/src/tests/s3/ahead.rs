//! Reading ahead: hints cost no request more, change no octet, and hold little.

use futures_lite::future::block_on;

use super::service::{Coast, octets, patient};
use crate::{Desk, ObjectReader};

async fn all(mut reader: ObjectReader) -> Vec<u8> {
    let mut octets = Vec::new();
    while let Some(piece) = reader.next().await {
        octets.extend_from_slice(&piece.unwrap());
    }
    octets
}

fn body(n: usize) -> Vec<u8> {
    octets(1000 + n)
}

/// Stores so many bodies; they are known, as what a page has listed is.
async fn stored(coast: &Coast, count: usize) -> Vec<(lightmail_core::store::ObjectId, std::ops::Range<u64>)> {
    let mut ranges = Vec::new();
    for n in 0..count {
        let object = coast.body(&body(n)).await;
        assert!(coast.storage().inner().body(object).await.unwrap().is_some());
        ranges.push((object, 0..body(n).len() as u64));
    }
    ranges
}

fn gets(coast: &Coast) -> u64 {
    coast.storage().objects().requests().gets
}

async fn read(
    desk: &mut Desk,
    (object, range): &(lightmail_core::store::ObjectId, std::ops::Range<u64>),
) -> Vec<u8> {
    all(desk.read(*object, range.clone())).await
}

#[test]
fn what_is_hinted_at_is_begun_at_once_and_read_in_order() {
    block_on(async {
        let coast = Coast::new(patient()).await;
        let ranges = stored(&coast, 20).await;
        let mut desk = coast.storage().desk();
        coast.proxy.asked("");
        desk.soon(ranges.clone());
        coast.proxy.wait_for(16, |asked| asked.method == "GET");
        assert_eq!(gets(&coast), 16, "no more at a time");
        for (n, range) in ranges.iter().enumerate() {
            assert!(read(&mut desk, range).await == body(n));
        }
        assert_eq!(gets(&coast), 20, "each is fetched once");
    });
}

#[test]
fn hints_that_nobody_follows_are_given_up() {
    block_on(async {
        let coast = Coast::new(patient()).await;
        let ranges = stored(&coast, 4).await;
        let mut desk = coast.storage().desk();
        desk.soon(ranges[..2].to_vec());
        assert!(read(&mut desk, &ranges[3]).await == body(3));
        assert!(read(&mut desk, &ranges[0]).await == body(0));
        let (object, range) = ranges[1].clone();
        assert!(read(&mut desk, &(object, 5..range.end)).await == body(1)[5..]);
    });
}

#[test]
fn what_a_hint_skips_is_given_up_and_the_rest_is_used() {
    block_on(async {
        let coast = Coast::new(patient()).await;
        let ranges = stored(&coast, 4).await;
        let mut desk = coast.storage().desk();
        desk.soon(ranges.clone());
        for n in [1, 3] {
            assert!(read(&mut desk, &ranges[n]).await == body(n));
        }
        assert!(gets(&coast) <= 4, "nothing is fetched twice");
    });
}

#[test]
fn large_ranges_and_copies_are_not_fetched_ahead() {
    block_on(async {
        let coast = Coast::with(patient(), |section| section.cache_dir = Some("copies".into())).await;
        let large = coast.body(&octets(65_537)).await;
        let copied = stored(&coast, 1).await;
        let mut desk = coast.storage().desk();
        read(&mut desk, &copied[0]).await;
        desk.soon(vec![(large, 0..65_537), copied[0].clone()]);
        assert!(read(&mut desk, &(large, 0..65_537)).await == octets(65_537));
        assert!(read(&mut desk, &copied[0]).await == body(0));
        assert_eq!(gets(&coast), 2);
    });
}
