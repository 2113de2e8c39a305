//! Runs LightMail's store requests and object effects: metadata in SQLite or MySQL, bodies in a folder or an S3 bucket.
//!
//! One door for every shell: [`Storage`] answers requests, a [`Desk`] runs the effects of one conversation, a [`Watcher`]
//! tells of changes; [`shell`] is what a daemon is made of, whatever its runtime. What a request means is said by `lightmail_core::store::memory`; here it is made durable.
//!
//! Invariants: nothing is answered before it is on the disk. A body is durable before a row names it. No runtime is named
//! here but where the SDK for S3 needs one (`objects/s3`): files are read and written on the threads of `blocking`, SQLite has
//! threads of its own, sockets to MySQL belong to the runtime that asks.

mod answer;
mod antivirus;
mod bodies;
mod bump;
mod counts;
mod desk;
mod epoch;
mod faults;
pub mod fsck;
mod hints;
mod invented;
mod known;
mod objects;
mod occupy;
mod open;
mod open_error;
mod password;
mod poll;
mod reactor;
mod recent;
pub mod shell;
mod sql;
mod steady;
mod storage;
#[cfg(test)]
mod tests;
mod tokens;
mod tries;
mod trust;
mod upload;
mod views;
mod watch;

pub use bump::{Bump, Bumped};
pub use counts::Statements;
pub use desk::Desk;
pub use faults::{Faults, Point};
pub use objects::reader::ObjectReader;
pub use objects::{ObjectRequests, Objects};
pub use open_error::OpenError;
pub use storage::Storage;
pub use watch::Watcher;
