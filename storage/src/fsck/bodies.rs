//! Bodies against their rows, both ways: what the folder or the bucket lists, and on demand what is in it.
//!
//! A listing and the rows are of two moments. So what does not fit is looked at again: a body that is missing is missing while
//! its row, read afterwards, still says that it is live (rows leave that state before a body is deleted, and never come back);
//! a body that no row names is older than what may be on its way.

use std::collections::VecDeque;

use lightmail_core::machine::{Listed, ObjectKind};
use lightmail_core::store::ObjectId;

use super::Check;
use super::finding::{Rule, Subject};
use super::lanes::Lanes;
use super::rules::{HASH, MISSING, ORPHAN, SIZE};
use crate::bodies::Body;
use crate::sql::db::{Answer, Columns, sql};
use crate::sql::messages::{kind, stored_kind};
use crate::sql::tx::Tx;
use lightmail_core::store::Failure;

/// Objects that are listed at a time: a folder is walked once for each such window.
const WINDOW: usize = 250_000;
/// Rows that are read at a time.
const ROWS: i64 = 5_000;
/// Bodies that are read at a time.
const LANES: usize = 8;

const LIVE: &str = "SELECT id, size, sha256, state FROM object_keys WHERE id > ? AND id <= ? AND kind = ? ORDER BY id LIMIT ?";
const NOW: &str = "SELECT kind, size, sha256, state FROM object_keys WHERE id = ?";

/// `state` of a body that is there.
const STATE_LIVE: i64 = 1;

/// An object's row.
#[derive(Clone, Copy, Debug)]
struct Row {
    object: ObjectId,
    body: Body,
    is_live: bool,
}

