//! APPEND: all messages or none.

use lightmail_core::machine::ObjectKind;
use lightmail_core::store::{
    AccountId, Appended, Flags, MailboxName, NewMailbox, NewMessage, Refusal, Reply, UidSet,
};

use super::db::{Answer, Stop, stored};
use super::folder::{Folder, count};
use super::messages::{self, Draft};
use super::tree::Instead;
use super::tx::Tx;

pub(crate) async fn append(
    tx: &mut Tx<'_>,
    me: AccountId,
    name: &MailboxName,
    instead: Option<&NewMailbox>,
    new: &[NewMessage],
    at_ms: u64,
) -> Answer {
    let at_s = messages::seconds(at_ms);
    let mut to = match instead {
        None => Instead::from(Folder::by_name(tx, me, name).await?),
        Some(instead) => {
            let inbox = Folder::by_name(tx, me, &MailboxName::inbox()).await?;
            Instead::find(tx, &inbox, instead, at_s).await?
        }
    };
    let drafts = match prepare(&mut to.folder, new, at_ms) {
        Ok(drafts) => drafts,
        Err(refusal) => {
            check_objects(tx, new).await?;
            return Err(refusal.into());
        }
    };
    insert_objects(tx, new, at_ms).await?;
    let mut folder = to.make(tx, at_s).await?;
    let mut uids = UidSet::new();
    let mut bytes = 0;
    for ((draft, flags), new) in drafts.iter().zip(new) {
        let index = new.stored.index.encode();
        uids.insert(draft.insert(tx, &mut folder, *flags, index).await?.0);
        bytes += u64::from(draft.size);
    }
    if !uids.is_empty() {
        folder.save(tx).await?;
        count(tx, me, stored(drafts.len() as u64), stored(bytes)).await?;
    }
    Ok(Reply::Appended(Appended {
        mailbox: folder.line.id,
        uid_validity: folder.line.uid_validity,
        uids,
    }))
}

/// The drafts with their flags; the folder's keyword list has grown by new ones. Nothing has been written.
fn prepare<'a>(
    folder: &mut Folder,
    new: &'a [NewMessage],
    at_ms: u64,
) -> Result<Vec<(Draft<'a>, Flags)>, Refusal> {
    let draft = |new: &'a NewMessage| Draft::new(&new.stored, &[], new.email_id, new.internal_date_s, at_ms);
    let drafts = new.iter().map(draft).collect::<Result<Vec<_>, _>>()?;
    let bytes = drafts.iter().map(|draft| u64::from(draft.size)).sum();
    if !folder.holds(bytes) {
        return Err(Refusal::OverQuota);
    }
    let mut list = folder.keywords.clone();
    let flags = |new: &NewMessage| Ok((new.flags & Flags::SYSTEM) | list.find_or_add_all(&new.keywords)?);
    let flags = new.iter().map(flags).collect::<Result<Vec<_>, Refusal>>()?;
    folder.check_room(new.len())?;
    folder.keywords = list;
    Ok(drafts.into_iter().zip(flags).collect())
}

/// Two messages of one APPEND may have one object; messages of two may not.
async fn insert_objects(tx: &mut Tx<'_>, new: &[NewMessage], at_ms: u64) -> Answer<()> {
    for (at, message) in new.iter().enumerate() {
        let object = message.stored.object;
        if new.iter().take(at).any(|other| other.stored.object == object) {
            messages::refer(tx, object, 1).await?;
        } else {
            let inserted = messages::insert_object(tx, ObjectKind::Email, &message.stored, 1, at_ms).await;
            inserted.map_err(|stop| if stop.is_taken() { taken(message) } else { stop })?;
        }
    }
    Ok(())
}

async fn check_objects(tx: &mut Tx<'_>, new: &[NewMessage]) -> Answer<()> {
    for message in new {
        if messages::object(tx, message.stored.object).await?.is_some() {
            return Err(taken(message));
        }
    }
    Ok(())
}

fn taken(message: &NewMessage) -> Stop {
    Stop::broken(format!("object {} has a row already", message.stored.object))
}
