//! The tree of mailboxes and the list of subscriptions.

use lightmail_core::store::memory::{MAILBOXES_MAX, SUBSCRIPTIONS_MAX};
use lightmail_core::store::{
    AccountId, Budget, Failure, Flags, MailboxName, ModSeq, NewMailbox, Refusal, Reply, Status, UidSet,
};
use sha2::{Digest, Sha256};

use super::db::{Answer, Columns, Stop, sql, stored};
use super::folder::{Folder, count, look};
use super::tx::Tx;
use super::{copy, messages, view};

/// With how many are recent, which are maybe all: each is looked at.
const STATUS: &str = look!(
    ", (SELECT COUNT(*) FROM messages m WHERE m.mailbox_id = b.id AND m.uid >= b.recent_from AND m.deleted_at = 0)",
    "b.account_id = ? AND b.name_hash = ?"
);
/// Names below another: between `name/` and `name0`, as `0` follows `/`.
const INFERIOR: &str =
    "SELECT 1 FROM mailboxes WHERE account_id = ? AND deleted_at = 0 AND name > ? AND name < ? LIMIT 1";
/// One row for an account that exists: its mailboxes, and the last UIDVALIDITY it gave.
const ACCOUNT: &str = "SELECT (SELECT COUNT(*) FROM mailboxes b WHERE b.account_id = a.id AND b.deleted_at = 0), \
     (SELECT MAX(s.last) FROM uid_validity_seq s WHERE s.account_id = a.id) FROM accounts a WHERE a.id = ?";
const ID_TAKEN: &str = "SELECT 1 FROM mailboxes WHERE id = ?";
const INSERT: &str = "INSERT INTO mailboxes (id, account_id, name, name_hash, uid_validity, special_use, object_id, \
     keywords) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
const SET_VALIDITY: &str = "UPDATE uid_validity_seq SET last = ? WHERE account_id = ?";
const INSERT_VALIDITY: &str = "INSERT INTO uid_validity_seq (last, account_id) VALUES (?, ?)";
const UNLINK: &str = "UPDATE mailboxes SET name_hash = ? WHERE id = ?";

const SUBSCRIPTIONS: &str = "SELECT name FROM subscriptions WHERE account_id = ? ORDER BY name";
const COUNT_SUBSCRIPTIONS: &str = "SELECT COUNT(*), CAST(COALESCE(SUM(name_hash = ?), 0) AS SIGNED) FROM subscriptions WHERE account_id = ?";
const ACCOUNT_EXISTS: &str = "SELECT 1 FROM accounts WHERE id = ?";
const SUBSCRIBE: &str = "INSERT INTO subscriptions (account_id, name_hash, name) VALUES (?, ?, ?)";
const UNSUBSCRIBE: &str = "DELETE FROM subscriptions WHERE account_id = ? AND name_hash = ?";

pub(crate) async fn list_mailboxes(tx: &mut Tx<'_>, me: AccountId, recent: bool) -> Answer {
    Ok(Reply::Mailboxes(Folder::statuses(tx, me, recent).await?))
}

pub(crate) async fn status_mailbox(
    tx: &mut Tx<'_>,
    me: AccountId,
    name: &MailboxName,
    recent: bool,
) -> Answer {
    if !recent {
        let mailbox = Folder::by_name(tx, me, name).await?.line;
        return Ok(Reply::Status(Status { mailbox, recent: 0 }));
    }
    let row = tx
        .db
        .first(sql(STATUS).bind(me.0).bind(name.hash().to_vec()))
        .await?;
    let row = row.ok_or(Refusal::NoSuchMailbox)?;
    Ok(Reply::Status(Status {
        mailbox: Folder::from_row(&row)?.line,
        recent: row.count(17)?,
    }))
}

pub(crate) async fn create_mailbox(
    tx: &mut Tx<'_>,
    me: AccountId,
    mailbox: &NewMailbox,
    superiors: &[NewMailbox],
    at_s: i64,
) -> Answer {
    let room = Room::of(tx, me).await?;
    if Folder::exists(tx, me, &mailbox.name).await? {
        return Err(Refusal::AlreadyExists.into());
    }
    let mut new = missing(tx, me, superiors).await?;
    new.push(mailbox);
    room.check(tx, &new, at_s).await?;
    plant(tx, me, new, room.last_validity, at_s).await?;
    Ok(Reply::Created)
}

pub(crate) async fn delete_mailbox(tx: &mut Tx<'_>, me: AccountId, name: &MailboxName, at_ms: u64) -> Answer {
    if name.is_inbox() {
        return Err(Refusal::NotPermitted.into());
    }
    let folder = match Folder::by_name(tx, me, name).await {
        Err(Stop::Failure(Failure::Refused(Refusal::NoSuchMailbox)))
            if has_inferiors(tx, me, name).await? =>
        {
            return Err(Refusal::HasChildren.into());
        }
        folder => folder?,
    };
    folder.check_modseq()?;
    close(tx, folder, at_ms).await?;
    Ok(Reply::Deleted)
}

