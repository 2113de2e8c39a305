//! Storing bodies.

use std::fs::File;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{Builder, Config};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lightmail_core::machine::ObjectKind;
use sha2::{Digest, Sha256};

use super::body::from_file;
use super::client::Wire;
use super::trouble::Trouble;
use crate::objects::reader::{PIECE, read_at};
use crate::objects::{NewObject, Octets, Spool};

/// Octets of a part; what has no more goes up whole.
const PART: u64 = 8 * 1024 * 1024;

/// What a try may take longer for each MiB that it sends: 2 Mbit/s are enough.
const PER_MIB: Duration = Duration::from_secs(4);

impl Wire {
    /// Stores a body, trying again while there is time.
    pub(super) async fn put(self: Arc<Self>, new: NewObject) -> Result<(), Trouble> {
        let store = self.times.store;
        let put = tokio::time::timeout(store, Arc::clone(&self).put_any(new)).await;
        put.unwrap_or(Err(Trouble::Slow))
    }

    async fn put_any(self: Arc<Self>, new: NewObject) -> Result<(), Trouble> {
        let key = self.key(&new.purpose.kind.key(new.purpose.object));
        let kind = new.purpose.kind;
        match new.octets {
            Octets::Memory(octets) => {
                self.put_whole(key, kind, octets.into(), (new.size, new.sha256))
                    .await
            }
            Octets::Spooled(Spool::Nameless(file)) => {
                let file = Arc::new(file);
                if new.size <= PART {
                    let octets = from_file(&file, 0..new.size);
                    self.put_whole(key, kind, octets, (new.size, new.sha256)).await
                } else {
                    self.put_parts(key, kind, &file, new.size).await
                }
            }
            Octets::Spooled(Spool::Draft(_)) => Err(Trouble::Fault("a file of a folder in a bucket".into())),
        }
    }

    async fn put_whole(
        &self,
        key: String,
        kind: ObjectKind,
        octets: ByteStream,
        (size, sha256): (u64, [u8; 32]),
    ) -> Result<(), Trouble> {
        self.requests.puts.count();
        let request = self.client.put_object().bucket(&self.bucket).key(key);
        let request = request
            .content_type(content_type(kind))
            .content_length(i64::try_from(size).unwrap_or(i64::MAX))
            .checksum_sha256(STANDARD.encode(sha256))
            .body(octets);
        let put = request
            .customize()
            .config_override(self.time_to_send(size))
            .send()
            .await;
        put.map(|_| ()).map_err(|error| Trouble::of(&error))
    }

    /// Uploads a file in parts. A failure gives the upload up, so that the bucket does not keep its parts.
    async fn put_parts(
        self: Arc<Self>,
        key: String,
        kind: ObjectKind,
        file: &Arc<File>,
        size: u64,
    ) -> Result<(), Trouble> {
        self.requests.uploads.count();
        let begun = self
            .client
            .create_multipart_upload()
            .bucket(&self.bucket)
            .key(&key);
        let begun = begun
            .content_type(content_type(kind))
            .checksum_algorithm(ChecksumAlgorithm::Sha256);
        let begun = begun.send().await.map_err(|error| Trouble::of(&error))?;
        let upload = begun.upload_id.ok_or(Trouble::answer("no upload id"))?;
        let mut abandoned = Upload {
            wire: Arc::clone(&self),
            key: key.clone(),
            upload: Some(upload.clone()),
        };
        let mut parts = CompletedMultipartUpload::builder();
        for (number, range) in (1..).zip(parts_of(size)) {
            parts = parts.parts(self.put_part(&key, &upload, number, (file, range)).await?);
        }
        self.requests.uploads.count();
        let end = self.client.complete_multipart_upload().bucket(&self.bucket);
        let end = end.key(&key).upload_id(&upload).multipart_upload(parts.build());
        match end.send().await.map_err(|error| Trouble::of(&error)) {
            // A try whose answer was lost may have ended the upload, which is then known no more.
            Err(Trouble::NoObject) if self.size(&key).await? == Some(size) => {}
            ended => drop(ended?),
        }
        abandoned.upload = None;
        Ok(())
    }

