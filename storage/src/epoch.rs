//! The epoch: a number in the database (`meta`, `epoch`) with a copy beside the bodies, by which a database that was restored
//! from a backup is noticed before it gives UIDs and MODSEQs a second time.
//!
//! The database is raised first and the copy follows, so in good order the copy is never ahead, whatever dies in between and
//! however many nodes raise it at once. A copy that is ahead means that the database has lost what it knew. Whoever compares reads
//! the copy first: what others raise meanwhile makes the database only newer.

use std::sync::{Arc, Weak};
use std::time::Duration;

use lightmail_core::store::Failure;

use crate::open_error::OpenError;
use crate::sql::db::{Answer, Columns, Stop, sql};
use crate::sql::short::Short;
use crate::sql::tx::Tx;
use crate::storage::{Inner, Storage};

/// How often a running server raises it: the age at which a backup is told for one.
const RAISED_EVERY: Duration = Duration::from_secs(3600);

const EPOCH: &str = "SELECT v FROM meta WHERE k = 'epoch'";
const EPOCH_TO_RAISE: &str = "SELECT v FROM meta WHERE k = 'epoch' /*! FOR UPDATE */";
const RAISE: &str = "UPDATE meta SET v = ? WHERE k = 'epoch'";
const FIRST: &str = "INSERT INTO meta (v, k) VALUES (?, 'epoch')";

impl Storage {
    /// Sees that the database is no older than the bodies, and raises the epoch of both. For servers, before they serve.
    ///
    /// Errors: the database is older; or either cannot be asked.
    pub async fn enter_epoch(&self) -> Result<(), OpenError> {
        let inner = self.inner();
        let epochs = epochs(inner).await;
        let (objects, database) = epochs.map_err(|failure| OpenError::epoch_unknown(&failure))?;
        if database < objects {
            return Err(OpenError::epoch(database, objects));
        }
        raise_or_warn(inner).await;
        Ok(())
    }

    /// Raises the epoch now and then, for as long as there is this storage.
    pub fn raise_epochs(&self) -> impl Future<Output = ()> + Send + 'static {
        let inner = Arc::downgrade(self.inner());
        raise_epochs(inner)
    }
}

async fn raise_epochs(inner: Weak<Inner>) {
    loop {
        async_io::Timer::after(RAISED_EVERY).await;
        match inner.upgrade() {
            Some(inner) => raise_or_warn(&inner).await,
            None => return,
        }
    }
}

/// A full disk keeps nobody from reading mail: the epoch is raised the next time.
async fn raise_or_warn(inner: &Inner) {
    if let Err(failure) = raise(inner, 0).await {
        tracing::warn!(
            why = %failure,
            "store.epoch.not_raised: it is tried again in an hour; until then a restored database may go unnoticed"
        );
    }
}

/// The epoch of the bodies, then that of the database.
pub(crate) async fn epochs(inner: &Inner) -> Result<(u64, u64), Failure> {
    let objects = inner.objects.epoch().await?;
    let read = async |tx: &mut Tx<'_>| current(tx, EPOCH).await;
    let database = inner.read("epoch", read).await?;
    Ok((objects, database.unwrap_or(0)))
}

/// Raises the epoch of both sides above `above`.
pub(crate) async fn raise(inner: &Inner, above: u64) -> Result<(), Failure> {
    let mut short = Short::new(inner);
    let raised = short.run(async |tx| raise_in(tx, above).await).await;
    short.close().await;
    inner.objects.leave_epoch(raised?).await
}

/// Raises the epoch of the database; answers which it is now.
pub(crate) async fn raise_in(tx: &mut Tx<'_>, above: u64) -> Answer<u64> {
    let before = current(tx, EPOCH_TO_RAISE).await?;
    let next = before.unwrap_or(0).max(above) + 1;
    let text = if before.is_some() { RAISE } else { FIRST };
    match tx.db.run(sql(text).bind(next.to_string())).await {
        // Another node was the first. Its epoch is as good, unless it has to be larger.
        Err(stop) if stop.is_taken() && above == 0 => current(tx, EPOCH).await.map(|now| now.unwrap_or(1)),
        done => done.map(|_| next),
    }
}

async fn current(tx: &mut Tx<'_>, text: &'static str) -> Answer<Option<u64>> {
    let row = tx.db.first(sql(text)).await?;
    let epoch = row.map(|row| {
        let text = row.text(0)?;
        text.parse()
            .map_err(|_| Stop::broken(format!("database: the epoch {text:?}")))
    });
    epoch.transpose()
}
