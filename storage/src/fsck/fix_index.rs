//! Rows that are made anew from a body: a message's index, and the row of the body itself.

use lightmail_core::machine::ObjectKind;
use lightmail_core::mime::{Limits, Scanner};
use lightmail_core::store::ObjectId;
use std::sync::Arc;

use super::fix::Bench;
use crate::objects::reader::ObjectReader;
use crate::sql::db::{Answer, Columns, sql, stored};
use crate::sql::short::lock_mailbox;
use crate::sql::tx::Tx;

const MESSAGE: &str = "SELECT m.object_id, m.size, o.size, o.sha256 FROM messages m JOIN object_keys o \
     ON o.id = m.object_id WHERE m.mailbox_id = ? AND m.uid = ?";
const IS_THERE: &str = "SELECT 1 FROM messages m WHERE m.mailbox_id = ? AND m.uid = ? AND NOT EXISTS \
     (SELECT 1 FROM message_index i WHERE i.mailbox_id = m.mailbox_id AND i.uid = m.uid)";
const INSERT_INDEX: &str =
    "INSERT INTO message_index (mailbox_id, uid, head, sha256, cache) VALUES (?, ?, ?, ?, ?)";

/// With whether the body has a row by now: another message with it may have had it made.
const UNNAMED: &str = "SELECT m.object_id, m.size - LENGTH(i.head), i.sha256, \
     (SELECT COUNT(*) FROM object_keys o WHERE o.id = m.object_id) FROM messages m JOIN message_index i \
     ON i.mailbox_id = m.mailbox_id AND i.uid = m.uid WHERE m.mailbox_id = ? AND m.uid = ?";
const INSERT_OBJECT: &str = "INSERT INTO object_keys (id, kind, size, sha256, refs, created_at) \
     SELECT ?, 1, ?, ?, COUNT(*), ? FROM messages WHERE object_id = ?";

/// Makes the index of a message from its body. The trace fields that stood in front of it are lost: a field of the same
/// length takes their place, as a message never changes its size.
pub(super) async fn make_index(bench: &mut Bench<'_>, mailbox: i64, uid: i64) -> Answer<bool> {
    let find = async |tx: &mut Tx<'_>| {
        let row = tx.db.first(sql(MESSAGE).bind(mailbox).bind(uid)).await?;
        row.map(|row| {
            let object = ObjectId(row.array(0)?);
            Ok((object, row.count(1)?, row.count(2)?, row.octets(3)?))
        })
        .transpose()
    };
    let Some((object, size, stored_size, sha256)) =
        bench.inner.read_within(super::LIMIT, "fsck", find).await?
    else {
        return Ok(false);
    };
    let Some(head) = size.checked_sub(stored_size).and_then(filler) else {
        return Ok(false);
    };
    let mut scanner = Scanner::new(Limits::default());
    let mut reader = ObjectReader::new(Arc::clone(bench.inner), object, 0..stored_size, None);
    while let Some(piece) = reader.next().await {
        scanner.push(&piece?);
    }
    let cache = scanner.finish().encode();
    let insert = async |tx: &mut Tx<'_>| {
        lock_mailbox(tx, mailbox).await?;
        if tx
            .db
            .first(sql(IS_THERE).bind(mailbox).bind(uid))
            .await?
            .is_none()
        {
            return Ok(false);
        }
        let insert = sql(INSERT_INDEX).bind(mailbox).bind(uid).bind(head.clone());
        tx.db
            .run(insert.bind(sha256.to_vec()).bind(cache.to_vec()))
            .await?;
        Ok(true)
    };
    bench.short.run(insert).await
}

/// Makes the row of a body that messages name, if the body is what their index says.
pub(super) async fn restore_object(bench: &mut Bench<'_>, mailbox: i64, uid: i64) -> Answer<bool> {
    let find = async |tx: &mut Tx<'_>| {
        let row = tx.db.first(sql(UNNAMED).bind(mailbox).bind(uid)).await?;
        row.map(|row| {
            Ok((
                ObjectId(row.array(0)?),
                row.count(1)?,
                row.array::<32>(2)?,
                row.int(3)? > 0,
            ))
        })
        .transpose()
    };
    let Some((object, size, sha256, is_named)) = bench.inner.read_within(super::LIMIT, "fsck", find).await?
    else {
        return Ok(false);
    };
    if is_named {
        return Ok(true);
    }
    let kind = ObjectKind::Email;
    let there = bench.inner.objects.stat(kind, object).await?;
    if there.map(|there| there.size) != Some(size)
        || bench.inner.objects.hash(kind, object, size).await? != sha256
    {
        return Ok(false);
    }
    let at_ms = bench.at_ms;
    let insert = async |tx: &mut Tx<'_>| {
        let insert = sql(INSERT_OBJECT)
            .bind(object.0.to_vec())
            .bind(stored(size))
            .bind(sha256.to_vec())
            .bind(stored(at_ms))
            .bind(object.0.to_vec());
        match tx.db.run(insert).await {
            Err(stop) if !stop.is_taken() => Err(stop),
            _ => Ok(true),
        }
    };
    bench.short.run(insert).await
}

/// A header of just so many octets that says that another one was lost; `None` if they are too few.
fn filler(octets: u64) -> Option<Vec<u8>> {
    const NAME: &str = "X:";
    const END: &str = "\r\n";
    /// Octets of a line that leaves enough for the next.
    const LINE: usize = 800;
    let mut left = usize::try_from(octets).ok().filter(|left| *left <= 2000)?;
    let mut head = String::new();
    while left > 0 {
        let line = if left > LINE + 100 { LINE } else { left };
        let fill = line.checked_sub(NAME.len() + END.len())?;
        let text = " the trace fields of this message were lost";
        head += NAME;
        head.extend(text.chars().chain(std::iter::repeat('.')).take(fill));
        head += END;
        left -= line;
    }
    Some(head.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filler_has_its_length_and_short_lines() {
        for octets in [0, 4, 5, 19, 60, 899, 900, 901, 1_700, 2_000] {
            let head = String::from_utf8(filler(octets).unwrap()).unwrap();
            assert_eq!(head.len() as u64, octets);
            assert!(
                head.split_terminator("\r\n")
                    .all(|line| line.len() <= 998 && line.starts_with("X:"))
            );
            assert_eq!(head.is_empty(), octets == 0);
        }
        for octets in [1, 2, 3, 2_001] {
            assert_eq!(filler(octets), None);
        }
    }
}
