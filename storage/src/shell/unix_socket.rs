//! A UNIX socket in the file system: made for its owner and group alone, and never taken from a server that lives.
//!
//! Invariant: at no moment is the file open to others than its owner and group, whatever the umask (`srw-rw----`), and nobody
//! who finds it at its place meets one that does not listen.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{
    DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, chown,
};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use lightmail_core::doors::SocketPlace;
use socket2::{Domain, SockAddr, Socket, Type};

use super::ids;
use super::listen::BACKLOG;

/// Read and write for owner and group; nothing for others.
const SOCKET_MODE: u32 = 0o660;
/// The owner may do all, the group may look and pass, others nothing.
const FOLDER_MODE: u32 = 0o750;

/// The file of a UNIX socket, and its lock; the file is removed when this is dropped, if it still is the one that was made.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    /// Device and inode.
    made: (u64, u64),
    _lock: File,
}

impl SocketFile {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|file| identity(&file) == self.made) {
            // Already gone is as good.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Binds a UNIX socket. What an earlier server has left behind is replaced; what another serves, or what is no socket, is an
/// error, in words that say what to do.
pub(super) fn bind(place: &SocketPlace) -> Result<(UnixListener, SocketFile), String> {
    let whose = Whose::of(place)?;
    let path = &place.path;
    if let Some(folder) = folder(path) {
        enter(folder, whose)?;
    }
    let lock = lock(path)?;
    look(path)?;
    // It is bound beside its place and moved there once it listens.
    let fresh = beside(path, ".new");
    let bound = bind_closed(&fresh)
        .map_err(|error| cannot_bind(&error))
        .and_then(|socket| {
            whose.give(&fresh)?;
            let made = open(&socket, &fresh, path).map_err(|error| error.to_string())?;
            Ok((socket, made))
        });
    let (socket, made) = bound.inspect_err(|_| {
        let _ = fs::remove_file(&fresh);
    })?;
    let file = SocketFile {
        path: path.clone(),
        made,
        _lock: lock,
    };
    Ok((OwnedFd::from(socket).into(), file))
}

/// The owner and the group that a socket is to have, where they are not the server's own.
#[derive(Clone, Copy)]
struct Whose<'a> {
    place: &'a SocketPlace,
    owner: Option<u32>,
    group: Option<u32>,
}

impl<'a> Whose<'a> {
    fn of(place: &'a SocketPlace) -> Result<Self, String> {
        let owner = place.owner.as_deref().map(ids::user).transpose();
        let group = place.group.as_deref().map(ids::group).transpose();
        Ok(Self {
            place,
            owner: owner.map_err(|error| format!("socket_owner: {error}"))?,
            group: group.map_err(|error| format!("socket_group: {error}"))?,
        })
    }

    /// Gives a file that we have made to them.
    fn give(self, path: &Path) -> Result<(), String> {
        if let (Some(_), Some(name)) = (self.group, &self.place.group) {
            chown(path, None, self.group).map_err(|error| {
                format!(
                    "socket_group: the socket and its folder cannot be given to the group {name}: {error}; put the server's user into \
                     that group (usermod -a -G {name} USER) and start it anew, or start it as root"
                )
            })?;
        }
        if let (Some(_), Some(name)) = (self.owner, &self.place.owner) {
            chown(path, self.owner, None).map_err(|error| {
                format!(
                    "socket_owner: the socket and its folder cannot be given to the user {name}: {error}; leave socket_owner empty and \
                     name a socket_group, or start the server as root"
                )
            })?;
        }
        Ok(())
    }
}

/// The folder of a socket; `None`: the one where the server was started.
fn folder(path: &Path) -> Option<&Path> {
    path.parent().filter(|folder| !folder.as_os_str().is_empty())
}

/// Makes the folder of the socket if it is missing; one that is there is left as it is, but not used if anybody could put
/// another socket in the place of ours.
fn enter(folder: &Path, whose: Whose<'_>) -> Result<(), String> {
    match DirBuilder::new().mode(FOLDER_MODE).create(folder) {
        // Left as it is, it would be taken for one that the operator has made.
        Ok(()) => hand_over(folder, whose).inspect_err(|_| {
            let _ = fs::remove_dir(folder);
        }),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => look_at_folder(folder),
        Err(error) => Err(format!(
            "its folder cannot be made: {error}; make it, or choose another"
        )),
    }
}

