//! Import: messages from elsewhere, each once. Their keys lie among those of deliveries and never grow old.

use lightmail_core::machine::ObjectKind;
use lightmail_core::store::{
    Delivered, DeliveryKey, Flags, Import, Keywords, MailboxId, NewMessage, Refusal, Reply,
};

use super::db::{Answer, Columns, Stop, sql, stored};
use super::deliver::{delivered_before, forget, insert_key};
use super::folder::{Folder, count};
use super::messages::{self, Draft};
use super::tx::Tx;
use super::undelete::check_account;

/// What is there already of a message's key and of its object.
const LOOK: &str = "SELECT (SELECT d.uid FROM deliveries d WHERE d.k = ?), (SELECT o.refs FROM object_keys o WHERE o.id = ?)";

const FORGET: &str = "DELETE FROM deliveries WHERE at = ? AND mailbox_id = ?";

/// What stands for the moment at which an import's key was used: later than all moments, so that it never grows old, and one for each
/// mailbox, so that an index finds the keys that go with a mailbox.
fn for_ever(mailbox: MailboxId) -> u64 {
    const LATEST: u64 = 1 << 62;
    LATEST | (mailbox.0.unsigned_abs() & (LATEST - 1))
}

/// Forgets the keys of imports into a mailbox that goes for good.
pub(super) async fn forget_all(tx: &mut Tx<'_>, mailbox: MailboxId) -> Answer<()> {
    let query = sql(FORGET).bind(stored(for_ever(mailbox))).bind(mailbox.0);
    tx.db.run(query).await.map(drop)
}

pub(crate) async fn find(tx: &mut Tx<'_>, keys: &[DeliveryKey]) -> Answer {
    let mut known = Vec::with_capacity(keys.len());
    for key in keys {
        known.push(delivered_before(tx, key).await?.is_some());
    }
    Ok(Reply::ImportedFound(known))
}

pub(crate) async fn import(tx: &mut Tx<'_>, import: &Import) -> Answer {
    check_account(tx, import.account).await?;
    let mut into = Into {
        folder: Folder::by_name(tx, import.account, &import.mailbox).await?,
        import,
        msgs: 0,
        bytes: 0,
    };
    let mut before = Vec::with_capacity(import.messages.len());
    for (at, (key, new)) in import.messages.iter().enumerate() {
        before.push(look(tx, import, at, key, new).await?);
    }
    let mut answers: Vec<Result<Delivered, Refusal>> = Vec::with_capacity(before.len());
    for ((key, new), before) in import.messages.iter().zip(before) {
        // A key may come twice.
        let mut earlier = import
            .messages
            .iter()
            .zip(&answers)
            .filter(|((other, _), _)| other == key);
        let earlier = earlier.find_map(|(_, answer)| answer.ok());
        let earlier = earlier.map(|delivered| Delivered {
            repeated: true,
            ..delivered
        });
        answers.push(match before.or(earlier) {
            Some(delivered) => Ok(delivered),
            None => into.take(tx, key, new).await?,
        });
    }
    if into.msgs > 0 {
        into.folder.save(tx).await?;
        count(tx, import.account, into.msgs, stored(into.bytes)).await?;
    }
    Ok(Reply::Imported(answers))
}

/// What a key has brought. Errors: `Broken` if it has brought nothing and the object is another message's.
async fn look(
    tx: &mut Tx<'_>,
    import: &Import,
    at: usize,
    key: &DeliveryKey,
    new: &NewMessage,
) -> Answer<Option<Delivered>> {
    let object = new.stored.object;
    let query = sql(LOOK).bind(key.0.to_vec()).bind(object.0.to_vec());
    let row = tx.db.first(query).await?;
    let row = row.ok_or_else(|| Stop::broken("database: a row of two questions is missing"))?;
    if row.maybe_int(0)?.is_some() {
        if let Some(delivered) = delivered_before(tx, key).await? {
            return Ok(Some(delivered));
        }
        // What it brought went with its mailbox, for good.
        forget(tx, key).await?;
    }
    let others = import.messages.iter().take(at);
    let twice = others
        .map(|(_, other)| other.stored.object)
        .any(|other| other == object);
    match twice || row.maybe_int(1)?.is_some() {
        true => Err(Stop::broken(format!("object {object} has a row already"))),
        false => Ok(None),
    }
}

/// A mailbox that takes messages in.
struct Into<'a> {
    import: &'a Import,
    folder: Folder,
    msgs: i64,
    bytes: u64,
}

impl Into<'_> {
    async fn take(
        &mut self,
        tx: &mut Tx<'_>,
        key: &DeliveryKey,
        new: &NewMessage,
    ) -> Answer<Result<Delivered, Refusal>> {
        let at_ms = self.import.at_ms;
        let draft = Draft::new(&new.stored, &[], new.email_id, new.internal_date_s, at_ms);
        let (draft, flags, keywords) = match draft.and_then(|draft| self.admit(draft, new)) {
            Ok(admitted) => admitted,
            Err(refusal) => return Ok(Err(refusal)),
        };
        self.folder.keywords = keywords;
        self.msgs += 1;
        self.bytes += u64::from(draft.size);
        let index = new.stored.index.encode();
        messages::post_object(tx, ObjectKind::Email, &new.stored, 1, at_ms).await?;
        let mailbox = self.folder.line.id;
        let uid = draft.insert(tx, &mut self.folder, flags, index).await?;
        tx.db
            .post(insert_key(key, mailbox, uid, for_ever(mailbox)))
            .await?;
        Ok(Ok(Delivered {
            uid_validity: self.folder.line.uid_validity,
            uid,
            repeated: false,
        }))
    }

    /// The message with its flags, and the mailbox's keywords as they are with them. Nothing is changed.
    fn admit<'d>(&self, draft: Draft<'d>, new: &NewMessage) -> Result<(Draft<'d>, Flags, Keywords), Refusal> {
        let bytes = self.bytes + u64::from(draft.size);
        if !self.import.ignore_quota && !self.folder.holds(bytes) {
            return Err(Refusal::OverQuota);
        }
        let mut list = self.folder.keywords.clone();
        let flags = (new.flags & Flags::SYSTEM) | list.find_or_add_all(&new.keywords)?;
        self.folder.check_room(1)?;
        Ok((draft, flags, list))
    }
}
