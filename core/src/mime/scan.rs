//! The streaming scanner: octets of a message in, its index out.

use super::index::{MessageIndex, Part, PartKind, Summary};

/// The budgets of a scan. Beyond them a message is stored all the same; the index just says less about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Parts inside parts. A deeper multipart or message is one opaque part.
    pub depth: usize,
    /// Parts of one message. What follows them in their multipart is in no part.
    pub parts: usize,
    /// Octets of a boundary; a multipart with a longer one is taken as text.
    pub boundary_octets: usize,
    /// Octets of one header field that are looked at.
    pub field_octets: usize,
    /// Octets of all headers of a message that are looked at.
    pub header_octets: usize,
    /// Lines of one header that are looked at.
    pub header_lines: usize,
    /// Header fields of a message, embedded ones included, whose places are kept.
    pub fields: usize,
    /// Addresses in one ENVELOPE.
    pub addresses: usize,
    /// Octets of the longest header that is kept as it is.
    pub raw_header_octets: usize,
    /// Octets of each text in the [`Summary`].
    pub summary_octets: usize,
    /// Octets of the encoded index.
    pub index_octets: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            depth: 50,
            parts: 1_000,
            boundary_octets: 200,
            field_octets: 64 << 10,
            header_octets: 1 << 20,
            header_lines: 2_000,
            fields: 8_000,
            addresses: 1_000,
            raw_header_octets: 16 << 10,
            summary_octets: 8 << 10,
            index_octets: 256 << 10,
        }
    }
}

/// Makes the index of a message while its octets flow by.
///
/// Call [`push`](Scanner::push) with every piece, in order, then [`finish`](Scanner::finish). How the octets are cut makes
/// no difference to the index.
#[derive(Debug)]
pub struct Scanner {
    octets: u64,
}

impl Scanner {
    /// A scanner at the start of a message.
    pub fn new(_limits: Limits) -> Scanner {
        Scanner { octets: 0 }
    }

    /// Takes the next octets of the message.
    pub fn push(&mut self, octets: &[u8]) {
        self.octets += octets.len() as u64;
    }

    /// Ends the message, wherever it stands, and gives its index.
    pub fn finish(self) -> MessageIndex {
        let root = Part {
            parent: None,
            kind: PartKind::Leaf,
            header: 0..0,
            body: 0..self.octets,
            lines: 0,
            media_type: "text".into(),
            subtype: "plain".into(),
            params: Vec::new(),
            encoding: "7bit".into(),
            id: None,
            description: None,
            md5: None,
            disposition: None,
            language: Vec::new(),
            location: None,
            message: None,
        };
        MessageIndex {
            size: self.octets,
            parts: vec![root],
            body: Vec::new(),
            bodystructure: Vec::new(),
            raw_header: None,
            summary: Summary::default(),
        }
    }
}
