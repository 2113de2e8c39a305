//! Sockets bound before anything is served.

use std::fs;
use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use lightmail_core::doors::{Door, Place};
use socket2::{Domain, SockAddr, SockRef, Socket, Type};

use super::CliError;

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1024;

/// A bound socket that does not block, for a runtime to take over.
#[derive(Debug)]
pub enum Bound {
    /// TCP.
    Tcp(TcpListener),
    /// A UNIX socket; its file is removed when this is dropped.
    Unix(UnixListener, SocketFile),
}

/// The file of a UNIX socket.
#[derive(Debug)]
pub struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = fs::remove_file(&self.0);
    }
}

impl Bound {
    /// Binds the place of a door. Errors say what to do about it.
    pub fn at(door: &Door) -> Result<Self, CliError> {
        Self::bind(&door.place).map_err(|error| {
            let remedy = match error.kind() {
                io::ErrorKind::AddrInUse => "stop the server that is there, or choose another in the section",
                io::ErrorKind::PermissionDenied => {
                    "ports below 1024 and foreign folders need the right to use them"
                }
                io::ErrorKind::NotFound => {
                    "its folder does not exist; make it, or choose another in the section"
                }
                _ => "choose another in the section",
            };
            CliError::failed(format!(
                "[{}] cannot listen on {}: {error}; {remedy}",
                door.proto, door.place
            ))
        })
    }

    fn bind(place: &Place) -> io::Result<Self> {
        match place {
            Place::Tcp(host, port) => {
                let listener = TcpListener::bind((host.as_str(), *port))?;
                prepare(&listener)?;
                Ok(Self::Tcp(listener))
            }
            Place::Unix(path) => {
                let (listener, file) = bind_unix(path)?;
                prepare(&listener)?;
                Ok(Self::Unix(listener, file))
            }
        }
    }

    /// Where it listens, for people.
    pub fn place(&self) -> String {
        match self {
            Bound::Tcp(listener) => listener
                .local_addr()
                .map_or_else(|_| "?".into(), |address| address.to_string()),
            Bound::Unix(_, file) => file.0.display().to_string(),
        }
    }
}

/// A longer queue than the standard library asks for, and no blocking.
fn prepare(listener: &impl AsFd) -> io::Result<()> {
    let socket = SockRef::from(listener);
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)
}

/// Binds a UNIX socket with mode 660. One that nobody serves any more is replaced; one that somebody serves is an error.
fn bind_unix(path: &Path) -> io::Result<(UnixListener, SocketFile)> {
    if fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket()) {
        match UnixStream::connect(path) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path)?,
            Err(error) => return Err(error),
            Ok(_) => {
                return Err(io::Error::new(
                    io::ErrorKind::AddrInUse,
                    "another server serves this socket",
                ));
            }
        }
    }
    // It listens only once its mode is right, so nobody connects by another; and it is bound beside its place and moved
    // there, so that who waits for the file finds one that listens.
    let fresh = path.with_extension(format!("{}.new", std::process::id()));
    let _ = fs::remove_file(&fresh);
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&SockAddr::unix(&fresh)?)?;
    fs::set_permissions(&fresh, fs::Permissions::from_mode(0o660))?;
    socket.listen(BACKLOG)?;
    fs::rename(&fresh, path)?;
    Ok((OwnedFd::from(socket).into(), SocketFile(path.to_owned())))
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
