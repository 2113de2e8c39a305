use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

use super::*;

/// Everything in one flush.
fn deflated(octets: &[u8]) -> Vec<u8> {
    let (mut deflater, mut out) = (Deflater::new(), BytesMut::new());
    deflater.push(octets, &mut out);
    deflater.flush(&mut out);
    out.to_vec()
}

/// A compressed stream that says that it ends.
fn ended(octets: &[u8]) -> Vec<u8> {
    miniz_oxide::deflate::compress_to_vec(octets, 6)
}

/// What comes of octets that are pushed in pieces of these sizes in turn, and what is said behind them.
fn inflated(octets: &[u8], sizes: &[usize], max: usize) -> (Vec<u8>, Result<Inflated, InflateFault>) {
    let (mut inflater, mut out, mut rest) = (Inflater::new(), Vec::new(), octets);
    let mut sizes = sizes.iter().cycle();
    loop {
        match inflater.pull(max) {
            Ok(Inflated::Octets(octets)) => {
                assert!(!octets.is_empty() && octets.len() <= max);
                out.extend_from_slice(&octets);
            }
            Ok(Inflated::Hungry) if !rest.is_empty() => {
                let (piece, later) = rest.split_at((*sizes.next().unwrap()).min(rest.len()));
                inflater.push(Bytes::copy_from_slice(piece));
                rest = later;
            }
            said => return (out, said),
        }
    }
}

const HUNGRY: Result<Inflated, InflateFault> = Ok(Inflated::Hungry);

#[test]
fn what_was_pushed_has_left_whole_behind_a_flush() {
    let (mut deflater, mut inflater, mut wire) = (Deflater::new(), Inflater::new(), BytesMut::new());
    for said in [
        &b"* 1 EXISTS\r\n"[..],
        b"a OK done\r\n",
        &[b'x'; 100_000],
        &[b'y'; 200],
        b".",
    ] {
        for piece in said.chunks(if said.len() < 1000 { 50 } else { 30_000 }) {
            deflater.push(piece, &mut wire);
        }
        deflater.flush(&mut wire);
        assert_eq!(&wire[wire.len() - 4..], b"\x00\x00\xff\xff");
        inflater.push(wire.split().freeze());
        let mut heard = Vec::new();
        while let Ok(Inflated::Octets(octets)) = inflater.pull(usize::MAX) {
            heard.extend_from_slice(&octets);
        }
        assert!(heard == said);
        assert!(!inflater.has_more());
    }
    deflater.flush(&mut wire);
    assert!(wire.is_empty(), "nothing was said");
}

/// The streams of other compressors point back beyond their flushes.
#[test]
fn a_stream_that_remembers_is_inflated() {
    let mut compressor = miniz_oxide::deflate::core::CompressorOxide::default();
    compressor.set_format_and_level(miniz_oxide::DataFormat::Raw, 6);
    let mut inflater = Inflater::new();
    let mut sizes = Vec::new();
    for _ in 0..3 {
        let mut wire = [0; 200];
        let said = b"a UID FETCH 1:* (FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)\r\n";
        let flush = miniz_oxide::MZFlush::Sync;
        let done = miniz_oxide::deflate::stream::deflate(&mut compressor, said, &mut wire, flush);
        sizes.push(done.bytes_written);
        inflater.push(Bytes::copy_from_slice(&wire[..done.bytes_written]));
        assert_eq!(
            inflater.pull(1000),
            Ok(Inflated::Octets(Bytes::from_static(said)))
        );
    }
    assert!(sizes[1] * 3 < sizes[0], "{sizes:?}");
}

#[test]
fn nothing_comes_with_what_was_flushed_behind_it() {
    let mut inflater = Inflater::new();
    inflater.push([deflated(b"one"), deflated(b"two")].concat().into());
    for said in ["one", "two"] {
        assert_eq!(inflater.pull(100), Ok(Inflated::Octets(said.into())));
    }
    assert_eq!(inflater.pull(100), HUNGRY);
}

