//! The peer of a worker: there is none.

use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::server::{ServerConfig, ServerConnection};

use super::Socket;

/// A socket without anybody at the other end: it never says anything, and what it is told is lost.
#[derive(Debug)]
pub struct Nobody;

impl Socket for Nobody {
    fn try_read(&self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }

    async fn readable(&self) -> io::Result<()> {
        pending().await
    }

    async fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        Ok(octets.len())
    }

    async fn shutdown(&mut self) -> io::Result<()> {
        // So that nobody's last words are not waited for.
        Err(io::ErrorKind::NotConnected.into())
    }

    fn is_drained(&self) -> io::Result<bool> {
        Err(io::ErrorKind::WouldBlock.into())
    }

    async fn closed(&self) {
        pending().await
    }

    async fn handshake(&mut self, _: Arc<ServerConfig>) -> io::Result<ServerConnection> {
        Err(io::ErrorKind::NotConnected.into())
    }

    async fn sleep(_: Duration) {
        pending().await
    }
}
