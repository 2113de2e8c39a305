//! What needs a whole storage.

mod away;
mod calendars;
mod check;
mod crash;
mod folder_reads;
mod garbage;
mod garbage_race;
mod group;
mod isolation;
mod late;
mod model;
mod nodes;
mod opening;
mod pace;
mod proxy;
mod s3;
pub(crate) mod scratch;
pub(crate) mod server;
mod shift;
mod statements;
mod sweep;
mod town;
mod watching;
