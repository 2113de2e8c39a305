//! Sockets bound before anything is served.

use std::io;
use std::net::TcpListener;
use std::os::fd::AsFd;
use std::os::unix::net::UnixListener;

use lightmail_core::doors::{Door, Place, SocketPlace};
use socket2::SockRef;

use super::CliError;
use super::unix_socket::{self, SocketFile};

/// Connections that may wait to be accepted.
pub(super) const BACKLOG: i32 = 1024;

/// A bound socket that does not block, for a runtime to take over.
#[derive(Debug)]
pub enum Bound {
    /// TCP.
    Tcp(TcpListener),
    /// A UNIX socket; its file is removed when this is dropped.
    Unix(UnixListener, SocketFile),
}

impl Bound {
    /// Binds the place of a door. Errors say what to do about it.
    pub fn at(door: &Door) -> Result<Self, CliError> {
        let bound = match &door.place {
            Place::Tcp(host, port) => bind_tcp(host, *port),
            Place::Unix(place) => bind_unix(place),
        };
        bound.map_err(|why| {
            CliError::failed(format!(
                "[{}] cannot listen on {}: {why}",
                door.section(),
                door.place
            ))
        })
    }

    /// Where it listens, for people.
    pub fn place(&self) -> String {
        match self {
            Bound::Tcp(listener) => listener
                .local_addr()
                .map_or_else(|_| "?".into(), |address| address.to_string()),
            Bound::Unix(_, file) => file.path().display().to_string(),
        }
    }
}

fn bind_tcp(host: &str, port: u16) -> Result<Bound, String> {
    let bound = TcpListener::bind((host, port)).and_then(|listener| {
        prepare(&listener)?;
        Ok(Bound::Tcp(listener))
    });
    bound.map_err(|error| {
        let remedy = match error.kind() {
            io::ErrorKind::AddrInUse => "stop the server that is there, or choose another in the section",
            io::ErrorKind::PermissionDenied => "ports below 1024 need the right to use them",
            _ => "choose another in the section",
        };
        format!("{error}; {remedy}")
    })
}

fn bind_unix(place: &SocketPlace) -> Result<Bound, String> {
    let (listener, file) = unix_socket::bind(place)?;
    prepare(&listener).map_err(|error| error.to_string())?;
    Ok(Bound::Unix(listener, file))
}

/// A longer queue than the standard library asks for, and no blocking.
fn prepare(listener: &impl AsFd) -> io::Result<()> {
    let socket = SockRef::from(listener);
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)
}

/// Whether nothing that the peer wrote is waiting to be read: at the end of its stream, or broken.
///
/// Errors: `WouldBlock` while the stream is open and empty.
pub fn is_drained(socket: &impl AsFd) -> io::Result<bool> {
    let mut octet = [std::mem::MaybeUninit::uninit()];
    match SockRef::from(socket).peek(&mut octet) {
        Ok(n) => Ok(n == 0),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(error),
        Err(_) => Ok(true),
    }
}