async fn has_inferiors(tx: &mut Tx<'_>, me: AccountId, name: &MailboxName) -> Answer<bool> {
    let (from, to) = (format!("{name}/"), format!("{name}0"));
    let query = sql(INFERIOR)
        .bind(me.0)
        .bind(from.into_bytes())
        .bind(to.into_bytes());
    Ok(tx.db.first(query).await?.is_some())
}

/// Soft-deletes a mailbox and its messages, with one MODSEQ, so that sessions that have it selected are told.
/// Its name is free again.
pub(crate) async fn close(tx: &mut Tx<'_>, mut folder: Folder, at_ms: u64) -> Answer<()> {
    let modseq = folder.step();
    let all = [(1, i64::from(u32::MAX))];
    messages::bury(tx, folder.line.id, all, Flags::NONE, modseq, at_ms).await?;
    let (msgs, bytes) = folder.count_all_out();
    folder.deleted_at = messages::deleted_at(at_ms);
    folder.save(tx).await?;
    tx.db
        .run(
            sql(UNLINK)
                .bind(unlinked(&folder).to_vec())
                .bind(folder.line.id.0),
        )
        .await?;
    count(tx, folder.account, -stored(msgs), -stored(bytes)).await
}

/// The hash in place of a deleted mailbox's name: no name has it, as none begins with a NUL.
fn unlinked(folder: &Folder) -> [u8; 16] {
    let hash = Sha256::new()
        .chain_update([0])
        .chain_update(folder.line.id.0.to_be_bytes())
        .finalize();
    let mut short = [0; 16];
    short.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    short
}

/// What an account can still make.
pub(crate) struct Room {
    mailboxes: u64,
    pub(crate) last_validity: u32,
}

impl Room {
    /// Errors: `NoSuchAccount`.
    pub(crate) async fn of(tx: &mut Tx<'_>, me: AccountId) -> Answer<Self> {
        let row = tx
            .db
            .first(sql(ACCOUNT).bind(me.0))
            .await?
            .ok_or(Refusal::NoSuchAccount)?;
        let last = row.maybe_int(1)?.unwrap_or(0);
        let last_validity =
            u32::try_from(last).map_err(|_| Stop::broken("database: a UIDVALIDITY is none"))?;
        Ok(Self {
            mailboxes: row.count(0)?,
            last_validity,
        })
    }

    /// Whether these new mailboxes can be planted. Errors: `Limit(Mailboxes)`, `Broken` if an id is taken.
    pub(crate) async fn check(&self, tx: &mut Tx<'_>, new: &[&NewMailbox], at_s: i64) -> Answer<()> {
        let validities_left = (u32::MAX - next_validity(self.last_validity, at_s)) as usize;
        if self.mailboxes + new.len() as u64 > MAILBOXES_MAX as u64 || new.len() > validities_left {
            return Err(Refusal::Limit(Budget::Mailboxes).into());
        }
        for (at, mailbox) in new.iter().enumerate() {
            let twice = new.iter().take(at).any(|other| other.id == mailbox.id);
            if twice || tx.db.first(sql(ID_TAKEN).bind(mailbox.id.0)).await?.is_some() {
                return Err(Stop::broken(format!("the mailbox id {} is taken", mailbox.id.0)));
            }
        }
        Ok(())
    }
}

/// Those of the superiors that do not exist, each once.
pub(crate) async fn missing<'a>(
    tx: &mut Tx<'_>,
    me: AccountId,
    superiors: &'a [NewMailbox],
) -> Answer<Vec<&'a NewMailbox>> {
    let mut missing: Vec<&NewMailbox> = Vec::new();
    for new in superiors {
        let twice = missing.iter().any(|other| other.name == new.name);
        if !twice && !Folder::exists(tx, me, &new.name).await? {
            missing.push(new);
        }
    }
    Ok(missing)
}

/// Makes mailboxes, in order, each with the next UIDVALIDITY of the account.
pub(crate) async fn plant(
    tx: &mut Tx<'_>,
    me: AccountId,
    new: impl IntoIterator<Item = &NewMailbox>,
    mut last: u32,
    at_s: i64,
) -> Answer<()> {
    for new in new {
        last = next_validity(last, at_s);
        let query = sql(INSERT)
            .bind(new.id.0)
            .bind(me.0)
            .bind(new.name.as_str().as_bytes().to_vec())
            .bind(new.name.hash().to_vec())
            .bind(i64::from(last))
            .bind(new.special_use.map_or(0, |special| special as i64))
            .bind(new.object_id.to_vec())
            .bind(Vec::<u8>::new());
        let inserted = tx.db.run(query).await;
        inserted.map_err(|stop| {
            if stop.is_taken() {
                Stop::broken(format!("the mailbox id {} is taken", new.id.0))
            } else {
                stop
            }
        })?;
        tx.announce(me, new.id, ModSeq(1));
    }
    if tx
        .db
        .run(sql(SET_VALIDITY).bind(i64::from(last)).bind(me.0))
        .await?
        == 0
    {
        tx.db
            .run(sql(INSERT_VALIDITY).bind(i64::from(last)).bind(me.0))
            .await?;
    }
    Ok(())
}

