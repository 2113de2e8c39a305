//! Looking at objects past the caches and the rows: whether one is there, and what is in it.

use std::sync::Arc;

use lightmail_core::machine::{Listed, ObjectKind};
use lightmail_core::store::{Failure, ObjectId};
use sha2::{Digest, Sha256};

use super::s3::S3;
use super::{Objects, Place, failure};

impl Objects {
    /// What is there under an object's key, now.
    pub(crate) async fn stat(&self, kind: ObjectKind, object: ObjectId) -> Result<Option<Listed>, Failure> {
        match &self.place {
            Place::Folder(folder) => {
                let folder = Arc::clone(folder);
                let listed = blocking::unblock(move || folder.listed(kind, object).transpose()).await;
                listed.map_err(|error| failure("object", &error))
            }
            Place::S3(s3) => {
                let before = u128::from_be_bytes(object.0).checked_sub(1);
                let before = before.map(|before| ObjectId(before.to_be_bytes()));
                let listed = s3.list(kind, before, 1).await?;
                Ok(listed.into_iter().find(|listed| listed.object == object))
            }
        }
    }

    /// SHA-256 of the octets of an object, which must be `size`.
    ///
    /// Errors: `Broken` if it cannot be read, is missing or shorter; `Unavailable` if the bucket does not give it now.
    pub(crate) async fn hash(
        &self,
        kind: ObjectKind,
        object: ObjectId,
        size: u64,
    ) -> Result<[u8; 32], Failure> {
        match &self.place {
            Place::Folder(folder) => {
                let folder = Arc::clone(folder);
                let hash = blocking::unblock(move || folder.hash(kind, object)).await;
                hash.map_err(|error| Failure::broken(error.to_string()))
            }
            Place::S3(s3) => hash_remote(s3, kind, object, size).await,
        }
    }
}

async fn hash_remote(s3: &S3, kind: ObjectKind, object: ObjectId, size: u64) -> Result<[u8; 32], Failure> {
    let (mut hash, mut left) = (Sha256::new(), size);
    if size > 0 {
        let mut stream = s3.read(kind, object, 0..size);
        while left > 0 {
            let piece = stream.next().await?;
            hash.update(&piece.octets);
            left = left.saturating_sub(piece.octets.len() as u64);
        }
    }
    Ok(hash.finalize().into())
}
