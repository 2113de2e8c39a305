//! Compressed octets: any cut gives the same, within its bounds, and what is deflated is inflated.

use bytes::{Bytes, BytesMut};
use lightmail_core::wire::deflate::{Deflater, InflateFault, Inflated, Inflater};

use crate::cut::Cut;

/// Octets that are asked for at once, where nothing else is said.
const PIECE: usize = 64 * 1024;
/// What a target looks at; a kilooctet may become a mebioctet.
const GIVEN_MAX: usize = 4 << 20;

/// Any octets, as what a peer compresses: any cut and any way to ask gives the same octets and the same fault behind them, and where
/// compression ends, what is behind it is as it was. The same octets as what we say: the peer reads them, flush by flush.
pub fn deflate(input: Cut<'_>) {
    let whole = inflate(Cut::whole(input.octets), PIECE);
    for max in [1 + usize::from(input.sizes[0]), PIECE] {
        let cut = inflate(input, max);
        assert_eq!(cut.1, whole.1, "another cut, another end");
        assert!(cut.0 == whole.0, "another cut, other octets");
    }
    ends(input);
    said_and_read(input);
}

/// What comes of octets, and the fault behind it, if it comes to one.
pub fn inflate(input: Cut<'_>, max: usize) -> (Vec<u8>, Option<InflateFault>) {
    let (mut inflater, mut out) = (Inflater::new(), Vec::new());
    let fault = run(&mut inflater, input, max, |octets| {
        out.extend_from_slice(octets);
        out.len() < GIVEN_MAX
    });
    (out, fault)
}

/// Inflates all pieces as a shell does: none is pushed before the last one is used up.
pub fn run(
    inflater: &mut Inflater,
    input: Cut<'_>,
    max: usize,
    mut take: impl FnMut(&[u8]) -> bool,
) -> Option<InflateFault> {
    for piece in input.pieces() {
        inflater.push(Bytes::copy_from_slice(piece));
        loop {
            match inflater.pull(max) {
                Ok(Inflated::Octets(octets)) => {
                    assert!(!octets.is_empty() && octets.len() <= max);
                    if !take(&octets) {
                        return None;
                    }
                }
                Ok(Inflated::Hungry) => break,
                Ok(Inflated::Over(_)) => panic!("nobody has ended it"),
                Err(fault) => {
                    assert_eq!(inflater.pull(max), Err(fault), "a fault stays");
                    return Some(fault);
                }
            }
        }
    }
    None
}

/// The octets behind the last flush are given as they are.
fn ends(input: Cut<'_>) {
    let mut wire = deflated(b"a UNAUTHENTICATE\r\n");
    wire.extend_from_slice(input.octets);
    let cut = Cut {
        octets: &wire,
        ..input
    };
    let (mut inflater, mut plain, mut ended) = (Some(Inflater::new()), Vec::new(), false);
    for piece in cut.pieces() {
        let Some(inflating) = &mut inflater else {
            plain.extend_from_slice(piece);
            continue;
        };
        inflating.push(Bytes::copy_from_slice(piece));
        loop {
            match inflating.pull(PIECE) {
                Ok(Inflated::Octets(octets)) => {
                    assert!(!ended, "octets behind the end");
                    ended = octets.ends_with(b"\n");
                    if ended {
                        inflating.end();
                    }
                }
                Ok(Inflated::Over(octets)) => {
                    plain.extend_from_slice(&octets);
                    inflater = None;
                    break;
                }
                Ok(Inflated::Hungry) => break,
                Err(fault) => panic!("{fault}"),
            }
        }
    }
    assert_eq!(plain, input.octets);
}

fn deflated(octets: &[u8]) -> BytesMut {
    let (mut deflater, mut wire) = (Deflater::new(), BytesMut::new());
    deflater.push(octets, &mut wire);
    deflater.flush(&mut wire);
    wire
}

/// Each piece, flushed by itself, arrives whole before the next is said.
fn said_and_read(input: Cut<'_>) {
    let (mut deflater, mut inflater) = (Deflater::new(), Inflater::new());
    for piece in input.pieces() {
        let mut wire = BytesMut::new();
        deflater.push(piece, &mut wire);
        deflater.flush(&mut wire);
        let mut read = Vec::new();
        let fault = run(&mut inflater, Cut::whole(&wire), PIECE, |octets| {
            read.extend_from_slice(octets);
            true
        });
        assert!(fault.is_none() && read == piece, "{fault:?}");
    }
}
