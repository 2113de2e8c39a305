//! Listeners of tokio.

use std::io;
use std::net::IpAddr;

use lightmail_storage::shell::{Bound, SocketFile};
use tokio::net::{TcpListener, UnixListener};

use crate::session::Socket;

/// A bound socket.
pub enum Listener {
    /// TCP.
    Tcp(TcpListener),
    /// A UNIX socket, whose file goes with it.
    Unix {
        listener: UnixListener,
        _file: SocketFile,
    },
}

impl Listener {
    /// Takes over what was bound.
    pub fn new(bound: Bound) -> io::Result<Self> {
        Ok(match bound {
            Bound::Tcp(listener) => Self::Tcp(TcpListener::from_std(listener)?),
            Bound::Unix(listener, file) => Self::Unix {
                listener: UnixListener::from_std(listener)?,
                _file: file,
            },
        })
    }

    /// The next connection, with its address on TCP. Cancel-safe.
    pub async fn accept(&self) -> io::Result<(Socket, Option<IpAddr>)> {
        match self {
            Listener::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok((Socket::Tcp(stream), Some(address.ip())))
            }
            Listener::Unix { listener, .. } => {
                let (stream, _) = listener.accept().await?;
                Ok((Socket::Unix(stream), None))
            }
        }
    }
}
