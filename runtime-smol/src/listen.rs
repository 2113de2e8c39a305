//! Listeners of smol.

use std::io;
use std::net::{IpAddr, TcpListener};
use std::os::unix::net::UnixListener;

use lightmail_storage::shell::{Bound, SocketFile};
use smol::Async;

use crate::session::Socket;

/// A bound socket.
pub enum Listener {
    /// TCP.
    Tcp(Async<TcpListener>),
    /// A UNIX socket, whose file goes with it.
    Unix {
        listener: Async<UnixListener>,
        _file: SocketFile,
    },
}

impl Listener {
    /// Takes over what was bound.
    pub fn new(bound: Bound) -> io::Result<Self> {
        Ok(match bound {
            Bound::Tcp(listener) => Self::Tcp(Async::new_nonblocking(listener)?),
            Bound::Unix(listener, file) => Self::Unix {
                listener: Async::new_nonblocking(listener)?,
                _file: file,
            },
        })
    }

    /// The next connection, with its address on TCP. Cancel-safe.
    pub async fn accept(&self) -> io::Result<(Socket, Option<IpAddr>)> {
        match self {
            Listener::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                stream.get_ref().set_nodelay(true)?;
                Ok((Socket::Tcp(stream), Some(address.ip())))
            }
            Listener::Unix { listener, .. } => {
                let (stream, _) = listener.accept().await?;
                Ok((Socket::Unix(stream), None))
            }
        }
    }
}
