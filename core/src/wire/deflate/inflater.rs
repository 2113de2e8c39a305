//! Octets from a peer, inflated: in pieces, under a bound, and to the octet where compression ends.

use std::fmt;

use bytes::{Buf as _, Bytes, BytesMut};
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress_with_limit, inflate_flags};

/// How far back a stream may point (RFC 1951, 2).
const WINDOW: usize = 32 * 1024;
/// The end of a flush: the length of an empty stored block and its complement (RFC 1951, 3.2.4).
const FLUSHED: u32 = 0x0000_ffff;
/// So many inflated octets at a time are compared with what they were made of.
const MEASURE: u64 = 1024 * 1024;
/// What a thousand octets may become of one. DEFLATE ends at 1,032, where all octets are the same.
const RATIO_MAX: u64 = 1000;

/// Inflates what is pushed. Holds what was pushed last, a window of 32 KiB and 11 KiB of tables; octets are inflated when they are
/// asked for, so a peer's few octets take no more room than the asker gives.
pub struct Inflater {
    tables: Box<DecompressorOxide>,
    window: Box<[u8]>,
    /// Where in the window the next octet goes.
    at: usize,
    /// Compressed octets that were not taken yet.
    rest: Bytes,
    /// How many of them come before the end of the next flush, and with it.
    segment: usize,
    /// The last four octets that were looked at for the end of a flush.
    tail: u32,
    /// Octets can be given without another one being taken.
    has_more: bool,
    /// Octets taken, and what they became, since they were measured last.
    measured: (u64, u64),
    /// What the next call tells, if there is nothing to give before it.
    fault: Option<InflateFault>,
    is_ending: bool,
}

/// What an [`Inflater`] has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inflated {
    /// Octets, at least one.
    Octets(Bytes),
    /// Nothing, until more is pushed.
    Hungry,
    /// Compression is over ([`Inflater::end`]), and these octets have come behind it, as they are.
    Over(Bytes),
}

/// Why octets cannot be inflated: nothing that comes behind them can be, either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InflateFault {
    /// They came before the other side could know that they are to be compressed.
    Early,
    /// They are no DEFLATE, or there is something where compression should be over.
    Broken,
    /// The stream says that it ends here.
    Ended,
    /// A few octets became far too many.
    Bomb,
}

impl Inflater {
    /// Nothing pushed yet.
    pub fn new() -> Self {
        Self {
            tables: Box::default(),
            window: vec![0; WINDOW].into(),
            at: 0,
            rest: Bytes::new(),
            segment: 0,
            tail: u32::MAX,
            has_more: false,
            measured: (0, 0),
            fault: None,
            is_ending: false,
        }
    }

    /// Compressed octets, as they were read.
    pub fn push(&mut self, octets: Bytes) {
        self.rest = if self.rest.is_empty() {
            octets
        } else {
            [&self.rest[..], &octets[..]].concat().into()
        };
    }

    /// Whether something may be there without a push.
    pub fn has_more(&self) -> bool {
        self.has_more || !self.rest.is_empty() || self.fault.is_some()
    }

    /// Nothing is inflated any more: this is what the next call tells.
    pub fn refuse(&mut self, fault: InflateFault) {
        self.fault = Some(fault);
        self.has_more = false;
        self.rest = Bytes::new();
    }

    /// The other side compresses no further than the flush whose octets were given last, or the stream's own end.
    pub fn end(&mut self) {
        self.is_ending = true;
    }

    /// The next octets, at most `max`, which is not 0; nothing that was flushed by itself comes with what was flushed behind it.
    ///
    /// Errors: nothing more can be inflated. What came before the fault has been given.
    pub fn pull(&mut self, max: usize) -> Result<Inflated, InflateFault> {
        let mut out = BytesMut::new();
        while out.len() < max && self.fault.is_none() {
            let is_at_end = self.segment == 0 && !self.has_more;
            if is_at_end && (!out.is_empty() || self.is_over() || !self.next_segment()) {
                break;
            }
            self.step(max, &mut out);
        }
        match self.fault {
            _ if self.is_ending && !out.is_empty() => {
                self.refuse(InflateFault::Broken);
                Err(InflateFault::Broken)
            }
            _ if !out.is_empty() => Ok(Inflated::Octets(out.freeze())),
            None | Some(InflateFault::Ended) if self.is_over() => {
                Ok(Inflated::Over(std::mem::take(&mut self.rest)))
            }
            None => Ok(Inflated::Hungry),
            Some(fault) => Err(fault),
        }
    }

    /// Whether compression ends behind what was taken.
    fn is_over(&self) -> bool {
        let is_flushed = self.tail == FLUSHED && self.segment == 0 && !self.has_more;
        self.is_ending && (is_flushed || self.fault == Some(InflateFault::Ended))
    }

    /// Looks for the end of the next flush; `false`: there is nothing to look at. Compressed octets may look like one: then they are
    /// only taken in two pieces.
    fn next_segment(&mut self) -> bool {
        for (index, octet) in self.rest.iter().enumerate() {
            self.segment = index + 1;
            self.tail = self.tail << 8 | u32::from(*octet);
            if self.tail == FLUSHED {
                break;
            }
        }
        self.segment > 0
    }

    /// Inflates until the segment, the window or `max` ends.
    fn step(&mut self, max: usize, out: &mut BytesMut) {
        let unmeasured = usize::try_from(MEASURE - self.measured.1).unwrap_or(usize::MAX);
        let room = (max - out.len()).min(unmeasured);
        let input = self.rest.get(..self.segment).unwrap_or_default();
        let flags = inflate_flags::TINFL_FLAG_HAS_MORE_INPUT | inflate_flags::TINFL_FLAG_IGNORE_ADLER32;
        let (status, taken, given) =
            decompress_with_limit(&mut self.tables, input, &mut self.window, self.at, room, flags);
        self.rest.advance(taken);
        self.segment -= taken;
        let end = self.at + given;
        out.extend_from_slice(self.window.get(self.at..end).unwrap_or_default());
        self.at = end % WINDOW;
        self.has_more = status == TINFLStatus::HasMoreOutput;
        self.measure(taken, given);
        match status {
            TINFLStatus::HasMoreOutput => {}
            TINFLStatus::NeedsMoreInput if self.segment == 0 => {}
            TINFLStatus::Done => self.fault = self.fault.or(Some(InflateFault::Ended)),
            _ => self.refuse(InflateFault::Broken),
        }
    }

    fn measure(&mut self, taken: usize, given: usize) {
        self.measured.0 += taken as u64;
        self.measured.1 += given as u64;
        if self.measured.1 >= MEASURE {
            if self.measured.1 > self.measured.0.saturating_mul(RATIO_MAX) {
                self.refuse(InflateFault::Bomb);
            }
            self.measured = (0, 0);
        }
    }
}

impl Default for Inflater {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Inflater {
    /// Without the octets: there may be a password among them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Inflater({} octets wait)", self.rest.len())
    }
}

impl fmt::Display for InflateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InflateFault::Early => "octets came before the answer that begins compression",
            InflateFault::Broken => "what came is not DEFLATE",
            InflateFault::Ended => "the compressed stream has ended, and the session has not",
            InflateFault::Bomb => "a few octets became a thousand times as many",
        })
    }
}
