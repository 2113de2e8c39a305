//! The epoch beside the bodies: empty objects `epoch/<n>`, of which the largest counts.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::Arc;

use lightmail_core::store::Failure;

use super::folder::make_folder;
use super::{Objects, Place, failure};

/// The folder, or what stands before the first `/` of the keys.
pub(super) const FOLDER: &str = "epoch";

impl Objects {
    /// The largest epoch that was left here; 0: none.
    pub(crate) async fn epoch(&self) -> Result<u64, Failure> {
        Ok(self.epochs().await?.into_iter().max().unwrap_or(0))
    }

    async fn epochs(&self) -> Result<Vec<u64>, Failure> {
        match &self.place {
            Place::Folder(folder) => {
                let root = folder.root().join(FOLDER);
                let found = blocking::unblock(move || in_folder(&root)).await;
                found.map_err(|error| failure("epoch", &error))
            }
            Place::S3(s3) => s3.epochs().await,
        }
    }

    /// Leaves an epoch here, and takes those before it away. The database has it already.
    pub(crate) async fn leave_epoch(&self, epoch: u64) -> Result<(), Failure> {
        let mut old = self.epochs().await?;
        old.retain(|old| *old < epoch);
        match &self.place {
            Place::Folder(folder) => {
                let folder = Arc::clone(folder);
                let left = blocking::unblock(move || leave(folder.root(), epoch, &old)).await;
                left.map_err(|error| failure("epoch", &error))
            }
            Place::S3(s3) => s3.leave_epoch(epoch, old).await,
        }
    }
}

fn in_folder(folder: &Path) -> io::Result<Vec<u64>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        found.extend(
            entry?
                .file_name()
                .to_str()
                .and_then(|name| name.parse::<u64>().ok()),
        );
    }
    Ok(found)
}

/// The new one is durable before an old one goes.
fn leave(root: &Path, epoch: u64, old: &[u64]) -> io::Result<()> {
    let folder = root.join(FOLDER);
    make_folder(&folder)?;
    File::create(folder.join(epoch.to_string()))?.sync_all()?;
    File::open(&folder)?.sync_all()?;
    File::open(root)?.sync_all()?;
    for old in old {
        match fs::remove_file(folder.join(old.to_string())) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
