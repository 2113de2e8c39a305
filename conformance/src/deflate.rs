//! Compression of a connection to a live server (RFC 4978), the client's side.

use std::io;

use bytes::BytesMut;
use lightmail_core::wire::deflate::{Deflater, Inflated, Inflater};

/// The most octets that are inflated at once.
const PIECE: usize = 64 * 1024;

/// What octets go through, each way; nothing before compression begins.
#[derive(Debug, Default)]
pub(crate) struct Deflate {
    deflater: Option<Deflater>,
    inflater: Option<Inflater>,
}

impl Deflate {
    /// Both ways compressed.
    pub(crate) fn begun() -> Self {
        Self {
            deflater: Some(Deflater::new()),
            inflater: Some(Inflater::new()),
        }
    }

    /// Compresses no more; what the server has flushed so far is the last that it has compressed.
    pub(crate) fn end(&mut self) {
        self.deflater = None;
        if let Some(inflater) = &mut self.inflater {
            inflater.end();
        }
    }

    /// What is to be sent for these octets.
    pub(crate) fn deflated(&mut self, octets: &[u8]) -> Vec<u8> {
        let Some(deflater) = &mut self.deflater else {
            return octets.to_vec();
        };
        let mut out = BytesMut::new();
        deflater.push(octets, &mut out);
        deflater.flush(&mut out);
        out.into()
    }

    /// Adds to `heard` what came. Errors: it cannot be inflated.
    pub(crate) fn inflate(&mut self, octets: Vec<u8>, heard: &mut Vec<u8>) -> io::Result<()> {
        let Some(inflater) = &mut self.inflater else {
            heard.extend(octets);
            return Ok(());
        };
        inflater.push(octets.into());
        loop {
            match inflater
                .pull(PIECE)
                .map_err(|fault| io::Error::other(fault.to_string()))?
            {
                Inflated::Octets(octets) => heard.extend_from_slice(&octets),
                Inflated::Hungry => return Ok(()),
                Inflated::Over(plain) => {
                    heard.extend_from_slice(&plain);
                    self.inflater = None;
                    return Ok(());
                }
            }
        }
    }
}