    /// The size of an object by its key in the bucket; `None`: there is none.
    async fn size(&self, key: &str) -> Result<Option<u64>, Trouble> {
        self.requests.uploads.count();
        let head = self.client.head_object().bucket(&self.bucket).key(key);
        match head.send().await.map_err(|error| Trouble::of(&error)) {
            Ok(head) => Ok(head.content_length.and_then(|size| u64::try_from(size).ok())),
            Err(Trouble::NoObject) => Ok(None),
            Err(trouble) => Err(trouble),
        }
    }

    async fn put_part(
        &self,
        key: &str,
        upload: &str,
        number: i32,
        (file, range): (&Arc<File>, Range<u64>),
    ) -> Result<CompletedPart, Trouble> {
        let size = range.end - range.start;
        let sha256 = STANDARD.encode(hash(file, range.clone()).await?);
        self.requests.puts.count();
        let part = self.client.upload_part().bucket(&self.bucket).key(key);
        let part = part
            .upload_id(upload)
            .part_number(number)
            .content_length(i64::try_from(size).unwrap_or(i64::MAX))
            .checksum_sha256(&sha256)
            .body(from_file(file, range));
        let sent = part
            .customize()
            .config_override(self.time_to_send(size))
            .send()
            .await;
        let sent = sent.map_err(|error| Trouble::of(&error))?;
        let part = CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag);
        Ok(part.checksum_sha256(sha256).build())
    }

    /// A try has more time the more it sends; all tries together have what storing has.
    fn time_to_send(&self, size: u64) -> Builder {
        let mib = u32::try_from(size >> 20).unwrap_or(u32::MAX);
        let waits = TimeoutConfig::builder()
            .connect_timeout(self.times.connect)
            .operation_attempt_timeout(self.times.attempt + PER_MIB.saturating_mul(mib))
            .operation_timeout(self.times.store);
        Config::builder().timeout_config(waits.build())
    }
}

/// An upload that is given up when this is dropped.
struct Upload {
    wire: Arc<Wire>,
    key: String,
    upload: Option<String>,
}

impl Drop for Upload {
    fn drop(&mut self) {
        let Some(upload) = self.upload.take() else { return };
        let (wire, key) = (Arc::clone(&self.wire), std::mem::take(&mut self.key));
        // What fails here is given up by the worker that looks for old uploads.
        tokio::spawn(async move { wire.abort(&key, &upload).await });
    }
}

fn content_type(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Email => "message/rfc822",
        ObjectKind::Calendar => "text/calendar",
    }
}

fn parts_of(size: u64) -> impl Iterator<Item = Range<u64>> {
    let starts = (0..size.div_ceil(PART)).map(|part| part * PART);
    starts.map(move |start| start..size.min(start + PART))
}

/// SHA-256 of a range of a file.
async fn hash(file: &Arc<File>, range: Range<u64>) -> Result<[u8; 32], Trouble> {
    let file = Arc::clone(file);
    let hashed = tokio::task::spawn_blocking(move || {
        let (mut hash, mut at) = (Sha256::new(), range.start);
        while at < range.end {
            let here = at..range.end.min(at + PIECE);
            at = here.end;
            hash.update(read_at(&file, here)?);
        }
        Ok::<_, std::io::Error>(hash.finalize().into())
    });
    let fault = |error: std::io::Error| Trouble::Fault(format!("reading the spool: {error}"));
    hashed
        .await
        .map_err(std::io::Error::other)
        .and_then(|hash| hash)
        .map_err(fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_a_body_without_gap_or_empty_part() {
        for size in [PART + 1, 2 * PART, 2 * PART + 1, 5 * PART - 1] {
            let mut at = 0;
            for part in parts_of(size) {
                assert_eq!(part.start, at);
                assert!(
                    (1..=PART).contains(&(part.end - part.start)),
                    "{part:?} of {size}"
                );
                at = part.end;
            }
            assert_eq!(at, size);
        }
    }
}
