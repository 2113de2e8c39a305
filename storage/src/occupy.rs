//! One server for a data folder: a lock that the system takes back from a process that dies.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::open_error::OpenError;

/// The file that is locked; it holds the number of the process, for people.
const LOCK: &str = "lightmail.lock";

/// Locks a data folder. Dropping the file gives it back.
pub(crate) fn occupy(data_dir: &Path) -> Result<File, OpenError> {
    let path = data_dir.join(LOCK);
    let opened = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(false)
        .mode(0o600)
        .open(&path);
    let mut file = opened.map_err(|error| OpenError::folder(&path, &error))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let process = std::fs::read_to_string(&path).unwrap_or_default();
            return Err(OpenError::occupied(data_dir, process.trim()));
        }
        Err(TryLockError::Error(error)) => return Err(OpenError::folder(&path, &error)),
    }
    write_process(&mut file).map_err(|error| OpenError::folder(&path, &error))?;
    Ok(file)
}

/// On a full disk the number is missing, which keeps nobody from serving.
fn write_process(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    match writeln!(file, "{}", std::process::id()) {
        Err(error) if error.kind() == io::ErrorKind::StorageFull => Ok(()),
        written => written,
    }
}
