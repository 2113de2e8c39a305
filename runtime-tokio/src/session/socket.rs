//! A connected socket of tokio.

use std::future::pending;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;

use lightmail_storage::shell::{self, is_drained};
use tokio::io::{AsyncWriteExt, Interest};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{ServerConfig, ServerConnection};

/// What a conversation runs over.
pub enum Socket {
    /// TCP.
    Tcp(TcpStream),
    /// A UNIX socket.
    Unix(UnixStream),
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
        match self {
            Socket::Tcp(stream) => stream.readable().await,
            Socket::Unix(stream) => stream.readable().await,
        }
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
        is_drained(self)
    }

    async fn closed(&self) {
        // That it was readable once says little: `try_io` forgets it when there is nothing to read any more.
        while self.readable().await.is_ok() {
            let drained = match self {
                Socket::Tcp(stream) => stream.try_io(Interest::READABLE, || self.is_drained()),
                Socket::Unix(stream) => stream.try_io(Interest::READABLE, || self.is_drained()),
            };
            match drained {
                Ok(true) => return,
                Ok(false) => pending().await,
                Err(_) => {}
            }
        }
    }

    async fn handshake(&mut self, config: Arc<ServerConfig>) -> io::Result<ServerConnection> {
        let acceptor = TlsAcceptor::from(config);
        Ok(match self {
            Socket::Tcp(stream) => acceptor.accept(stream).await?.into_inner().1,
            Socket::Unix(stream) => acceptor.accept(stream).await?.into_inner().1,
        })
    }

    async fn sleep(time: Duration) {
        tokio::time::sleep(time).await;
    }
}
