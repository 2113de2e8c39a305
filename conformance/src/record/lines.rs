//! Cuts a stream into lines and counted octets, and never holds more than one line.

/// The most octets of a line that are held together; a longer one comes in pieces.
pub(super) const LINE_MAX: usize = 64 * 1024;

/// What a stream holds next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// A line with its line end.
    Line(Vec<u8>),
    /// The beginning or the midst of a line that is too long to be held.
    Part(Vec<u8>),
    /// Octets of those that were counted.
    Counted(Vec<u8>),
}

/// The stream.
#[derive(Debug, Default)]
pub(super) struct Lines {
    held: Vec<u8>,
    /// So many octets at the front are no lines.
    counted: u64,
}

impl Lines {
    /// Adds what came.
    pub(super) fn feed(&mut self, octets: &[u8]) {
        self.held.extend_from_slice(octets);
    }

    /// The next so many octets are no lines, whatever they hold.
    pub(super) fn count(&mut self, octets: u64) {
        self.counted = octets;
    }

    /// The next piece; a line ends with LF, as a server may take that for an end too.
    pub(super) fn next(&mut self) -> Option<Cut> {
        if self.held.is_empty() {
            return None;
        }
        if self.counted > 0 {
            let here = self
                .held
                .len()
                .min(usize::try_from(self.counted).unwrap_or(usize::MAX));
            self.counted -= here as u64;
            return Some(Cut::Counted(self.held.drain(..here).collect()));
        }
        match self.held.iter().position(|&octet| octet == b'\n') {
            Some(at) if at < LINE_MAX => Some(Cut::Line(self.held.drain(..=at).collect())),
            None if self.held.len() < LINE_MAX => None,
            _ => Some(Cut::Part(self.held.drain(..LINE_MAX).collect())),
        }
    }

    /// What is left at the end.
    pub(super) fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }
}
