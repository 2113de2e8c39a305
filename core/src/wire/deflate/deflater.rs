//! Octets to a peer, compressed.

use std::fmt;

use bytes::BytesMut;
use miniz_oxide::DataFormat;
use miniz_oxide::deflate::CompressionLevel;
use miniz_oxide::deflate::core::{CompressorOxide, TDEFLFlush, compress_to_output};

/// Compresses what is pushed; what was pushed has left whole behind each flush.
///
/// A flush ends with an empty stored block (RFC 1951, 3.2.4), so that the other side can inflate all of it at once. Behind it the
/// compressor is given back: it takes 310 KiB, and a connection that waits is to hold none of it. So every flush begins with an empty
/// dictionary, which the other side need not know (RFC 4978, 4).
#[derive(Default)]
pub struct Deflater(Option<Box<CompressorOxide>>);

impl Deflater {
    /// Nothing pushed yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Compresses octets; some of them may be given only by the next push or flush.
    pub fn push(&mut self, octets: &[u8], out: &mut BytesMut) {
        if octets.is_empty() {
            return;
        }
        let compressor = self.0.get_or_insert_with(compressor);
        run(compressor, octets, TDEFLFlush::None, out);
    }

    /// Gives all that was pushed. Without any octets since the last flush it gives nothing.
    pub fn flush(&mut self, out: &mut BytesMut) {
        if let Some(mut compressor) = self.0.take() {
            run(&mut compressor, &[], TDEFLFlush::Sync, out);
        }
    }
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
        write!(f, "Deflater(busy: {})", self.0.is_some())
    }
}
