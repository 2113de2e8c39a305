//! A connected socket of tokio.

use std::future::pending;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use lightmail_storage::shell::{self, is_drained};
use tokio::io::{AsyncWriteExt, Interest};
use tokio::net::{TcpStream, UnixStream};

/// What a conversation runs over.
pub enum Socket {
    /// TCP.
    Tcp(TcpStream),
    /// A UNIX socket.
    Unix(UnixStream),
}

impl Socket {
    async fn ready(&self) -> io::Result<tokio::io::Ready> {
        match self {
            Socket::Tcp(stream) => stream.ready(Interest::READABLE).await,
            Socket::Unix(stream) => stream.ready(Interest::READABLE).await,
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Socket::Tcp(stream) => stream.as_fd(),
            Socket::Unix(stream) => stream.as_fd(),
        }
    }
}

impl shell::Socket for Socket {
    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Socket::Tcp(stream) => stream.try_read(buffer),
            Socket::Unix(stream) => stream.try_read(buffer),
        }
    }

    async fn readable(&self) -> io::Result<()> {
        self.ready().await.map(drop)
    }

    async fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match self {
            Socket::Tcp(stream) => stream.write(octets).await,
            Socket::Unix(stream) => stream.write(octets).await,
        }
    }

    async fn shutdown(&mut self) -> io::Result<()> {
        match self {
            Socket::Tcp(stream) => stream.shutdown().await,
            Socket::Unix(stream) => stream.shutdown().await,
        }
    }

    fn is_drained(&self) -> io::Result<bool> {
        match self {
            Socket::Tcp(stream) => is_drained(stream),
            Socket::Unix(stream) => is_drained(stream),
        }
    }

    async fn closed(&self) {
        match self.ready().await {
            Ok(ready) if !(ready.is_read_closed() && self.is_drained().unwrap_or(true)) => pending().await,
            _ => {}
        }
    }

    async fn sleep(time: Duration) {
        tokio::time::sleep(time).await;
    }
}
