//! The desk of one conversation: its uploads, its effects, its reads.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Weak};

use bytes::Bytes;
use futures_lite::FutureExt;
use lightmail_core::machine::{Done, Effect, ObjectKind, Outcome, Purpose, Scan, ScanTarget, Upload};
use lightmail_core::mime::matcher::Matcher;
use lightmail_core::store::{Actor, Failure, ObjectId, Request};
use lightmail_core::wire::filter::Flow;

use crate::antivirus::Tap;
use crate::objects::ahead::Ahead;
use crate::objects::reader::ObjectReader;
use crate::storage::Inner;
use crate::upload::Writing;

/// Runs the effects of one conversation and owns its uploads. Dropping it forgets uploads that are not finished.
pub struct Desk {
    inner: Arc<Inner>,
    uploads: HashMap<Upload, Writing>,
    ahead: Ahead,
    /// Lives as long as somebody may still want what was read.
    present: Arc<()>,
}

impl Desk {
    pub(crate) fn new(inner: Arc<Inner>) -> Self {
        Self {
            inner,
            uploads: HashMap::new(),
            ahead: Ahead::default(),
            present: Arc::default(),
        }
    }

    /// Begins an object.
    pub fn open_upload(&mut self, upload: Upload, purpose: Purpose) {
        let antivirus = self.inner.antivirus.get();
        let scan = antivirus
            .filter(|_| purpose.kind == ObjectKind::Email)
            .map(Tap::new);
        self.uploads.insert(upload, Writing::new(purpose, scan));
    }

    /// Octets to an object being written. After an error it does nothing; `FinishUpload` tells.
    ///
    /// If this future is dropped the upload is lost, and `FinishUpload` tells that too.
    pub async fn feed(&mut self, upload: Upload, octets: Bytes) {
        let Some(writing) = self.uploads.get_mut(&upload) else {
            return;
        };
        if writing.take(&octets)
            && let Some(mut writing) = self.uploads.remove(&upload)
        {
            writing.scan().await;
            let inner = Arc::clone(&self.inner);
            let writing = blocking::unblock(move || writing.spill(&inner.objects)).await;
            self.uploads.insert(upload, writing);
        }
    }

    /// A stored range to an object being written.
    pub async fn feed_object(&mut self, upload: Upload, object: ObjectId, range: Range<u64>) {
        let mut reader = self.read(object, range);
        while let Some(piece) = reader.next().await {
            match piece {
                Ok(octets) => self.feed(upload, octets).await,
                Err(failure) => {
                    if let Some(writing) = self.uploads.get_mut(&upload) {
                        writing.fail(failure);
                    }
                }
            }
        }
    }

    /// Forgets an object being written. Dropping one that is finished or unknown does nothing.
    pub fn drop_upload(&mut self, upload: Upload) {
        self.uploads.remove(&upload);
    }

    /// Runs an effect. The future owns all it needs; a request or a commit under way is carried out even if it is dropped.
    ///
    /// A scan ends early when the desk is dropped, as it may read gigabytes that nobody waits for and changes nothing.
    pub fn run(&mut self, effect: Effect) -> impl Future<Output = Outcome> + Send + 'static {
        let inner = Arc::clone(&self.inner);
        match effect {
            Effect::Store(actor, request) => store(inner, actor, request).boxed(),
            // A shell that counts sessions answers this itself.
            Effect::TakePlace(_) => async { Ok(Done::PlaceTaken) }.boxed(),
            Effect::FinishUpload(upload) => {
                let writing = self.uploads.remove(&upload);
                async move {
                    let writing =
                        writing.ok_or_else(|| Failure::broken("an upload that is not there was finished"))?;
                    writing.finish(inner).await.map(Done::Stored)
                }
                .boxed()
            }
            Effect::Scan(wanted) => {
                let asker = Arc::downgrade(&self.present);
                async move { scan(inner, wanted, &asker).await.map(Done::Scanned) }.boxed()
            }
            effect @ (Effect::VerifyPassword(_)
            | Effect::VerifyScram { .. }
            | Effect::VerifyToken { .. }
            | Effect::HashPassword(_)
            | Effect::InventVerifier { .. }) => prove(inner, effect).boxed(),
            Effect::ConfirmDelivery(keys) => {
                // Now, not when the future runs: the peer may already be sending the same mail again, on purpose.
                inner.queue.confirm(&keys);
                async { Ok(Done::Confirmed) }.boxed()
            }
            Effect::ListObjects { kind, after, limit } => {
                let limit = usize::try_from(limit).unwrap_or(usize::MAX);
                async move {
                    inner
                        .objects
                        .list(kind, after, limit)
                        .await
                        .map(Done::ObjectsListed)
                }
                .boxed()
            }
            Effect::DeleteObjects(objects) => {
                async move { Ok(Done::ObjectsDeleted(delete(&inner, &objects).await)) }.boxed()
            }
            Effect::SweepUploads { before_ms } => async move {
                let swept = inner.objects.abort_uploads(before_ms).await?;
                Ok(Done::UploadsSwept(u32::try_from(swept).unwrap_or(u32::MAX)))
            }
            .boxed(),
        }
    }

    /// These ranges will be read, in this order: small ones are fetched meanwhile if objects are far away.
    pub fn soon(&mut self, ranges: Vec<(ObjectId, Range<u64>)>) {
        self.ahead.hint(&self.inner, ranges);
    }

    /// Reads a range of an object.
    pub fn read(&mut self, object: ObjectId, range: Range<u64>) -> ObjectReader {
        let ahead = self.ahead.take(&self.inner, object, &range);
        ObjectReader::new(Arc::clone(&self.inner), object, range, ahead)
    }
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Desk({} uploads)", self.uploads.len())
    }
}

