//! The door: requests and effects in, answers out.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use lightmail_core::config::{self, Config};
use lightmail_core::machine::Watched;
use lightmail_core::store::{
    Actor, Failure, MailboxId, ModSeq, ObjectId, Refusal, Reply, Request, authority,
};
use sqlx::Connection;

use crate::bodies::Body;
use crate::counts::{Counts, Statements};
use crate::desk::Desk;
use crate::faults::Faults;
use crate::objects::folder::{Folder, make_folder};
use crate::objects::{Objects, Times};
use crate::occupy::occupy;
use crate::open_error::OpenError;
use crate::password::Passwords;
use crate::sql::commit::Queue;
use crate::sql::db::{Answer, Columns, Db, Stop, sql};
use crate::sql::sqlite::Sqlite;
use crate::sql::tx::{Caches, News, Tx};
use crate::sql::{self, messages, schema};
use crate::watch::{Hub, Watcher};

/// The database's file below the data folder.
const DATABASE: &str = "lightmail.db";

const HIGHEST_MODSEQ: &str = "SELECT highest_modseq FROM mailboxes WHERE id = ?";

/// Metadata and bodies of one data folder. A clone is the same storage.
#[derive(Clone, Debug)]
pub struct Storage {
    inner: Arc<Inner>,
}

/// What all clones, desks and watchers share.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) sqlite: Sqlite,
    pub(crate) queue: Queue,
    pub(crate) caches: Caches,
    pub(crate) hub: Hub,
    pub(crate) objects: Objects,
    pub(crate) passwords: Passwords,
    pub(crate) counts: Counts,
    pub(crate) faults: Faults,
    data_dir: PathBuf,
    /// The lock of the one server, once it is taken.
    occupied: OnceLock<File>,
}

impl Storage {
    /// Opens what the configuration names; makes it if it is not there, and brings it to this version.
    pub async fn open(config: &Config) -> Result<Storage, OpenError> {
        if config.database.is_some() {
            return Err(OpenError::section("database"));
        }
        let bucket = config.s3.clone().map(|s3| (s3, Times::default()));
        Self::open_with(
            Path::new(&config.server.data_dir),
            config.auth.bcrypt_cost,
            bucket,
        )
        .await
    }

    /// Opens the storage of a folder, with bodies in it too.
    pub async fn open_at(data_dir: &Path, bcrypt_cost: u32) -> Result<Storage, OpenError> {
        Self::open_with(data_dir, bcrypt_cost, None).await
    }

    pub(crate) async fn open_with(
        data_dir: &Path,
        bcrypt_cost: u32,
        bucket: Option<(config::S3, Times)>,
    ) -> Result<Storage, OpenError> {
        let faults = Faults::default();
        let (root, folder_faults) = (data_dir.to_owned(), faults.clone());
        let folder = blocking::unblock(move || open_folder(&root, folder_faults)).await;
        let folder = folder.map_err(|error| OpenError::folder(data_dir, &error))?;
        let objects = open_objects(folder, data_dir, bucket).await?;
        let path = data_dir.join(DATABASE);
        let sqlite = Sqlite::new(path.clone());
        let mut writer = sqlite
            .writer()
            .await
            .map_err(|error| OpenError::database(&path, &error))?;
        schema::migrate(&mut writer)
            .await
            .map_err(|error| OpenError::migration(&path, &error))?;
        let passwords =
            Passwords::start(bcrypt_cost).map_err(|error| OpenError::threads("for passwords", &error))?;
        let inner = Inner {
            sqlite,
            queue: Queue::new(writer),
            caches: Caches::default(),
            hub: Hub::default(),
            objects,
            passwords,
            counts: Counts::default(),
            faults,
            data_dir: data_dir.to_owned(),
            occupied: OnceLock::new(),
        };
        Ok(Storage {
            inner: Arc::new(inner),
        })
    }

    /// Takes the folder for one server, until this storage is gone. Programs that only open it, such as the operator's
    /// commands, do not ask: servers would not hear of each other's changes, but a change of the database is seen by all.
    ///
    /// Errors: another server has it.
    pub fn occupy(&self) -> Result<(), OpenError> {
        let file = occupy(&self.inner.data_dir)?;
        // An error: this storage has it already, in which case the lock could not have been taken again.
        let _ = self.inner.occupied.set(file);
        Ok(())
    }

    /// Where bodies are: to check, list and remove them.
    pub fn objects(&self) -> &Objects {
        &self.inner.objects
    }

    /// A desk for one conversation: it owns the conversation's uploads.
    pub fn desk(&self) -> Desk {
        Desk::new(Arc::clone(&self.inner))
    }

    /// Answers a request. Once it is under way it is carried out, whether the answer is waited for or not.
    pub async fn run(&self, actor: Actor, request: Request) -> Result<Reply, Failure> {
        self.inner.run(actor, request).await
    }

    /// Tells of changes made through this storage. Changes by other processes are seen by `Refresh`.
    pub fn watch(&self, watched: Watched) -> Watcher {
        Watcher::new(Arc::clone(&self.inner), watched)
    }

    /// Closes the database, so that its log is taken in. Requests under way are not cut; call this when none are.
    pub async fn close(&self) {
        // SQLite takes the log in when the last connection goes, and a reader may not: the writer goes last.
        self.inner.sqlite.close().await;
        if let Some(writer) = self.inner.queue.take_writer()
            && let Err(error) = writer.close().await
        {
            tracing::warn!(%error, "store.close.failed");
        }
    }

