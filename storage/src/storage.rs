//! The door: requests and effects in, answers out.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use lightmail_core::config::{self, Config};
use lightmail_core::machine::Watched;
use lightmail_core::store::{
    Actor, Failure, MailboxId, ModSeq, ObjectId, Refusal, Reply, Request, authority,
};

use crate::antivirus::{self, Antivirus};
use crate::bodies::Body;
use crate::counts::{Counts, Statements};
use crate::desk::Desk;
use crate::faults::Faults;
use crate::hints::Node;
use crate::invented::Invented;
use crate::objects::folder::Folder;
use crate::objects::{Objects, Times};
use crate::occupy::occupy;
use crate::open::{self, Way, make_data_folder};
use crate::open_error::OpenError;
use crate::password::{Hashing, Passwords};
use crate::sql::commit::Queue;
use crate::sql::database::Database;
use crate::sql::db::{Answer, Columns, Db, Stop, sql};
use crate::sql::schema::Migrated;
use crate::sql::trouble::Trouble;
use crate::sql::tx::{Caches, News, Tx};
use crate::sql::{self, messages};
use crate::steady::Steady;
use crate::tokens::Tokens;
use crate::watch::{Hub, Watcher};

const HIGHEST_MODSEQ: &str = "SELECT highest_modseq FROM mailboxes WHERE id = ?";

/// Metadata and bodies. A clone is the same storage.
#[derive(Clone, Debug)]
pub struct Storage {
    inner: Arc<Inner>,
}

/// What all clones, desks and watchers share.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) database: Database,
    pub(crate) queue: Queue,
    pub(crate) caches: Caches,
    pub(crate) hub: Hub,
    pub(crate) objects: Objects,
    pub(crate) passwords: Passwords,
    pub(crate) invented: Invented,
    /// How tokens are checked, if any are taken.
    pub(crate) tokens: OnceLock<Tokens>,
    /// Who scans uploads, where this is a server that has them scanned.
    pub(crate) antivirus: OnceLock<Arc<Antivirus>>,
    pub(crate) counts: Counts,
    pub(crate) faults: Faults,
    pub(crate) steady: Steady,
    data_dir: PathBuf,
    /// Where other nodes reach this one: what is configured.
    node_address: Option<String>,
    /// The time between two looks for what other nodes and processes have changed.
    pub(crate) poll_every: Duration,
    /// This node among others, once it serves and if there may be others.
    node: OnceLock<Arc<Node>>,
    /// The lock of the one server, once it is taken.
    occupied: OnceLock<File>,
}

impl Storage {
    /// Opens what the configuration names; makes it if it is not there, and brings it to this version.
    pub async fn open(config: &Config) -> Result<Storage, OpenError> {
        Self::open_by(config, Way::Make).await
    }

    /// Opens what the configuration names, for a command that works on what is there: a wrong folder does not become a new
    /// store, and servers of an earlier version do not lose their schema.
    ///
    /// Errors: as [`Storage::open`]; nothing is there; it is not of this version.
    pub async fn find(config: &Config) -> Result<Storage, OpenError> {
        Self::open_by(config, Way::Find).await
    }

    async fn open_by(config: &Config, way: Way) -> Result<Storage, OpenError> {
        let database = database(config, way).await?.0;
        let bucket = config.s3.clone().map(|s3| (s3, Times::default()));
        let storage = Self::with(
            database,
            Path::new(&config.server.data_dir),
            Hashing::from_config(config),
            bucket,
            &config.server,
        )
        .await?;
        if let Some(oauth) = &config.oauth {
            let tokens = Tokens::open(oauth).map_err(|why| OpenError::tokens(oauth, &why))?;
            // The storage was made above, so there are none yet.
            let _ = storage.inner.tokens.set(tokens);
        }
        Ok(storage)
    }

    /// Opens the storage of a folder, with bodies in it too.
    pub async fn open_at(data_dir: &Path, bcrypt_cost: u32) -> Result<Storage, OpenError> {
        let database = open::sqlite(data_dir, Way::Make).await?.0;
        Self::with(
            database,
            data_dir,
            Hashing::at_cost(bcrypt_cost),
            None,
            &config::Server::default(),
        )
        .await
    }

    /// Brings the database that the configuration names to this version: from which, to which. 0 is an empty one.
    pub async fn migrate(config: &Config) -> Result<(usize, usize), OpenError> {
        let (database, migrated) = database(config, Way::Make).await?;
        database.close(None).await;
        Ok((migrated.from, migrated.to))
    }

    #[cfg(test)]
    pub(crate) async fn open_with(
        data_dir: &Path,
        bcrypt_cost: u32,
        bucket: Option<(config::S3, Times)>,
    ) -> Result<Storage, OpenError> {
        Self::with(
            open::sqlite(data_dir, Way::Make).await?.0,
            data_dir,
            Hashing::at_cost(bcrypt_cost),
            bucket,
            &config::Server::default(),
        )
        .await
    }

    async fn with(
        database: Database,
        data_dir: &Path,
        hashing: Hashing,
        bucket: Option<(config::S3, Times)>,
        server: &config::Server,
    ) -> Result<Storage, OpenError> {
        let faults = Faults::default();
        let (root, folder_faults) = (data_dir.to_owned(), faults.clone());
        let folder = blocking::unblock(move || open_folder(&root, folder_faults)).await;
        let folder = folder.map_err(|error| OpenError::folder(data_dir, &error))?;
        let objects = open_objects(folder, data_dir, bucket).await?;
        let passwords =
            Passwords::start(hashing).map_err(|error| OpenError::threads("for passwords", &error))?;
        let inner = Inner {
            database,
            queue: Queue::default(),
            caches: Caches::default(),
            hub: Hub::default(),
            objects,
            passwords,
            invented: Invented::default(),
            tokens: OnceLock::new(),
            antivirus: OnceLock::new(),
            counts: Counts::default(),
            faults,
            steady: Steady::start(),
            data_dir: data_dir.to_owned(),
            node_address: server.node_address.clone(),
            poll_every: Duration::from_secs(server.poll_seconds.max(1).into()),
            node: OnceLock::new(),
            occupied: OnceLock::new(),
        };
        Ok(Storage {
            inner: Arc::new(inner),
        })
    }

