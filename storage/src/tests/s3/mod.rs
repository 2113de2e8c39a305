//! Bodies in a bucket: a real S3 server, and a proxy before it that breaks what is asked of it.

mod ahead;
mod cache;
mod check;
mod counts;
mod garbage;
mod https;
mod keep;
mod proxy;
mod puts;
mod reads;
pub(super) mod service;
mod sweep;
