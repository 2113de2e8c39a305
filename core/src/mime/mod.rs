//! MIME: the shape of a message, found in one pass while its octets flow by.
//!
//! [`Scanner`] takes a message in pieces of any size and makes its [`MessageIndex`]: where every part, header and header
//! field lies in the stored object, and the texts that FETCH and SEARCH need, finished. The other modules are the decoders
//! it is made of; SEARCH and the Admin API use them too.
//!
//! Invariants: nothing here fails on a broken message, recurses on input, or keeps a body. The same octets in any split give
//! the same index. Time grows with the octets, memory with the budgets in [`Limits`] only.

pub mod address;
pub mod encoded_word;
pub mod header;
pub mod index;
pub mod matcher;
pub mod parameter;
pub mod scan;
pub mod text;
pub mod transfer;

pub use index::{Field, MessageIndex, MessageRoot, Part, PartKind, Section, Summary};
pub use scan::{Limits, Scanner};
