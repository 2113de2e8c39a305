//! What needs a whole storage.

mod check;
mod crash;
mod folder_reads;
mod group;
mod isolation;
mod model;
mod s3;
pub(crate) mod scratch;
mod statements;
mod sweep;
mod town;
mod watching;
