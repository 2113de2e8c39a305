//! DEFLATE (RFC 1951) on both directions of a connection (RFC 4978): what a peer sends is inflated, what it is sent is deflated.
//!
//! Values that hold what they were given until they are asked; whoever moves the octets owns them. Knows no command. Cut anywhere, the
//! octets give the same.

mod deflater;
mod inflater;

#[cfg(test)]
mod tests;

pub use deflater::Deflater;
pub use inflater::{InflateFault, Inflated, Inflater};
