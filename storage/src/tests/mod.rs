//! What needs a whole storage.

mod away;
mod calendars;
mod check;
mod crash;
mod epoch;
mod folder_reads;
mod fsck;
mod group;
mod isolation;
mod model;
mod nodes;
mod opening;
mod pace;
mod proxy;
mod s3;
pub(crate) mod scratch;
pub(crate) mod server;
mod statements;
mod sweep;
mod town;
mod watching;
