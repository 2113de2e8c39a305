//! Listeners: sockets bound before anything is served, and the loops that accept.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::{TcpListener, UnixListener};

use crate::session::Socket;

/// A bound socket.
pub enum Listener {
    /// TCP.
    Tcp(TcpListener),
    /// A UNIX socket; its file is removed when this is dropped.
    Unix(UnixListener, SocketFile),
}

/// The file of a UNIX socket.
pub struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = fs::remove_file(&self.0);
    }
}

impl Listener {
    /// Binds a TCP port.
    pub async fn tcp(host: &str, port: u16) -> io::Result<Self> {
        TcpListener::bind((host, port)).await.map(Self::Tcp)
    }

    /// Binds a UNIX socket with mode 660. One that nobody serves any more is replaced; one that somebody serves is an error.
    pub fn unix(path: &Path) -> io::Result<Self> {
        if fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket()) {
            if std::os::unix::net::UnixStream::connect(path).is_ok() {
                return Err(io::Error::new(
                    io::ErrorKind::AddrInUse,
                    "another server serves this socket",
                ));
            }
            fs::remove_file(path)?;
        }
        // Bound beside its place and moved there once its mode is right, so nobody meets it with another mode.
        let fresh = path.with_extension(format!("{}.new", std::process::id()));
        let _ = fs::remove_file(&fresh);
        let listener = UnixListener::bind(&fresh)?;
        fs::set_permissions(&fresh, fs::Permissions::from_mode(0o660))?;
        fs::rename(&fresh, path)?;
        Ok(Self::Unix(listener, SocketFile(path.to_owned())))
    }

    /// Where it listens, for people.
    pub fn place(&self) -> String {
        match self {
            Listener::Tcp(listener) => listener
                .local_addr()
                .map_or_else(|_| "?".into(), |address| address.to_string()),
            Listener::Unix(_, file) => file.0.display().to_string(),
        }
    }

    /// The next connection, with its address on TCP. Errors that pass (no more file descriptors) are waited out.
    pub async fn accept(&self) -> (Socket, Option<SocketAddr>) {
        loop {
            let accepted = match self {
                Listener::Tcp(listener) => listener.accept().await.and_then(|(stream, address)| {
                    stream.set_nodelay(true)?;
                    Ok((Socket::Tcp(stream), Some(address)))
                }),
                Listener::Unix(listener, _) => listener
                    .accept()
                    .await
                    .map(|(stream, _)| (Socket::Unix(stream), None)),
            };
            match accepted {
                Ok(accepted) => return accepted,
                Err(error) => {
                    tracing::warn!(%error, "listener.accept.failed");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
}

/// Counts connections by address, so that one peer cannot take them all.
#[derive(Clone)]
pub struct Crowd {
    most: usize,
    present: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// One counted connection; leaves when dropped.
pub struct Seat {
    crowd: Crowd,
    address: Option<IpAddr>,
}

impl Crowd {
    /// At most `most` connections of one address at a time.
    pub fn new(most: usize) -> Self {
        Self {
            most,
            present: Arc::default(),
        }
    }

    /// `None` when the address has its share. A UNIX socket has no limit.
    pub fn enter(&self, address: Option<IpAddr>) -> Option<Seat> {
        if let Some(address) = address {
            let mut present = self
                .present
                .lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner());
            let here = present.entry(address).or_default();
            if *here >= self.most {
                return None;
            }
            *here += 1;
        }
        Some(Seat {
            crowd: self.clone(),
            address,
        })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(address) = self.address {
            let mut present = self
                .crowd
                .present
                .lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner());
            if let Some(here) = present.get_mut(&address) {
                *here -= 1;
                if *here == 0 {
                    present.remove(&address);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_gets_its_share_and_no_more() {
        let crowd = Crowd::new(2);
        let here = Some(IpAddr::from([192, 0, 2, 1]));
        let first = crowd.enter(here);
        let _second = crowd.enter(here).unwrap();
        assert!(crowd.enter(here).is_none());
        assert!(crowd.enter(Some(IpAddr::from([192, 0, 2, 2]))).is_some());
        drop(first);
        assert!(crowd.enter(here).is_some());
    }
}
