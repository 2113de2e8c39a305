//! What needs a whole storage.

mod calendars;
mod check;
mod crash;
mod folder_reads;
mod group;
mod isolation;
mod model;
pub(crate) mod scratch;
mod statements;
mod sweep;
mod town;
mod watching;
