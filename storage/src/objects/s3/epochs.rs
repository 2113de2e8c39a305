//! The epoch in the bucket: `<prefix>epoch/<n>`.

use std::sync::Arc;

use lightmail_core::store::Failure;

use super::S3;
use super::client::Wire;
use super::trouble::Trouble;
use crate::objects::epochs::FOLDER;

impl S3 {
    /// All epochs that were left; old ones are taken away, so a page of a listing holds them.
    pub(in crate::objects) async fn epochs(&self) -> Result<Vec<u64>, Failure> {
        let wire = Arc::clone(&self.wire);
        let found = self.run(async move { wire.epochs().await }).await;
        found.map_err(|trouble| self.failure("LIST", &trouble))
    }

    pub(in crate::objects) async fn leave_epoch(&self, epoch: u64, old: Vec<u64>) -> Result<(), Failure> {
        let wire = Arc::clone(&self.wire);
        let left = self.run(async move { wire.leave_epoch(epoch, &old).await }).await;
        left.map_err(|trouble| self.failure("PUT", &trouble))
    }
}

impl Wire {
    async fn epochs(&self) -> Result<Vec<u64>, Trouble> {
        self.requests.lists.count();
        let folder = self.key(&format!("{FOLDER}/"));
        let listing = self.client.list_objects_v2().bucket(&self.bucket).prefix(&folder);
        let page = listing.send().await.map_err(|error| Trouble::of(&error))?;
        let keys = page
            .contents
            .unwrap_or_default()
            .into_iter()
            .filter_map(|object| object.key);
        Ok(keys
            .filter_map(|key| key.strip_prefix(&folder)?.parse().ok())
            .collect())
    }

    async fn leave_epoch(&self, epoch: u64, old: &[u64]) -> Result<(), Trouble> {
        self.requests.puts.count();
        let put = self.client.put_object().bucket(&self.bucket);
        let put = put.key(self.key(&format!("{FOLDER}/{epoch}"))).content_length(0);
        put.send().await.map_err(|error| Trouble::of(&error))?;
        let old: Vec<_> = old.iter().map(|old| format!("{FOLDER}/{old}")).collect();
        // The next one takes away what could not be taken away now.
        self.delete(old).await;
        Ok(())
    }
}
