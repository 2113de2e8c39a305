//! Keeping house in the bucket: the check at start, listing, removing, giving up old uploads.

use std::collections::HashMap;

use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::{Delete, Object, ObjectIdentifier};
use lightmail_core::machine::{Listed, ObjectKind};
use lightmail_core::store::ObjectId;

use super::client::Wire;
use super::trouble::Trouble;

/// Objects of one removal, and of one page of a listing, at most.
const BATCH: usize = 1000;

impl Wire {
    /// Whether the bucket is there and may be read.
    ///
    /// A listing of one object and not a HEAD, whose answer has no words: it says what is wrong.
    pub(super) async fn check(&self) -> Result<(), Trouble> {
        self.requests.lists.count();
        let listing = self.client.list_objects_v2().bucket(&self.bucket);
        let listing = listing.prefix(&self.prefix).max_keys(1).send().await;
        listing.map(|_| ()).map_err(|error| Trouble::of(&error))
    }

    /// Removes objects by their keys; one answer for each.
    pub(super) async fn delete(&self, keys: Vec<String>) -> Vec<Result<(), Trouble>> {
        let mut results = Vec::with_capacity(keys.len());
        for keys in keys.chunks(BATCH) {
            results.extend(self.delete_batch(keys).await);
        }
        results
    }

    async fn delete_batch(&self, keys: &[String]) -> Vec<Result<(), Trouble>> {
        let mut failed = match self.ask_delete(keys).await {
            Ok(failed) => failed,
            Err(trouble) => return vec![Err(trouble); keys.len()],
        };
        let result = |key: &String| failed.remove(&self.key(key)).map_or(Ok(()), Err);
        keys.iter().map(result).collect()
    }

    /// Which of them are not removed, and why.
    async fn ask_delete(&self, keys: &[String]) -> Result<HashMap<String, Trouble>, Trouble> {
        let fault = |error: aws_sdk_s3::error::BuildError| Trouble::Fault(error.to_string());
        let mut delete = Delete::builder().quiet(true);
        for key in keys {
            let object = ObjectIdentifier::builder()
                .key(self.key(key))
                .build()
                .map_err(fault)?;
            delete = delete.objects(object);
        }
        self.requests.deletes.count();
        let request = self.client.delete_objects().bucket(&self.bucket);
        let request = request.delete(delete.build().map_err(fault)?);
        let answer = request.send().await.map_err(|error| Trouble::of(&error))?;
        let failed = answer.errors.unwrap_or_default().into_iter().filter_map(|error| {
            let trouble = Trouble::of_code(error.code.as_deref()?, error.message.as_deref(), None);
            // One that is not there is one that was removed.
            (trouble != Trouble::NoObject).then_some((error.key?, trouble))
        });
        Ok(failed.collect())
    }

    pub(super) async fn list(
        &self,
        kind: ObjectKind,
        after: Option<ObjectId>,
        limit: usize,
    ) -> Result<Vec<Listed>, Trouble> {
        let folder = self.key(kind.folder());
        let mut listed: Vec<Listed> = Vec::new();
        let mut after = after.map(|object| self.key(&kind.key(object)));
        while listed.len() < limit {
            let most = BATCH.min(limit - listed.len());
            self.requests.lists.count();
            let listing = self.client.list_objects_v2().bucket(&self.bucket);
            let listing = listing.prefix(format!("{folder}/")).set_start_after(after);
            let listing = listing.max_keys(i32::try_from(most).unwrap_or(i32::MAX));
            let page = listing.send().await.map_err(|error| Trouble::of(&error))?;
            let objects = page.contents.unwrap_or_default();
            listed.extend(objects.iter().filter_map(|object| self.listed(kind, object)));
            after = objects.into_iter().next_back().and_then(|object| object.key);
            if page.is_truncated != Some(true) || after.is_none() {
                break;
            }
        }
        Ok(listed)
    }

    fn listed(&self, kind: ObjectKind, object: &Object) -> Option<Listed> {
        let key = object.key.as_deref()?.strip_prefix(&self.prefix)?;
        Some(Listed {
            object: kind.object(key)?,
            size: u64::try_from(object.size?).ok()?,
            modified_ms: unix_ms(object.last_modified.as_ref()?)?,
        })
    }

    /// Gives up uploads of bodies that began before a moment; those under other names are other programs'.
    pub(super) async fn abort_uploads(&self, before_ms: u64) -> Result<usize, Trouble> {
        let mut aborted = 0;
        let (mut key, mut upload) = (None, None);
        loop {
            self.requests.lists.count();
            let listing = self
                .client
                .list_multipart_uploads()
                .bucket(&self.bucket)
                .prefix(&self.prefix);
            let listing = listing.set_key_marker(key).set_upload_id_marker(upload);
            let page = listing.send().await.map_err(|error| Trouble::of(&error))?;
            for found in page.uploads.unwrap_or_default() {
                let old = found
                    .initiated
                    .as_ref()
                    .and_then(unix_ms)
                    .is_some_and(|at| at < before_ms);
                if let (true, Some(key), Some(upload)) = (old, &found.key, &found.upload_id)
                    && self.is_body(key)
                {
                    self.abort(key, upload).await?;
                    aborted += 1;
                }
            }
            (key, upload) = (page.next_key_marker, page.next_upload_id_marker);
            if page.is_truncated != Some(true) || key.is_none() {
                return Ok(aborted);
            }
        }
    }

    fn is_body(&self, key: &str) -> bool {
        let key = key.strip_prefix(&self.prefix);
        let kinds = [ObjectKind::Email, ObjectKind::Calendar];
        key.is_some_and(|key| kinds.iter().any(|kind| kind.object(key).is_some()))
    }

    /// Gives up one upload by its key in the bucket.
    pub(super) async fn abort(&self, key: &str, upload: &str) -> Result<(), Trouble> {
        self.requests.uploads.count();
        let abort = self.client.abort_multipart_upload().bucket(&self.bucket);
        let aborted = abort.key(key).upload_id(upload).send().await;
        match aborted.map_err(|error| Trouble::of(&error)) {
            // It has ended meanwhile.
            Ok(_) | Err(Trouble::NoObject) => Ok(()),
            Err(trouble) => Err(trouble),
        }
    }
}

fn unix_ms(at: &DateTime) -> Option<u64> {
    u64::try_from(at.to_millis().ok()?).ok()
}
