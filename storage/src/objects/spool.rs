//! Files of objects that are too large for memory, while they are written.

use std::fs::File;
use std::io::{self, Write as _};

use super::folder::Draft;

/// The file of an object being written. Dropping it removes it.
#[derive(Debug)]
pub(crate) enum Spool {
    /// It becomes the object by getting its name.
    Draft(Draft),
    /// It has no name; its octets will be sent elsewhere.
    Nameless(File),
}

impl Spool {
    /// Adds octets. Blocks.
    pub(crate) fn append(&mut self, octets: &[u8]) -> io::Result<()> {
        match self {
            Spool::Draft(draft) => draft.append(octets),
            Spool::Nameless(file) => file.write_all(octets),
        }
    }
}
