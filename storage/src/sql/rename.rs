//! RENAME: of a mailbox with its inferiors, and of INBOX, which stays.

use lightmail_core::store::{AccountId, Budget, MailboxId, MailboxName, NewMailbox, Refusal, Reply};

use super::db::{Answer, sql};
use super::folder::Folder;
use super::tree::{self, Room};
use super::tx::Tx;

const LINK: &str = "UPDATE mailboxes SET name = ?, name_hash = ? WHERE id = ?";

pub(crate) async fn rename_mailbox(
    tx: &mut Tx<'_>,
    me: AccountId,
    from: &MailboxName,
    to: &NewMailbox,
    superiors: &[NewMailbox],
    at_s: i64,
) -> Answer {
    if from.is_inbox() {
        rename_inbox(tx, me, to, superiors, at_s).await
    } else {
        rename(tx, me, from, to, superiors, at_s).await
    }
}

async fn rename(
    tx: &mut Tx<'_>,
    me: AccountId,
    from: &MailboxName,
    to: &NewMailbox,
    superiors: &[NewMailbox],
    at_s: i64,
) -> Answer {
    if to.name.is_below(from) {
        return Err(Refusal::NotPermitted.into());
    }
    let names: Vec<_> = Folder::all(tx, me)
        .await?
        .into_iter()
        .map(|folder| (folder.line.name, folder.line.id))
        .collect();
    let taken = |wanted: &MailboxName| names.iter().any(|(name, _)| name == wanted);
    let moved: Vec<_> = names
        .iter()
        .filter(|(name, _)| name == from || name.is_below(from))
        .collect();
    if moved.is_empty() {
        return Err(Refusal::NoSuchMailbox.into());
    }
    let new_name = |(old, id): &(MailboxName, MailboxId)| old.renamed(from, &to.name).map(|new| (new, *id));
    let all = moved.len();
    let renamed: Vec<_> = moved.into_iter().filter_map(new_name).collect();
    if taken(&to.name) || renamed.iter().any(|(name, _)| taken(name)) {
        return Err(Refusal::AlreadyExists.into());
    }
    if renamed.len() < all {
        return Err(Refusal::Limit(Budget::Mailboxes).into());
    }
    let room = Room::of(tx, me).await?;
    let superiors = tree::missing(tx, me, superiors).await?;
    room.check(tx, &superiors, at_s).await?;
    for (name, id) in renamed {
        let query = sql(LINK)
            .bind(name.as_str().as_bytes().to_vec())
            .bind(name.hash().to_vec())
            .bind(id.0);
        tx.db.run(query).await?;
    }
    if !superiors.is_empty() {
        tree::plant(tx, me, superiors, room.last_validity, at_s).await?;
    }
    Ok(Reply::Renamed)
}

/// INBOX's messages go to a new mailbox; INBOX and its inferiors stay (RFC 3501, 6.3.5).
async fn rename_inbox(
    tx: &mut Tx<'_>,
    me: AccountId,
    to: &NewMailbox,
    superiors: &[NewMailbox],
    at_s: i64,
) -> Answer {
    let mut inbox = Folder::by_name(tx, me, &MailboxName::inbox()).await?;
    let room = Room::of(tx, me).await?;
    if Folder::exists(tx, me, &to.name).await? {
        return Err(Refusal::AlreadyExists.into());
    }
    inbox.check_modseq()?;
    let mut new = tree::missing(tx, me, superiors).await?;
    new.push(to);
    room.check(tx, &new, at_s).await?;
    tree::plant(tx, me, new, room.last_validity, at_s).await?;
    let mut target = Folder::by_id(tx, me, to.id).await?;
    tree::move_all(tx, &mut inbox, &mut target, at_s).await?;
    Ok(Reply::Renamed)
}
