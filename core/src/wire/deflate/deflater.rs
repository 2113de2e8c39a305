//! Octets to a peer, compressed.

use std::fmt;
use std::mem::take;

use bytes::{BufMut as _, BytesMut};
use miniz_oxide::DataFormat;
use miniz_oxide::deflate::CompressionLevel;
use miniz_oxide::deflate::core::{CompressorOxide, TDEFLFlush, compress_to_output};

/// Compresses what is pushed; all that was pushed has left whole behind each flush.
///
/// A flush ends with an empty stored block (RFC 1951, 3.2.4), so that the other side can inflate all of it at once. Behind it the
/// compressor is given back: it takes 310 KiB, and a connection that waits is to hold none of it. So every flush begins with an empty
/// dictionary, which the other side need not know (RFC 4978, 4). What is too little to be made smaller is stored as it is, and makes no
/// compressor.
#[derive(Default)]
pub struct Deflater {
    compressor: Option<Box<CompressorOxide>>,
    /// What was pushed since the last flush, as long as it is little.
    little: BytesMut,
}

/// An answer that says no more than OK is this long. Fewer octets, each by a code of its own, come to as many again.
const LITTLE: usize = 80;
/// The head of an empty stored block, from the beginning of an octet.
const EMPTY: &[u8] = b"\x00\x00\x00\xff\xff";

impl Deflater {
    /// Nothing pushed yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Compresses octets; some of them may be given only by the next push or flush.
    pub fn push(&mut self, octets: &[u8], out: &mut BytesMut) {
        if self.compressor.is_none() && self.little.len() + octets.len() <= LITTLE {
            return self.little.extend_from_slice(octets);
        }
        let compressor = self.compressor.get_or_insert_with(compressor);
        for octets in [&take(&mut self.little)[..], octets] {
            run(compressor, octets, TDEFLFlush::None, out);
        }
    }

    /// Gives all that was pushed. Without any octets since the last flush it gives nothing.
    pub fn flush(&mut self, out: &mut BytesMut) {
        let little = take(&mut self.little);
        if let Some(mut compressor) = self.compressor.take() {
            run(&mut compressor, &[], TDEFLFlush::Sync, out);
        } else if !little.is_empty() {
            store(&little, out);
        }
    }
}

/// A stored block, and an empty one. What was given before ends with an octet, and so does this.
fn store(little: &[u8], out: &mut BytesMut) {
    let len = u16::try_from(little.len()).unwrap_or_default();
    out.put_u8(0);
    out.put_u16_le(len);
    out.put_u16_le(!len);
    out.extend_from_slice(little);
    out.extend_from_slice(EMPTY);
}

/// The fastest level: it takes 25 to 40 of a hundred octets for what IMAP says (RFC 4978, 4).
fn compressor() -> Box<CompressorOxide> {
    let mut compressor = Box::<CompressorOxide>::default();
    compressor.set_format_and_level(DataFormat::Raw, CompressionLevel::BestSpeed as u8);
    compressor
}

fn run(compressor: &mut CompressorOxide, octets: &[u8], flush: TDEFLFlush, out: &mut BytesMut) {
    // It fails only when its writer does, and memory does not.
    let _ = compress_to_output(compressor, octets, flush, |piece| {
        out.extend_from_slice(piece);
        true
    });
}

impl fmt::Debug for Deflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Deflater(busy: {})", self.compressor.is_some())
    }
}