fn hand_over(folder: &Path, whose: Whose<'_>) -> Result<(), String> {
    whose.give(folder)?;
    // The umask may have taken more than it should.
    fs::set_permissions(folder, Permissions::from_mode(FOLDER_MODE)).map_err(|error| error.to_string())
}

fn look_at_folder(folder: &Path) -> Result<(), String> {
    let mode = fs::metadata(folder).map_err(|error| error.to_string())?.mode();
    let (writable, sticky) = (mode & 0o002 != 0, mode & 0o1000 != 0);
    let shown = folder.display();
    if writable && !sticky {
        return Err(format!(
            "anybody may write to its folder, and so put another socket in its place; chmod o-w {shown}, or choose another \
             folder"
        ));
    }
    if writable {
        tracing::warn!(
            folder = %shown,
            "lmtp.socket.folder_is_public: anybody may make this socket while the server is down; choose a folder of mode 750"
        );
    }
    Ok(())
}

/// Keeps other servers of ours off this place as long as it is held; the system takes it back from one that dies. The file
/// stays: removed, two servers could hold two locks of one name.
fn lock(path: &Path) -> Result<File, String> {
    let name = beside(path, ".lock");
    let opened = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(false)
        .mode(0o600)
        .open(&name);
    let file = opened.map_err(|error| {
        format!(
            "{} cannot be made: {error}; give the server's user the right to write to its folder, or choose another",
            name.display()
        )
    })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(SERVED.to_owned()),
        Err(TryLockError::Error(error)) => Err(error.to_string()),
    }
}

const SERVED: &str = "another server serves this socket; stop it, or choose another in the section";

/// Looks at what stands where the socket shall be: nothing, or one that nobody listens on any more, may be replaced.
fn look(path: &Path) -> Result<(), String> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error.to_string()),
        Ok(file) if file.file_type().is_socket() => match is_served(path) {
            Ok(false) => Ok(()),
            Ok(true) => Err(SERVED.to_owned()),
            Err(error) => Err(format!(
                "whether another server serves this socket cannot be told: {error}; remove it if none does"
            )),
        },
        Ok(_) => Err("what is there is no socket; move it away, or choose another in the section".to_owned()),
    }
}

/// Whether somebody listens. Never waits: a server whose queue is full is one that lives.
fn is_served(path: &Path) -> io::Result<bool> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    match socket.connect(&SockAddr::unix(path)?) {
        Ok(()) => Ok(true),
        Err(error) => match error.kind() {
            io::ErrorKind::WouldBlock => Ok(true),
            io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => Ok(false),
            _ => Err(error),
        },
    }
}

/// Binds a socket that does not listen yet. The system makes its file with the mode of the socket itself, less the umask: so
/// it never has a bit that it should not have, and the umask, which all threads share, is left alone.
fn bind_closed(path: &Path) -> io::Result<Socket> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let socket = File::from(OwnedFd::from(Socket::new(Domain::UNIX, Type::STREAM, None)?));
    socket.set_permissions(Permissions::from_mode(SOCKET_MODE))?;
    let socket = Socket::from(OwnedFd::from(socket));
    socket.bind(&SockAddr::unix(path)?)?;
    Ok(socket)
}

/// Opens a bound socket to its group and moves it to its place. What it was made as: device and inode.
fn open(socket: &Socket, fresh: &Path, path: &Path) -> io::Result<(u64, u64)> {
    // The bits that the umask took.
    fs::set_permissions(fresh, Permissions::from_mode(SOCKET_MODE))?;
    let made = identity(&fs::symlink_metadata(fresh)?);
    socket.listen(BACKLOG)?;
    fs::rename(fresh, path)?;
    Ok(made)
}

fn identity(file: &fs::Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

/// The path with something behind its name.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

fn cannot_bind(error: &io::Error) -> String {
    let remedy = match error.kind() {
        io::ErrorKind::InvalidInput => "the path of a socket has at most 103 octets: choose a shorter one",
        io::ErrorKind::PermissionDenied => "give the server's user the right to write to its folder",
        _ => "choose another in the section",
    };
    format!("{error}; {remedy}")
}

#[cfg(test)]
mod tests;