/// What is asked of the store. A wrong password that it has counted need not be counted here any more.
async fn store(inner: Arc<Inner>, actor: Actor, request: Request) -> Outcome {
    let wrong = match &request {
        Request::CountFailedLogin(attempt, _) => Some(attempt.clone()),
        _ => None,
    };
    let reply = inner.run(actor, request).await?;
    wrong.iter().for_each(|attempt| inner.passwords.counted(attempt));
    Ok(Done::Reply(reply))
}

/// What a log-in asks of others than the store.
async fn prove(inner: Arc<Inner>, effect: Effect) -> Outcome {
    Ok(match effect {
        Effect::VerifyPassword(check) => inner.passwords.verify(check).await?,
        // A few hashes: less than a thread's change.
        Effect::VerifyScram { attempt, proof } => inner.passwords.prove(&attempt, &proof),
        Effect::VerifyToken { login, token } => {
            let owner = match inner.tokens.get() {
                Some(tokens) => tokens.owner(login.as_deref(), &token).await?,
                None => None,
            };
            Done::TokenVerified(owner)
        }
        Effect::HashPassword(password) => Done::Hashed(inner.passwords.hash(password).await?),
        Effect::InventVerifier { login, hash } => {
            Done::VerifierInvented(inner.invent_verifier(&login, hash).await?)
        }
        other => return Err(Failure::broken(format!("{} is asked by no log-in", other.name()))),
    })
}

/// Deletes objects; those that are gone now.
async fn delete(inner: &Inner, objects: &[(ObjectKind, ObjectId)]) -> Vec<ObjectId> {
    let mut gone = Vec::with_capacity(objects.len());
    for kind in [ObjectKind::Email, ObjectKind::Calendar] {
        let of_kind = objects.iter().filter(|(its, _)| *its == kind);
        let of_kind: Vec<_> = of_kind.map(|(_, object)| *object).collect();
        if of_kind.is_empty() {
            continue;
        }
        let answers = inner.objects.delete(kind, &of_kind).await;
        gone.extend(
            of_kind
                .iter()
                .zip(&answers)
                .filter(|(_, answer)| answer.is_ok())
                .map(|(object, _)| *object),
        );
        if let Some(Err(failure)) = answers.iter().find(|answer| answer.is_err()) {
            tracing::warn!(
                why = %failure,
                "garbage.objects.not_deleted: they are tried again; see that LightMail may delete in the folder or the bucket"
            );
        }
    }
    if !gone.is_empty() {
        tracing::info!(objects = gone.len(), "garbage.objects.deleted");
    }
    gone
}

/// Which needles are in which messages.
async fn scan(inner: Arc<Inner>, scan: Scan, asker: &Weak<()>) -> Result<Vec<u64>, Failure> {
    let mut found = Vec::with_capacity(scan.targets.len());
    for target in &scan.targets {
        let matcher = Matcher::new(target, &scan.needles);
        found.push(scan_one(&inner, target, matcher, asker).await?);
    }
    Ok(found)
}

async fn scan_one(
    inner: &Arc<Inner>,
    target: &ScanTarget,
    mut matcher: Matcher,
    asker: &Weak<()>,
) -> Result<u64, Failure> {
    let mut reader = ObjectReader::new(Arc::clone(inner), target.object, 0..target.size, None);
    while let Some(piece) = reader.next().await {
        if asker.strong_count() == 0 {
            return Err(Failure::broken("nobody waits for this scan"));
        }
        if matcher.push(&piece?) == Flow::Enough {
            break;
        }
    }
    Ok(matcher.finish())
}