    /// Statements run since the start.
    pub fn statements(&self) -> Statements {
        self.inner.counts.now()
    }

    #[cfg(test)]
    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }

    /// The handle by which tests let steps fail.
    pub fn faults(&self) -> Faults {
        self.inner.faults.clone()
    }
}

impl Inner {
    pub(crate) async fn run(self: &Arc<Self>, actor: Actor, request: Request) -> Result<Reply, Failure> {
        let (name, begun) = (request.name(), Instant::now());
        let answer = self.answer(actor, request).await;
        let elapsed_us = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        match &answer {
            Err(Failure::Broken(fault)) => {
                tracing::error!(request = name, elapsed_us, fault = %fault.0, "store.request.failed");
            }
            Err(Failure::Unavailable { retry_after_s }) => {
                tracing::warn!(request = name, elapsed_us, retry_after_s, "store.request.failed");
            }
            Err(Failure::Refused(refusal)) => {
                tracing::debug!(request = name, elapsed_us, ?refusal, "store.request.refused");
            }
            Ok(_) => tracing::trace!(request = name, elapsed_us, "store.request.answered"),
        }
        answer
    }

    async fn answer(self: &Arc<Self>, actor: Actor, request: Request) -> Result<Reply, Failure> {
        if !authority::permits(actor, &request) {
            return Err(Refusal::NotPermitted.into());
        }
        if sql::may_only_read(&request)
            && let Some(reply) = self.answer_reading(actor, &request).await?
        {
            return Ok(reply);
        }
        let unclaimed = sql::without_claim(&request);
        let answer = Queue::submit(self, actor, request).take().await;
        match (answer, unclaimed) {
            // Mail can be read on a full disk: what is recent stays so for the next session too.
            (Some(Err(failure)), Some(unclaimed)) if failure != Refusal::NoSuchMailbox.into() => {
                let read = self.answer_reading(actor, &unclaimed).await?;
                read.ok_or(failure)
            }
            (answer, _) => answer.unwrap_or_else(|| Err(Failure::broken("a request was dropped"))),
        }
    }

    /// Answers a request without writing; `None` if it may have to write.
    async fn answer_reading(&self, actor: Actor, request: &Request) -> Result<Option<Reply>, Failure> {
        let ask = async |tx: &mut Tx<'_>| sql::read(tx, actor, request).await;
        self.read(request.name(), ask).await.map_err(Stop::into_failure)
    }

    /// Runs statements on a reading connection.
    pub(crate) async fn read<T>(
        &self,
        name: &'static str,
        ask: impl AsyncFnOnce(&mut Tx<'_>) -> Answer<T>,
    ) -> Answer<T> {
        let mut reader = self.sqlite.reader().await?;
        let mut tx = Tx::new(Db::new(reader.conn()), &self.caches);
        let answer = ask(&mut tx).await;
        self.counts.add(name, tx.db.statements);
        let news = tx.into_news();
        if matches!(answer, Err(Stop::Sql(_))) {
            // The connection is closed; what it read is not to be trusted either.
            return answer;
        }
        self.publish(news);
        reader.give_back();
        answer
    }

    /// Tells this process what is true now.
    pub(crate) fn publish(&self, news: News) {
        news.views
            .into_iter()
            .for_each(|view| self.caches.views.put(view));
        self.hub.tell(&news.notices);
    }

    /// HIGHESTMODSEQ of a mailbox, of a deleted one too.
    pub(crate) async fn highest_modseq(&self, mailbox: MailboxId) -> Result<Option<ModSeq>, Failure> {
        let ask = async |tx: &mut Tx<'_>| {
            let row = tx.db.first(sql(HIGHEST_MODSEQ).bind(mailbox.0)).await?;
            row.map(|row| row.modseq(0)).transpose()
        };
        self.read("watch", ask).await.map_err(Stop::into_failure)
    }

    /// What an object must be; a question to the database only if it was not listed lately.
    pub(crate) async fn body(&self, object: ObjectId) -> Result<Option<Body>, Failure> {
        if let Some(body) = self.caches.bodies.get(object) {
            return Ok(Some(body));
        }
        let ask = async |tx: &mut Tx<'_>| messages::object(tx, object).await;
        self.read("body", ask).await.map_err(Stop::into_failure)
    }
}

/// Bodies in the folder, or in a bucket if there is one.
async fn open_objects(
    folder: Folder,
    data_dir: &Path,
    bucket: Option<(config::S3, Times)>,
) -> Result<Objects, OpenError> {
    match bucket {
        None => Ok(Objects::in_folder(folder)),
        Some((s3, times)) => {
            let data_dir = data_dir.to_owned();
            blocking::unblock(move || Objects::in_bucket(&s3, &data_dir, times)).await
        }
    }
}

/// The folder of bodies. The database's file is made here too, for nobody else to read: SQLite gives its other files the
/// mode of the first.
fn open_folder(root: &Path, faults: Faults) -> std::io::Result<Folder> {
    use std::os::unix::fs::OpenOptionsExt;
    make_folder(root)?;
    // A folder that was just made is in no safe place before the one above it is.
    if let Some(above) = std::fs::canonicalize(root)?.parent() {
        std::fs::File::open(above)?.sync_all()?;
    }
    let database: PathBuf = root.join(DATABASE);
    std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(database)?;
    Folder::open_at(root, faults)
}