impl Check<'_> {
    /// Compares all bodies of a kind with their rows.
    pub(super) async fn bodies(&mut self, kind: ObjectKind) -> Result<(), Failure> {
        let mut after: Option<ObjectId> = None;
        loop {
            let listed = self.inner.objects.list(kind, after, WINDOW).await?;
            let is_last = listed.len() < WINDOW;
            let until = match listed.last() {
                Some(last) if !is_last => last.object,
                _ => ObjectId([0xff; 16]),
            };
            let from = after.unwrap_or(ObjectId([0; 16]));
            self.window(kind, (from, until), listed.into()).await?;
            if is_last {
                return Ok(());
            }
            after = Some(until);
        }
    }

    /// A window of the listing and the rows in it, both by ascending id.
    async fn window(
        &mut self,
        kind: ObjectKind,
        (mut from, until): (ObjectId, ObjectId),
        mut listed: VecDeque<Listed>,
    ) -> Result<(), Failure> {
        loop {
            let read = async |tx: &mut Tx<'_>| rows(tx, kind, from, until).await;
            let rows = self.inner.read_within(super::LIMIT, "fsck", read).await?;
            let is_last = i64::try_from(rows.len()) != Ok(ROWS);
            let mut sound = Vec::new();
            for row in &rows {
                while let Some(extra) = listed.pop_front_if(|listed| listed.object < row.object) {
                    self.extra(kind, extra).await?;
                }
                let found = listed.pop_front_if(|listed| listed.object == row.object);
                if row.is_live && self.fits(kind, row, found).await? {
                    sound.push(*row);
                }
                from = row.object;
            }
            self.summary.objects += rows.len() as u64;
            self.advance("bodies", rows.len() as u64);
            if self.wish.bodies {
                self.read_all(kind, sound).await?;
            }
            if is_last {
                break;
            }
        }
        for extra in listed {
            self.extra(kind, extra).await?;
        }
        Ok(())
    }

    /// Whether a body is there and has its size; tells if not.
    async fn fits(&mut self, kind: ObjectKind, row: &Row, listed: Option<Listed>) -> Result<bool, Failure> {
        let there = match listed {
            Some(there) => Some(there),
            None => self.inner.objects.stat(kind, row.object).await?,
        };
        match there {
            Some(there) if there.size == row.body.size => Ok(true),
            there => {
                let rule = if there.is_some() { &SIZE } else { &MISSING };
                self.tell_if_live(rule, kind, row.object).await?;
                Ok(false)
            }
        }
    }

    /// Tells of a body, if its row still says that it must be there.
    async fn tell_if_live(
        &mut self,
        rule: &'static Rule,
        kind: ObjectKind,
        object: ObjectId,
    ) -> Result<(), Failure> {
        match self.row(object).await? {
            Some((_, true)) => self.tell(rule, Subject::Key(kind, object)).await,
            _ => Ok(()),
        }
    }

    async fn row(&self, object: ObjectId) -> Result<Option<(Body, bool)>, Failure> {
        let read = async |tx: &mut Tx<'_>| {
            let row = tx.db.first(sql(NOW).bind(object.0.to_vec())).await?;
            row.map(|row| {
                let body = Body {
                    kind: kind(row.int(0)?)?,
                    size: row.count(1)?,
                    sha256: row.array(2)?,
                };
                Ok((body, row.int(3)? == STATE_LIVE))
            })
            .transpose()
        };
        Ok(self.inner.read_within(super::LIMIT, "fsck", read).await?)
    }

    /// What is listed and had no row then.
    async fn extra(&mut self, kind: ObjectKind, listed: Listed) -> Result<(), Failure> {
        let is_old = listed.modified_ms.saturating_add(self.wish.orphan_age_ms) <= self.wish.at_ms;
        if is_old
            && self.row(listed.object).await?.is_none()
            && self.inner.objects.stat(kind, listed.object).await?.is_some()
        {
            self.tell(&ORPHAN, Subject::Key(kind, listed.object)).await?;
        }
        Ok(())
    }

    /// Reads bodies, a few at a time, and compares their hashes.
    async fn read_all(&mut self, kind: ObjectKind, rows: Vec<Row>) -> Result<(), Failure> {
        let inner = self.inner;
        let mut lanes = Lanes::new(LANES);
        for row in rows {
            if lanes.is_full()
                && let Some(done) = lanes.next().await
            {
                self.compared(kind, done).await?;
            }
            lanes.begin(async move {
                let hash = inner.objects.hash(kind, row.object, row.body.size).await;
                (row, hash)
            });
        }
        while let Some(done) = lanes.next().await {
            self.compared(kind, done).await?;
        }
        Ok(())
    }

    async fn compared(
        &mut self,
        kind: ObjectKind,
        (row, hash): (Row, Result<[u8; 32], Failure>),
    ) -> Result<(), Failure> {
        self.summary.bodies += 1;
        self.advance("octets of bodies", 1);
        match hash {
            Ok(hash) if hash == row.body.sha256 => Ok(()),
            Ok(_) | Err(Failure::Broken(_)) => self.unreadable(kind, row).await,
            Err(failure) => Err(failure),
        }
    }

    /// A body that could not be read, or was another: once more, so that a fault on the way is not taken for the body's.
    async fn unreadable(&mut self, kind: ObjectKind, row: Row) -> Result<(), Failure> {
        let object = row.object;
        match self.inner.objects.stat(kind, object).await? {
            None => return self.tell_if_live(&MISSING, kind, object).await,
            Some(there) if there.size != row.body.size => {
                return self.tell_if_live(&SIZE, kind, object).await;
            }
            Some(_) => {}
        }
        match self.inner.objects.hash(kind, object, row.body.size).await {
            Ok(hash) if hash == row.body.sha256 => Ok(()),
            Ok(_) | Err(Failure::Broken(_)) => self.tell_if_live(&HASH, kind, object).await,
            Err(failure) => Err(failure),
        }
    }
}

async fn rows(tx: &mut Tx<'_>, kind: ObjectKind, from: ObjectId, until: ObjectId) -> Answer<Vec<Row>> {
    let query = sql(LIVE)
        .bind(from.0.to_vec())
        .bind(until.0.to_vec())
        .bind(stored_kind(kind))
        .bind(ROWS);
    tx.db
        .each(query, |row| {
            Ok(Row {
                object: ObjectId(row.array(0)?),
                body: Body {
                    kind,
                    size: row.count(1)?,
                    sha256: row.array(2)?,
                },
                is_live: row.int(3)? == STATE_LIVE,
            })
        })
        .await
}
