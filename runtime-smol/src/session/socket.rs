//! A connected socket of smol.

use std::future::pending;
use std::io::{self, Read as _};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use futures_rustls::TlsAcceptor;
use futures_rustls::rustls::{ServerConfig, ServerConnection};
use lightmail_storage::shell::{self, is_drained};
use smol::io::AsyncWriteExt as _;
use smol::{Async, Timer};

/// What a conversation runs over.
pub enum Socket {
    /// TCP.
    Tcp(Async<TcpStream>),
    /// A UNIX socket.
    Unix(Async<UnixStream>),
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
            Socket::Tcp(stream) => stream.get_ref().read(buffer),
            Socket::Unix(stream) => stream.get_ref().read(buffer),
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
            Socket::Tcp(stream) => stream.get_ref().shutdown(Shutdown::Write),
            Socket::Unix(stream) => stream.get_ref().shutdown(Shutdown::Write),
        }
    }

    fn is_drained(&self) -> io::Result<bool> {
        is_drained(self)
    }

    async fn closed(&self) {
        // An event says that something came, not what: octets, the end, or (a late one) nothing at all.
        while self.readable().await.is_ok() {
            match self.is_drained() {
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
        Timer::after(time).await;
    }
}
