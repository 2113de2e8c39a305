//! What needs a whole storage.

mod away;
mod calendars;
mod check;
mod crash;
mod epoch;
mod every;
mod folder_reads;
mod fsck;
mod group;
mod hints;
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
mod undelete;
mod watching;