    /// Takes the folder for one server, until this storage is gone. Programs that only open it, such as the operator's
    /// commands, do not ask. On MySQL each node has a folder of its own.
    ///
    /// Errors: another server has it.
    pub fn occupy(&self) -> Result<(), OpenError> {
        let file = occupy(&self.inner.data_dir)?;
        // An error: this storage has it already, in which case the lock could not have been taken again.
        let _ = self.inner.occupied.set(file);
        self.join()
    }

    /// Has emails scanned from now on while they are uploaded, as a server does whose mail comes from others. Programs that only open
    /// this storage do not ask: what an operator brings is the operator's.
    pub(crate) fn scan_uploads(&self, settings: &config::Antivirus, times: antivirus::Times) {
        if settings.enabled {
            // A server asks once.
            let _ = self
                .inner
                .antivirus
                .set(Arc::new(Antivirus::new(settings, times)));
        }
    }

    /// Tells other nodes on the database of changes, and hears of theirs.
    fn join(&self) -> Result<(), OpenError> {
        let Some(address) = &self.inner.node_address else {
            return Ok(());
        };
        if !self.inner.database.is_shared() {
            tracing::warn!("server.node_address.without_database");
            return Ok(());
        }
        let node = Node::start(&self.inner, address).map_err(|error| OpenError::node(address, &error))?;
        // As above: there is one.
        let _ = self.inner.node.set(node);
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

    /// Tells of changes: of those made through this storage at once, of those by other nodes and processes within about a second.
    pub fn watch(&self, watched: Watched) -> Watcher {
        Watcher::new(Arc::clone(&self.inner), watched)
    }

    /// Closes the database, so that its log is taken in. Requests under way are not cut; call this when none are.
    pub async fn close(&self) {
        if let Some(node) = self.inner.node.get() {
            node.leave(&self.inner).await;
        }
        self.inner.database.close(self.inner.queue.take_writer()).await;
    }

    /// Statements run since the start.
    pub fn statements(&self) -> Statements {
        self.inner.counts.now()
    }

    #[cfg(test)]
    pub(crate) fn node(&self) -> Option<&Arc<Node>> {
        self.inner.node.get()
    }

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
                // Why is logged where the database is asked, once for all requests.
                tracing::debug!(request = name, elapsed_us, retry_after_s, "store.request.failed");
            }
            Err(Failure::Refused(refusal)) => {
                tracing::debug!(request = name, elapsed_us, why = %refusal, "store.request.refused");
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
        ask: impl AsyncFnOnce(&mut Tx<'_>) -> Answer<T> + Copy,
    ) -> Answer<T> {
        self.read_within(self.database.work_limit(), name, ask).await
    }

    /// The same for what may take longer than a request.
    pub(crate) async fn read_within<T>(
        &self,
        limit: Duration,
        name: &'static str,
        ask: impl AsyncFnOnce(&mut Tx<'_>) -> Answer<T> + Copy,
    ) -> Answer<T> {
        let answer = match self.read_once(limit, name, false, ask).await {
            // The server closes connections that are idle for long: a new one tells whether it is there.
            (true, Err(Stop::Sql(error))) if Trouble::of(&error) == Trouble::Away => {
                self.read_once(limit, name, true, ask).await.1
            }
            (_, answer) => answer,
        };
        if let Err(Stop::Sql(error) | Stop::Posted(error)) = &answer {
            self.database.health.ail(error);
        }
        answer
    }

    /// Answers too whether the connection had been used before.
    async fn read_once<T>(
        &self,
        limit: Duration,
        name: &'static str,
        anew: bool,
        ask: impl AsyncFnOnce(&mut Tx<'_>) -> Answer<T>,
    ) -> (bool, Answer<T>) {
        let mut reader = match self.database.reader(anew).await {
            Ok(reader) => reader,
            Err(error) => return (false, Err(error.into())),
        };
        let used = reader.used;
        let mut tx = Tx::new(Db::new(reader.conn(), &self.faults), &self.caches);
        let asking = async { Ok(ask(&mut tx).await) };
        let answer = self.database.bounded(limit, asking).await;
        let answer = answer.unwrap_or_else(|error| Err(error.into()));
        self.counts.add(name, tx.db.cost);
        let news = tx.into_news();
        // After an error the connection is closed; what it read is not to be trusted either.
        if !matches!(answer, Err(Stop::Sql(_) | Stop::Posted(_))) {
            self.publish(news);
            reader.give_back();
        }
        (used, answer)
    }

    /// Tells this process what is true now.
    pub(crate) fn publish(&self, news: News) {
        news.views
            .into_iter()
            .for_each(|view| self.caches.views.put(view));
        self.hub.tell(&news.notices);
        if let Some(node) = self.node.get() {
            node.tell(&news.notices);
        }
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

/// The database that the configuration names.
async fn database(config: &Config, way: Way) -> Result<(Database, Migrated), OpenError> {
    match &config.database {
        Some(database) => open::mysql(database, way).await,
        None => open::sqlite(Path::new(&config.server.data_dir), way).await,
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

/// The folder of bodies.
fn open_folder(root: &Path, faults: Faults) -> std::io::Result<Folder> {
    make_data_folder(root)?;
    Folder::open_at(root, faults)
}
