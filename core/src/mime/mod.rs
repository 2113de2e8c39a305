//! MIME: the shape of a message, found in one pass while its octets flow by.
//!
//! [`Scanner`] takes a message in pieces of any size and makes its [`MessageIndex`]: where every part, header and header
//! field lies in the stored object, and the texts that FETCH and SEARCH need, finished. [`StoredIndex`] reads those texts
//! from the stored form without building the rest. The other modules are the decoders all this is made of; SEARCH and the
//! Admin API use them too.
//!
//! Invariants: nothing here fails on a broken message, recurses on input, or keeps a body. The same octets in any split give
//! the same index. Time grows with the octets, memory only with the budgets in [`Limits`].

mod about;
pub mod address;
mod authors;
mod codec;
mod decoded;
mod describe;
pub mod encoded_word;
mod envelope;
mod fit;
pub mod header;
pub mod index;
pub mod matcher;
mod packed;
pub mod parameter;
mod preview;
mod quote;
pub mod scan;
mod structure;
#[cfg(test)]
mod tests;
pub mod text;

pub use about::{About, Field, Params, Root, Tags};
pub use authors::{AUTHORS_MAX, authors};
pub use codec::StoredIndex;
pub use decoded::{Decoded, Lines};
pub use index::{INDEX_OCTETS, MessageIndex, Part, PartKind, Section, Summary};
pub use packed::BadIndex;
pub use scan::{Limits, Scanner};