#[test]
fn what_cannot_be_inflated_is_told_behind_what_can() {
    let good = deflated(b"good");
    for (bad, fault) in [
        // A block of the reserved kind; a stored block whose length is wrong; the head of a zlib stream.
        (&b"\x07"[..], InflateFault::Broken),
        (b"\x00\x05\x00\x00\x00", InflateFault::Broken),
        (b"\x78\x9c\x4b\x4c\x04\x00", InflateFault::Broken),
        (&ended(b""), InflateFault::Ended),
    ] {
        let octets = [&good[..], bad].concat();
        for sizes in [&[1][..], &[1000]] {
            assert_eq!(
                inflated(&octets, sizes, 9),
                (b"good".to_vec(), Err(fault)),
                "{bad:?}"
            );
        }
    }
    assert_eq!(
        inflated(&ended(b"all"), &[99], 9),
        (b"all".to_vec(), Err(InflateFault::Ended))
    );
    let mut inflater = Inflater::new();
    inflater.push(good.into());
    inflater.refuse(InflateFault::Early);
    assert!(inflater.has_more());
    assert_eq!(inflater.pull(9), Err(InflateFault::Early));
    assert_eq!(inflater.pull(9), Err(InflateFault::Early), "and again");
}

/// An end in any cut: behind a flush, or where the stream says so; the octets behind it are as they were sent.
#[test]
fn compression_ends_to_the_octet() {
    for stream in [deflated(b"bye"), ended(b"bye")] {
        let octets = [&stream[..], b"plain"].concat();
        for cut in 1..octets.len() {
            let (first, second) = octets.split_at(cut);
            let (mut inflater, mut heard) = (Inflater::new(), Vec::new());
            let mut pieces = [first, second].into_iter();
            while heard != b"bye" {
                inflater.push(Bytes::copy_from_slice(pieces.next().unwrap()));
                if let Inflated::Octets(octets) = inflater.pull(9).unwrap() {
                    heard.extend_from_slice(&octets);
                }
            }
            inflater.end();
            let mut plain = Vec::new();
            let over = loop {
                match inflater.pull(9).unwrap() {
                    Inflated::Over(octets) => break octets,
                    Inflated::Hungry => inflater.push(Bytes::copy_from_slice(pieces.next().unwrap())),
                    other => panic!("{other:?}"),
                }
            };
            plain.extend_from_slice(&over);
            plain.extend(pieces.flatten());
            assert_eq!(plain, b"plain", "cut at {cut}");
        }
    }
}

#[test]
fn nothing_compressed_comes_behind_the_end() {
    let mut inflater = Inflater::new();
    inflater.push(deflated(b"bye and more").into());
    assert_eq!(inflater.pull(3), Ok(Inflated::Octets("bye".into())));
    inflater.end();
    assert_eq!(inflater.pull(3), Err(InflateFault::Broken));
    assert_eq!(inflater.pull(3), Err(InflateFault::Broken));
}

#[test]
fn a_bomb_is_noticed_after_a_mebioctet() {
    let zeros = miniz_oxide::deflate::compress_to_vec(&vec![0; 4 << 20], 9);
    let (given, said) = inflated(&zeros, &[64 * 1024], 64 * 1024);
    assert_eq!((given.len(), said), (1 << 20, Err(InflateFault::Bomb)));
    // What compresses well is none.
    let flags: Vec<u8> = (0..100_000)
        .flat_map(|n| format!("* {n} FETCH (FLAGS (\\Seen))\r\n").into_bytes())
        .collect();
    let (given, said) = inflated(&deflated(&flags), &[64 * 1024], 64 * 1024);
    assert!(given == flags && said == HUNGRY);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_is_deflated_is_inflated_in_any_cut(
        said in proptest::collection::vec(proptest::collection::vec(prop_oneof![Just(b'a'), any::<u8>()], 0..300), 0..5),
        sizes in proptest::collection::vec(1usize..50, 1..9),
        max in 1usize..400,
    ) {
        let wire: Vec<u8> = said.iter().flat_map(|said| deflated(said)).collect();
        prop_assert_eq!(inflated(&wire, &sizes, max), (said.concat(), HUNGRY));
    }

    #[test]
    fn anything_is_the_same_in_any_cut(
        octets in proptest::collection::vec(any::<u8>(), 0..300),
        sizes in proptest::collection::vec(1usize..50, 1..9),
        max in 1usize..400,
    ) {
        prop_assert_eq!(inflated(&octets, &sizes, max), inflated(&octets, &[usize::MAX], usize::MAX));
    }
}