/// Where messages go: a mailbox, or one in place of it that may have to be made.
pub(crate) struct Instead<'a> {
    /// Its row, as it is or will be.
    pub(crate) folder: Folder,
    /// What is to be made.
    new: Option<(&'a NewMailbox, Room)>,
}

impl From<Folder> for Instead<'_> {
    fn from(folder: Folder) -> Self {
        Self { folder, new: None }
    }
}

impl<'a> Instead<'a> {
    /// Finds it, or sees that it can be made. `of_account`: any mailbox of its account. Errors: `Limit(Mailboxes)`, `Broken` if its id
    /// is taken.
    pub(crate) async fn find(
        tx: &mut Tx<'_>,
        of_account: &Folder,
        new: &'a NewMailbox,
        at_s: i64,
    ) -> Answer<Self> {
        let me = of_account.account;
        if let Some(folder) = Folder::named(tx, me, &new.name).await? {
            return Ok(folder.into());
        }
        let room = Room::of(tx, me).await?;
        room.check(tx, &[new], at_s).await?;
        Ok(Self {
            folder: of_account.beside(new, next_validity(room.last_validity, at_s)),
            new: Some((new, room)),
        })
    }

    /// Makes it if it is to be made, and subscribes to it where there is room.
    pub(crate) async fn make(self, tx: &mut Tx<'_>, at_s: i64) -> Answer<Folder> {
        if let Some((new, room)) = self.new {
            let me = self.folder.account;
            plant(tx, me, [new], room.last_validity, at_s).await?;
            match subscribe(tx, me, &new.name).await {
                Err(Stop::Failure(Failure::Refused(Refusal::Limit(_)))) => {}
                subscribed => drop(subscribed?),
            }
        }
        Ok(self.folder)
    }
}

/// The UIDVALIDITY after `last`: `max(at_s, last + 1)`. A moment that 32 bits do not hold counts for nothing.
fn next_validity(last: u32, at_s: i64) -> u32 {
    last.saturating_add(1).max(u32::try_from(at_s).unwrap_or(0))
}

pub(crate) async fn list_subscriptions(tx: &mut Tx<'_>, me: AccountId) -> Answer {
    let names = tx.db.each(sql(SUBSCRIPTIONS).bind(me.0), |row| {
        let name = String::from_utf8(row.octets(0)?.into())
            .ok()
            .and_then(|name| MailboxName::new(&name).ok());
        name.ok_or_else(|| Stop::broken("database: a subscribed name is none"))
    });
    Ok(Reply::Subscriptions(names.await?))
}

pub(crate) async fn subscribe(tx: &mut Tx<'_>, me: AccountId, name: &MailboxName) -> Answer {
    tx.db
        .first(sql(ACCOUNT_EXISTS).bind(me.0))
        .await?
        .ok_or(Refusal::NoSuchAccount)?;
    let counted = tx
        .db
        .first(sql(COUNT_SUBSCRIPTIONS).bind(name.hash().to_vec()).bind(me.0))
        .await?;
    let counted = counted.ok_or_else(|| Stop::broken("database: COUNT gave no row"))?;
    if counted.count(1)? == 0 {
        if counted.count(0)? >= SUBSCRIPTIONS_MAX as u64 {
            return Err(Refusal::Limit(Budget::Subscriptions).into());
        }
        insert_subscription(tx, me, name).await?;
    }
    Ok(Reply::Subscribed)
}

pub(crate) async fn insert_subscription(tx: &mut Tx<'_>, me: AccountId, name: &MailboxName) -> Answer<()> {
    let query = sql(SUBSCRIBE)
        .bind(me.0)
        .bind(name.hash().to_vec())
        .bind(name.as_str().as_bytes().to_vec());
    tx.db.post(query).await
}

pub(crate) async fn unsubscribe(tx: &mut Tx<'_>, me: AccountId, name: &MailboxName) -> Answer {
    tx.db
        .run(sql(UNSUBSCRIBE).bind(me.0).bind(name.hash().to_vec()))
        .await?;
    Ok(Reply::Unsubscribed)
}

/// The messages of a mailbox move to a new one, keyword list and all (RENAME INBOX).
pub(crate) async fn move_all(tx: &mut Tx<'_>, from: &mut Folder, to: &mut Folder, at_s: i64) -> Answer<()> {
    let all = UidSet::range(1..=u32::MAX);
    let view = view::current(tx, from).await?;
    to.keywords = from.keywords.clone();
    if !view.is_empty() {
        let at_ms = u64::try_from(at_s).unwrap_or(0).saturating_mul(1000);
        let load = copy::Load::new(&view, &all);
        load.transfer(tx, to, from.line.id, at_ms).await?;
        load.bury(tx, from, at_ms).await?;
        from.save(tx).await?;
    }
    to.save(tx).await
}
